"""Units: Student's t, intervals of few clusters that hold the truth, and those without an end."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, t

from lilliput.exam.bits import Bits, difference
from lilliput.files import append_line
from lilliput.lab.folds import Fold, pooled
from lilliput.training.kept import read_records
from lilliput.training.record import Record
from lilliput.units import Z95, bits_words, student


@pytest.mark.parametrize("z", [1.0, Z95, 3.0])
def test_quantiles_are_scipys(z: float) -> None:
    for freedom in [*range(1, 41), 100, 1_000]:
        assert student(freedom, z) == pytest.approx(t.isf(norm.sf(z), freedom), rel=1e-4), freedom
    assert student(11) == pytest.approx(2.201, abs=5e-4)


@pytest.mark.parametrize("number", [2, 3, 5, 10])
def test_intervals_of_few_documents_hold_the_truth(number: int) -> None:
    chance = np.random.default_rng(number)
    inside, apart = 0, 0
    for _ in range(2_000):
        characters = chance.integers(800, 1_200, number)
        one = Bits(characters * (1.2 + 0.15 * chance.standard_normal(number)), characters)
        more = characters * (0.02 + 0.05 * chance.standard_normal(number))
        found = difference(one, Bits(one.bits_D + more, characters))
        assert found is not None
        inside += one.interval().low <= 1.2 <= one.interval().high
        apart += found.low <= 0.02 <= found.high
    # 2,000 draws at 95 % lie within 1.5 % of it.
    assert 0.935 <= inside / 2_000 <= 0.97
    assert 0.935 <= apart / 2_000 <= 0.97


def test_the_interval_of_ten_folds_holds_the_truth() -> None:
    """Each fold's model is another one, better or worse at all of its problems."""
    chance = np.random.default_rng(10)
    inside = 0
    for _ in range(2_000):
        rights = chance.binomial(39, chance.beta(14, 6, 10))
        found = pooled([Fold(n, int(right), 39) for n, right in enumerate(rights)])
        inside += found.low <= 0.7 <= found.high
    assert 0.935 <= inside / 2_000 <= 0.97


def test_an_interval_without_an_end_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record(10, 2.5, -150, 100, -math.inf, 0.0, {}, seconds=1.0, characters=640)
    append_line(tmp_path / "metrics.jsonl", asdict(record))
    assert read_records(tmp_path) == [record]
    assert bits_words(1.5, 0.0, math.inf) == "1.500"
