"""Inner hyper-parameters of the next trial: Optuna's TPE, told all that a family's trials learned.

A pure function of (search seed, trial number, trials so far); Optuna's storage is not ours. Trials
of different sizes are made comparable by their place among their rung's. Knows no sizes.
"""

import math
import random
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lilliput.search.job import Choice, Range
from lilliput.search.trial import SLICES, TAUGHT, Trial

if TYPE_CHECKING:
    import optuna

STARTUP = 5
"""Trials drawn at random before the estimator is asked."""


def propose(
    space: Mapping[str, Range | Choice],
    search_seed: int,
    number: int,
    trials: Sequence[Trial],
    rung: int,
    mark: float,
) -> dict[str, Any]:
    """Values for the names of `space`, or {} for the default recipe.

    A rung's first trial, and then every second, has the best recipe known: seeds differ as much as
    recipes do.

    Args:
        number: of the trial that is to be begun.
        trials: of one family.
        rung: where it is to be begun.
    """
    # A twin has the seed and the recipe of a trial that counts already.
    here = len({trial.seed for trial in trials if trial.rung == rung})
    if not space:
        return {}
    if here % 2 == 0:
        return _best(trials, mark)
    values = _values(trials, mark)
    told = [t for t in trials if t.number in values and t.inner.keys() - {TAUGHT} == space.keys()]
    # Independent streams for neighbouring searches and trials.
    seed = (search_seed * 1_000_003 + number * 7_919 + 1) % 2**32
    if len(told) < STARTUP:
        return _at_random(space, seed)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(values) for name, values in space.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0)
        study = optuna.create_study(sampler=sampler, direction="maximize")
        study.add_trials(
            [
                optuna.trial.create_trial(
                    value=values[trial.number],
                    params={name: trial.inner[name] for name in space},
                    distributions=distributions,
                )
                for trial in told
            ]
        )
        return dict(study.ask(distributions).params)


def _at_random(space: Mapping[str, Range | Choice], seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    inner: dict[str, Any] = {}
    for name, values in space.items():
        if isinstance(values, Choice):
            inner[name] = chance.choice(values.options)
        elif values.log:
            inner[name] = math.exp(chance.uniform(math.log(values.low), math.log(values.high)))
        else:
            inner[name] = chance.uniform(values.low, values.high)
    return inner


def _distribution(values: Range | Choice) -> "optuna.distributions.BaseDistribution":
    import optuna

    if isinstance(values, Choice):
        return optuna.distributions.CategoricalDistribution(values.options)
    return optuna.distributions.FloatDistribution(values.low, values.high, log=values.log)


def _best(trials: Sequence[Trial], mark: float) -> dict[str, Any]:
    """The recipe of the best trial at the smallest rung that passes; else the default one."""
    passing = [trial for trial in trials if trial.passes(mark)]
    if not passing:
        return {}
    smallest = min(trial.rung for trial in passing)
    best = max((t for t in passing if t.rung == smallest), key=lambda t: _merit(t, mark))
    return dict(best.inner)


def _merit(trial: Trial, mark: float) -> tuple[int, float]:
    """How far a trial came; a pass is the better the sooner."""
    if trial.diverged:
        return -1, 0.0
    if trial.passes(mark):
        return SLICES + 1, -trial.step / trial.num_steps
    reached = max((c for c in (2, 4, 8, 16) if trial.score_at(c) is not None), default=0)
    return reached, trial.score_at(reached) or 0.0


def _values(trials: Sequence[Trial], mark: float) -> dict[int, float]:
    """Each trial's place among those of its rung, from 0 (last) to 1 (first)."""
    values = {}
    for rung in {trial.rung for trial in trials}:
        here = [trial for trial in trials if trial.rung == rung and trial.points]
        here.sort(key=lambda trial: _merit(trial, mark))
        for place, trial in enumerate(here):
            values[trial.number] = (place + 0.5) / len(here)
    return values
