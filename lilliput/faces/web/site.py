"""The files of the page, by their paths: what `lilliput serve` gives out and writes to a folder.

Pages, scripts and styles are fixed; models.json, the weights and the problems come from lab. Knows
no server.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lilliput.engine.flat import of_file
from lilliput.files import json_text
from lilliput.lab.problems import LETTERS, squares
from lilliput.lab.showing import Shown, as_dict, first, shown
from lilliput.shipping import wasm
from lilliput.shipping.source import filled
from lilliput.specs import ArithmeticSpec
from lilliput.specs.recipes import search_of

PAGES = Path(__file__).with_name("pages")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"
    " connect-src 'self'; worker-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Nothing from elsewhere, no script or style inside of a page; WebAssembly needs a word of its
own."""
TITLES = {
    "index": "Frontier",
    "model": "One model",
    "compare": "Side by side",
    "runs": "Training now",
}
SCRIPTS = ("common.js", "chart.js", "index.js", "model.js", "maps.js", "compare.js")
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "wasm": "application/wasm",
    "bin": "application/octet-stream",
}
PROMPT = "Once upon a time"


def type_of(path: str) -> str:
    """The media type of one of the page's files."""
    return TYPES[path.rpartition(".")[2]]


class Site:
    """All files of the page.

    Args:
        live: with the page of trainings, which needs a server.
    """

    def __init__(self, live: bool) -> None:
        self.live = live
        self.fixed = _fixed(live)
        self._made: Mapping[str, Path | ArithmeticSpec] = {}
        """What weights and problems are made from, as models.json last named them. Never changed,
        only replaced, for several threads read it."""

    def file_of(self, address: str) -> str:
        """The file that an address stands for: nothing is the first page, `compare` compare.html;
        another is its own."""
        page = f"{address or 'index'}.html"
        return page if page in self.fixed else address

    def content(self, path: str) -> bytes | None:
        """A file of the page; None: it has none of that name.

        Raises:
            LilliputError: a model file is damaged, or none that the engine can run.
        """
        if path in self.fixed:
            return self.fixed[path]
        if path == "models.json":
            return self._models()
        source = self._made.get(path)
        if source is None:
            return None
        if isinstance(source, ArithmeticSpec):
            return _problems(source)
        return _weights(source, source.stat().st_mtime_ns)

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Every file, the list of models last; and for web servers that add no .html themselves
        a folder for each page, which leads on to it.

        Raises:
            LilliputError: as `content`.
        """
        listed = self._models()
        for path in [*self.fixed, *self._made]:
            content = self.content(path)
            assert content is not None
            yield path, content
        yield from _forwards([name for name in TITLES if f"{name}.html" in self.fixed])
        yield "models.json", listed

    def _models(self) -> bytes:
        found, trouble = shown()
        made: dict[str, Path | ArithmeticSpec] = {}
        rows = []
        for one in found:
            weights, problems = _weights_name(one.path), _problems_name(one)
            if one.path:
                made[weights] = one.path
            if isinstance(one.task, ArithmeticSpec):
                made[problems] = one.task
            rows.append({**as_dict(one), "weights": weights, "problems": problems})
        self._made = made
        groups = {
            one.group: {"id": one.group, "words": one.words, **_scale(one.task.kind)}
            for one in found
        }
        data = {
            "live": self.live,
            "first": first(found),
            "groups": list(groups.values()),
            "models": rows,
            "trouble": trouble,
        }
        return json_text(data, ensure_ascii=False).encode()


def _scale(kind: str) -> dict[str, Any]:
    """How scores of a kind of task are drawn: as bits, or with the usual pass mark."""
    stories = kind == "stories"
    return {"bits": stories, "mark": None if stories else search_of(kind).pass_mark}


def _weights_name(path: Path | None) -> str:
    """Where the weights of a model file lie on the page: by their content; empty: there are
    none."""
    if path is None:
        return ""
    stat = path.stat()
    return f"weights/{_digest(path, stat.st_mtime_ns, stat.st_size)[:16]}.bin"


@lru_cache(maxsize=1_024)
def _digest(path: Path, changed: int, size: int) -> str:
    """sha256 of a file, worked out once for each time that it is `changed`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _problems_name(one: Shown) -> str:
    """Where the problems of a model's task lie; empty: it has none that can be drawn."""
    return f"problems/{one.group}.json" if isinstance(one.task, ArithmeticSpec) else ""


@lru_cache(maxsize=64)
def _weights(path: Path, changed: int) -> bytes:
    """The engine's file of a model file, made once for each time that it is `changed`."""
    return of_file(path)


@lru_cache(maxsize=16)
def _problems(task: ArithmeticSpec) -> bytes:
    made = [
        {
            "operation": square.operation,
            "operands": square.operands,
            "sections": square.sections,
            "answers": [" ".join(answer or "-" for answer in row) for row in square.answers],
        }
        for square in squares(task)
    ]
    return json_text({"letters": LETTERS, "squares": made}, separators=(",", ":")).encode()


def _fixed(live: bool) -> dict[str, bytes]:
    """Pages, scripts and styles; `wasm` has those that a shipped page is made of too."""
    layout = _read("layout.html")
    names = [name for name in TITLES if live or name != "runs"]
    parts = {"calculator": wasm.part("calculator.html"), "teller": wasm.teller(PROMPT)}
    files = {f"{name}.html": _page(layout, name, live, parts) for name in names}
    files |= {name: _read(name) for name in (*SCRIPTS, *(["runs.js"] if live else []))}
    files["parts.js"] = wasm.part("parts.js")
    files["worker.js"] = wasm.part("engine.js") + wasm.part("worker.js")
    files["style.css"] = wasm.part("page.css") + _read("style.css")
    return {
        **{name: text.encode() for name, text in files.items()},
        "engine.wasm": wasm.WASM.read_bytes(),
    }


def _page(layout: str, name: str, live: bool, parts: Mapping[str, str]) -> str:
    links = [
        ("index.html", "Frontier"),
        ("model.html?kind=arithmetic", "Calculator"),
        ("model.html?kind=stories", "Stories"),
        ("compare.html", "Side by side"),
        *([("runs.html", "Training now")] if live else []),
    ]
    here = ' aria-current="page"'
    nav = "".join(
        f'<a href="{href}"{here if href == f"{name}.html" else ""}>{words}</a>'
        for href, words in links
    )
    values = {
        "policy": POLICY,
        "title": TITLES[name],
        "nav": nav,
        "main": filled(_read(f"{name}.html"), parts),
        "script": f"{name}.js",
    }
    return filled(layout, values)


def _forwards(names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """For each page a page in a folder of its name, and the script that leads on from there."""
    for name in names:
        values = {"policy": POLICY, "title": TITLES[name], "page": f"{name}.html"}
        yield f"{name}/index.html", filled(_read("forward.html"), values).encode()
    yield "forward.js", _read("forward.js").encode()


def _read(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")
