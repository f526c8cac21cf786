"""Two models on the same problems: values by hand and by scipy, twins as clusters."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from lilliput.exam.paired import mcnemar, paired, score_interval
from lilliput.specs import ArithmeticSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.splits import Problem
from lilliput.units import Z95

TASK = Arithmetic(ArithmeticSpec())
QUOTIENTS = [TASK.problem(left, "/", 7) for left in range(40)]
"""Without twins."""


def marks(problems: list[Problem], right: list[int]) -> dict[Problem, bool]:
    return {problem: number in right for number, problem in enumerate(problems)}


def test_mcnemar_by_hand() -> None:
    # Six differ, five of them one way: 2 * (1 + 6) / 64.
    first, second = marks(QUOTIENTS, [0, 1, 2]), marks(QUOTIENTS, [0, 1, 3, 4, 5, 6, 7])
    found = paired(first, second)
    assert (found.only_first, found.only_second, found.total) == (1, 5, 40)
    assert found.difference == pytest.approx(4 / 40)
    assert found.p == pytest.approx(14 / 64)
    assert found.low < 0 < found.high
    turned = paired(second, first)
    assert (turned.only_first, turned.only_second) == (5, 1)
    assert turned.p == pytest.approx(14 / 64)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    # All six one way: 2 / 64.
    assert mcnemar([1] * 6 + [0] * 9) == pytest.approx(2 / 64)


@given(st.integers(0, 400), st.integers(0, 400))
def test_without_twins_p_is_the_binomial(fewer: int, more: int) -> None:
    expected = binomtest(min(fewer, more), fewer + more).pvalue if fewer + more else 1.0
    assert mcnemar([-1] * fewer + [1] * more) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-3, 3), max_size=8))
def test_clusters_change_sides_whole(ahead: list[int]) -> None:
    sums = [0]
    for net in ahead:
        sums = [one + side * net for one in sums for side in (-1, 1)]
    expected = Fraction(sum(abs(one) >= abs(sum(ahead)) for one in sums), len(sums))
    assert mcnemar(ahead) == pytest.approx(float(expected))


def test_a_model_does_not_differ_from_itself() -> None:
    same = marks(QUOTIENTS, [0, 3, 5])
    found = paired(same, same)
    assert (found.only_first, found.only_second, found.difference, found.p) == (0, 0, 0.0, 1.0)
    # Forty problems cannot show that two models are the same: z² / (n + z²).
    end = Z95**2 / (40 + Z95**2)
    assert (found.low, found.high) == pytest.approx((-end, end))


def test_problems_are_paired_whatever_their_order() -> None:
    first, second = marks(QUOTIENTS, [0, 1, 2, 9]), marks(QUOTIENTS, [1, 2, 3, 4, 5, 11, 20])
    assert paired(first, dict(reversed(second.items()))) == paired(first, second)
    with pytest.raises(AssertionError, match="other problems"):
        paired(first, marks(QUOTIENTS[1:], []))


def test_twins_are_no_two_pieces_of_evidence() -> None:
    sums = [TASK.problem(*pair) for n in range(6) for pair in ((n, "+", 40), (40, "+", n))]  # type: ignore[arg-type]
    found = paired(marks(sums, []), marks(sums, [*range(10)]))
    assert (found.only_first, found.only_second, found.total) == (0, 10, 12)
    assert found.p == pytest.approx(2 / 2**5)
    alone = paired(marks(QUOTIENTS[:6], []), marks(QUOTIENTS[:6], [*range(5)]))
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


def test_where_all_is_asked_nothing_is_chance() -> None:
    found = paired(marks(QUOTIENTS, [1]), marks(QUOTIENTS, [1, 2]), exhaustive=True)
    assert found.low == found.difference == found.high == 1 / 40
    assert found.p is None


@pytest.mark.parametrize(("more", "fewer", "total"), [(12, 2, 50), (1, 5, 40), (7, 0, 30)])
def test_the_interval_holds_what_the_score_test_does_not_refuse(
    more: int, fewer: int, total: int
) -> None:
    """By the likelihood itself, maximised numerically under each end's difference."""

    def off(difference: float) -> float:
        def unlikely(lost: float) -> float:
            same = 1 - 2 * lost - difference
            terms = ((more, lost + difference), (fewer, lost), (total - more - fewer, same))
            return -sum(n * math.log(max(p, 1e-300)) for n, p in terms if n)

        bounds = (max(0.0, -difference), (1 - difference) / 2)
        lost = minimize_scalar(unlikely, bounds=bounds, options={"xatol": 1e-10}).x
        deviation = math.sqrt((2 * lost + difference - difference**2) / total)
        return abs((more - fewer) / total - difference) / deviation

    found = score_interval(more, fewer, total)
    assert found.score == (more - fewer) / total
    assert off(found.low) == pytest.approx(Z95, rel=1e-4)
    assert off(found.high) == pytest.approx(Z95, rel=1e-4)
    assert -1 <= found.low < found.score < found.high <= 1
