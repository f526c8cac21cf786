"""What is searched, as seen from the search: four functions and a few numbers.

Knows no model, task or training. The lab fills it with real ones, a simulation with curves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lilliput.specs import RunSpec


@dataclass(frozen=True)
class Evidence:
    """Answers to one section of the exam, with twins as one cluster in the interval."""

    right: int
    total: int
    low: float
    """Lower end of the interval, as a fraction: at 95 % on validation, as asked on unseen."""
    high: float
    operations: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """(right, total) of each operation."""

    @property
    def score(self) -> float:
        return self.right / self.total

    def may_teach(self, mark: float) -> bool:
        """Whether a baseline's score reaches the pass mark: what falls short of it would pass on
        too many mistakes."""
        return self.score >= mark


@dataclass(frozen=True)
class Progress:
    """A trial after a slice of training."""

    state: bytes
    """All that the next slice needs, and all that `ask_unseen` needs."""
    step: int
    """Steps trained since the trial began."""
    done: bool
    """The spec's training is over: its last step, stopped early by patience, or diverged."""
    validation: Evidence
    train_loss: float
    """Nats a character, mean over the slice; NaN where training diverged."""
    seconds: float
    """What the slice took in its worker."""
    metrics: tuple[dict[str, Any], ...] = ()
    """Rows for the learning curve, JSON-ready."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high that the proposer may choose."""

    low: float
    high: float
    log: bool = True
    """Even in the logarithm."""


@dataclass(frozen=True)
class Choice:
    """Values that the proposer may choose; JSON-ready ones."""

    options: tuple[Any, ...]


Advance = Callable[[Any, bytes | None, int], Progress]
"""(spec, state or None, steps) -> the trial `steps` further, validated at the end. A pure function
that can be pickled; it runs in a worker."""
AskUnseen = Callable[[Any, bytes, float], Evidence]
"""(spec, state, z) -> one look at `unseen`, with the interval of that quantile of the normal."""
ProposeSpec = Callable[[str, int, Mapping[str, Any], int], Any]
"""(family, parameters at most, inner hyper-parameters, seed) -> spec. `inner` may be empty: the
default recipe; or hold values for any names of `space`."""


@dataclass(frozen=True)
class Known:
    """What was there before the search began, and is its first trial: a baseline that was trained,
    or the model that is cut down, as it is."""

    family: str
    """On whose ladder it stands, at the lowest rung that has room for it."""
    seed: int
    spec: Any
    progress: Progress
    purpose: Literal["baseline", "given"] = "baseline"
    """As `Trial.purpose`."""


@dataclass(frozen=True)
class Job:
    """What is searched. Specs are frozen dataclasses; real ones are RunSpecs."""

    advance: Advance
    ask_unseen: AskUnseen
    propose_spec: ProposeSpec
    count: Callable[[Any], int]
    """spec -> parameters; what the record says, whatever the ladder asked for."""
    num_steps: Callable[[Any], int]
    """spec -> steps of the whole training."""
    space: Mapping[str, Range | Choice] = field(default_factory=dict)
    """Inner hyper-parameters; empty: every trial has the default recipe."""
    floor: float = 0.0
    """Score of the best constant answer."""
    key: str = ""
    """Names the task and all that trials share; a ledger goes on only under the same key."""
    spec_type: type[Any] = RunSpec
    taught: bool = False
    """There is a teacher: `inner` then says with `trial.TAUGHT` whether a trial has it, and each
    size is tried with it and without."""
    cut_of: Callable[[Any], Mapping[str, tuple[int, int]]] | None = None
    """Every trial begins with what is cut out of a larger model, and `inner` may say with
    `trial.CUT_DOWN` that one does not: spec -> as `Trial.cut`. None: the search cuts nothing."""
    own_sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Parameters of families that have few sizes of their own, smallest first; each is trained once
    and whole. The others have the search's ladder."""
    known: Callable[[], Known | None] | None = None
    """Reads what is known before the search begins; None, or if it returns None: nothing is."""
