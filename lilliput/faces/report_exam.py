"""A graded model in a page: its exam as a table, its heat maps; knows exam.json and no ledger."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lilliput.faces import charts, report_maps
from lilliput.faces.found import marks_of
from lilliput.faces.report_page import Html, join, note, still, table, tag
from lilliput.faces.text import interval, mark_words
from lilliput.files import read_json, write_atomically
from lilliput.lab.words import SIGNS
from lilliput.specs.task import parse_range


class Maps(NamedTuple):
    html: Html
    readable: dict[str, Any]
    """What the page's script needs of each map."""


def read_exam(folder: Path) -> dict[str, Any] | None:
    """exam.json of a folder; None: not graded."""
    path = folder / "exam.json"
    return dict(read_json(path)) if path.exists() else None


def score_words(tally: Mapping[str, Any]) -> str:
    return interval(tally["right"], tally["total"], tally["low"], tally["high"])


def exam_table(exam: Mapping[str, Any]) -> Html:
    """Operations as rows, sections as columns, so that validation and unseen stand together."""
    sections = exam["grade"]["sections"]
    shown = [name for name in ("seen", "valid", "unseen", "beyond") if name in sections]
    titles = {"valid": "validation", "beyond": "beyond the range"}
    if len(shown) > 1 and sections[shown[0]]["exhaustive"]:
        # The whole space is asked: three sections are one.
        shown = [shown[0], *(name for name in shown if name == "beyond")]
        titles[shown[0]] = "all problems, all trained on"
    groups = list(dict.fromkeys(g for name in shown for g in sections[name]["groups"]))
    rows = [["all", *(score_words(sections[name]["overall"]) for name in shown)]]
    rows += [
        [
            report_maps.NAMES.get(group, group),
            *(
                score_words(sections[name]["groups"][group])
                if group in sections[name]["groups"]
                else ""
                for name in shown
            ),
        ]
        for group in (groups if len(groups) > 1 else [])
    ]
    rows.append(["questions", *(f"{sections[n]['overall']['total']:,}" for n in shown)])
    rows.append(["wrong answers", *(_errors(sections[n]["overall"]["errors"]) for n in shown)])
    rows.append(["characters an answer", *(f"{sections[n]['length']:.1f}" for n in shown)])
    verdict = exam["grade"].get("verdict")
    header = ["score, 95 % interval", *(titles.get(name, name) for name in shown)]
    made = table(header, rows, label="The exam by section and operation")
    return join(made, note(join("Verdict: ", tag("b", verdict)))) if verdict else made


def _errors(errors: Mapping[str, int]) -> str:
    most = sorted(errors.items(), key=lambda item: -item[1])
    return ", ".join(f"{number:,} {kind}" for kind, number in most[:3]) or "none"


def draw_maps(exam: Mapping[str, Any], folder: Path, prefix: str = "") -> Maps:
    """Heat maps of each operation, in the page and as files in `folder`.

    Args:
        prefix: begins the names of the files.
    """
    task = exam["spec"]["task"]
    held = None
    if task["kind"] == "arithmetic" and task["held_out"] != "none":
        held = parse_range(task["held_out"])
    parts, readable = [], {}
    for map_ in report_maps.maps_of(exam):
        operation = report_maps.NAMES.get(map_.operation)
        if operation is None:
            continue
        name = f"heat-map-{prefix}{operation}"
        chart = report_maps.chart_of(map_, held, mark_words(marks_of(exam["spec"])))
        svg = write_chart(folder, name, chart)
        parts.append(still(name, svg, chart["description"]))
        sign = SIGNS[map_.operation]
        readable[name] = {"low": map_.low, "rows": map_.rows, "sign": sign}
    if not parts:
        return Maps(note("This task has no two operands to draw a map over."), {})
    return Maps(join(_key(held is not None), tag("div", join(*parts), class_="maps")), readable)


def _key(held: bool) -> Html:
    words = [
        ("right", "right"),
        ("wrong", "wrong"),
        *([("held", "held out: beyond")] if held else []),
    ]
    keys = (join(tag("span", "", class_=f"key {kind}"), f" {word}") for kind, word in words)
    return tag("p", join(*(tag("span", key) for key in keys)), class_="note keys")


def write_chart(folder: Path, name: str, chart: charts.Spec) -> str:
    """Draws a chart once, writes it as SVG and PNG, and returns the SVG."""
    svg, png = charts.render(chart)
    write_atomically(folder / f"{name}.svg", svg.encode())
    write_atomically(folder / f"{name}.png", png)
    return svg
