// Every problem of a task as a square an operation, asked one after another and painted as it comes.
import { element, say } from "./parts.js";

const $ = (id) => document.getElementById(id);
const SIGNS = { "+": "+", "-": "−", "*": "×", "/": "÷" };
const NAMES = { "+": "Addition", "-": "Subtraction", "*": "Multiplication", "/": "Division" };
const SECTIONS = { s: "seen", v: "validation", u: "unseen", b: "beyond" };
const RIGHT = 1, WRONG = 2;
const SIDE = 400; // pixels of a square, about
const SOON = 40; // milliseconds that a batch of questions may take
const ENOUGH = 30_000; // milliseconds after which it asks whether to go on: a phone has a battery

/** What is said beside an answer of the calculator: whether it is right, and had been seen. */
export function remarks({ squares }) {
  const answers = new Map(squares.map((square) => [square.operation, square]));
  return (question, answer) => {
    const [, left, operation, right] = question.match(/^\s*(\d+)\s*([-+*/])\s*(\d+)\s*$/) ?? [];
    const square = answers.get(operation);
    if (!square) return null;
    const row = square.operands.indexOf(Number(left)), column = square.operands.indexOf(Number(right));
    if (row < 0 || column < 0) return { text: "outside of what it learned", kind: "" };
    const wanted = square.answers[row].split(" ")[column];
    const where = SECTIONS[square.sections[row][column]];
    return answer === wanted ? { text: `right, ${where}`, kind: "right" } : { text: `wrong, ${where}; ${wanted} is right`, kind: "wrong" };
  };
}

export class HeatMaps {
  /** model: asked in the background; ask: puts a question to the calculator. */
  constructor(problems, model, ask) {
    this.model = model;
    this.over = this.paused = this.running = false;
    this.squares = problems.squares.map((square) => new Square(square, ask, () => $("section").value));
    this.total = this.squares.reduce((sum, square) => sum + square.total, 0);
    const here = Object.keys(SECTIONS).filter((letter) => problems.squares.some(({ sections }) => sections.some((row) => row.includes(letter))));
    $("section").replaceChildren(element("option", "all problems", { value: "" }), ...here.map((letter) => element("option", SECTIONS[letter], { value: letter })));
    $("section").onchange = () => this.squares.forEach((square) => square.paint());
    $("held").hidden = !here.includes("b");
    $("squares").replaceChildren(...this.squares.map((square) => square.figure));
    $("score-head").replaceChildren(...["", ...here.map((letter) => SECTIONS[letter])].map((words) => element("th", words, { scope: "col" })));
    this.here = here;
    $("pause").onclick = () => this.pause(!this.paused);
    $("pause").disabled = false;
    $("maps").hidden = false;
    this.pause(false);
  }

  pause(paused) {
    this.paused = paused;
    $("pause").textContent = paused ? "Go on" : "Pause";
    if (paused) return;
    this.since = performance.now();
    // One that waits for its last answers goes on by itself.
    if (!this.running) this.run();
  }

  end() {
    this.over = true;
  }

  async run() {
    this.running = true;
    try {
      let many = 8, last = 0;
      while (!this.over && !this.paused) {
        const batch = [];
        for (let n = 0; n < many; n++)
          for (const square of this.squares) {
            const cell = square.next();
            if (cell !== undefined) batch.push([square, cell]);
          }
        if (!batch.length) break;
        const started = performance.now();
        const { answers } = await this.model.ask({ verb: "answers", questions: batch.map(([square, cell]) => square.question(cell)) });
        if (this.over) return;
        batch.forEach(([square, cell], n) => square.mark(cell, answers[n]));
        const took = performance.now() - started;
        if (performance.now() - this.since > ENOUGH) this.pause(true);
        many = took < SOON / 2 ? many * 2 : took > SOON * 2 ? Math.max(1, many >> 1) : many;
        if (performance.now() - last > 250) {
          this.report();
          last = performance.now();
        }
      }
      this.report();
    } catch (error) {
      say(error.message);
    }
    this.running = false;
  }

  report() {
    const asked = this.squares.reduce((sum, square) => sum + square.asked, 0);
    $("asked").value = asked / this.total;
    $("count").textContent = `${asked.toLocaleString("en")} of ${this.total.toLocaleString("en")}`;
    if (asked === this.total) $("pause").disabled = true;
    $("scores").replaceChildren(...this.squares.map((square) => {
      const row = element("tr");
      row.append(element("th", SIGNS[square.operation], { scope: "row", "aria-label": NAMES[square.operation] }));
      for (const letter of this.here) {
        const [right, total] = square.scores[letter] ?? [0, 0];
        row.append(element("td", total ? `${right.toLocaleString("en")} of ${total.toLocaleString("en")}, ${(100 * right / total).toFixed(1)} %` : ""));
      }
      return row;
    }));
  }
}

/** The numbers below `many` in an order of chance, always the same: so a square can be read, and its
 * scores are those of a sample, long before all of it is asked. */
function shuffled(many) {
  const order = Uint32Array.from({ length: many }, (_, n) => n);
  let state = 1;
  for (let n = many - 1; n > 0; n--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor(state / 2 ** 32 * (n + 1));
    [order[n], order[other]] = [order[other], order[n]];
  }
  return order;
}

