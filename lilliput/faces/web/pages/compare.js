// Two models side by side: each is asked the same.
import { fill, json, latest, load, open, page, remember, tabs } from "./common.js";
import { remarks } from "./maps.js";
import { calculator, teller } from "./parts.js";

const $ = (id) => document.getElementById(id);
const WORDS = { arithmetic: "sums", stories: "stories", lines: "questions" };
let opened = [];

page(async () => {
  const data = await load(), models = data.models.filter(({ weights }) => weights);
  const kinds = [...new Set(models.map(({ kind }) => kind))];
  if (!kinds.length) throw new Error("there is no model here; `lilliput find arithmetic` makes some");
  const asked = new URLSearchParams(location.search);
  const named = ["left", "right"].map((side) => models.find(({ name }) => name === asked.get(side)));
  const first = named[0]?.kind ?? named[1]?.kind ?? kinds[0];
  const choose = (kind, [left, right] = []) => {
    const alike = models.filter((one) => one.kind === kind);
    const best = alike.find(({ name }) => name === data.first[kind]) ?? alike[0];
    const one = alike.includes(left) ? left : best, others = alike.filter((other) => other !== one);
    const other = others.find(({ group }) => group === one.group) ?? others[0] ?? one;
    fill($("left"), data, alike, one);
    fill($("right"), data, alike, alike.includes(right) ? right : other);
    return show(models);
  };
  for (const side of ["left", "right"]) $(side).onchange = () => show(models);
  tabs($("kinds"), kinds.map((kind) => [kind, WORDS[kind]]), first, choose);
  await choose(first, named);
});

const show = latest(async (stands, models) => {
  for (const model of opened) model.close();
  opened = [];
  for (const id of ["calculator", "teller"]) $(id).hidden = true;
  const chosen = ["left", "right"].map((side) => models.find(({ name }) => name === $(side).value));
  remember({ left: chosen[0].name, right: chosen[1].name });
  const both = await Promise.all(chosen.map(open));
  if (!stands()) return both.forEach((model) => model.close());
  opened = both;
  if (chosen[0].kind === "stories") return teller(both);
  const notes = await Promise.all(chosen.map(async ({ problems }) => problems ? remarks(await json(problems)) : () => null));
  if (stands()) calculator(both, (question, answer, model) => notes[both.indexOf(model)](question, answer));
});
