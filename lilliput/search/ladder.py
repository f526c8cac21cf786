"""The ladder of sizes, and how sure it is that a rung cannot pass. Knows no trials."""

import math
from collections.abc import Mapping

from lilliput.search.job import Evidence
from lilliput.specs.search import SearchSpec
from lilliput.units import Z95


def ladder(spec: SearchSpec) -> tuple[int, ...]:
    """Parameters of the rungs, smallest first, even in the logarithm, both ends included.

    >>> ladder(SearchSpec(smallest=1_000, largest=8_000, rungs=1))
    (1000, 2000, 4000, 8000)
    """
    ratio = spec.largest / spec.smallest
    num_steps = math.ceil(spec.rungs * math.log2(ratio) - 1e-9)
    if num_steps == 0:
        return (spec.largest,)
    return tuple(round(spec.smallest * ratio ** (k / num_steps)) for k in range(num_steps + 1))


def ladders(
    spec: SearchSpec, own_sizes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """Each family's ladder: the sizes that are its own, else the search's."""
    return {family: own_sizes.get(family) or ladder(spec) for family in spec.families}


def doubt(failed: int, passed_above: int, failed_above: int) -> float:
    """Probability that `failed` seeds all fail at a rung that can pass.

    The share of seeds that can pass may be 10, 20, ... or 100 %, each as likely before it was seen
    `passed_above` and `failed_above` times at larger sizes.

    >>> round(doubt(5, 0, 0), 3), round(doubt(5, 3, 0), 3), round(doubt(5, 1, 9), 3)
    (0.121, 0.007, 0.411)
    """
    weights = {share: share**passed_above * (1 - share) ** failed_above for share in _SHARES}
    return sum(w * (1 - share) ** failed for share, w in weights.items()) / sum(weights.values())


_SHARES = tuple(k / 10 for k in range(1, 11))
"""A size of which fewer seeds than the first can pass is taken for one that cannot."""


def chance_of_confirming(validation: Evidence, mark: float, z: float) -> float:
    """Probability that a fresh exam like this one has its interval above the mark.

    The exam that gave the score is as noisy as the fresh one, so the two errors add. Its standard
    error is read from its 95 % interval, whatever a score is made of.
    """
    error = (validation.high - validation.low) / (2 * Z95)
    if not error:
        return float(validation.score >= mark)
    return 0.5 * math.erfc(-((validation.score - mark) / error - z) / 2)
