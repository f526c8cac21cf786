"""The models of one job in one table: those of others and those of the zoo, the largest first."""

from collections.abc import Sequence

from lilliput.units import format_bytes, format_seconds, score_words
from lilliput.zoo import Baseline, Entry, baselines, entries

HEADER = ("model", "parameters", "bytes", "score [95 %]", "beyond", "answers/s", "trained")
RIGHT = (1, 2, 4, 5)
FOLDS = (0, 3, 6)
NOTE = (
    "Score: of unseen problems where nothing else is said. Answers/s: one at a time, on one core."
    " *leaked*: trained on problems of its own exam."
)


def tasks() -> list[str]:
    """Those that both others' models and the zoo's do."""
    own = {entry.task for entry in entries()}
    return sorted({other.task for other in baselines()} & own)


def rows(task: str) -> list[list[str]]:
    """A row of HEADER's cells for each model of a task."""
    found: Sequence[Baseline | Entry] = [
        *(other for other in baselines() if other.task == task),
        *(entry for entry in entries() if entry.task == task),
    ]
    return [_row(one) for one in sorted(found, key=lambda one: -one.parameters)]


def _row(one: Baseline | Entry) -> list[str]:
    if isinstance(one, Entry):
        name, asked = f"zoo:{one.name}", "unseen"
        right, total = one.unseen
        interval = one.unseen_interval
    else:
        name, asked = one.name, one.asked
        right, total = one.score
        interval = one.interval
        name += ", *leaked*" if one.leaked else ""
    score = score_words(right / total, *interval) if total else "none published"
    beyond = f"{100 * one.beyond[0] / one.beyond[1]:.1f} %" if one.beyond[1] else ""
    return [
        name,
        f"{one.parameters:,}",
        format_bytes(one.bytes),
        f"{score} of {asked}" if asked not in ("", "unseen") else score,
        beyond,
        _rate(one.answers),
        f"{format_seconds(60 * one.minutes)}, {one.machine}" if one.minutes else one.machine,
    ]


def _rate(answers: float) -> str:
    if not answers:
        return "not measured"
    return f"{answers:,.3g}" if answers < 1000 else f"{answers:,.0f}"


def sources(task: str) -> list[str]:
    """Where the figures of others' models come from, a line each."""
    return [f"{other.name}: {other.source}" for other in baselines() if other.task == task]
