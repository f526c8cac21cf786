"""Which problems are for training, choices, reports: by a hash of the problem, twins as one."""

from hashlib import blake2b
from typing import Literal, NamedTuple

Section = Literal["seen", "valid", "unseen", "beyond"]
SMALL_SPACE = 1_000
"""With fewer problems a tenth is too few to grade on: all are trained on and all are asked."""


class Problem(NamedTuple):
    """One question with one right answer."""

    question: str
    """`27 / 86`"""
    answer: str
    """`0.31`"""
    group: str
    """Scores are given for each group: the operation."""
    cluster: str
    """Twins share it, and with it their section."""


def twins_key(operation: str, left: int, right: int) -> str:
    """One name for a problem and its twin: 3 + 5 and 5 + 3; 5 - 3 and 3 - 5 (another sign).

    >>> twins_key("-", 5, 3) == twins_key("-", 3, 5), twins_key("/", 5, 3) == twins_key("/", 3, 5)
    (True, False)
    """
    if operation != "/" and left > right:
        left, right = right, left
    return f"{left} {operation} {right}"


def tenth_of(cluster: str) -> int:
    """A number from 0 to 9 that depends on nothing but the problem's name."""
    return int.from_bytes(blake2b(cluster.encode(), digest_size=8).digest(), "big") % 10


def section_of(cluster: str, fold: int) -> Section:
    """Section of a problem: tenth `fold` is unseen, the one before validation, the rest seen."""
    tenth = tenth_of(cluster)
    if tenth == fold % 10:
        return "unseen"
    return "valid" if tenth == (fold - 1) % 10 else "seen"
