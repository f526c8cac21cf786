"""report.html of a comparison: the table and the stories, on one page that opens offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.faces.report_page import Html, headline, join, note, page, section, table, tag
from lilliput.faces.text_story import compared_rows, markdown
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
                    f"{best.model.name} is the best: {last.bits:.3f} bits per character"
                    f" [{last.low:.3f}, {last.high:.3f}] with {best.model.parameters:,} parameters"
                ),
                note(
                    "All were asked the same documents, each by itself; intervals are of 95 %, with"
                    " documents as clusters. Stories at temperature 0.65, seed 0."
                ),
            ),
        ),
        section("table", "Figures", table(header, rows, label="Figures of each model")),
        section("stories", "Stories", *_stories(graded)),
    )
    path = folder / "report.html"
    write_atomically(path, page(title, body, {}, {}, "").encode(), then="")
    write_atomically(folder / "compare.md", markdown(graded).encode(), then="")
    return path


def _stories(graded: "Mapping[str, TextGraded]") -> list[Html]:
    first = next(iter(graded.values()))
    parts: list[Html] = []
    for number, (prompt, _) in enumerate(first.grade.stories):
        rows = [[name, "".join(one.grade.stories[number])] for name, one in graded.items()]
        parts += [tag("h3", prompt), table(["model", "story"], rows, label=f"Stories: {prompt}")]
    return parts
