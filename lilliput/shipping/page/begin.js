// Unpacks what the page holds, and runs it; unpack.js stands before this. Both stand before what
// they unpack, so that half a page says so, and are written so that older browsers can read them.

document.addEventListener("DOMContentLoaded", async () => {
  const say = (trouble) => { document.getElementById("trouble").textContent = trouble; };
  if (!window.DecompressionStream)
    return say("This page needs a newer browser: Chrome or Edge 80, Firefox 113, Safari 16.4, or later ones.");
  const bytes = (id) => {
    const { textContent, dataset } = document.getElementById(id);
    return unpack(textContent, Number(dataset.size));
  };
  const address = (script) => URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  let parts;
  try {
    parts = await Promise.all(["page", "worker", "wasm", "weights"].map(bytes));
  } catch {
    return say("This page is damaged; download it again.");
  }
  const [page, worker, wasm, weights] = parts;
  try {
    const { begin } = await import(address(page));
    await begin(new Worker(address(worker)), wasm, weights);
  } catch (error) {
    say(error.message);
  }
});
