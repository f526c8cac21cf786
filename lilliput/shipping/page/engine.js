// The engine's WebAssembly as objects: a model that answers and tells. Knows no page; runs in a
// worker, and in node for checks.
"use strict";

const END = 0;
const LONGEST = 4096; // bytes of a text that is passed on
const FORMATS = ["plain", "reversed", "padded", "worked", "lines", "stories"];
const FIELDS = (
  "family kind context characters merges layers loops width heads kv_heads hidden embedding state" +
  " rank activation layer_norm bias tied rotary positions places attention convolution format" +
  " reverse digits decimals operations starts_with_end longest_answer"
).split(" ");

class Engine {
  /** wasm: bytes of engine.wasm; weights: bytes of a flat weight file. */
  constructor(wasm, weights) {
    const module = new WebAssembly.Module(wasm);
    this.c = new WebAssembly.Instance(module, {}).exports;
    this.c._initialize?.();
    this.top = this.c.__heap_base.value;
    const file = this.put(weights);
    this.model = this.room(this.c.lp_model_size());
    const error = this.c.lp_open(file, weights.length, this.model);
    if (error) throw new Error("the weights are damaged");
    const view = this.view();
    this.fields = {};
    FIELDS.forEach((name, n) => (this.fields[name] = view.getInt32(file + 20 + 4 * n, true)));
    this.format = FORMATS[this.fields.format];
    const size = this.c.lp_room(this.model), state = this.room(8);
    this.c.lp_begin(this.model, this.room(size), size, state);
    this.state = this.view().getUint32(state, true);
    this.text = this.room(LONGEST);
    this.pieces = this.room(2 * LONGEST);
    this.sorted = this.room(4 * this.c.lp_vocabulary_size(this.model));
    this.how = this.room(16);
    this.seed = this.room(8);
    this.word = this.room(4);
  }

  view() {
    return new DataView(this.c.memory.buffer);
  }

  room(size) {
    const start = (this.top + 63) & ~63;
    this.top = start + size;
    const more = this.top - this.c.memory.buffer.byteLength;
    if (more > 0) this.c.memory.grow(Math.ceil(more / 65536));
    return start;
  }

  put(bytes, at = this.room(bytes.length)) {
    new Uint8Array(this.c.memory.buffer).set(bytes, at);
    return at;
  }

  /** A text's bytes, put where there is room for LONGEST of them. */
  putText(text, at) {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length >= LONGEST) throw new Error("the text is too long");
    this.put(bytes, at);
    return bytes;
  }

  got(at, size) {
    return new TextDecoder().decode(new Uint8Array(this.c.memory.buffer, at, size));
  }

  /** Reads a prompt on from nothing; how many pieces it has. */
  read(prompt) {
    const bytes = this.putText(prompt, this.text), c = this.c;
    const count = c.lp_encode(this.model, this.text, bytes.length, this.pieces, this.word);
    if (count < 0) {
      const rest = bytes.slice(this.view().getInt32(this.word, true));
      throw new Error(`this model does not know “${[...new TextDecoder().decode(rest)][0]}”`);
    }
    c.lp_restart(this.model, this.state);
    const start = this.fields.starts_with_end;
    if ((start && c.lp_read(this.model, this.state, END)) ||
        c.lp_read_all(this.model, this.state, this.pieces, count))
      throw new Error("the text is longer than this model's window; shorten it");
    return count + start;
  }

  /** Pieces that there is room for behind `count` others. */
  left(count, most) {
    return this.fields.family ? most : Math.min(most, this.fields.context - count);
  }

  sample({ temperature = 0, topK = 0, topP = 1, minP = 0, seed = 0n }) {
    const view = this.view();
    view.setFloat32(this.how, temperature, true);
    view.setInt32(this.how + 4, topK, true);
    view.setFloat32(this.how + 8, topP, true);
    view.setFloat32(this.how + 12, minP, true);
    view.setBigUint64(this.seed, BigInt(seed), true);
  }

  write(most) {
    return this.c.lp_write(this.model, this.state, this.how, this.seed, most, this.pieces, this.sorted);
  }

  piece(n) {
    return this.view().getUint16(this.pieces + 2 * n, true);
  }

  spell(piece) {
    return this.got(this.text, this.c.lp_decode(this.model, piece, this.text, LONGEST));
  }

  /** The answer to a question, as “36.00”; `counts` then says whether the exam would take it:
   * the model ended it, and it is a number as the format writes it. */
  ask(question) {
    let prompt = question + "\t", operation = 0;
    if (this.format !== "lines") {
      this.putText(question + "\0", this.pieces);
      const size = this.c.lp_prompt(this.model, this.pieces, this.text, LONGEST, this.word);
      if (size < 0) throw new Error("write a sum of two whole numbers, such as 12 + 24");
      prompt = this.got(this.text, size);
      operation = this.view().getUint8(this.word);
    }
    this.sample({});
    const count = this.write(this.left(this.read(prompt), this.fields.longest_answer || LONGEST));
    let written = "", n = 0;
    for (; n < count && this.piece(n) !== END; n++) written += this.spell(this.piece(n));
    this.counts = n < count;
    if (!operation) return written;
    const { length } = this.putText(written, this.pieces);
    const size = this.c.lp_answer(this.model, operation, this.pieces, length, this.text, LONGEST);
    if (size >= 0) return this.got(this.text, size);
    this.counts = false;
    return written;
  }

  /** What comes after a prompt, a piece at a time. */
  *tell(prompt, how = {}, most = 1000) {
    const left = this.left(this.read(prompt), most);
    this.sample(how);
    for (let n = 0; n < left; n++) {
      this.write(1);
      const piece = this.piece(0);
      if (piece === END) return;
      yield this.spell(piece);
      if (this.c.lp_read(this.model, this.state, piece)) return;
    }
  }
}
