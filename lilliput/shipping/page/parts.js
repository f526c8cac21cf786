// What a page does with models: it opens each in a worker of its own, and asks all of them the same
// by a calculator or a teller of stories. All text is set as text. Knows no page of its own.

const $ = (id) => document.getElementById(id);

/** A model in a worker that `worker` makes; rejects where it cannot be opened. */
export class Model {
  static async open(title, worker, wasm, weights) {
    const model = new Model(title, worker);
    const { format } = await model.ask({ verb: "open", wasm, weights });
    return Object.assign(model, { format });
  }

  constructor(title, worker) {
    Object.assign(this, { title, worker, waiting: new Map(), last: 0 });
    worker.onmessage = ({ data }) => this.waiting.get(data.id)?.(data);
    worker.onerror = () => { for (const each of this.waiting.values()) each({ error: "the engine could not be started" }); };
  }

  /** The worker's answer; `piece` is called with each piece of a story before it. */
  ask(message, piece) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (data) => {
        if ("piece" in data) return piece(data.piece);
        this.waiting.delete(id);
        if (data.error) reject(new Error(data.error));
        else resolve(data);
      });
      this.worker.postMessage({ ...message, id });
    });
  }

  stop() {
    this.worker.postMessage({ verb: "stop", upTo: this.last });
  }

  close() {
    this.worker.terminate();
  }
}

export function say(trouble) {
  $("trouble").textContent = trouble ?? "";
}

export function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A place for each model, under its title where there are several. */
function sides(place, models, fill) {
  place.replaceChildren(...models.map((model) => {
    const side = element("section", "", { "aria-label": model.title });
    if (models.length > 1) side.append(element("h2", model.title));
    side.append(...fill(model));
    return side;
  }));
}

/** The calculator asks `models`; returns what asks them a question from elsewhere on the
 * page, and gives what they say in words.
 *
 * remark(question, answer, model): what is said beside an answer, as {text, kind}, or nothing.
 */
export function calculator(models, remark = () => null) {
  const form = $("calculator"), field = $("question"), lists = new Map();
  let answered = false; // then a key begins a new sum
  form.hidden = false;
  const sums = models.some(({ format }) => format !== "lines"), equals = form.querySelector(".main");
  for (const key of form.querySelectorAll(".keys button")) key.hidden = !sums && key !== equals;
  equals.textContent = sums ? "=" : "Ask";
  equals.setAttribute("aria-label", sums ? "equals" : "Ask");
  form.querySelector("label").textContent = sums ? "A sum" : "A question";
  field.placeholder = sums ? "12 + 24" : "";
  const line = (question, answer) => question + (sums ? " = " : ": ") + answer;
  sides($("answers"), models, (model) => {
    lists.set(model, element("ol", "", { "aria-label": "Answers, the latest first" }));
    return [lists.get(model)];
  });
  async function one(model, question) {
    const { asked, answer, milliseconds } = await model.ask({ verb: "ask", question });
    const said = line(asked, answer), note = remark(asked, answer, model), item = element("li");
    item.append(element("span", said));
    if (note) item.append(element("small", note.text, { class: note.kind }));
    item.append(element("small", `${milliseconds.toFixed(1)} ms`));
    lists.get(model).prepend(item);
    return (models.length > 1 ? `${model.title}: ` : "") + said + (note ? `, ${note.text}` : "");
  }
  async function ask(question) {
    say();
    const said = await Promise.allSettled(models.map((model) => one(model, question)));
    const failed = said.find(({ reason }) => reason);
    if (failed) say(failed.reason.message);
    const words = said.map(({ value }) => value).filter(Boolean).join("; ");
    $("said").textContent = words;
    return failed ? failed.reason.message : words;
  }
  form.onsubmit = async (event) => {
    event.preventDefault();
    const question = field.value.trim();
    if (!question) return;
    await ask(question);
    field.select();
    answered = true;
  };
  field.oninput = () => { answered = false; };
  for (const key of form.querySelectorAll("button[data-key]"))
    key.onclick = () => {
      const sign = key.dataset.key, operation = "+-*/".includes(sign);
      if (answered) field.value = "";
      answered = false;
      field.value = operation ? `${field.value.trimEnd()} ${sign} ` : field.value + sign;
    };
  $("clear").onclick = () => { field.value = ""; field.focus(); };
  return (question) => { field.value = question; answered = true; return ask(question); };
}

const MOST_SEED = 2 ** 53; // of what is larger a number of JavaScript loses digits

/** The teller asks `models` to go on with one beginning. */
export function teller(models) {
  const form = $("teller"), begin = $("begin"), stop = $("stop"), places = new Map();
  form.hidden = false;
  sides($("stories"), models, (model) => {
    // Read out when it is over, not piece by piece.
    const story = element("div", "", { class: "story", "aria-live": "polite" }), pace = element("p", "", { class: "note" });
    places.set(model, { story, pace });
    return [story, pace];
  });
  async function one(model, message) {
    const { story, pace } = places.get(model), started = performance.now();
    pace.textContent = "";
    story.textContent = message.prompt;
    story.setAttribute("aria-busy", "true");
    try {
      await model.ask({ verb: "tell", ...message }, (piece) => { story.append(piece); });
      const took = performance.now() - started;
      const words = took < 1000 ? `${took.toFixed(0)} ms` : `${(took / 1000).toFixed(1)} s`;
      const count = story.textContent.length - message.prompt.length;
      pace.textContent = `${count.toLocaleString("en")} characters in ${words}`;
    } finally {
      story.removeAttribute("aria-busy");
    }
  }
  form.onsubmit = async (event) => {
    event.preventDefault();
    const seed = Math.max(0, Math.floor(Number($("seed").value) || 0));
    if (seed > MOST_SEED) return say("a seed is a whole number of 0 to 9,007,199,254,740,992");
    const message = { prompt: $("prompt").value, how: { temperature: Number($("temperature").value), seed }, most: 1000 };
    // What is disabled loses the focus, and whoever works by keys his place.
    const stays = document.activeElement === begin;
    stop.disabled = false;
    if (stays) stop.focus();
    begin.disabled = true;
    say();
    const told = await Promise.allSettled(models.map((model) => one(model, message)));
    const failed = told.find(({ reason }) => reason);
    if (failed) say(failed.reason.message);
    begin.disabled = false;
    if (document.activeElement === stop) begin.focus();
    stop.disabled = true;
  };
  stop.onclick = () => models.forEach((model) => model.stop());
  $("temperature").oninput = () => { $("warmth").textContent = $("temperature").value; };
}
