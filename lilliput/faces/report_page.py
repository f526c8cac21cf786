"""One HTML page that needs no network: tables, sections, charts. Knows nothing of what it shows.

All text goes through `text`; what a script reads is JSON in which no tag can end. The page's policy
lets it load nothing at all, and run only the two scripts whose digests it names.
"""

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lilliput.faces import charts
from lilliput.files import json_text

TEMPLATE = Path(__file__).with_name("report.html")


class Cell(NamedTuple):
    """A cell whose order in a sorted table is another than its text's."""

    text: str
    order: float


class Html(str):
    """Text that is HTML already, made by this file."""

    __slots__ = ()


def text(content: object) -> Html:
    """Anything as text, never as HTML."""
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def tag(name: str, content: object = "", **attributes: object) -> Html:
    """An element; the attribute `class_` is written `class`, `data_x` is written `data-x`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{written}>{text(content)}</{name}>")


def join(*parts: object) -> Html:
    return Html("".join(text(part) for part in parts))


def section(name: str, title: str, *parts: object) -> Html:
    return tag("section", join(tag("h2", title), *parts), id=name)


def headline(sentence: str) -> Html:
    """The answer in large type; a number and its unit stay on one line."""
    kept = re.sub(r"\[([^\]]*)\]", lambda part: part[0].replace(" ", "\u00a0"), sentence)
    return tag("p", kept.replace(" %", "\u00a0%").replace(" × ", "\u00a0×\u00a0"), class_="answer")


def note(content: object) -> Html:
    return tag("p", content, class_="note")


def lines(words: str) -> Html:
    """Words whose line ends stay."""
    return Html("<br>".join(map(text, words.split("\n"))))


def story(bold: str, told: str) -> Html:
    """A story in its own paragraphs, behind something in bold: its prompt, or who told it."""
    return tag("p", join(tag("b", bold), told), class_="story")


def table(
    header: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    label: str,
    sortable: bool = False,
) -> Html:
    """A table that scrolls by itself on a narrow screen; its first column names the rows."""
    head = tag("thead", tag("tr", join(*(tag("th", name, scope="col") for name in header))))
    body = tag("tbody", join(*(tag("tr", _row(row)) for row in rows)))
    kind = "sortable" if sortable else "plain"
    inner = tag("table", join(head, body), class_=kind, aria_label=label)
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=label)


def _row(row: Sequence[object]) -> Html:
    cells = [_cell("th", row[0], scope="row"), *(_cell("td", content) for content in row[1:])]
    return join(*cells)


def _cell(name: str, content: object, **attributes: object) -> Html:
    if isinstance(content, Cell):
        return tag(name, content.text, data_order=f"{content.order:.6g}", **attributes)
    return tag(name, content, **attributes)


def chart(name: str, label: str, caption: object) -> Html:
    """The place of a chart that the page's script draws."""
    place = tag("div", "", id=f"chart-{name}", class_="chart", role="img", aria_label=label)
    missing = tag("noscript", note(f"This chart needs scripts; charts/{name}.svg shows the same."))
    framed = tag("div", join(place, missing), class_="frame")
    return tag("figure", join(framed, tag("figcaption", caption)))


def whole_width(svg: str, label: str) -> Html:
    """A picture in the page itself, in the page's colours, as wide as the page; on a narrow screen
    it scrolls by itself, so that its words can be read."""
    attributes = {"role": "img", "aria_label": label, "class_": "frame still", "tabindex": "0"}
    return tag("figure", tag("div", _bare(svg), **attributes))


def still(name: str, svg: str, label: str) -> Html:
    """A picture in the page itself, in the page's colours, with a line for what is pointed at."""
    readout = tag("output", " ", aria_live="off")
    place = tag("div", _bare(svg), role="img", aria_label=label)
    return tag("figure", join(place, readout), class_="map", data_map=name)


def _bare(svg: str) -> Html:
    """A picture without a background and sizes of its own."""
    # On white for files; here on the page's own background, and its words in the page's colour.
    bare = re.sub(
        r'<rect width="\d+(\.\d+)?" height="\d+(\.\d+)?" fill="white"/>', "", svg, count=1
    )
    for colour in ("#1c2430", "#5b6676"):
        bare = bare.replace(f'"{colour}"', '"currentColor"')
    # Its own sizes would win over the page's.
    return Html(re.sub(r'(<svg[^>]*?) width="[\d.]+" height="[\d.]+"', r"\1", bare, count=1))


def page(
    title: str,
    body: Html,
    specs: Mapping[str, charts.Spec],
    maps: Mapping[str, Any],
    bundle: str,
) -> str:
    """The whole file.

    Args:
        specs: charts by name, each drawn where `chart` left place.
        maps: for each `still`, what its script says of a cell.
        bundle: Vega with its embedding, as one script.
    """
    assert "</script" not in bundle.lower()
    template = TEMPLATE.read_text(encoding="utf-8")
    script = template.rpartition("<script>")[2].partition("</script>")[0]
    digests = " ".join(f"'sha256-{_digest(source)}'" for source in (bundle, script))
    policy = (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    data = {"specs": specs, "maps": maps, "themes": charts.THEMES}
    # Rounded data and no spaces: a search has thousands of points.
    written = json_text(data, separators=(",", ":")).replace("<", "\\u003c")
    values = {
        "POLICY": policy,
        "TITLE": str(text(title)),
        "BODY": body,
        "DATA": written,
        "BUNDLE": bundle,
    }
    # In one pass: what is put in is never read as a place again.
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda place: values[place[1]], template)


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
