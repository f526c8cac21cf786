"""How many steps of a slice a budget in time has room for. Knows no workers and no clock."""

from collections.abc import Container, Iterable

from lilliput.search.trial import Trial

PART, FEW = 16, 20
"""A part of a slice, but no more steps than that, is trained before it is known what one takes; it
is also the least that is worth being sent where there is no room for a whole slice."""


def steps_within(seconds: float, trial: Trial, a_step: float | None) -> int:
    """Steps of a trial's next slice; 0: there is no room for it.

    Args:
        seconds: that are left.
        a_step: seconds that one may take; None: unknown.
    """
    steps = trial.next_steps
    few = max(1, min(steps // PART, FEW))
    if a_step is None:
        return few if seconds > 0 else 0
    most = steps if steps * a_step < seconds else int(seconds / a_step)
    return most if most >= few else 0


def seconds_of_a_step(
    trial: Trial, trials: Iterable[Trial], own_sizes: Container[str]
) -> float | None:
    """What a step may take, by the latest slice of the trial nearest in size; None: unknown.

    Args:
        own_sizes: families that have sizes of their own, and so are of another scale.
    """
    few = trial.family in own_sizes
    known = [other for other in trials if other.step and (other.family in own_sizes) == few]
    near = min(known, key=lambda t: abs(t.parameters - trial.parameters), default=None)
    if near is None:
        return None
    # Half as much again for sending, validation and a busy machine; not the wall clock, whose
    # first slices hold the start of the workers.
    before = near.points[-2].step if len(near.points) > 1 else 0
    return 1.5 * near.points[-1].seconds / max(1, near.step - before)
