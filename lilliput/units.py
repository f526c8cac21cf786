"""Intervals and units: scores with their uncertainty, counts, sizes, times; text that is fit
for a terminal. Knows no room."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lilliput.errors import SpecError

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


class Interval(NamedTuple):
    """A score with its 95 % interval, as fractions of one."""

    score: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.score:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def score_words(score: float, low: float, high: float) -> str:
    """`72.0 % [70.4, 73.3]`, or `1.327 bits [1.301, 1.353]` of a text's score, which is minus the
    bits per character; without an interval where it is a point, or one document has none.

    >>> score_words(0.72, 0.704, 0.733), score_words(-1.327, -1.353, -1.301)
    ('72.0 % [70.4, 73.3]', '1.327 bits [1.301, 1.353]')
    """
    words = point_words(score)
    if low == high or not math.isfinite(low):
        return words
    ends = f"{-high:.3f}, {-low:.3f}" if score < 0 else f"{100 * low:.1f}, {100 * high:.1f}"
    return f"{words} [{ends}]"


def ends(row: Mapping[str, Any]) -> dict[str, float]:
    """The ends of an interval as JSON has them, `low` and `high`; one that is null is infinite.

    >>> ends({"low": None, "high": -0.5})
    {'low': -inf, 'high': -0.5}
    """
    low, high = row["low"], row["high"]
    return {
        "low": -math.inf if low is None else low,
        "high": math.inf if high is None else high,
    }


def bits_words(bits: float, low: float | None, high: float | None) -> str:
    """Bits per character with their interval, where there is one.

    >>> bits_words(1.327, 1.301, 1.353), bits_words(1.327, None, None)
    ('1.327 [1.301, 1.353]', '1.327')
    """
    if low is None or high is None or not math.isfinite(high - low):
        return f"{bits:.3f}"
    return f"{bits:.3f} [{low:.3f}, {high:.3f}]"


def point_words(score: float) -> str:
    """A score alone: `72.0 %`, or `1.327 bits` per character."""
    return f"{-score:.3f} bits" if score < 0 else f"{100 * score:.1f} %"


def pass_words(mark: float) -> str:
    """A pass mark: `70 %`, or `1.327 bits per character`."""
    return f"{-mark:g} bits per character" if mark < 0 else f"{100 * mark:g} %"


def wilson(right: float, total: float, z: float = Z95) -> Interval:
    """Wilson's score interval for `right` of `total` (Wilson 1927).

    `total` may be an effective number of questions, so both may be fractions.

    >>> print(wilson(95, 123))
    77.2 % [69.1, 83.8]
    """
    if total <= 0:
        raise SpecError("an interval needs at least one question; got 0")
    score = right / total
    shrink = 1 + z * z / total
    middle = (score + z * z / (2 * total)) / shrink
    half = z / shrink * math.sqrt(score * (1 - score) / total + z * z / (4 * total * total))
    return Interval(score, max(0.0, middle - half), min(1.0, middle + half))


def clustered_wilson(clusters: Iterable[tuple[int, int]], z: float = Z95) -> Interval:
    """Wilson's interval where questions come in clusters that stand or fall together (twins).

    Args:
        clusters: (right, total) of each cluster.

    The number of questions is replaced by the effective number that gives the ratio estimator's
    cluster-robust variance (Cochran, Sampling Techniques, 1977, 6.4), at most the real number; with
    no variance to measure (all right or all wrong) each cluster counts as one question.
    """
    pairs = [(right, total) for right, total in clusters if total]
    right = sum(pair[0] for pair in pairs)
    total = sum(pair[1] for pair in pairs)
    if not total:
        raise SpecError("an interval needs at least one question; got 0")
    score = right / total
    effective = float(len(pairs))
    if 0 < right < total and len(pairs) > 1:
        spread = sum((r - score * n) ** 2 for r, n in pairs) * len(pairs) / (len(pairs) - 1)
        if spread > 0:
            effective = score * (1 - score) * total * total / spread
    effective = min(effective, float(total))
    return wilson(score * effective, effective, z)


_EXPANDED = 30
"""Degrees of freedom above which Student's t is near enough to the normal for its expansion."""


@lru_cache(maxsize=1_024)
def student(freedom: int, z: float = Z95) -> float:
    """Quantile of Student's t that leaves as much on both sides as `z` does of the normal: what an
    interval takes in place of `z` where its error is estimated from `freedom` + 1 clusters.

    >>> round(student(1), 2), round(student(4), 3), round(student(10_000), 3)
    (12.71, 2.776, 1.96)
    """
    if freedom > _EXPANDED:  # Abramowitz and Stegun, 26.7.5
        first = (z**3 + z) / 4
        second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
        third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
        return z + first / freedom + second / freedom**2 + third / freedom**3
    tail = math.erfc(z / math.sqrt(2))
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _outside(middle, freedom) > tail:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _outside(angle: float, freedom: int) -> float:
    """Probability that Student's t is further from 0 than sqrt(freedom) * tan(angle), by the finite
    sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd, square = freedom % 2, math.cos(angle) ** 2
    total, term = 0.0, math.cos(angle) if odd else 1.0
    for k in range(freedom // 2):
        total += term
        term *= square * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    inside = math.sin(angle) * total
    return 1 - (2 / math.pi * (angle + inside) if odd else inside)


def parse_count(text: str) -> int:
    """A number of things: `14928`, `14,928`, `50k`, `1.5M`."""
    match = re.fullmatch(r"\s*(\d[\d,_]*(?:\.\d+)?)\s*([kKmM]?)\s*", text)
    if not match:
        raise SpecError(f"cannot read {text!r} as a count; write 50000, 50k or 1.5M")
    number = float(match[1].replace(",", "").replace("_", ""))
    return round(number * {"": 1, "k": 1_000, "m": 1_000_000}[match[2].lower()])


def parse_seconds(text: str) -> float:
    """A length of time in seconds: `90`, `90s`, `10m`, `1.5h`, `1h30m`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(h|m|s|$)", text.strip())
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*(h|m|s|$)", "", text.strip()).strip():
        raise SpecError(f"cannot read {text!r} as a time; write 90s, 10m or 1h30m")
    return sum(float(number) * {"h": 3600, "m": 60, "s": 1, "": 1}[unit] for number, unit in parts)


def format_seconds(seconds: float) -> str:
    """`0.21 s`, `42 s`, `7 min 30 s`, `1 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 0.1 else f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_flops(count: float) -> str:
    """Floating-point operations in three digits.

    >>> format_flops(60_319), format_flops(1.25e9), format_flops(17)
    ('60.3 kFLOP', '1.25 GFLOP', '17 FLOP')
    """
    prefix, size = next(
        ((prefix, size) for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)) if count >= size),
        ("", 1.0),
    )
    return f"{float(f'{count / size:.3g}'):g} {prefix}FLOP"


def format_bytes(count: int) -> str:
    """Decimal units, as disks and downloads count: `59.7 kB`."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e6:.2f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def printable(text: str) -> str:
    """Text in which what nobody can see is replaced, so that it cannot steer a terminal; line
    feeds, tabs and wide spaces stay.

    >>> printable("red \\x1b[31m")
    'red �[31m'
    """
    hidden = "\N{REPLACEMENT CHARACTER}"
    return "".join(c if c.isprintable() or c in "\n\t\xa0" else hidden for c in text)
