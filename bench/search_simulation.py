"""The search against Optuna on simulated families: how often right, how often wrong, at what cost.

    python bench/search_simulation.py [SEARCHES [OPPONENTS [TRIALS]]]

Right is the true rung of the ladder or the next one; also a smaller one whose run truly passes.
A false pass is a confirmed winner whose true score is under the mark. Cost is parameters times
steps, over all trials. The opponent is Optuna's TPESampler with HyperbandPruner, both at their
defaults, on the same ladder, hyper-parameters, curves and looks; it minimises the rung, a failing
trial counts as more than any rung by what its score lacks, and its trials too stop as they pass.
Its answer is the smallest rung that passed on validation, the best case for it: no confirmation.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from simulated import (  # type: ignore[import-not-found]
    NUM_STEPS,
    SPACE,
    SimSpec,
    advance,
    draw_nature,
    simulated_job,
    true_score,
)

from lilliput.search.find import find
from lilliput.search.pool import SerialExecutor
from lilliput.search.trial import SLICES
from lilliput.specs.search import SearchSpec
from lilliput.units import wilson

EVERY = 20
"""Trials of the opponent between two readings of its answer."""


class Outcome(NamedTuple):
    """Where one search, or the opponent after some trials, stands."""

    distance: int | None
    """Rungs from the true one to the answer; None: no answer."""
    passes: bool
    """The answer's true score is the mark or above."""
    cost: float
    share: float
    """Of the seeds that can pass, in this family."""

    @property
    def right(self) -> bool:
        if self.distance is None:
            return False
        return self.distance in (0, 1) or (self.distance < 0 and self.passes)

    @property
    def near(self) -> bool:
        """Within one rung on either side, whether or not the answer truly passes."""
        return self.distance is not None and abs(self.distance) <= 1

    @property
    def false(self) -> bool:
        return self.distance is not None and not self.passes


def search_spec(seed: int) -> SearchSpec:
    # No fresh seeds for the typical score: they are not part of the answer, nor of the opponent's.
    return SearchSpec(steps=10**9, seeds=0, seed=seed)


def search_once(seed: int) -> Outcome:
    """One whole search of ours, ended by itself."""
    spec = search_spec(seed)
    nature = draw_nature(spec, seed)
    *_, snapshot = find(spec, simulated_job(nature), None, SerialExecutor())
    assert snapshot.result is not None
    winner = snapshot.result.winner
    if winner is None:
        return Outcome(None, False, snapshot.result.cost, nature.able)
    score = true_score(nature, winner.trial.spec, winner.trial.step)
    distance = winner.rung - nature.threshold
    return Outcome(distance, score >= spec.pass_mark, snapshot.result.cost, nature.able)


def opponent_once(seed: int, num_trials: int) -> list[Outcome]:
    """Optuna on the same family; its answer after every `EVERY` trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spec = search_spec(seed)
    nature = draw_nature(spec, seed)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.HyperbandPruner())
    cost, outcomes = 0, []
    best: tuple[int, float, bool] | None = None
    for number in range(num_trials):
        trial = study.ask()
        rung = trial.suggest_int("rung", 0, len(nature.sizes) - 1)
        inner = [trial.suggest_float(name, space.low, space.high) for name, space in SPACE.items()]
        made = SimSpec(nature.sizes[rung], inner[0], inner[1], number)
        state, value, pruned = None, 0.0, False
        for slice_ in range(1, SLICES + 1):
            progress = advance(nature, made, state, NUM_STEPS // SLICES)
            state = progress.state
            cost += made.size * NUM_STEPS // SLICES
            if progress.validation.low >= spec.pass_mark:
                value = float(rung)
                passes = true_score(nature, made, progress.step) >= spec.pass_mark
                if best is None or (rung, -progress.validation.low) < best[:2]:
                    best = (rung, -progress.validation.low, passes)
                break
            value = len(nature.sizes) + spec.pass_mark - progress.validation.score
            trial.report(value, slice_)
            if trial.should_prune():
                pruned = True
                break
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, value)
        if (number + 1) % EVERY == 0:
            distance = None if best is None else best[0] - nature.threshold
            outcomes.append(Outcome(distance, best is not None and best[2], cost, nature.able))
    return outcomes


def describe(name: str, outcomes: Sequence[Outcome]) -> str:
    num = len(outcomes)
    right = wilson(sum(outcome.right for outcome in outcomes), num)
    near = wilson(sum(outcome.near for outcome in outcomes), num)
    false = wilson(sum(outcome.false for outcome in outcomes), num)
    cost = sum(outcome.cost for outcome in outcomes) / num
    return (
        f"{name:<28} right {right}   within a rung {near}   false passes {false}   cost {cost:.2e}"
    )


def main(num_searches: int = 1_000, num_opponents: int = 100, num_trials: int = 300) -> None:
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        ours = list(pool.map(search_once, range(num_searches), chunksize=5))
        print(describe(f"search, {num_searches} families", ours), flush=True)
        for low in (0.1, 0.4, 0.7):
            part = [outcome for outcome in ours if low <= outcome.share < low + 0.3]
            print(describe(f"  {low:.0%} to {low + 0.3:.0%} of seeds able", part))
        seeds, counts = range(num_opponents), [num_trials] * num_opponents
        theirs = list(pool.map(opponent_once, seeds, counts, chunksize=1))
    same = ours[:num_opponents]
    print(describe(f"search, first {num_opponents}", same))
    share = sum(outcome.right for outcome in same)
    cost = sum(outcome.cost for outcome in same)
    reached = None
    for place, outcomes in enumerate(zip(*theirs, strict=True)):
        ratio = sum(outcome.cost for outcome in outcomes) / cost
        print(describe(f"optuna, {(place + 1) * EVERY} trials", outcomes) + f" = {ratio:.1f} x")
        if reached is None and sum(outcome.right for outcome in outcomes) >= share:
            reached = ratio
    if reached is None:
        print(f"optuna never gets the same share right, up to {ratio:.1f} times the cost")
    else:
        print(f"optuna gets the same share right at {reached:.1f} times the cost")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
