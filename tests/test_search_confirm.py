"""Laws of confirmation and plan: errors stay within 5 %, seeds are given their chance."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from search_toys import ToySpec

from lilliput.search.beginning import Begin
from lilliput.search.confirm import name_looks, next_look, z_of_round
from lilliput.search.job import Evidence
from lilliput.search.ladder import chance_of_confirming, doubt, ladder
from lilliput.search.plan import STRICT, next_slice
from lilliput.search.result import summarise
from lilliput.search.trial import Look, Point, Trial
from lilliput.specs.search import SearchSpec
from lilliput.units import wilson

SPEC = SearchSpec(steps=10**6, smallest=1_000, largest=16_000, rungs=1)
QUESTIONS = 3_200


def exam(score: float, z: float = 1.96) -> Evidence:
    right = round(score * QUESTIONS)
    interval = wilson(right, QUESTIONS, z)
    return Evidence(right, QUESTIONS, interval.low, interval.high)


def trial(number: int, rung: int, score: float, family: str = "gpt") -> Trial:
    spec = ToySpec(family, 1_000 * 2**rung, number)
    point = Point(160, True, exam(score), 0.0, 0.0)
    made = Trial(number, family, rung, spec.size, {}, number, spec, spec.size, 160, "search")
    made.points.append(point)
    return made


def confirm(
    spec: SearchSpec, trials: list[Trial], truth: dict[int, float], looks: list[Look]
) -> None:
    """A whole confirmation, with what unseen says drawn from `truth` (trial: score)."""
    looks += name_looks(spec, trials, looks, set())
    while looks and (look := next_look(spec, trials, looks)):
        unseen = exam(truth[look.trial], look.z)
        looks[looks.index(look)] = replace(look, unseen=unseen)


def test_from_large_to_small_up_to_the_first_that_fails() -> None:
    trials = [trial(rung, rung, 0.75 + rung / 50) for rung in range(5)]
    looks: list[Look] = []
    confirm(SPEC, trials, {0: 0.9, 1: 0.6, 2: 0.9, 3: 0.9, 4: 0.9}, looks)
    assert [look.trial for look in looks] == [4, 3, 2, 1, 0]
    # Named, but never asked: the larger one failed.
    assert [look.confirms(0.7) for look in looks] == [True, True, True, False, False]
    assert looks[-1].unseen is None


def test_one_run_a_size_is_named() -> None:
    trials = [trial(0, 2, 0.75), trial(1, 2, 0.8), trial(2, 2, 0.77), trial(3, 1, 0.71)]
    assert [look.trial for look in name_looks(SPEC, trials, [], set())] == [1]


def test_each_confirmation_spends_half_of_what_is_left() -> None:
    tails = [2 * (1 - 0.975), *(0.025 / 2**k for k in range(1, 4))]
    assert z_of_round(SPEC, 1) == pytest.approx(1.959964, rel=1e-6)
    assert z_of_round(SPEC, 2) == pytest.approx(2.241403, rel=1e-6)
    assert sum(tails[1:]) < 0.025
    both = replace(SPEC, families=("gpt", "gru"))
    assert z_of_round(both, 1) == pytest.approx(z_of_round(SPEC, 2))


def test_a_later_confirmation_only_asks_smaller_runs_and_never_one_again() -> None:
    trials = [trial(0, 4, 0.8), trial(1, 3, 0.76), trial(2, 2, 0.75)]
    looks: list[Look] = []
    confirm(SPEC, trials, {0: 0.8, 1: 0.76, 2: 0.6}, looks)
    assert name_looks(SPEC, trials, looks, set()) == []
    trials += [trial(3, 2, 0.74), trial(4, 4, 0.9)]
    again = name_looks(SPEC, trials, looks, set())
    assert [(look.round, look.trial) for look in again] == [(2, 3)]


def test_false_confirmations_stay_within_five_per_cent() -> None:
    """Every run is truly just under the mark, validation was lucky, and five rounds are tried."""
    chance = random.Random(1)
    num, false = 2_000, 0
    for _ in range(num):
        trials: list[Trial] = []
        looks: list[Look] = []
        for _ in range(5):
            trials += [trial(len(trials) + k, k, 0.73 + k / 50) for k in range(5)]
            truth = {t.number: chance.gauss(0.6999, (0.7 * 0.3 / QUESTIONS) ** 0.5) for t in trials}
            confirm(SPEC, trials, truth, looks)
        false += any(look.confirms(0.7) for look in looks)
    assert false / num <= 0.05
    # And the error is spent, not saved: a rule that confirms nothing would be useless.
    assert false > 0.02 * num


def test_one_in_ten_seeds_gets_its_chance() -> None:
    """With every trial at the top ending low, more are begun until 10 % would have shown."""
    trials: list[Trial] = []
    while isinstance(wish := next_slice(SPEC, 0.0, trials, set(), [], set()), Begin):
        trials.append(trial(len(trials), wish.rung, 0.3))
    at_top = sum(t.rung == 4 for t in trials)
    assert doubt(at_top, 0, 0) <= STRICT < doubt(at_top - 1, 0, 0)
    assert 0.9**at_top < 0.1


def test_a_hopeless_trial_is_set_aside_and_a_better_one_goes_on() -> None:
    def part(number: int, score: float) -> Trial:
        made = trial(number, 4, score)
        made.points[:] = [Point(step, False, exam(score), 0.0, 0.0) for step in (10, 20, 30, 40)]
        return made

    trials = [part(0, 0.2), part(1, 0.5)]
    wishes = []
    running: set[int] = set()
    for _ in range(2):
        wish = next_slice(SPEC, 0.0, trials, running, [], set())
        assert wish is not None
        wishes.append(wish)
        running |= {wish.number} if isinstance(wish, Trial) else set()
    assert wishes[0] == trials[1]
    assert trials[0] not in wishes


def test_ladder_has_both_ends_and_even_ratios() -> None:
    sizes = ladder(SearchSpec(smallest=1_000, largest=60_000, rungs=2))
    assert (sizes[0], sizes[-1], len(sizes)) == (1_000, 60_000, 13)
    ratios = [b / a for a, b in pairwise(sizes)]
    assert max(ratios) / min(ratios) < 1.01
    assert ladder(SearchSpec(smallest=500, largest=500)) == (500,)


def test_chance_of_confirming_is_what_happens() -> None:
    chance = random.Random(2)
    error = (0.72 * 0.28 / QUESTIONS) ** 0.5
    hits = 0
    for _ in range(4_000):
        # The truth as the first exam leaves it, then a second exam of it.
        truth = chance.gauss(0.72, error)
        hits += exam(chance.gauss(truth, error)).low >= 0.7
    expected = chance_of_confirming(exam(0.72), 0.7, 1.96)
    assert wilson(hits, 4_000, 4.0).low < expected < wilson(hits, 4_000, 4.0).high


def test_only_seeds_of_the_winners_recipe_count() -> None:
    trials = [trial(n, 2, score) for n, score in enumerate((0.8, 0.5, 0.75, 0.6, 0.4))]
    # Another recipe passed, and another failed; one seed was set aside halfway.
    trials[2] = replace(trials[2], inner={"rate": 1.0})
    trials[3] = replace(trials[3], inner={"rate": 2.0})
    trials[4].points[:] = [replace(trials[4].points[0], step=80, done=False)]
    ((size,),) = (family.sizes for family in summarise(SPEC, trials, [], 0.0).families)
    assert (size.passed, size.tried) == (1, 2)
