"""Two models on the same problems: how far their scores differ, and whether chance would do it.

Each problem is compared with itself, so that how hard the problems are falls out, and problems that
both answer right, or both wrong, say nothing. Knows problems and marks, not what answered. S sums.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lilliput.tasks.splits import Problem
from lilliput.units import Z95, Interval


@dataclass(frozen=True)
class Paired:
    """A second model against a first one."""

    only_first: int
    """Problems that the first alone answers right."""
    only_second: int
    total: int
    difference: float
    """Score of the second minus that of the first, as a fraction of one."""
    low: float
    """Lower end of its 95 % interval, twins as one cluster."""
    high: float
    p: float | None
    """How likely so large a difference is where neither is better (exact McNemar test, twins as one
    cluster); None: all problems of the space were asked, and nothing is left to chance."""


def paired(
    first: Mapping[Problem, bool], second: Mapping[Problem, bool], exhaustive: bool = False
) -> Paired:
    """Compares the marks of two models on the same problems, in whatever order they were asked.

    Args:
        exhaustive: all problems of the space were asked.
    """
    assert first.keys() == second.keys(), "they were asked other problems"
    assert first, "nothing was asked"
    clusters: dict[tuple[str, str], tuple[int, int]] = {}
    fewer = more = 0
    for problem, mark in first.items():
        gained = int(second[problem]) - int(mark)
        fewer, more = fewer + (gained < 0), more + (gained > 0)
        net, size = clusters.get((problem.group, problem.cluster), (0, 0))
        clusters[problem.group, problem.cluster] = (net + gained, size + 1)
    total, nets = len(first), list(clusters.values())
    difference = (more - fewer) / total
    if exhaustive:
        return Paired(fewer, more, total, difference, difference, difference, None)
    share = _effective(nets, fewer, more, total) / total
    interval = score_interval(more * share, fewer * share, total * share)
    p = mcnemar([net for net, _ in nets])
    return Paired(fewer, more, total, difference, interval.low, interval.high, p)


def mcnemar(ahead: Sequence[int]) -> float:
    """Two-sided p of the exact McNemar test (McNemar 1947): where neither model is better, each
    problem that one alone answers right falls to either with probability one half. Twins change
    sides together (Fisher's randomisation test, of clusters); without any, this is the binomial.

    Args:
        ahead: how many more of its problems the one model answers right than the other, in each
            cluster.

    >>> print(f"{mcnemar([1, 1, 1, 1, 1, -1]):.5f} {mcnemar([2, 1, 0]):.5f}")
    0.21875 0.50000
    """
    chances = np.ones(1)
    for size, number in Counter(abs(net) for net in ahead if net).items():
        ways = [_log_ways(number, k) - number * math.log(2) for k in range(number + 1)]
        one_S = np.zeros(2 * size * number + 1)
        one_S[:: 2 * size] = np.exp(ways)
        chances = np.convolve(chances, one_S)
    sums_S = np.arange(len(chances)) - len(chances) // 2
    return min(1.0, float(chances[abs(sums_S) >= abs(sum(ahead))].sum()))


def _log_ways(number: int, k: int) -> float:
    """Logarithm of the number of ways to choose `k` of `number`."""
    return math.lgamma(number + 1) - math.lgamma(k + 1) - math.lgamma(number - k + 1)


def _effective(clusters: list[tuple[int, int]], fewer: int, more: int, total: int) -> float:
    """Number of independent problems that would give the difference the variance that it has with
    twins as clusters, as in units.clustered_wilson.

    Args:
        clusters: what the second is ahead by, and problems, of each.
    """
    difference, effective = (more - fewer) / total, float(len(clusters))
    spread = sum((net - difference * size) ** 2 for net, size in clusters)
    if spread > 0 and len(clusters) > 1:
        spread *= len(clusters) / (len(clusters) - 1)
        alone = fewer + more - difference * difference * total
        effective = alone * total / spread
    return min(effective, float(total))


def score_interval(more: float, fewer: float, total: float, z: float = Z95) -> Interval:
    """The difference (more - fewer) / total of two paired proportions with its score interval: all
    differences that McNemar's statistic, generalised, does not refuse (Tango, Statistics in
    Medicine 17, 1998). Of proportions that stand alone Wilson's is the like.

    Args:
        more, fewer, total: effective numbers, so that they may be fractions.

    >>> low, high = score_interval(0, 0, 100)[1:]
    >>> print(f"{low:.4f} {high:.4f}")
    -0.0370 0.0370
    """
    found = (more - fewer) / total

    def off(difference: float) -> float:
        """How many standard errors lie between what was found and a difference."""
        linear = (2 * total - more + fewer) * difference - more - fewer
        constant = -fewer * difference * (1 - difference)
        root = math.sqrt(max(0.0, linear * linear - 8 * total * constant))
        lost = (root - linear) / (4 * total)
        variance = total * (2 * lost + difference * (1 - difference))
        gap = total * (found - difference)
        return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)

    def end(inside: float, outside: float) -> float:
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if abs(off(middle)) < z else (inside, middle)
        return inside

    return Interval(found, end(found, -1.0), end(found, 1.0))
