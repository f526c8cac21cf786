"""Models that answer questions side by side, as terminal tables and Markdown. Knows no verb."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lilliput.faces.side_by_side import Figures, labels, plain, print_tables, table_lines
from lilliput.faces.text import ALL, ALL_TRAINED_ON, console, mark_words
from lilliput.specs import ArithmeticSpec
from lilliput.units import format_bytes, score_words

if TYPE_CHECKING:
    from lilliput.exam.paired import Paired
    from lilliput.lab.comparing import Compared

    Answered = Mapping[str, Compared]
    """Exams by the names of the models, as they were typed."""

SURE = 0.05
"""Two models are told apart where p is below."""


def figures(found: "Answered") -> list[Figures]:
    """Size, scores and speed; and, of more than one, what tells them from the first."""
    parts = [_scores(found)]
    return [*parts, _against(found)] if any(one.paired for one in found.values()) else parts


def _called(found: "Answered") -> dict[str, str]:
    """What each model is called, with what must be said of it wherever it is shown."""
    called = labels(found)
    return {n: called[n] + mark_words(one.graded.model.card.marks) for n, one in found.items()}


def _scores(found: "Answered") -> Figures:
    sections = next(iter(found.values())).graded.grade.sections
    whole = any(section.exhaustive for section in sections.values())
    # Where the whole space is asked, seen and unseen are one.
    names = [name for name in sections if not (whole and name == "seen")]
    header = ["model", "family", "parameters", "bytes"]
    header += [ALL if whole and name == "unseen" else f"{name} [95 %]" for name in names]
    rows = []
    for name, called in _called(found).items():
        one = found[name]
        card = one.graded.model.card
        graded = (one.graded.grade.sections[section] for section in names)
        scores = [score_words(*section.overall.interval) for section in graded]
        rows.append([
            called, card.spec.model.kind, f"{card.parameters:,}",
            format_bytes(one.bytes), *scores, _rate(one.answers_a_second),
        ])  # fmt: skip
    return Figures([*header, "answers/s"], rows, _note(found, whole))


def _note(found: "Answered", whole: bool) -> str:
    words = [ALL_TRAINED_ON] if whole else []
    task = next(iter(found.values())).graded.model.card.spec.task
    if isinstance(task, ArithmeticSpec) and not whole:
        words.append("Intervals take twins (3 + 5, 5 + 3) as clusters.")
    words.append("Answers/s: one at a time, on one core, the median of 5 runs.")
    if any(one.graded.model.card.marks.get("leaked") == "yes" for one in found.values()):
        words.append("*leaked*: trained on problems of its own exam.")
    for name, label in labels(found).items():
        if (looks := found[name].graded.num_looks) > 1:
            words.append(f"Unseen was asked {looks:,} times of {label}.")
    return " ".join(words)


def _rate(answers: float) -> str:
    return f"{answers:,.3g}" if answers < 1000 else f"{answers:,.0f}"


def _against(found: "Answered") -> Figures:
    called = _called(found)
    against = {name: one.paired for name, one in found.items() if one.paired}
    first = called[next(one.first for one in found.values() if one.first)]
    header = [f"against {first}", "difference, points", "it alone\nis right", f"{first}\nalone"]
    header.append("p")
    rows = [
        [called[name], _points(one), f"{one.only_second:,}", f"{one.only_first:,}", _p(one.p)]
        for name, one in against.items()
    ]
    note = (
        f"{apart_words(found)} Differences are paired by problem; p is of the exact McNemar test,"
        " twins as one cluster, for each model by itself."
    )
    if any(one.p is None for one in against.values()):
        note = f"{apart_words(found)} All problems were asked: nothing is left to chance."
    return Figures(header, rows, note)


def _points(one: "Paired") -> str:
    """`-1.8 [-3.6, 0.0]`, in points of a hundred."""
    words = f"{100 * one.difference + 0.0:+.1f}"
    return words if one.p is None else f"{words} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def apart_words(found: "Answered") -> str:
    """What each model's score is beside the first one's, and whether that is more than chance."""
    called, words = _called(found), []
    for name, one in found.items():
        if one.paired is None:
            continue
        first, label = called[one.first], called[name]
        more = "more" if one.paired.difference > 0 else "less"
        asked = "all problems" if one.paired.p is None else "unseen"
        apart = f"{100 * abs(one.paired.difference):.1f} points"
        if one.paired.difference == 0 and one.paired.p is None:
            words.append(f"{label} is as good as {first} on all problems.")
        elif one.paired.p is None or one.paired.p < SURE:
            words.append(f"{label} scores {apart} {more} than {first} on {asked}.")
        else:
            p = _p(one.paired.p)
            words.append(f"{label} cannot be told from {first} on unseen (p {p}).")
    return " ".join(words)


def print_answers(found: "Answered") -> None:
    """The tables, as many as the window's width asks for."""
    print_tables(figures(found), console())


def markdown(found: "Answered", note: str = "") -> str:
    """The tables.

    Args:
        note: said before all.
    """
    lines = [plain(note), ""] if note else []
    lines += table_lines(figures(found))
    return "\n".join(lines[:-1]) + "\n"
