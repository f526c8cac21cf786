"""report.html of a comparison: tables, and stories of models of text, on one page that opens
offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.faces import text_answers
from lilliput.faces.chart_compare import bits_chart
from lilliput.faces.report_exam import write_chart
from lilliput.faces.report_page import (
    Html,
    headline,
    join,
    lines,
    note,
    page,
    section,
    story,
    table,
    tag,
    whole_width,
)
from lilliput.faces.side_by_side import Figures
from lilliput.faces.text_compare import (
    BEFORE_BITS,
    fewest_words,
    figures,
    how_words,
    last_section,
    markdown,
    told,
)
from lilliput.files import write_atomically
from lilliput.lab.words import task_words

if TYPE_CHECKING:
    from lilliput.lab.comparing import Compared
    from lilliput.lab.stories import TextGraded


def write_comparison(folder: Path, graded: "Mapping[str, TextGraded]", said: str = "") -> Path:
    """Writes report.html, compare.md and charts/ into a folder.

    Args:
        graded: exams by the names of the models, one at least.
        said: what is to be known before all, such as that it was interrupted.

    Raises:
        FileError: the folder cannot be written.
    """
    first = next(iter(graded.values()))
    number = len(graded)
    title = f"{number} models of text, side by side" if number > 1 else f"{first.model.name}"
    size, card, speed = figures(graded)
    how = (
        f"Asked were {last_section(first).documents:,} documents, each by itself; intervals are of"
        " 95 %. Stories at temperature 0.65, seed 0."
    )
    svg = write_chart(folder / "charts", "bits", bits_chart(graded))
    body = join(
        _header(title, fewest_words(graded), said, how),
        section(
            "table",
            "Size and bits per character",
            whole_width(svg, "Bits per character against parameters, one point a model"),
            *(_table(part, label) for label, part in _parts(size).items()),
            note(how_words(graded)),
        ),
        section("card", "Story card", _table(card, "Story card")),
        section("speed", "Speed", _table(speed, "Speed"), note(speed.note)),
        section("stories", "Stories", *_stories(graded)),
    )
    return _write(folder, title, body, markdown(graded, said))


def write_answers(folder: Path, found: "Mapping[str, Compared]", said: str = "") -> Path:
    """As `write_comparison`, of models that answer questions; without charts."""
    first = next(iter(found.values())).graded.model
    number = len(found)
    title = f"{number} models of one exam, side by side" if number > 1 else first.name
    parts = text_answers.figures(found)
    how = f"Asked were {task_words(first.card.spec.task)}; intervals are of 95 %."
    names = (("table", "Size, score and speed"), ("against", "Against the first"))
    sections = (
        section(name, heading, _table(part, heading), note(part.note))
        for (name, heading), part in zip(names, parts, strict=False)
    )
    body = join(_header(title, text_answers.apart_words(found), said, how), *sections)
    return _write(folder, title, body, text_answers.markdown(found, said))


def _header(title: str, answer: str, said: str, how: str) -> Html:
    parts = [tag("h1", title), *([headline(answer)] if answer else [])]
    if said:
        parts.append(tag("p", f"{said[0].upper()}{said[1:]}.", class_="warning"))
    return tag("header", join(*parts, note(how)))


def _write(folder: Path, title: str, body: Html, written: str) -> Path:
    path = folder / "report.html"
    write_atomically(path, page(title, body, {}, {}, "").encode(), then="")
    write_atomically(folder / "compare.md", written.encode(), then="")
    return path


def _parts(size: Figures) -> dict[str, Figures]:
    """As tables that a page has room for, by their labels: size and context stand apart from the
    bits on several texts."""
    context = len(size.header) - 1
    texts = range(BEFORE_BITS, context)
    if len(texts) == 1:
        return {"Size and bits per character": size}
    return {
        "Size and effective context": _columns(size, (*range(BEFORE_BITS), context)),
        "Bits per character": _columns(size, (0, *texts)),
    }


def _columns(part: Figures, numbers: Sequence[int]) -> Figures:
    """Some columns; a row that has nothing in them but its name is left out."""
    header, *rows = ([row[number] for number in numbers] for row in (part.header, *part.rows))
    return Figures(header, [row for row in rows if any(row[1:])], part.note)


def _table(part: Figures, label: str) -> Html:
    """What is in brackets under what is before, so that a row is as short as it can be."""
    rows = [
        [row[0], *(lines(cell.replace(" [", "\n[").replace(" (", "\n(", 1)) for cell in row[1:])]
        for row in part.rows
    ]
    return table([lines(words) for words in part.header], rows, label=label)


def _stories(graded: "Mapping[str, TextGraded]") -> list[Html]:
    """Each prompt, and how every model goes on with it."""
    parts: list[Html] = []
    for prompt, stories in told(graded):
        parts.append(tag("h3", prompt))
        parts += [story(label, f"\n{words}") for label, words in stories.items()]
    return parts
