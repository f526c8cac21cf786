// One model on one page: a calculator, or a teller of stories. All text is set as text.
"use strict";

const $ = (id) => document.getElementById(id);
const bytes = (id) => Uint8Array.from(atob($(id).textContent.trim()), (c) => c.charCodeAt(0));
const source = [$("engine-js").textContent, $("worker-js").textContent].join("\n");
const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data }) => waiting.get(data.id)?.(data);

/** Asks the worker; `each` is called with every message of the answer. */
function ask(message, each, transfer = []) {
  const id = ++last;
  waiting.set(id, (data) => {
    if (!("piece" in data)) waiting.delete(id);
    each(data);
  });
  worker.postMessage({ ...message, id }, transfer);
  return id;
}

function say(error) {
  $("trouble").textContent = error ?? "";
}

function calculator() {
  $("calculator").hidden = false;
  const field = $("question");
  let answered = false; // then a key begins a new sum
  $("calculator").onsubmit = (event) => {
    event.preventDefault();
    const question = field.value.trim();
    if (!question) return;
    ask({ verb: "ask", question }, ({ answer, error, milliseconds }) => {
      say(error);
      if (error) return;
      const line = document.createElement("li"), took = document.createElement("small");
      const words = document.createElement("span");
      words.textContent = `${question} = ${answer}`;
      took.textContent = `${milliseconds.toFixed(1)} ms`;
      line.append(words, took);
      $("answers").prepend(line);
      $("said").textContent = words.textContent;
      field.select();
      answered = true;
    });
  };
  for (const key of document.querySelectorAll(".keys button[data-key]"))
    key.onclick = () => {
      const operation = "+-*/".includes(key.dataset.key);
      if (answered) field.value = "";
      answered = false;
      field.value += operation ? ` ${key.dataset.key} ` : key.dataset.key;
    };
  $("clear").onclick = () => { field.value = ""; field.focus(); };
}

function teller() {
  $("teller").hidden = false;
  const out = $("story"), begin = $("begin"), stop = $("stop");
  let telling = 0;
  const over = () => { begin.disabled = false; stop.disabled = true; };
  $("teller").onsubmit = (event) => {
    event.preventDefault();
    const prompt = $("prompt").value, how = { temperature: Number($("temperature").value), seed: Math.max(0, Math.floor(Number($("seed").value) || 0)) };
    begin.disabled = true;
    stop.disabled = false;
    out.textContent = prompt;
    let pieces = 0;
    const started = performance.now();
    telling = ask({ verb: "tell", prompt, how, most: 1000 }, ({ piece, error }) => {
      say(error);
      if (piece !== undefined) { out.textContent += piece; pieces++; return; }
      over();
      const seconds = (performance.now() - started) / 1000;
      if (!error) $("pace").textContent = `${(out.textContent.length - prompt.length).toLocaleString("en")} characters in ${seconds.toFixed(1)} s`;
    });
  };
  stop.onclick = () => worker.postMessage({ verb: "stop", upTo: telling });
  $("temperature").oninput = () => { $("warmth").textContent = $("temperature").value; };
}

const wasm = bytes("wasm"), weights = bytes("weights");
ask({ verb: "open", wasm, weights }, ({ format, error }) => {
  say(error);
  if (error) return;
  (format === "stories" ? teller : calculator)();
});
