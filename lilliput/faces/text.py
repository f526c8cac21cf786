"""What the verbs print alike: tables, grades, learning curves. Knows no verb and no flag."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lilliput.units import printable, score_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lilliput.exam.grade import SectionGrade, Tally
    from lilliput.lab.verbs import Graded

BARS = "▁▂▃▄▅▆▇█"
ALL = "all problems"
ALL_TRAINED_ON = (
    "All problems were trained on, so none is unseen; `lilliput train … --ten-fold` asks each while"
    " it is unseen."
)
"""Said of a task whose problems are too few to keep some unseen."""
_WIDE = 120
"""Columns where stdout is no terminal and has no width of its own."""
NARROW = 70
"""Columns of a window in which those of a table stand nearer together."""
_FOLDED = 8
"""Least columns of what folds beside others: a word such as `training`."""
_ROOM = 20
"""Least columns for the kinds of error; in less they would be a tower of syllables."""
GAP = 3
"""Columns between two of a table."""


def console() -> "Console":
    """Where tables go; with colours on a terminal, and without any control code elsewhere. What is
    printed is taken as it stands: a run may be called `[b]` or `:cat:`."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    width = None if terminal else _WIDE
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=not terminal, width=width)


def plain_table(
    *headers: str, right: Sequence[int] = (), folds: Sequence[int] | None = None
) -> "Table":
    """An empty table with a line under its header and nothing else around.

    Args:
        right: numbers of the columns that are aligned to the right.
        folds: those that give way where a window is narrow, at their spaces; the others are shown
            whole. None: the last one, which may hold many words.
    """
    from rich import box
    from rich.table import Table

    narrow = console().width < NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=narrow)
    for number, header in enumerate(headers):
        gives_way = number == len(headers) - 1 if folds is None else number in folds
        justify: Any = "right" if number in right else "left"
        # Without a least width, rich leaves a column out before it cuts one that does not fold.
        least = _FOLDED if gives_way and folds is not None else None
        table.add_column(
            header, justify=justify, no_wrap=not gives_way, overflow="fold", min_width=least
        )
    return table


def model_words(graded: "Graded") -> str:
    """`gpt, 14,928 parameters, format plain`, and *leaked* where it is."""
    card = graded.model.card
    kind = card.format.get("kind", card.spec.task.kind)
    words = f"{card.spec.model.kind}, {card.parameters:,} parameters, format {kind}"
    return words + mark_words(card.marks)


def mark_words(marks: dict[str, Any]) -> str:
    """`, *leaked*`, as a model file says it."""
    return "".join(f", *{printable(name)}*" for name, value in marks.items() if value == "yes")


def shown(text: str) -> str:
    """What a model wrote, as stdout has it: on a terminal without what could steer that, elsewhere
    to the last character."""
    return printable(text) if sys.stdout.isatty() else text


def print_grade(graded: "Graded") -> None:
    """Sections x operations of an exam, the kinds of error, and the verdict."""
    out, grade = console(), graded.grade
    out.print(f"{graded.model.name}: {model_words(graded)}")
    out.print()
    shown = _distinct(grade.sections)
    rows = [["section", "", "right", "total", "score [95 %]", "wrong"]]
    for title, section in shown:
        names = list(section.groups)
        if len(names) > 1:
            rows.append([title, "all", *_cells(section.overall, section.exhaustive)])
        for name in names:
            tally = section.groups[name]
            alone = len(names) == 1
            cells = _cells(tally, section.exhaustive)
            rows.append([title if alone else "", name if name in "+-*/" else "", *cells])
    taken = sum(max(len(row[column]) for row in rows) + GAP for column in range(5))
    beside = out.width - taken >= _ROOM
    table = plain_table(*(rows[0] if beside else rows[0][:-1]), right=(2, 3))
    for row in rows[1:]:
        table.add_row(*(row if beside else row[:-1]))
    out.print(table)
    out.print()
    if not beside:
        for title, section in shown:
            if wrong := _wrong(section.overall):
                out.print(f"{title}, wrong: {wrong}")
    for title, section in shown:
        many = len(section.groups) > 1
        mean = f"mean of the operations {100 * section.mean:.1f} %, " if many else ""
        out.print(f"{title}: {mean}{section.length:.1f} characters an answer")
    if any(section.exhaustive for name, section in shown if name == ALL):
        out.print(ALL_TRAINED_ON)
    if graded.num_looks > 1:
        out.print(f"unseen was asked {graded.num_looks:,} times")
    if grade.verdict:
        out.print(f"verdict: {grade.verdict}{_because(grade.verdict)}")


def _distinct(sections: "dict[Any, SectionGrade]") -> "list[tuple[str, SectionGrade]]":
    """Titles and sections; where the whole space is asked, seen, valid and unseen are one."""
    rows: list[tuple[str, SectionGrade]] = []
    for name, section in sections.items():
        if not section.exhaustive or name == "beyond":
            rows.append((name, section))
        elif not any(title == ALL for title, _ in rows):
            rows.append((ALL, section))
    return rows


def _cells(tally: "Tally", exhaustive: bool) -> list[str]:
    score = f"{100 * tally.score:.1f} %" if exhaustive else str(tally.interval)
    return [f"{tally.right:,}", f"{tally.total:,}", score, _wrong(tally)]


def _wrong(tally: "Tally") -> str:
    """`1,000 last place, 12 malformed`"""
    kinds = sorted(tally.errors.items(), key=lambda row: -row[1])
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds)


def _because(verdict: str) -> str:
    words = {
        "memorises": "seen far above unseen",
        "fills gaps": "unseen near seen; beyond the range it is worse, or was not asked enough",
        "extends": "near as good beyond the range as inside",
        "knows its tables": "every problem of the space is right",
        "learns nothing": "even on what it was trained on little better than one fixed answer",
    }.get(verdict)
    return f" ({words})" if words else ""


def curve(scores: Sequence[float], width: int = 60) -> str:
    """A learning curve as a row of bars from 0 to 100 %.

    >>> curve([0.0, 0.5, 1.0])
    '▁▄█'
    """
    if len(scores) > width:
        scores = [scores[round(k * (len(scores) - 1) / (width - 1))] for k in range(width)]
    return "".join(BARS[min(len(BARS) - 1, int(score * (len(BARS) - 0.01)))] for score in scores)


def interval(right: int, total: int, low: float, high: float) -> str:
    """`72.0 % [70.4, 73.3]`, or bits per character; without an interval where it is a point."""
    return score_words(right / total, low, high)
