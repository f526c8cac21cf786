"""report.html of a comparison: the table and the stories, on one page that opens offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.faces.chart_compare import bits_chart
from lilliput.faces.report_exam import write_chart
from lilliput.faces.report_page import (
    Html,
    headline,
    join,
    note,
    page,
    section,
    table,
    tag,
    whole_width,
)
from lilliput.faces.text_story import compared_rows, markdown, short
from lilliput.files import write_atomically

if TYPE_CHECKING:
    from lilliput.lab.stories import TextGraded


def write_comparison(folder: Path, graded: "Mapping[str, TextGraded]") -> Path:
    """Writes report.html and compare.md into a folder.

    Raises:
        FileError: the folder cannot be written.
    """
    header, rows = compared_rows(graded)
    best = min(graded.values(), key=lambda one: list(one.grade.sections.values())[-1].bits)
    last = list(best.grade.sections.values())[-1]
    title = f"{len(graded)} models of text, side by side"
    body = join(
        tag(
            "header",
            join(
                tag("h1", title),
                headline(
                    f"{short(best.model.name)} is the best: {last.bits:.3f} bits per character"
                    f" [{last.low:.3f}, {last.high:.3f}] with {best.model.parameters:,} parameters"
                ),
                note(
                    "All were asked the same documents, each by itself; intervals are of 95 %, with"
                    " documents as clusters. Stories at temperature 0.65, seed 0."
                ),
            ),
        ),
        section(
            "table",
            "Figures",
            _picture(folder, graded),
            table(header, rows, label="Figures of each model"),
        ),
        section("stories", "Stories", *_stories(graded)),
    )
    return _write(folder, title, body, graded)


def _write(folder: Path, title: str, body: Html, graded: "Mapping[str, TextGraded]") -> Path:
    path = folder / "report.html"
    write_atomically(path, page(title, body, {}, {}, "").encode(), then="")
    write_atomically(folder / "compare.md", markdown(graded).encode(), then="")
    return path


def _picture(folder: Path, graded: "Mapping[str, TextGraded]") -> Html:
    """The chart, in the page itself and as files beside it."""
    svg = write_chart(folder / "charts", "bits", bits_chart(graded))
    return whole_width(svg, "Bits per character against parameters, one point a model")


def _stories(graded: "Mapping[str, TextGraded]") -> list[Html]:
    """Each prompt, and how every model goes on with it."""
    first = next(iter(graded.values()))
    parts: list[Html] = []
    for number, (prompt, _) in enumerate(first.grade.stories):
        parts.append(tag("h3", prompt))
        for name, one in graded.items():
            story = "".join(one.grade.stories[number])
            parts.append(tag("p", join(tag("b", short(name)), f": {story}")))
    return parts
