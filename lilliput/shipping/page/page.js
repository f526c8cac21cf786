// One model on one page, which holds all that it needs; parts.js stands before this.

export async function begin(worker, wasm, weights) {
  const model = await Model.open(document.title, worker, wasm, weights);
  (model.format === "stories" ? teller : calculator)([model]);
}
