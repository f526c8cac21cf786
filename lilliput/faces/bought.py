"""What a search's teacher, or cutting a model down, bought: in one sentence, as lines, as a page's
table and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lilliput.faces.report_page import Html, join, note, section, table
from lilliput.lab.cut_words import moves_words
from lilliput.search.trial import CUT_DOWN, TAUGHT
from lilliput.units import point_words, score_words

if TYPE_CHECKING:
    from lilliput.search.gains import Gain, Mean


@dataclass(frozen=True)
class _Way:
    """How one way is spoken of."""

    place: str
    """In the page."""
    link: str
    subject: str
    columns: tuple[str, str]
    """Of scores without it and with it."""
    how: str


_SHARED = (
    " by its validation score. Intervals are of 95 %: of several seeds Student's t, of one seed the"
    " exam's alone, and another seed may differ by more. "
)
_WAYS = {
    TAUGHT: _Way(
        "teacher",
        "Teacher",
        "the teacher",
        ("without", "with"),
        "Each pair is one size, recipe and seed, trained as far without the teacher and with it,"
        f"{_SHARED}The run with the teacher comes first, and one that passes is trained no further,"
        " nor is its twin: that flatters the teacher a little.",
    ),
    CUT_DOWN: _Way(
        "shrink",
        "Cutting down",
        "cutting down",
        ("from nothing", "cut down"),
        "Each pair is one shape, recipe and seed, trained as many steps from nothing and from what"
        f" was cut out of the larger model,{_SHARED}The steps that the larger model took before are"
        " not counted, and the best run at a size was chosen for its score while its twin was not:"
        " both flatter cutting down. What was trained from nothing is a comparison: it is asked no"
        " unseen problem, and is never the answer.",
    ),
}


def mean_words(mean: "Mean | None") -> str:
    """`72.3 % [70.4, 74.2]`, or in bits; `not tried`."""
    if mean is None:
        return "not tried"
    return score_words(mean.score, *ends(mean))


def ends(mean: "Mean") -> tuple[float, float]:
    """Ends of a score's interval, within what a score can be; twice the score where it has none."""
    low, high = mean.interval or (mean.score, mean.score)
    return (low, high) if mean.score < 0 else (max(0.0, low), min(1.0, high))


def seeds_words(gain: "Gain") -> str:
    """`mean of 4 seeds`"""
    number = len(gain.pairs)
    return f"mean of {number} seeds" if number > 1 else "one seed"


def difference_words(gain: "Gain") -> str:
    """`+2.2 points [0.1, 4.3]`, or `-0.050 bits [-0.080, -0.020]`, where fewer are better; empty:
    tried only one way."""
    mean = gain.difference
    if mean is None or gain.without is None:
        return ""
    sign, factor, digits, unit = 1, 100.0, 1, "points"
    if gain.without.score < 0:
        sign, factor, digits, unit = -1, 1.0, 3, "bits"
    words = f"{sign * factor * mean.score:+.{digits}f} {unit}"
    if mean.interval is None:
        return words
    ends = sorted(sign * factor * end for end in mean.interval)
    return f"{words} [{', '.join(f'{end:.{digits}f}' for end in ends)}]"


def sentence(gains: Sequence["Gain"]) -> str:
    """Whether it bought anything; all of one way, and at least one."""
    subject = _WAYS[gains[0].way].subject
    number = sum(bool(gain.pairs) for gain in gains)
    if not number:
        return f"No size was tried both ways yet: what {subject} bought is not known."
    better = sum(gain.verdict > 0 for gain in gains)
    worse = sum(gain.verdict < 0 for gain in gains)
    open_ones = sum(gain.difference is not None and not gain.difference.interval for gain in gains)
    sizes, said = _sizes_words(number - open_ones), []
    if better or worse:
        said.append(f"{subject} raised the score at {better} of {sizes} and lowered it at {worse}.")
    elif number > open_ones:
        said.append(f"{subject} is not shown to have bought anything at {sizes}.")
    if open_ones:
        said.append(
            f"{_sizes_words(open_ones)} of one seed, asked all problems, cannot be judged by it:"
            " another seed may differ by more."
        )
    return " ".join(one[:1].upper() + one[1:] for one in said)


def _sizes_words(number: int) -> str:
    return f"{number} size{'s' if number != 1 else ''}"


def _rows(gains: Sequence["Gain"], *, whole: bool) -> list[list[str]]:
    """Header and rows: size, what was cut, seeds, how far they were trained, scores without and
    with, difference.

    Args:
        whole: with the intervals of both scores, and sizes that were tried only one way.
    """
    cuts = any(gain.cut is not None for gain in gains)
    columns = _WAYS[gains[0].way].columns
    header = ["parameters", *["what was cut"] * cuts, "seeds", "steps", *columns]
    rows = [[*header, "difference [95 %]"]]
    for gain in gains:
        if not (whole or gain.pairs):
            continue
        ways = (gain.without, gain.having)
        scores = [mean_words(m) if whole or not m else point_words(m.score) for m in ways]
        rows.append([
            f"{gain.family} {gain.parameters:,}", *[moves_words(gain.cut)] * cuts,
            str(len(gain.seeds)), f"{gain.step:,} of {gain.num_steps:,}", *scores,
            difference_words(gain) or "tried one way",
        ])  # fmt: skip
    return rows


def _by_way(gains: Sequence["Gain"]) -> dict[str, list["Gain"]]:
    found: dict[str, list[Gain]] = {}
    for gain in gains:
        found.setdefault(gain.way, []).append(gain)
    return found


def lines(gains: Sequence["Gain"]) -> list[str]:
    """The tables and their sentences for a terminal; empty: there is nothing to say."""
    said = []
    for way, known in _by_way(gains).items():
        said += ["", f"What {_WAYS[way].subject} bought:"]
        if any(gain.pairs for gain in known):
            rows = _rows(known, whole=False)
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                said.append(f"  {'   '.join(cells)}".rstrip())
        said.append(f"  {sentence(known)}")
    return said


def sections(gains: Sequence["Gain"]) -> Html:
    """The page's sections, of the teacher and of cutting down; empty: there is neither."""
    made = []
    for way, known in _by_way(gains).items():
        words, (header, *rows) = _WAYS[way], _rows(known, whole=True)
        title = f"What {words.subject} bought"
        shown = table(header, rows, label=f"{title} at each size")
        made.append(section(words.place, title, note(f"{sentence(known)} {words.how}"), shown))
    return join(*made)


def places(gains: Sequence["Gain"]) -> dict[str, str]:
    """Links to the page's sections."""
    return {_WAYS[way].place: _WAYS[way].link for way in _by_way(gains)}


def to_dict(gains: Sequence["Gain"], way: str) -> list[dict[str, Any]]:
    """A table for each size, JSON-ready; scores as elsewhere, more is better. Of a size tried only
    one way, no difference."""
    return [
        {
            "family": gain.family,
            "parameters": gain.parameters,
            "cut": None if gain.cut is None else dict(gain.cut),
            "seeds": gain.seeds,
            "step": gain.step,
            "num_steps": gain.num_steps,
            "without": [seen.score for seen in gain.seen(has=False)],
            way: [seen.score for seen in gain.seen(has=True)],
            "difference": gain.difference and gain.difference.score,
            "interval": gain.difference and gain.difference.interval,
        }
        for gain in gains
        if gain.way == way
    ]
