// Score against size, a family a colour; every mark opens its model.
import { chart, legend, line, mark, svg } from "./chart.js";
import { load, marked, number, page, remember, short, size, tabs } from "./common.js";
import { element } from "./parts.js";

const $ = (id) => document.getElementById(id);
const SHAPES = { unseen: "circle", all: "circle", validation: "square", typical: "diamond" };
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
    const parts = [];
    if (!group.bits) {
      parts.push(line([[axes.x.low, group.mark], [axes.x.high, group.mark]], at, { class: "pass" }));
      parts.push(svg("text", { x: at.x(axes.x.high) - 4, y: at.y(group.mark) - 6, "text-anchor": "end" }, `pass mark ${Math.round(100 * group.mark)} %`));
    }
    for (const family of families) {
      const best = models.filter((one) => one.family === family && one.frontier);
      if (best.length > 1) parts.push(line(best.map((one) => [one.parameters, y(one.score.value)]), at, { class: `curve f${families.indexOf(family) % 6}` }));
    }
    return [...parts, ...models.map((one) => point(one, at, y, kind(one), models.length <= 12))];
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

function point(one, at, y, kind, named) {
  const x = at.x(one.parameters), here = at.y(y(one.score.value));
  const left = x + 8 * short(one.name).length > at.width; // then its name stands to the left
  const group = one.weights ? svg("a", { href: address(one), "aria-label": words(one) }) : svg("g", { tabindex: 0, role: "img", "aria-label": words(one) });
  group.append(
    svg("circle", { cx: x, cy: here, r: 16, class: "near" }),
    svg("line", { x1: x, x2: x, y1: at.y(y(one.score.low)), y2: at.y(y(one.score.high)), class: `interval ${kind}` }),
    mark(SHAPES[one.on], x, here, { class: kind }),
  );
  if (named) group.append(svg("text", { x: x + (left ? -11 : 11), y: here + (here < 40 ? 18 : -9), "text-anchor": left ? "end" : "start", class: "name" }, short(one.name)));
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
