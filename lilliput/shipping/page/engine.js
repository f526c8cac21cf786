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

const SIGNS = { "×": "*", "·": "*", "÷": "/", "−": "-" };
const SUM = /^\s*(-?\d{1,18}(?:\.\d{1,18})?)\s*([-+*/])\s*(-?\d{1,18}(?:\.\d{1,18})?)\s*=?\s*$/;

/** A sum as people type it, in the form that is asked and shown: `12 * 3`. */
function readSum(typed) {
  const match = typed.replace(/[×·÷−]/g, (sign) => SIGNS[sign]).match(SUM);
  if (!match) throw new Error("write a sum of two whole numbers, such as 12 + 24");
  const plain = (n) => n.replace(/\.0+$/, "").replace(/^(-?)0+(?=\d)/, "$1").replace(/^-0$/, "0");
  const left = plain(match[1]), right = plain(match[3]);
  if (match[2] === "/" && right === "0")
    throw new Error(`${typed} has no answer: division by zero; divide by another`);
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right))
    throw new Error(`${typed} has an operand that is no whole number of 0 or more`);
  return `${left} ${match[2]} ${right}`;
}

/** Characters of the longest answer of an operation, end mark included (tasks.formats). */
function longestAnswer({ digits, decimals }, format, operation) {
  const divides = operation === "/", times = operation === "*", point = decimals > 0;
  if (format === "lines") return 2; // of one character
  if (format === "worked") {
    const lines = divides ? 11 * (digits + decimals) : times ? 10 * digits : operation === "-" ? 4 : 2;
    return (6 * digits + 3) * lines + 8 * digits + decimals + 3;
  }
  const whole = times ? 2 * digits : digits + !divides;
  if (format === "padded") return whole + divides * decimals + 1;
  if (format === "reversed") return whole + divides * (decimals + point) + 1;
  return 1 + whole + decimals + point + 1;
}

const SHOWN = 30; // characters of an answer that is no number

function notRead(written) {
  const all = [...written], shown = all.slice(0, SHOWN).join("").replace(/[\0-\x1f\x7f]/g, "?");
  return `'${shown}${all.length > SHOWN ? "…" : ""}' (cannot be read as a number)`;
}

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

  /** Reads a prompt on from nothing; how many pieces it has.
   * least: pieces that there must be room for behind them. */
  read(prompt, least = 0) {
    const bytes = this.putText(prompt, this.text), c = this.c;
    const count = c.lp_encode(this.model, this.text, bytes.length, this.pieces, this.word);
    if (count < 0) {
      const rest = bytes.slice(this.view().getInt32(this.word, true));
      throw new Error(`this model does not know “${[...new TextDecoder().decode(rest)][0]}”`);
    }
    c.lp_restart(this.model, this.state);
    const start = this.fields.starts_with_end;
    if (least && this.fields.context - count - start < least)
      throw new Error(`${this.asked} is too long for this model, which reads ${this.fields.context} characters, question and answer together; ask something shorter`);
    if ((start && c.lp_read(this.model, this.state, END)) ||
        c.lp_read_all(this.model, this.state, this.pieces, count))
      throw new Error("the text is longer than this model's window; shorten it");
    return count + start;
  }

  /** Pieces that there is room for behind `count` others. */
  left(count, most) {
    return this.fields.family ? most : Math.min(most, this.fields.context - count);
  }

  /** How the next pieces are drawn (specs/sampling.py). */
  sample({ temperature = 0, topK = 0, topP = 1, minP = 0, seed = 0n }) {
    if (!(temperature >= 0 && temperature < Infinity)) throw new Error("temperature must be 0 or more");
    if (!(topK >= 0)) throw new Error("top-k must be 0 (all) or more");
    if (!(topP > 0 && topP <= 1)) throw new Error("top-p must be above 0 and at most 1 (all)");
    if (!(minP >= 0 && minP < 1)) throw new Error("min-p must be from 0 (all) to below 1");
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

  /** The answer to a question, as “36.00”. `asked` is then the question as it was read, and
   * `counts` says whether the exam would take the answer: the model ended it, and it is a number as
   * the format writes it. */
  ask(question) {
    let prompt = question + "\t", operation = 0;
    this.putText(question + "\0", this.pieces);
    this.asked = question;
    if (this.format !== "lines") {
      this.asked = readSum(question);
      this.putText(this.asked + "\0", this.pieces);
      const size = this.c.lp_prompt(this.model, this.pieces, this.text, LONGEST, this.word);
      if (size < 0) throw new Error("write a sum of two whole numbers, such as 12 + 24");
      prompt = this.got(this.text, size);
      operation = this.view().getUint8(this.word);
    }
    this.sample({});
    const least = longestAnswer(this.fields, this.format, String.fromCharCode(operation));
    // Question and answer together, of every family: where `calc` stops.
    const room = this.fields.context - this.read(prompt, least);
    const count = this.write(Math.min(room, LONGEST, this.fields.longest_answer || room));
    let written = "", n = 0;
    for (; n < count && this.piece(n) !== END; n++) written += this.spell(this.piece(n));
    this.counts = n < count;
    if (!operation) return written;
    const { length } = this.putText(written, this.pieces);
    const size = this.c.lp_answer(this.model, operation, this.pieces, length, this.text, LONGEST);
    if (size >= 0) return this.got(this.text, size);
    this.counts = false;
    return notRead(written);
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
