"""Successive halving (arXiv 1502.07943): which trials of a size are too far behind."""

from collections.abc import Sequence
from math import ceil

from lilliput.search.trial import Trial

CHECKPOINTS = (4, 8)
"""Sixteenths of a training at which trials of one rung are compared."""
SURVIVE = 2
"""One in so many goes on past a checkpoint."""


class Halving:
    """One family's trials, rung by rung, at a moment."""

    def __init__(self, rungs: Sequence[Sequence[Trial]]) -> None:
        self.rungs = rungs
        self._bars: dict[tuple[int, int], float] = {}

    def sets_aside(self, trial: Trial) -> bool:
        """Behind too many of its rung at the last checkpoint that it reached."""
        if trial.purpose != "search":
            return False
        for checkpoint in reversed(CHECKPOINTS):
            own = trial.score_at(checkpoint)
            if own is not None:
                return own < self._bar(trial.rung, checkpoint)
        return False

    def _bar(self, rung: int, checkpoint: int) -> float:
        """The score that the last of a rung's survivors had at a checkpoint."""
        if (rung, checkpoint) not in self._bars:
            here = (trial for trial in self.rungs[rung] if not trial.given)
            scores = (trial.score_at(checkpoint) for trial in here)
            ranked = sorted((score for score in scores if score is not None), reverse=True)
            self._bars[rung, checkpoint] = ranked[ceil(len(ranked) / SURVIVE) - 1]
        return self._bars[rung, checkpoint]
