// Trainings as they go: curves that grow with what the server tells.
import { chart, legend, line, mark } from "./chart.js";
import { number } from "./common.js";
import { element } from "./parts.js";

const $ = (id) => document.getElementById(id);
const runs = new Map();
const events = new EventSource("events");

events.onmessage = ({ data }) => {
  const news = JSON.parse(data);
  let run = runs.get(news.name);
  if (!run) runs.set(news.name, (run = new Run(news.name)));
  run.take(news);
  sort();
  state();
};
events.addEventListener("told", state);
events.onopen = state;
events.onerror = () => { $("state").textContent = "The server does not answer; trying again …"; };

function state() {
  const going = [...runs.values()].filter(({ news }) => !news.finished).length;
  const words = `${runs.size} run${runs.size === 1 ? "" : "s"}, ${going} not finished`;
  const told = runs.size ? words : "No run here yet; `lilliput train gpt` in this folder makes one.";
  if ($("state").textContent !== told) $("state").textContent = told;
}

/** Those that go on first, the latest heard first. */
function sort() {
  const order = [...runs.values()].sort((a, b) => a.news.finished - b.news.finished || (b.news.finished ? b.news.heard - a.news.heard : a.news.name.localeCompare(b.news.name)));
  order.forEach(({ card }, n) => { if ($("runs").children[n] !== card) $("runs").insertBefore(card, $("runs").children[n] ?? null); });
}

class Run {
  constructor(name) {
    this.points = new Map();
    this.card = element("section", "", { class: "card run", "aria-label": name });
    this.facts = element("p", "", { class: "note" });
    this.progress = element("progress", "", { max: 1, value: 0, "aria-label": `steps of ${name}` });
    this.charts = element("div", "", { class: "curves" });
    this.card.append(element("h2", name), this.facts, this.progress, this.charts);
  }

  take(news) {
    this.news = news;
    if (news.anew) this.points.clear();
    for (const [step, ...values] of news.points) this.points.set(step, values);
    const points = [...this.points].sort(([a], [b]) => a - b).map(([step, values]) => [step, ...values]);
    const [last, training, validation] = points.at(-1) ?? [0];
    const heard = new Date(1000 * news.heard).toLocaleTimeString();
    const where = news.finished ? `finished: ${number(news.steps)} step${news.steps === 1 ? "" : "s"}` : `step ${number(last)} of ${number(news.steps)}, last heard at ${heard}`;
    const figures = !points.length ? "" : news.bits
      ? `; ${training.toFixed(3)} bits per character in training, ${validation.toFixed(3)} on validation`
      : `; loss ${training.toFixed(4)} nats, validation ${(100 * validation).toFixed(1)} %`;
    this.facts.textContent = `${news.family} ${news.shape}, ${where}${figures}`;
    this.progress.value = news.finished ? 1 : last / news.steps;
    if (points.length) this.draw(points, news);
  }

  draw(points, { bits, steps }) {
    const x = { low: 0, high: steps, title: "step" };
    const train = points.map(([step, value]) => [step, value]), valid = points.map(([step, , value]) => [step, value]);
    if (bits) {
      this.curve(0, x, "bits per character", [["training", "f0", train], ["validation", "f1", valid]]);
      return;
    }
    this.curve(0, x, "validation score", [["validation", "f1", valid]], true);
    this.curve(1, x, "training loss, nats", [["training", "f0", train]]);
  }

  curve(place, x, title, lines, percent = false) {
    let figure = this.charts.children[place];
    if (!figure) {
      figure = element("figure");
      figure.append(element("div"));
      if (lines.length > 1) {
        const keys = element("ul", "", { class: "legend" });
        keys.append(...lines.map(([name, kind]) => legend("circle", kind, name)));
        figure.append(keys);
      }
      this.charts.append(figure);
    }
    const values = lines.flatMap(([, , points]) => points.map(([, value]) => value));
    const y = percent ? { low: 0, high: 1, percent, title } : { low: Math.min(...values), high: Math.max(...values), title };
    if (!percent) {
      const room = (y.high - y.low) * 0.08 || 0.1;
      y.low = Math.max(0, y.low - room);
      y.high += room;
    }
    const label = `${title}: ${lines.map(([name, , points]) => `${name} ${percent ? `${(100 * points.at(-1)[1]).toFixed(1)} %` : points.at(-1)[1].toFixed(3)}`).join(", ")} at step ${number(lines[0][2].at(-1)[0])}`;
    chart(figure.firstChild, 220, { x, y }, label, (at) => lines.flatMap(([, kind, points]) => {
      const [step, value] = points.at(-1);
      return [line(points, at, { class: `curve ${kind}` }), mark("dot", at.x(step), at.y(value), { class: kind })];
    }));
  }
}
