// Score against size, a family a colour; every mark opens its model.
import { chart, legend, line, mark, svg } from "./chart.js";
import { load, marked, number, page, remember, short, size, tabs } from "./common.js";
import { element } from "./parts.js";

const $ = (id) => document.getElementById(id);
const SHAPES = { unseen: "circle", all: "circle", validation: "square", typical: "diamond" };
// Beside a mark: how far across and down, and which end of the name is there.
const SPOTS = [[11, -9, "start"], [11, 18, "start"], [-11, -9, "end"], [-11, 18, "end"], [0, -14, "middle"], [0, 23, "middle"]];
const WORDS = {
  unseen: "circle: asked what it had never seen",
  all: "circle: asked all problems, all trained on",
  validation: "square: asked validation only",
  typical: "diamond: typical, the median of fresh seeds",
};

page(async () => {
  const data = await load();
  const families = [...new Set(data.models.map(({ family }) => family))].sort();
  const wanted = new URLSearchParams(location.search).get("task");
  const group = data.groups.find(({ id }) => id === wanted) ?? data.groups.find(({ id }) => data.models.some((one) => one.group === id && one.name === data.first.arithmetic)) ?? data.groups[0];
  if (!group) throw new Error("there is no model here; `lilliput find arithmetic` makes some");
  const show = (id) => draw(data, data.groups.find((one) => one.id === id), families);
  tabs($("groups"), data.groups.map(({ id, words }) => [id, words]), group.id, (id) => { remember({ task: id }); show(id); });
  show(group.id);
});

function draw(data, group, families) {
  const models = data.models.filter((one) => one.group === group.id && one.score);
  const kind = (one) => `f${families.indexOf(one.family) % 6}`;
  const y = (score) => group.bits ? -score : score;
  const sizes = models.map((one) => one.parameters);
  const ends = models.flatMap(({ score }) => [y(score.low), y(score.high)]).filter(Number.isFinite);
  const room = group.bits ? (Math.max(...ends) - Math.min(...ends)) * 0.15 || 0.1 : 0;
  const axes = {
    x: { low: Math.min(...sizes) / 1.6, high: Math.max(...sizes) * 1.6, log: true, title: "parameters" },
    y: group.bits
      ? { low: Math.min(...ends) - room, high: Math.max(...ends) + room, title: "bits per character" }
      : { low: 0, high: 1, title: "score", percent: true },
  };
  chart($("chart"), 380, axes, `Score against size: ${group.words}`, (at) => {
    const parts = [], right = at.x(axes.x.high), place = (one) => [at.x(one.parameters), at.y(y(one.score.value))];
    const taken = models.map(place).map(([x, here]) => [x - 10, here - 10, x + 10, here + 10]);
    if (!group.bits) {
      const words = `pass mark ${Math.round(100 * group.mark)} %`, [x, here] = [right - 4, at.y(group.mark) + 15];
      parts.push(line([[axes.x.low, group.mark], [axes.x.high, group.mark]], at, { class: "pass" }));
      parts.push(svg("text", { x, y: here, "text-anchor": "end" }, words));
      taken.push([x - width(words), here - 11, x, here + 3]);
    }
    const spots = names(models.length <= 12 ? models : [], place, taken, at.x(axes.x.low), right);
    for (const family of families) {
      const best = models.filter((one) => one.family === family && one.frontier);
      if (best.length > 1) parts.push(line(best.map((one) => [one.parameters, y(one.score.value)]), at, { class: `curve f${families.indexOf(family) % 6}` }));
    }
    return [...parts, ...models.map((one) => point(one, at, y, kind(one), spots.get(one)))];
  });
  $("readout").textContent = "Point at a mark, or tab to it, to see which model it is.";
  const here = [...new Set(models.map(({ family }) => family))];
  const shapes = [...new Set(models.map(({ on }) => on))];
  $("legend").replaceChildren(...here.map((family) => legend("circle", `f${families.indexOf(family) % 6}`, family)), ...shapes.map((on) => legend(SHAPES[on], "plain", WORDS[on])));
  $("how").textContent = (group.bits ? "Fewer bits are better. " : "") + "The bars are 95 % intervals. A line joins the models of a family that none of it beats at their size.";
  $("rows").replaceChildren(...data.models.filter((one) => one.group === group.id).map(row));
}

const address = (one) => `model.html?${new URLSearchParams({ name: one.name })}`;

function words(one) {
  const what = one.on === "all" ? "all problems" : one.on;
  return `${short(one.name)}${marked(one)}: ${one.family} ${one.shape}, ${number(one.parameters)} parameters, ${what} ${one.score_words}`;
}

const context = document.createElement("canvas").getContext("2d");

/** Pixels of a name as style.css sets it. */
function width(words) {
  context.font = `12.5px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(words).width;
}

/** Where each name stands beside its mark: over nothing that is `taken`, as [left, top, right,
 * bottom], over no other name, between two places, and nearer to its own mark than to another.
 * One that finds no room is left out. */
function names(models, place, taken, from, to) {
  const found = new Map(), marks = models.map(place);
  for (const one of models) {
    const [x, here] = place(one), wide = width(short(one.name));
    for (const [across, down, anchor] of SPOTS) {
      const left = x + across - wide * { start: 0, middle: 0.5, end: 1 }[anchor], base = here + down;
      const box = [left, base - 11, left + wide, base + 3];
      const free = !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
      if (!free || box[0] < from || box[1] < 0 || box[2] > to) continue;
      const away = ([right, below]) => Math.hypot(right - (box[0] + box[2]) / 2, below - (box[1] + box[3]) / 2);
      if (marks.some((other) => away(other) < away([x, here]))) continue;
      taken.push(box);
      found.set(one, { x: x + across, y: base, "text-anchor": anchor });
      break;
    }
  }
  return found;
}

function point(one, at, y, kind, spot) {
  const x = at.x(one.parameters), here = at.y(y(one.score.value));
  const group = one.weights ? svg("a", { href: address(one), "aria-label": words(one) }) : svg("g", { tabindex: 0, role: "img", "aria-label": words(one) });
  group.append(
    svg("circle", { cx: x, cy: here, r: 16, class: "near" }),
    svg("line", { x1: x, x2: x, y1: at.y(y(one.score.low)), y2: at.y(y(one.score.high)), class: `interval ${kind}` }),
    mark(SHAPES[one.on], x, here, { class: kind }),
  );
  if (spot) group.append(svg("text", { ...spot, class: "name" }, short(one.name)));
  for (const event of ["pointerenter", "focus"]) group.addEventListener(event, () => { $("readout").textContent = words(one); });
  return group;
}

function row(one) {
  const made = element("tr"), head = element("th", "", { scope: "row" });
  head.append(one.weights ? element("a", short(one.name), { href: address(one) }) : short(one.name), marked(one));
  const score = one.score_words && `${one.score_words}${one.on === "unseen" ? "" : one.on === "all" ? " of all, all trained on" : `, ${one.on}`}`;
  made.append(
    head,
    element("td", `${one.family} ${one.shape}`),
    element("td", number(one.parameters), { class: "number" }),
    element("td", size(one.bytes), { class: "number" }),
    element("td", score),
    element("td", one.validation_words),
    element("td", one.format + (one.numbers === "float32" ? "" : `, ${one.numbers}`)),
  );
  return made;
}
