"""A trial that is to be begun: what the plan asks for, and the recipe and seed that it gets.

A pure function of (search, trials so far). Knows no workers, clock or ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lilliput.search.job import Job, Progress
from lilliput.search.proposer import propose
from lilliput.search.trial import CUT_DOWN, TAUGHT, Purpose, Trial, counted
from lilliput.specs.search import SearchSpec


@dataclass(frozen=True)
class Begin:
    """A trial that is to be begun."""

    family: str
    rung: int
    purpose: Purpose
    recipe_of: Trial | None = None
    """Take this trial's recipe; None: the proposer chooses."""
    twin_of: Trial | None = None
    """Take this trial's recipe and seed, and change nothing but one way."""
    way: str = TAUGHT
    """Which: TAUGHT or CUT_DOWN."""


def begin(
    spec: SearchSpec,
    job: Job,
    wish: Begin,
    trials: Sequence[Trial],
    sizes: Mapping[str, tuple[int, ...]],
) -> Trial:
    """The trial that a wish asks for.

    Args:
        trials: all so far.
        sizes: each family's ladder.
    """
    number = len(trials)
    seed = (spec.seed * 1_000_003 + number) % 2**31
    if wish.twin_of is not None:
        seed = wish.twin_of.seed
        inner = {**wish.twin_of.inner, wish.way: not wish.twin_of.has(wish.way)}
    elif wish.recipe_of is not None:
        inner = dict(wish.recipe_of.inner)
    elif wish.family in job.own_sizes:
        inner = {}
    else:
        mine = (t for t in counted(trials) if t.family == wish.family)
        family = [trial for trial in mine if not trial.given]
        inner = propose(job.space, spec.seed, number, family, wish.rung, spec.pass_mark)
    if job.taught:
        inner = {TAUGHT: True, **inner}
    asked = sizes[wish.family][wish.rung]
    made = job.propose_spec(wish.family, asked, inner, seed)
    return Trial(
        number,
        wish.family,
        wish.rung,
        asked,
        inner,
        seed,
        made,
        job.count(made),
        job.num_steps(made),
        wish.purpose,
        job.cut_of(made) if job.cut_of and inner.get(CUT_DOWN, True) else None,
    )


def known_first(job: Job, sizes: Mapping[str, tuple[int, ...]]) -> tuple[Trial, Progress] | None:
    """What is known before the search begins as its first trial, and where it is; None: nothing."""
    known = job.known() if job.known else None
    if known is None:
        return None
    spec, ladder = known.spec, sizes[known.family]
    parameters = job.count(spec)
    rung = next(rung for rung, size in enumerate(ladder) if size >= parameters)
    trial = Trial(
        0,
        known.family,
        rung,
        ladder[rung],
        {},
        known.seed,
        spec,
        parameters,
        job.num_steps(spec),
        known.purpose,
        job.cut_of(spec) if job.cut_of else None,
    )
    return trial, known.progress
