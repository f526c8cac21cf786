"""Laws of bits per character as a measure: intervals, and differences of two models."""

import numpy as np
import pytest

from lilliput.exam.bits import Bits, difference


def test_a_difference_is_paired_by_document() -> None:
    """The interval holds the truth as often as it says, however hard the documents are; and that
    where all documents differ alike it is narrow."""
    chance = np.random.default_rng(1)
    inside = 0
    for _ in range(600):
        characters = chance.integers(200, 1_000, 80)
        hard = characters * (1.2 + 0.3 * chance.standard_normal(80))
        more = characters * (0.02 + 0.05 * chance.standard_normal(80))
        found = difference(Bits(hard, characters), Bits(hard + more, characters))
        assert found is not None
        inside += found.low <= 0.02 <= found.high
        assert found.high - found.low < 0.05
    assert 0.92 <= inside / 600 <= 0.975
    one, other = Bits(hard, characters), Bits(hard + 0.1 * characters, characters)
    assert difference(one, other) == pytest.approx((0.1, 0.1, 0.1))
    assert difference(other, one) == pytest.approx((-0.1, -0.1, -0.1))
    # A reader that does not foretell the first character of a document scores one fewer of each.
    assert difference(one, Bits(hard, characters - 1)) is not None
    assert difference(Bits(hard[:1], characters[:1]), Bits(hard[:1], characters[:1])) is None


def test_an_interval_by_hand() -> None:
    """Two documents of 2 and 4 bits on 2 characters each: their spread is one bit either way."""
    mean, low, high = Bits(np.array([2.0, 4.0]), np.array([2, 2])).interval()
    assert mean == 1.5
    # (1 + 1) * 2 / (2 - 1) / 4^2, its root, and Student's t of one degree of freedom.
    assert (low, high) == pytest.approx((1.5 - 0.5 * 12.7062, 1.5 + 0.5 * 12.7062), rel=1e-5)
