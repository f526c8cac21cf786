// What every page needs: the list of models, and a model opened in a worker.
import { Model, element, say } from "./parts.js";

/** models.json; what could not be read is said. */
export async function load() {
  const data = await json("models.json");
  if (data.trouble.length) say(data.trouble.join("; "));
  return data;
}

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.text()).trim() || `${path} cannot be had`);
  return answer;
}

const had = new Map();

/** What `read` makes of a file, fetched once for a page; what failed is tried again. */
function once(path, read) {
  if (!had.has(path)) {
    const coming = fetched(path).then(read);
    coming.catch(() => had.delete(path));
    had.set(path, coming);
  }
  return had.get(path);
}

export const json = (path) => once(path, (answer) => answer.json());
const bytes = (path) => once(path, async (answer) => new Uint8Array(await answer.arrayBuffer()));

/** A model of the list, in a worker of its own. */
export async function open(entry) {
  const [wasm, weights] = await Promise.all([bytes("engine.wasm"), bytes(entry.weights)]);
  return Model.open(short(entry.name), new Worker("worker.js"), wasm, weights);
}

/** `arithmetic-12k` of `zoo:arithmetic-12k`, `arithmetic-7089476a/trial-0` of `searches/arithmetic-7089476a/models/trial-0`. */
export const short = (name) => name.replace(/^(zoo:|runs\/|searches\/)/, "").replace("/models/", "/");
export const marked = (entry) => Object.keys(entry.marks).length ? `, ${Object.keys(entry.marks).join(", ")}` : "";
export const number = (value) => value.toLocaleString("en");
export const size = (count) => !count ? "" : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;

/** A select of models, under what they do. */
export function fill(select, data, models, chosen) {
  select.replaceChildren(...data.groups.map((group) => {
    const part = element("optgroup", "", { label: group.words });
    for (const entry of models.filter((one) => one.group === group.id)) {
      const option = element("option", `${short(entry.name)}, ${number(entry.parameters)} parameters${marked(entry)}`, { value: entry.name });
      option.selected = entry === chosen;
      part.append(option);
    }
    return part;
  }).filter((part) => part.children.length));
}

/** Buttons of which one is pressed. */
export function tabs(place, choices, chosen, choose) {
  const buttons = choices.map(([value, words]) => {
    const button = element("button", words, { type: "button", "aria-pressed": value === chosen });
    button.onclick = () => {
      for (const other of buttons) other.setAttribute("aria-pressed", other === button);
      choose(value);
    };
    return button;
  });
  place.replaceChildren(...buttons);
}

/** Puts what is chosen into the address, so that it can be sent on and gone back to. */
export function remember(values) {
  history.replaceState(null, "", `?${new URLSearchParams(values)}`);
}

/** Shows what is chosen, `show(stands, ...chosen)`: of several choices the last one stands, and
 * what an earlier one fails with is not said. */
export function latest(show) {
  let turn = 0;
  return async (...chosen) => {
    const mine = ++turn, stands = () => mine === turn;
    try {
      await show(stands, ...chosen);
    } catch (error) {
      if (stands()) say(error.message);
    }
  };
}

/** Runs a page; what goes wrong is said on it. */
export async function page(main) {
  try {
    await main();
  } catch (error) {
    say(error.message);
  }
}
