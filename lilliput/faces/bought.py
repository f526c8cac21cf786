"""What a search's teacher bought: in one sentence, as lines, as a table of a page and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lilliput.faces.report_page import Html, join, note, section, table
from lilliput.units import point_words

if TYPE_CHECKING:
    from lilliput.search.gains import Gain

HOW = (
    "Each pair is one size, recipe and seed, trained as far without the teacher and with it, by its"
    " validation score. The interval (95 %) of several seeds is Student's t; of one seed it is the"
    " exam's alone, and another seed may differ by more. The run with the teacher comes first, and"
    " one that passes is trained no further, nor is its twin: that flatters the teacher a little."
)


def difference_words(gain: "Gain") -> str:
    """`+2.2 points [0.1, 4.3]`, or `-0.050 bits [-0.080, -0.020]`, where fewer are better."""
    sign, factor, digits, unit = 1, 100.0, 1, "points"
    if gain.without < 0:
        sign, factor, digits, unit = -1, 1.0, 3, "bits"
    words = f"{sign * factor * gain.difference:+.{digits}f} {unit}"
    if gain.interval is None:
        return words
    ends = sorted(sign * factor * end for end in gain.interval)
    return f"{words} [{', '.join(f'{end:.{digits}f}' for end in ends)}]"


def sentence(gains: Sequence["Gain"]) -> str:
    """Whether it bought anything; empty: no size was tried both ways."""
    if not gains:
        return ""
    sizes = f"{len(gains)} size{'s' if len(gains) != 1 else ''}"
    better = sum(gain.verdict > 0 for gain in gains)
    worse = sum(gain.verdict < 0 for gain in gains)
    if better or worse:
        return f"The teacher raised the score at {better} of {sizes} and lowered it at {worse}."
    return f"The teacher is not shown to have bought anything at {sizes}."


def _rows(gains: Sequence["Gain"]) -> list[list[str]]:
    """Size, seeds, how far they were trained, scores without and with, difference."""
    return [
        [
            f"{gain.family} {gain.parameters:,}",
            str(len(gain.pairs)),
            f"{gain.step:,} of {gain.num_steps:,}",
            point_words(gain.without),
            point_words(gain.taught),
            difference_words(gain),
        ]
        for gain in gains
    ]


_HEADER = ("parameters", "seeds", "steps", "without", "with", "difference [95 %]")


def lines(gains: Sequence["Gain"]) -> list[str]:
    """The table and its sentence for a terminal; empty: there is nothing to say."""
    if not gains:
        return []
    rows = [list(_HEADER), *_rows(gains)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    shown = ["   ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) for r in rows]
    return ["", "What the teacher bought:", *(f"  {line}".rstrip() for line in shown),
            f"  {sentence(gains)}"]  # fmt: skip


def bought_section(gains: Sequence["Gain"]) -> Html:
    """The page's section; empty where there is no teacher, or no size was tried both ways."""
    if not gains:
        return join()
    made = table(_HEADER, _rows(gains), label="What the teacher bought at each size")
    said = sentence(gains)
    return section("teacher", "What the teacher bought", note(f"{said} {HOW}"), made)


def to_dict(gains: Sequence["Gain"]) -> list[dict[str, Any]]:
    """A table for each size tried both ways, JSON-ready; scores as elsewhere, more is better."""
    return [
        {
            "family": gain.family,
            "parameters": gain.parameters,
            "seeds": [pair.seed for pair in gain.pairs],
            "step": gain.step,
            "num_steps": gain.num_steps,
            "without": [pair.without.score for pair in gain.pairs],
            "taught": [pair.taught.score for pair in gain.pairs],
            "difference": gain.difference,
            "interval": list(gain.interval) if gain.interval else None,
        }
        for gain in gains
    ]
