"""The search on a few simulated families, seeds fixed: a small part of that bench."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from search_simulation import Outcome, search_once


def test_right_rung_or_the_next_and_no_false_pass() -> None:
    outcomes = [search_once(seed) for seed in range(8)]
    assert sum(outcome.right for outcome in outcomes) >= 7
    assert not any(outcome.false for outcome in outcomes)


def test_a_rung_below_the_true_one_is_right_only_where_it_passes() -> None:
    right = [Outcome(d, p, 1.0, 0.5).right for d in (-2, -1, 0, 1, 2) for p in (False, True)]
    assert right == [False, True, False, True, True, True, True, True, False, False]
    assert Outcome(-1, False, 1.0, 0.5).near
