"""A model as one page that runs from a folder: the engine in WebAssembly, weights inside."""

import base64
import hashlib
import html
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lilliput.engine import binding
from lilliput.errors import LilliputError, NotFoundError
from lilliput.shipping.source import filled

WASM = Path(binding.__file__).parent / "engine.wasm"
PAGE = Path(__file__).parent / "page"


def one_page(flat: bytes, title: str, about: str, facts: Mapping[str, str], prompt: str) -> str:
    """The page as HTML; nothing in it comes from elsewhere, and nothing else may run in it.

    Args:
        flat: the weight file.
        facts: what is said of the model below, by their names.
        prompt: what a story begins with, until the visitor writes something else.
    """
    script, css = part("parts.js") + part("page.js"), part("page.css")
    rows = [f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items()]
    values = {
        "script": _allowed(script) + " blob:",
        "style": _allowed(css),
        "title": html.escape(title),
        "about": html.escape(about),
        "calculator": part("calculator.html"),
        "teller": teller(prompt),
        "facts": "".join(rows),
        "css": css,
        "wasm": base64.b64encode(WASM.read_bytes()).decode(),
        "weights": base64.b64encode(flat).decode(),
        "engine": part("engine.js"),
        "worker": part("worker.js"),
        "page": script,
    }
    return filled(part("page.html"), values)


def part(name: str) -> str:
    """A file that pages are made of."""
    return (PAGE / name).read_text(encoding="utf-8")


def teller(prompt: str) -> str:
    """The form that tells stories, as HTML."""
    return filled(part("teller.html"), {"prompt": html.escape(prompt)})


def _allowed(content: str) -> str:
    """A Content-Security-Policy's word for exactly this script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


_ASK = """
const [file, wasm, lines, most] = process.argv.slice(2);
const read = require("fs").readFileSync;
const engine = new Engine(read(wasm), read(file));
const said = JSON.parse(lines).map((line) => engine.format === "stories"
  ? line + [...engine.tell(line, {}, Number(most))].join("") : engine.ask(line));
console.log(JSON.stringify(said));
"""


def say(flat: Path, lines: Sequence[str], most: int) -> list[str]:
    """What the engine answers to questions, or how it goes on with texts, greedily, in node.

    Raises:
        NotFoundError: node is not here.
        LilliputError: it fails.
    """
    node = shutil.which("node")
    if node is None:
        raise NotFoundError("node is not here, so the page's engine was not run")
    script = flat.with_name("ask.cjs")
    script.write_text(part("engine.js") + _ASK, encoding="utf-8")
    command = [node, str(script), str(flat), str(WASM), json.dumps(list(lines)), str(most)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise LilliputError(f"the page's engine fails: {done.stderr[-500:]}")
    return [str(text) for text in json.loads(done.stdout)]
