"""What a teacher bought at each size: twins, which differ by it alone, after as many steps.

Knows no storage and no plan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from lilliput.search.job import Evidence
from lilliput.search.trial import Trial
from lilliput.specs.search import SearchSpec
from lilliput.units import Z95

_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Two-sided 95 % quantiles of Student's t with 1, 2, ... 10 degrees of freedom."""


@dataclass(frozen=True)
class Pair:
    """One seed without the teacher and with it."""

    seed: int
    step: int
    """The latest at which both were validated."""
    without: Evidence
    taught: Evidence

    @property
    def difference(self) -> float:
        """Score with the teacher less that without."""
        return self.taught.score - self.without.score

    @property
    def error(self) -> float:
        """Standard error that the two exams alone give the difference, as if they had asked
        different problems: a little too large, since both were asked the same."""
        widths = (seen.high - seen.low for seen in (self.without, self.taught))
        return math.hypot(*(width / (2 * Z95) for width in widths))


@dataclass(frozen=True)
class Gain:
    """One size of a family, tried both ways."""

    family: str
    parameters: int
    num_steps: int
    """Of a whole training."""
    pairs: tuple[Pair, ...]
    """Those that went furthest, after as many steps; one a seed."""

    @property
    def step(self) -> int:
        return self.pairs[0].step

    @property
    def without(self) -> float:
        """Mean validation score of the seeds without the teacher."""
        return mean(pair.without.score for pair in self.pairs)

    @property
    def taught(self) -> float:
        return mean(pair.taught.score for pair in self.pairs)

    @property
    def difference(self) -> float:
        return mean(pair.difference for pair in self.pairs)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the 95 % interval of the difference: of several seeds by Student's t, of one the
        exam's alone; None: one seed, and all problems asked."""
        number = len(self.pairs)
        half = Z95 * math.hypot(*(pair.error for pair in self.pairs)) / number
        if number > 1:
            spread = stdev(pair.difference for pair in self.pairs) / math.sqrt(number)
            half = max(half, _student(number - 1) * spread)
        elif not half:
            return None
        return self.difference - half, self.difference + half

    @property
    def verdict(self) -> int:
        """1: the teacher raised the score, -1: it lowered it, 0: neither is shown."""
        if self.interval is None:
            return 0
        low, high = self.interval
        return (low > 0) - (high < 0)


def gains(spec: SearchSpec, trials: Sequence[Trial]) -> tuple[Gain, ...]:
    """All sizes that were tried both ways, family by family, the smallest first."""
    found = []
    for family in spec.families:
        tried = [t for t in trials if t.family == family and t.points and not t.diverged]
        for rung in sorted({trial.rung for trial in tried}):
            here = [trial for trial in tried if trial.rung == rung]
            pairs = [pair for trial in here if not trial.taught for pair in _pairs(trial, here)]
            if pairs:
                furthest = max(pair.step for pair in pairs)
                kept = tuple(pair for pair in pairs if pair.step == furthest)
                found.append(Gain(family, here[0].parameters, here[0].num_steps, kept))
    return tuple(found)


def _pairs(trial: Trial, here: Sequence[Trial]) -> list[Pair]:
    """An untaught trial with its taught twin, where both were validated at one step."""
    for twin in here:
        if twin.is_twin_of(trial):
            mine = {point.step: point.validation for point in trial.points}
            its = {point.step: point.validation for point in twin.points}
            if common := mine.keys() & its.keys():
                step = max(common)
                return [Pair(trial.seed, step, mine[step], its[step])]
    return []


def _student(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t; of many degrees by its expansion."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    return Z95 + (Z95**3 + Z95) / (4 * freedom)
