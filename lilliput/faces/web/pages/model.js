// One model: what it is, and what it says.
import { fill, json, latest, load, marked, number, open, page, remember, short, size } from "./common.js";
import { HeatMaps, remarks } from "./maps.js";
import { calculator, element, say, teller } from "./parts.js";

const $ = (id) => document.getElementById(id);
let opened = [], maps = null;

page(async () => {
  const data = await load(), models = data.models.filter(({ weights }) => weights);
  const asked = new URLSearchParams(location.search);
  const name = asked.get("name") ?? data.first[asked.get("kind") ?? "arithmetic"];
  const entry = models.find((one) => one.name === name) ?? models[0];
  if (!entry) throw new Error("there is no model here; `lilliput find arithmetic` makes some");
  if (asked.get("name") && entry.name !== name) say(`there is no model ${name} here; this is ${entry.name}`);
  fill($("model"), data, models, entry);
  $("model").onchange = () => show(models.find((one) => one.name === $("model").value));
  await show(entry);
});

const show = latest(async (stands, entry) => {
  for (const model of opened) model.close();
  opened = [];
  maps?.end();
  maps = null;
  for (const id of ["calculator", "teller", "maps"]) $(id).hidden = true;
  remember({ name: entry.name });
  const stories = entry.kind === "stories";
  for (const link of document.querySelectorAll("nav a"))
    if (link.search === `?kind=${stories ? "stories" : "arithmetic"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const what = { arithmetic: "A calculator", stories: "A storyteller", lines: "A model" }[entry.kind];
  $("title").textContent = `${what} of ${number(entry.parameters)} parameters`;
  document.title = `${short(entry.name)} – Lilliput`;
  facts(entry);
  const model = await open(entry);
  if (!stands()) return model.close();
  opened.push(model);
  if (stories) return teller([model]);
  const problems = entry.problems ? await json(entry.problems) : { squares: [] };
  if (!stands()) return;
  const ask = calculator([model], remarks(problems));
  if (!problems.squares.length) return;
  // Another worker, so that the calculator never waits for the maps.
  const second = await open(entry);
  if (!stands()) return second.close();
  opened.push(second);
  maps = new HeatMaps(problems, second, ask);
});

function facts(entry) {
  const whole = (words) => words.replace(/\[.*\]/, (ends) => ends.replaceAll(" ", "\u00a0"));
  const score = entry.on === "all" ? "score on all problems" : `score on ${entry.on || "validation"}`;
  const rows = {
    name: entry.name + marked(entry),
    task: entry.words,
    model: `${entry.family} ${entry.shape}`,
    parameters: `${number(entry.parameters)} in ${entry.numbers}`,
    file: size(entry.bytes),
    format: entry.format,
    [score]: whole(entry.score_words),
    "on validation": entry.on === "unseen" ? whole(entry.validation_words) : "",
  };
  $("facts").replaceChildren(...Object.entries(rows).filter(([, value]) => value).flatMap(([key, value]) => [element("dt", key), element("dd", value)]));
}
