"""A search's pass mark and budget as they are typed. Knows no flag."""

import math
from typing import Any

from lilliput.errors import SpecError
from lilliput.units import parse_count, parse_seconds


def read_share(text: str) -> float:
    """`70%` or `0.7`.

    >>> read_share("70%")
    0.7

    Raises:
        SpecError: it is no number, or not between 0 and 100 %.
    """
    try:
        share = float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise SpecError(f"cannot read {text!r} as a pass mark; write 70% or 0.7")
    if not 0 < share <= 1:
        raise SpecError(f"a pass mark is between 0 and 100 %; got {text}: write 70% or 0.7")
    return share


def read_budget(text: str) -> dict[str, Any]:
    """`10m` or `200k-steps`, as fields of a SearchSpec.

    >>> read_budget("200k-steps")
    {'steps': 200000}
    """
    if text.endswith("-steps"):
        budget: dict[str, Any] = {"steps": parse_count(text.removesuffix("-steps"))}
    else:
        try:
            budget = {"seconds": parse_seconds(text)}
        except SpecError:
            raise SpecError(
                f"cannot read {text!r} as a budget; write a time (90s, 10m, 1h30m) or a number of"
                " training steps (200k-steps)"
            ) from None
    if not any(budget.values()):
        raise SpecError(f"a budget of {text!r} is nothing to search with; write 10m")
    return budget


def read_bits(text: str) -> float:
    """Bits per character as a score, which is minus them: more is better.

    >>> read_bits("1.327")
    -1.327
    """
    try:
        bits = float(text)
    except ValueError:
        bits = 0.0
    if not 0 < bits < 20:
        raise SpecError(f"cannot read {text!r} as a pass mark of text; write bits: 1.327")
    return -bits
