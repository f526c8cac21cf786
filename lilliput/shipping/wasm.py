"""A model as one page that runs from a folder: the engine in WebAssembly, weights inside.

The page is in UTF-16, so that packed bytes stand in it two a character. It begins with a byte order
mark, which is worth more to browsers than what a web server says of a page's encoding.
"""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from lilliput.engine import binding
from lilliput.errors import LilliputError, NotFoundError
from lilliput.shipping.source import Learned, filled

WASM = Path(binding.__file__).parent / "engine.wasm"
PAGE = Path(__file__).parent / "page"
_ESCAPE = "\ue000"
_CHANGED = re.compile(f"[\0\r<\ud800-\udfff{_ESCAPE}]")
"""What HTML reads as something else, or UTF-16 has no place for; and what stands before those."""


def one_page(
    flat: bytes,
    title: str,
    about: str,
    facts: Mapping[str, str],
    prompt: str,
    learned: Learned | None = None,
) -> bytes:
    """The page as HTML; nothing in it comes from elsewhere, and nothing else may run in it.

    Args:
        flat: the weight file.
        facts: what is said of the model below, by their names.
        prompt: what a story begins with, until the visitor writes something else.
        learned: of a calculator, so that the page warns as `calc` does.
    """
    held = {
        "page": (part("parts.js") + part("page.js")).encode(),
        "worker": (part("engine.js") + part("worker.js")).encode(),
        "wasm": WASM.read_bytes(),
        "weights": flat,
    }
    script, css = part("unpack.js") + part("begin.js"), part("page.css")
    rows = [f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items()]
    values = {
        "script": _allowed(script) + " blob:",
        "style": _allowed(css),
        "title": html.escape(title),
        "about": html.escape(about),
        "limits": _limits(learned),
        "calculator": part("calculator.html"),
        "teller": teller(prompt),
        "facts": "".join(rows),
        "css": css,
        "begin": script,
        "held": "\n".join(element(name, zlib.compress(data, 9)) for name, data in held.items()),
    }
    return ("\ufeff" + filled(part("page.html"), values)).encode("utf-16-le")


def _limits(learned: Learned | None) -> str:
    """What page.js warns by, as attributes."""
    if learned is None:
        return ""
    ranges, words = json.dumps(learned.ranges), html.escape(learned.otherwise)
    return f' data-learned="{ranges}" data-otherwise="{words}"'


def element(name: str, packed: bytes) -> str:
    """What zlib made of bytes as an element, which unpack.js reads and no browser runs."""
    pairs = array("H", packed + bytes(len(packed) % 2))
    if sys.byteorder == "big":
        pairs.byteswap()
    text = _CHANGED.sub(lambda one: _ESCAPE + chr(ord(one[0]) ^ 0x8000), "".join(map(chr, pairs)))
    kind = "application/octet-stream"
    return f'<script type="{kind}" id="{name}" data-size="{len(packed)}">{text}</script>'


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
const [file, lines, most] = process.argv.slice(2);
const page = require("fs").readFileSync(file, "utf16le");
const bytes = (id) => {
  const [, size, text] = page.match(new RegExp(`id="${id}" data-size="(\\\\d+)">([^<]*)</script>`));
  return unpack(text, Number(size));
};
Promise.all([bytes("wasm"), bytes("weights")]).then(([wasm, weights]) => {
  const engine = new Engine(wasm, weights);
  const said = JSON.parse(lines).map((line) => engine.format === "stories"
    ? line + [...engine.tell(line, {}, Number(most))].join("") : engine.ask(line));
  console.log(JSON.stringify(said));
});
"""


def say(page: Path, lines: Sequence[str], most: int) -> list[str]:
    """What a page's engine answers to questions, or how it goes on with texts, greedily, in node.

    Raises:
        NotFoundError: node is not here.
        LilliputError: it fails.
    """
    node = shutil.which("node")
    if node is None:
        raise NotFoundError("node is not here, so the page's engine was not run")
    script = page.with_name("ask.cjs")
    script.write_text(part("engine.js") + part("unpack.js") + _ASK, encoding="utf-8")
    command = [node, str(script), str(page), json.dumps(list(lines)), str(most)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise LilliputError(f"the page's engine fails: {done.stderr[-500:]}")
    return [str(text) for text in json.loads(done.stdout)]