/** One operation: its canvas, its marks, and the problem that is pointed at. */
class Square {
  constructor({ operation, operands, sections, answers }, ask, shown) {
    Object.assign(this, { operation, operands, ask, shown });
    this.many = operands.length;
    this.sections = sections.join("");
    this.answers = answers.flatMap((row) => row.split(" "));
    this.marks = new Uint8Array(this.many ** 2);
    this.total = [...this.sections].filter((letter) => letter !== ".").length;
    this.asked = this.place = 0;
    this.scores = {};
    this.order = shuffled(this.marks.length);
    this.cell = Math.max(1, Math.round(SIDE / this.many));
    this.at = 0;
    this.figure = element("figure", "", { class: "map" });
    this.canvas = element("canvas", "", { tabindex: 0, role: "application", "aria-roledescription": "heat map", "aria-describedby": "keys-help" });
    this.canvas.width = this.canvas.height = this.cell * this.many;
    this.canvas.setAttribute("aria-label", `${NAMES[operation]} of ${operands[0]} to ${operands.at(-1)}; arrow keys choose, Enter asks`);
    this.canvas.dataset.operation = operation;
    this.readout = element("output", "", { class: "readout", "aria-live": "polite" });
    const [low, high] = [operands[0], operands.at(-1)];
    const side = element("div", "", { class: "plot" });
    side.append(axis("up", high, "first number", low), this.canvas, axis("along", low, "second number", high));
    this.figure.append(element("figcaption", `${NAMES[operation]} ${SIGNS[operation]}`), side, this.readout);
    this.listen();
    this.paint();
  }

  next() {
    while (this.place < this.marks.length) {
      const cell = this.order[this.place++];
      if (this.sections[cell] !== ".") return cell;
    }
    return undefined;
  }

  numbers(cell) {
    return [this.operands[Math.floor(cell / this.many)], this.operands[cell % this.many]];
  }

  question(cell) {
    const [left, right] = this.numbers(cell);
    return `${left} ${this.operation} ${right}`;
  }

  mark(cell, answer) {
    const right = answer === this.answers[cell];
    this.marks[cell] = right ? RIGHT : WRONG;
    this.asked++;
    const score = (this.scores[this.sections[cell]] ??= [0, 0]);
    score[0] += right;
    score[1]++;
    this.dot(this.canvas.getContext("2d"), cell);
  }

  /** The first number goes up, the second to the right. */
  corner(cell) {
    return [cell % this.many * this.cell, (this.many - 1 - Math.floor(cell / this.many)) * this.cell];
  }

  dot(context, cell) {
    if (!this.marks[cell]) return;
    const section = this.shown();
    context.globalAlpha = section && section !== this.sections[cell] ? 0.12 : 1;
    // Light and dark, so that they differ without colour too.
    context.fillStyle = this.marks[cell] === RIGHT ? "#8cc5e3" : "#b5400a";
    context.fillRect(...this.corner(cell), this.cell, this.cell);
    context.globalAlpha = 1;
    if (this.sections[cell] === "b") this.edge(context, cell);
  }

  /** The border between what is beyond and what is not. */
  edge(context, cell) {
    const [x, y] = this.corner(cell), row = Math.floor(cell / this.many), column = cell % this.many;
    const other = (r, c) => r >= 0 && c >= 0 && r < this.many && c < this.many && !"b.".includes(this.sections[r * this.many + c]);
    // Black within white, which is seen on every colour.
    for (const [colour, thick] of [["#fff", 2], ["#000", 1]]) {
      const end = this.cell - thick;
      context.fillStyle = colour;
      if (other(row, column - 1)) context.fillRect(x, y, thick, this.cell);
      if (other(row, column + 1)) context.fillRect(x + end, y, thick, this.cell);
      if (other(row - 1, column)) context.fillRect(x, y + end, this.cell, thick);
      if (other(row + 1, column)) context.fillRect(x, y, this.cell, thick);
    }
  }

  paint() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (let cell = 0; cell < this.marks.length; cell++) {
      this.dot(context, cell);
      if (!this.marks[cell] && this.sections[cell] === "b") this.edge(context, cell);
    }
  }

  point(cell) {
    this.at = cell;
    const question = this.question(cell).replace(/[-*/]/, (sign) => SIGNS[sign]);
    const section = SECTIONS[this.sections[cell]];
    const state = section ? `${["not asked yet", "right", "wrong"][this.marks[cell]]}, ${section}` : "no answer";
    this.readout.textContent = `${question}: ${state}`;
  }

  async choose(cell) {
    this.point(cell);
    if (this.sections[cell] === ".") return;
    this.readout.textContent = await this.ask(this.question(cell));
  }

  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const place = (share) => Math.min(this.many - 1, Math.max(0, Math.floor(share * this.many)));
    const column = place((event.clientX - box.left) / box.width), row = this.many - 1 - place((event.clientY - box.top) / box.height);
    return row * this.many + column;
  }

  listen() {
    const canvas = this.canvas;
    canvas.onpointermove = (event) => this.point(this.under(event));
    canvas.onclick = (event) => this.choose(this.under(event));
    canvas.onfocus = () => this.point(this.at);
    canvas.onkeydown = (event) => {
      let row = Math.floor(this.at / this.many), column = this.at % this.many;
      const far = event.shiftKey ? 10 : 1;
      if (event.key === "ArrowUp") row += far;
      else if (event.key === "ArrowDown") row -= far;
      else if (event.key === "ArrowRight") column += far;
      else if (event.key === "ArrowLeft") column -= far;
      else if (event.key === "Enter" || event.key === " ") this.choose(this.at);
      else return;
      event.preventDefault();
      const inside = (n) => Math.min(this.many - 1, Math.max(0, n));
      if (event.key.startsWith("Arrow")) this.point(inside(row) * this.many + inside(column));
    };
  }
}

function axis(direction, first, words, last) {
  const made = element("div", "", { class: `axis ${direction}`, "aria-hidden": "true" });
  made.append(...[first, words, last].map((text) => element("span", text)));
  return made;
}
