// Bytes that stand in a page as text, two a character, packed by zlib. Knows no page: runs in node too.

/** text, size: as `element` of wasm.py writes them. Rejects where the bytes are not those that were packed. */
async function unpack(text, size) {
  const plain = text.replace(/\ue000([^])/g, (_, next) => String.fromCharCode(next.charCodeAt(0) ^ 0x8000));
  const pairs = Uint16Array.from({ length: plain.length }, (_, n) => plain.charCodeAt(n));
  const packed = new Blob([new Uint8Array(pairs.buffer, 0, size)]);
  const bytes = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}
