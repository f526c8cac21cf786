"""What a teacher, or cutting a trained model down, bought at each size: twins, which differ by it
alone, after as many steps. Knows no storage and no plan.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from lilliput.search.job import Evidence
from lilliput.search.trial import CUT_DOWN, TAUGHT, Trial, counted
from lilliput.specs.search import SearchSpec
from lilliput.units import Z95, student

Ends = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One seed without it and with it."""

    seed: int
    step: int
    """The latest at which both were validated."""
    without: Evidence
    having: Evidence

    @property
    def difference(self) -> float:
        """Score with it less that without."""
        return self.having.score - self.without.score


@dataclass(frozen=True)
class Mean:
    """The mean validation score of one way at a size."""

    score: float
    interval: Ends | None
    """95 %; None: one seed, and all problems asked."""


@dataclass(frozen=True)
class Gain:
    """One size of a family, tried both ways, or only one."""

    way: str
    """TAUGHT or CUT_DOWN."""
    family: str
    parameters: int
    cut: Mapping[str, tuple[int, int]] | None
    """As that of its trials."""
    num_steps: int
    """Of a whole training."""
    pairs: tuple[Pair, ...]
    """Those that went furthest, after as many steps; one a seed; none: tried only one way."""
    alone: Trial | None = None
    """The best trial of a size that was tried only one way."""

    @property
    def step(self) -> int:
        return self.pairs[0].step if self.alone is None else self.alone.step

    @property
    def without(self) -> Mean | None:
        """Without it; None: not tried."""
        return _mean_of(self.seen(has=False))

    @property
    def having(self) -> Mean | None:
        """With it; None: not tried."""
        return _mean_of(self.seen(has=True))

    def seen(self, *, has: bool) -> list[Evidence]:
        """Validation one way, one a seed."""
        if self.alone is not None:
            assert self.alone.last is not None
            return [self.alone.last] if self.alone.has(self.way) == has else []
        return [pair.having if has else pair.without for pair in self.pairs]

    @property
    def difference(self) -> Mean | None:
        """With it less without, seed by seed; None: tried only one way."""
        if not self.pairs:
            return None
        # As if the two exams had asked different problems: a little too wide, since both were
        # asked the same.
        errors = [math.hypot(_error(pair.without), _error(pair.having)) for pair in self.pairs]
        return _mean([pair.difference for pair in self.pairs], errors)

    @property
    def seeds(self) -> list[int]:
        return [self.alone.seed] if self.alone else [pair.seed for pair in self.pairs]

    @property
    def verdict(self) -> int:
        """1: it raised the score, -1: it lowered it, 0: neither is shown."""
        if self.difference is None or self.difference.interval is None:
            return 0
        low, high = self.difference.interval
        return (low > 0) - (high < 0)


def gains(spec: SearchSpec, trials: Sequence[Trial]) -> tuple[Gain, ...]:
    """All sizes of a search that tries some both ways: way by way, family by family, the smallest
    first."""
    ways = [TAUGHT] if any(TAUGHT in trial.inner for trial in trials) else []
    ways += [CUT_DOWN] if any(trial.cut for trial in trials) else []
    found = []
    for way in ways:
        those = trials if way == CUT_DOWN else counted(trials)
        for family in spec.families:
            tried = [t for t in those if t.family == family and t.points and not t.diverged]
            for rung in sorted({trial.rung for trial in tried}):
                found += _of_size(way, [trial for trial in tried if trial.rung == rung])
    return tuple(found)


def _of_size(way: str, here: Sequence[Trial]) -> list[Gain]:
    """What it bought at each number of parameters within a rung that has pairs; or that the rung
    has none."""
    found: dict[int, list[tuple[Trial, Pair]]] = {}
    for trial in here:
        for twin, pair in _pairs(way, trial, here):
            found.setdefault(twin.parameters, []).append((twin, pair))
    if found:
        return [_gain(way, pairs) for _, pairs in sorted(found.items())]
    # Neither what was trained before the search nor a model that nothing was cut of has a twin.
    began = (t for t in here if t.purpose not in ("baseline", "given"))
    tried = [t for t in began if way == TAUGHT or t.cut != {}]
    best = max(tried, key=lambda trial: trial.points[-1].validation.low, default=None)
    if best is None:
        return []
    return [Gain(way, best.family, best.parameters, best.cut, best.num_steps, (), best)]


def _gain(way: str, found: Sequence[tuple[Trial, Pair]]) -> Gain:
    furthest = max(pair.step for _, pair in found)
    kept = tuple(pair for _, pair in found if pair.step == furthest)
    twin = found[0][0]
    return Gain(way, twin.family, twin.parameters, twin.cut, twin.num_steps, kept)


def _pairs(way: str, trial: Trial, here: Sequence[Trial]) -> list[tuple[Trial, Pair]]:
    """Of a trial without it, its twin that has it, where both were validated at one step."""
    for twin in here if not trial.has(way) else []:
        if twin.is_twin_of(trial, way):
            mine = {point.step: point.validation for point in trial.points}
            its = {point.step: point.validation for point in twin.points}
            if common := mine.keys() & its.keys():
                step = max(common)
                return [(twin, Pair(trial.seed, step, mine[step], its[step]))]
    return []


def _mean_of(seen: Sequence[Evidence]) -> Mean | None:
    if len(seen) != 1:
        scores = [one.score for one in seen]
        return _mean(scores, [_error(one) for one in seen]) if seen else None
    (one,) = seen
    return Mean(one.score, (one.low, one.high) if one.low < one.high else None)


def _error(seen: Evidence) -> float:
    """Standard error that the exam alone gives a score."""
    return (seen.high - seen.low) / (2 * Z95)


def _mean(values: Sequence[float], errors: Sequence[float]) -> Mean:
    """A mean over seeds: Student's t of what they say, or what the exams alone leave open where
    that is more. For one seed that is all, and none where all problems were asked."""
    number, middle = len(values), mean(values)
    half = Z95 * math.hypot(*errors) / number
    if number > 1:
        spread = stdev(values) / math.sqrt(number)
        half = max(half, student(number - 1) * spread)
    elif not half:
        return Mean(middle, None)
    return Mean(middle, (middle - half, middle + half))
