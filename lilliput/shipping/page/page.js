// One model on one page, which holds all that it needs; parts.js stands before this.

const bytes = (id) => Uint8Array.from(atob($(id).textContent.trim()), (c) => c.charCodeAt(0));
const source = [$("engine-js").textContent, $("worker-js").textContent].join("\n");
const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));

try {
  const model = await Model.open(document.title, worker, bytes("wasm"), bytes("weights"));
  (model.format === "stories" ? teller : calculator)([model]);
} catch (error) {
  say(error.message);
}
