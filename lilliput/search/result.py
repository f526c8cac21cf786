"""What a search found, put together from its trials and looks; knows no storage and no plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

from lilliput.search.gains import Gain, gains
from lilliput.search.job import Evidence
from lilliput.search.trial import Look, Trial, counted
from lilliput.specs.search import SearchSpec
from lilliput.units import Z95


@dataclass(frozen=True)
class Size:
    """All that is known of one family at one rung of the ladder."""

    family: str
    rung: int
    asked: int
    """Parameters of the rung."""
    trial: Trial
    """The confirmed run, else the one with the best validation."""
    passed: int
    """Seeds of the recipe of `trial` that pass on validation; 0 only where no trial passes."""
    tried: int
    """Seeds of that recipe whose training passed or is over."""
    unseen: Evidence | None
    """The last look at `unseen` of `trial`."""
    confirmed: bool
    """*Possible*: `trial` was named beforehand and passed on unseen."""
    typical: float | None
    """Median validation score of three or more fresh seeds of one frozen recipe."""
    typical_scores: tuple[float, ...] = ()
    fails_totally: bool = False
    """The whole training was over, and no trial was shown to be better than the best constant
    answer: the lower end of its interval is not above that."""
    z: float = Z95
    """Quantile of the normal distribution of the interval of `unseen`."""

    @property
    def parameters(self) -> int:
        return self.trial.parameters

    @property
    def validation(self) -> Evidence:
        assert self.trial.last is not None
        return self.trial.last


@dataclass(frozen=True)
class Family:
    """One family's frontier, from the smallest size to the largest."""

    name: str
    sizes: tuple[Size, ...]

    @property
    def smallest_passing(self) -> Size | None:
        """Smallest size that passed on validation."""
        return next((size for size in self.sizes if size.passed), None)

    @property
    def smallest_confirmed(self) -> Size | None:
        return next((size for size in self.sizes if size.confirmed), None)

    def left_early(self, size: Size) -> bool:
        """Whether a size's best run was neither over nor good enough when a smaller one passed: its
        score says only how little it was trained."""
        passing = self.smallest_passing
        open_one = not (size.trial.done or size.passed or size.confirmed)
        return open_one and passing is not None and passing.rung < size.rung

    @property
    def fails_totally(self) -> Size | None:
        """Largest size below the passing ones that is not shown to be better than the best
        constant answer."""
        return next((size for size in reversed(self.sizes) if size.fails_totally), None)


@dataclass(frozen=True)
class Result:
    pass_mark: float
    families: tuple[Family, ...]
    num_trials: int
    steps: int
    """Steps trained by all trials."""
    cost: int
    """Sum of parameters times steps over all trials."""
    seconds: float
    """Sum of what all slices took in their workers."""
    finished: bool
    """All that the search looks for is decided; else the budget ended it, or it is still on."""
    folder: Path | None
    gains: tuple[Gain, ...] = ()
    """What the teacher, or cutting down, bought at each size."""

    @property
    def baseline(self) -> Size | None:
        """What the search went down from, where it was trained before it."""
        sizes = (size for family in self.families for size in family.sizes)
        return next((size for size in sizes if size.trial.purpose == "baseline"), None)

    @property
    def baseline_teaches(self) -> bool:
        """Whether there is a baseline that is good enough to teach what stands below it."""
        return self.baseline is not None and self.baseline.validation.may_teach(self.pass_mark)

    @property
    def winner(self) -> Size | None:
        """The confirmed model with the fewest parameters."""
        found = [size for family in self.families if (size := family.smallest_confirmed)]
        return min(found, key=lambda size: size.parameters, default=None)


@dataclass(frozen=True)
class Snapshot:
    """The search at a moment, for a live table."""

    phase: Literal["training", "confirming", "finished"]
    spec: SearchSpec
    trials: Sequence[Trial]
    """All so far; the same list grows while the search goes on."""
    running: frozenset[int]
    """Numbers of the trials that workers are at."""
    elapsed: float
    """Seconds since this sitting began."""
    steps: int
    """Steps trained by all trials, earlier sittings included."""
    errors: tuple[str, ...] = ()
    """What went wrong with trials that were given up."""
    result: Result | None = field(default=None, compare=False)
    """In the last snapshot."""

    @property
    def best(self) -> Trial | None:
        """The smallest trial that passes on validation."""
        passing = [t for t in counted(self.trials) if t.passes(self.spec.pass_mark)]
        return min(passing, key=lambda trial: trial.parameters, default=None)


def summarise(
    spec: SearchSpec,
    trials: Sequence[Trial],
    looks: Sequence[Look],
    floor: float,
    *,
    finished: bool = False,
    folder: Path | None = None,
) -> Result:
    """The result that trials and looks add up to, at any moment."""
    families = []
    for name in spec.families:
        tried = [trial for trial in counted(trials) if trial.family == name and trial.points]
        rungs = [
            _size([trial for trial in tried if trial.rung == rung], looks, spec.pass_mark, floor)
            for rung in sorted({trial.rung for trial in tried})
        ]
        families.append(Family(name, tuple(rungs)))
    return Result(
        spec.pass_mark,
        tuple(families),
        len(trials),
        sum(trial.step for trial in trials),
        sum(trial.step * trial.parameters for trial in trials),
        sum(trial.seconds for trial in trials),
        finished,
        folder,
        gains(spec, trials),
    )


def count_seeds(best: Trial, here: Sequence[Trial], mark: float) -> tuple[int, int]:
    """How many seeds of a trial's recipe pass, and how many passed or are over.

    Args:
        here: all trials of the same family and rung.
    """
    # Other recipes that were tried, and seeds set aside halfway, say nothing of this one.
    same = (t for t in here if t.inner == best.inner and t.given == best.given)
    seeds = [t for t in same if t.done or t.passes(mark)]
    return sum(trial.passes(mark) for trial in seeds), len(seeds)


def _size(here: list[Trial], looks: Sequence[Look], mark: float, floor: float) -> Size:
    seen = {look.trial: look for look in looks if look.unseen is not None}
    confirmed = [
        trial for trial in here if trial.number in seen and seen[trial.number].confirms(mark)
    ]
    # Named runs stay what they were named for; only among others does the best score count.
    best = max(confirmed or here, key=lambda trial: trial.points[-1].validation.low)
    look = seen.get(best.number)
    typical = tuple(
        trial.points[-1].validation.score
        for trial in here
        if trial.purpose == "typical" and trial.done
    )
    ended = [trial for trial in here if trial.done and not trial.diverged]
    return Size(
        best.family,
        best.rung,
        best.asked,
        best,
        *count_seeds(best, here, mark),
        look.unseen if look else None,
        bool(confirmed),
        median(typical) if len(typical) >= 3 else None,
        typical,
        bool(ended) and all(trial.points[-1].validation.low <= floor for trial in here),
        look.z if look else Z95,
    )
