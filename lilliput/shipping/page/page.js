// One model on one page, which holds all that it needs; parts.js stands before this.

export async function begin(worker, wasm, weights) {
  const model = await Model.open(document.title, worker, wasm, weights);
  if (model.format === "stories") teller([model]);
  else calculator([model], remarks(document.querySelector("main").dataset));
}

/** What is said beside an answer: that an operand is in none of the ranges that were learned. */
function remarks({ learned, otherwise }) {
  const ranges = JSON.parse(learned ?? "[]");
  const inside = (n) => ranges.some(([low, high]) => low <= Number(n) && Number(n) <= high);
  return (question) => !learned || question.match(/\d+/g).every(inside) ? null : { text: otherwise, kind: "" };
}
