"""The search on a few simulated families, seeds fixed: a small part of that bench."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from search_simulation import search_once


def test_right_rung_or_the_next_and_no_false_pass() -> None:
    outcomes = [search_once(seed) for seed in range(8)]
    assert sum(outcome.right for outcome in outcomes) >= 7
    assert not any(outcome.false for outcome in outcomes)
