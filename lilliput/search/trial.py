"""A trial as the search sees it: what was asked, and its learning curve. Knows no storage."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lilliput.search.job import Evidence

Purpose = Literal["search", "scan", "typical", "compare", "baseline", "given"]
"""Why it was begun: to decide a rung, to know the curve below, as a fresh seed of a recipe, as the
twin of another trial; or it was trained before the search, which goes down from it; or it is the
model that is cut down, as it is, of which the search trained no step."""

TAUGHT, CUT_DOWN = "taught", "cut_down"
"""Among a trial's inner choices, yes unless told: whether it has its teacher, and whether it begins
with what was cut out of a larger model. Twins are tried both ways."""

SLICES = 16
"""Slices of a whole training; a trial is validated after each, and may pass there."""


@dataclass(frozen=True)
class Point:
    """A place on a learning curve."""

    step: int
    done: bool
    validation: Evidence
    train_loss: float
    seconds: float
    metrics: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Trial:
    """One training of one spec. Only the ledger adds to `points`."""

    number: int
    """From 0, in the order in which they were begun."""
    family: str
    rung: int
    """Place on the ladder, from 0."""
    asked: int
    """Parameters of that rung."""
    inner: Mapping[str, Any]
    """What the proposer chose; empty: the default recipe."""
    seed: int
    spec: Any
    parameters: int
    """Parameters counted from the spec, at most `asked`."""
    num_steps: int
    """Steps of the whole training."""
    purpose: Purpose
    cut: Mapping[str, tuple[int, int]] | None = None
    """Of what the larger model that it was cut out of had how many, and how many it has; empty: it
    is all of that model; None: it was cut out of none."""
    points: list[Point] = field(default_factory=list, compare=False)
    _scores: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return self.points[-1].step if self.points else 0

    @property
    def done(self) -> bool:
        return bool(self.points) and self.points[-1].done

    @property
    def given(self) -> bool:
        """It is the model that is cut down, as it is: no recipe and no seed of the search's."""
        return self.purpose == "given"

    @property
    def diverged(self) -> bool:
        """It ended because the loss was no number, which says nothing of its size."""
        return not self.given and bool(self.points) and math.isnan(self.points[-1].train_loss)

    @property
    def last(self) -> Evidence | None:
        """The latest validation; a trial is judged by the state that is kept, not by its best."""
        return self.points[-1].validation if self.points else None

    @property
    def seconds(self) -> float:
        return sum(point.seconds for point in self.points)

    def passes(self, mark: float) -> bool:
        """The lower end of the latest validation interval reaches the mark."""
        return bool(self.points) and self.points[-1].validation.low >= mark

    def has(self, way: str) -> bool:
        """Whether it has TAUGHT or CUT_DOWN, in a search where there is such a thing."""
        return bool(self.inner.get(way, True))

    @property
    def taught(self) -> bool:
        """Whether it has its teacher, where there is one."""
        return self.has(TAUGHT)

    @property
    def from_nothing(self) -> bool:
        """Trained from nothing in a search that cuts a model down: only others are compared with
        it, and it counts for no claim."""
        return not self.has(CUT_DOWN)

    def is_twin_of(self, other: "Trial", way: str = TAUGHT) -> bool:
        """Whether nothing but one way tells the two apart: size, recipe and seed are one."""
        mine, its = ((t.family, t.rung, t.seed, _recipe(t, way)) for t in (self, other))
        return mine == its and self.has(way) != other.has(way)

    @property
    def next_steps(self) -> int:
        """Steps to the end of the next slice; slices end at sixteenths of the training."""
        place = self.step * SLICES // self.num_steps + 1
        return max(1, -(-self.num_steps * place // SLICES) - self.step)

    def score_at(self, sixteenths: int) -> float | None:
        """Validation score when that part of the training was first over; None: not yet."""
        # Points are only ever added, so what is known stays known; this is asked very often.
        if sixteenths not in self._scores:
            steps = -(-self.num_steps * sixteenths // SLICES)
            for point in self.points:
                if point.step >= steps or point.done:
                    self._scores[sixteenths] = point.validation.score
                    break
        return self._scores.get(sixteenths)


def _recipe(trial: Trial, way: str) -> dict[str, Any]:
    return {name: value for name, value in trial.inner.items() if name != way}


def counted(trials: Iterable[Trial]) -> list[Trial]:
    """Trials that count for what a search finds: all but those that others are compared with."""
    return [trial for trial in trials if not trial.from_nothing]


@dataclass(frozen=True)
class Look:
    """A look at `unseen`, named before it was taken."""

    round: int
    """Which confirmation, from 1; each has its own share of the error."""
    place: int
    """Order within the round, from the largest size to the smallest."""
    trial: int
    z: float
    """Quantile of the normal that its interval is made with."""
    unseen: Evidence | None = None
    """None: named, not yet taken."""

    def confirms(self, mark: float) -> bool:
        return self.unseen is not None and self.unseen.low >= mark
