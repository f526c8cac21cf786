// Axes, marks and lines as SVG, as wide as their place. Knows no model and no run.
import { element } from "./parts.js";

const SPACE = { left: 62, right: 16, top: 14, bottom: 42 };

export function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** 1, 2, 5, 10, … between two whole numbers, where they are far apart. */
function logTicks(low, high, most) {
  const made = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const factor of [1, 2, 5]) made.push(factor * 10 ** power);
  const inside = made.filter((tick) => tick >= low && tick <= high);
  if (inside.length < 3) return ticks(low, high, most, 1);
  return inside.length > most ? inside.filter((tick) => /^10*$/.test(tick)) : inside;
}

/** Round numbers between two, `least` apart or more, and about `most` of them: two, where there is
 * room for two. */
function ticks(low, high, most, least = 0) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  let step = Math.max(least, [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough));
  while (step > least && Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) < 1) step = Math.max(least, step / 2);
  const made = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) made.push(Number((n * step).toPrecision(12)));
  return made;
}

const brief = (value) => value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`;

/** Draws a chart, and again whenever its place changes its width.
 *
 * axes: {x: {low, high, log, title}, y: {low, high, title, percent}}; draw(at): what stands in it,
 * as SVG elements; at.x and at.y give places of numbers. Along x are whole numbers.
 */
export function chart(place, height, axes, label, draw) {
  place.observer?.disconnect();
  let wide = 0;
  const again = () => {
    const width = Math.floor(place.clientWidth);
    if (!width || width === wide) return;
    wide = width;
    const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const drawing = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label });
    const at = { x: scale(axes.x, SPACE.left, width - SPACE.right), y: scale(axes.y, height - SPACE.bottom, SPACE.top), width };
    drawing.append(...frame(axes, at, width, height), ...draw(at));
    place.replaceChildren(drawing);
    if (focused) drawing.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  };
  place.observer = new ResizeObserver(again);
  place.observer.observe(place);
  again();
}

function scale({ low, high, log }, from, to) {
  const of = log ? Math.log : (value) => value, span = of(high) - of(low) || 1;
  return (value) => from + (of(value) - of(low)) / span * (to - from);
}

function frame({ x, y }, at, width, height) {
  const parts = [], bottom = height - SPACE.bottom, right = width - SPACE.right;
  const room = Math.max(2, Math.floor(width / 90));
  for (const tick of x.log ? logTicks(x.low, x.high, room) : ticks(x.low, x.high, room, 1))
    parts.push(svg("line", { x1: at.x(tick), x2: at.x(tick), y1: SPACE.top, y2: bottom, class: "grid" }), svg("text", { x: at.x(tick), y: bottom + 17, "text-anchor": "middle" }, brief(tick)));
  for (const tick of ticks(y.low, y.high, Math.max(2, Math.floor(height / 60)))) {
    const text = y.percent ? `${Math.round(100 * tick)} %` : `${tick}`;
    parts.push(svg("line", { x1: SPACE.left, x2: right, y1: at.y(tick), y2: at.y(tick), class: "grid" }), svg("text", { x: SPACE.left - 7, y: at.y(tick) + 4, "text-anchor": "end" }, text));
  }
  parts.push(svg("text", { x: (SPACE.left + right) / 2, y: height - 6, "text-anchor": "middle", class: "title" }, x.title));
  parts.push(svg("text", { x: 12, y: (SPACE.top + bottom) / 2, "text-anchor": "middle", class: "title", transform: `rotate(-90 12 ${(SPACE.top + bottom) / 2})` }, y.title));
  return parts.map((part) => (part.setAttribute("aria-hidden", "true"), part));
}

/** Places as one line. */
export function line(points, at, attributes) {
  const written = points.map(([x, y], n) => `${n ? "L" : "M"}${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)}`);
  return svg("path", { d: written.join(""), fill: "none", ...attributes });
}

const SHAPES = {
  circle: "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0",
  square: "M-5.5 -5.5h11v11h-11z",
  dot: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
  diamond: "M0 -7.5L7.5 0L0 7.5L-7.5 0z",
};

/** A mark of a shape at a place. */
export function mark(shape, x, y, attributes) {
  return svg("path", { d: SHAPES[shape], transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, ...attributes });
}

/** A line of a legend. */
export function legend(shape, kind, words) {
  const item = element("li"), drawing = svg("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" });
  drawing.append(mark(shape, 0, 0, { class: kind }));
  item.append(drawing, words);
  return item;
}
