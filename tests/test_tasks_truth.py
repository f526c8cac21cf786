"""Laws of the right answer: exact where it can be, Python's where TinyMath's is, never `eval`."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilliput.errors import ProblemError
from lilliput.specs import ArithmeticSpec
from lilliput.tasks.expressions import (
    Expression,
    parse_expression,
    parse_line,
    read_lines,
    right_answer,
    same_number,
)
from lilliput.tasks.task import task_of

numbers = st.integers(0, 10**9)


def quotient(left: int, right: int, rounding: str) -> str:
    return right_answer(Expression(Fraction(left), "/", Fraction(right)), 2, rounding)  # type: ignore[arg-type]


@given(numbers, st.sampled_from("+-*"), numbers)
def test_whole_numbers_are_exact(left: int, operation: str, right: int) -> None:
    value = {"+": left + right, "-": left - right, "*": left * right}[operation]
    assert right_answer(parse_expression(f"{left} {operation} {right}")) == f"{value}.00"


@given(st.integers(0, 99), st.integers(1, 99))
def test_a_quotient_is_what_python_prints(left: int, right: int) -> None:
    assert quotient(left, right, "float") == f"{left / right:.2f}"


@given(numbers, st.integers(1, 10**9), st.sampled_from(["half-up", "half-even"]))
def test_school_and_bank_rounding_are_those_of_decimal(left: int, right: int, rule: str) -> None:
    hundredths = Fraction(100 * left, right)
    # The sum of a whole number and a digit 0, 3, 5 or 8: rounds as the fraction does, and is exact.
    whole, rest = divmod(hundredths, 1)
    digit = 0 if rest == 0 else 5 if rest == Fraction(1, 2) else 3 if rest < Fraction(1, 2) else 8
    mode = ROUND_HALF_UP if rule == "half-up" else ROUND_HALF_EVEN
    rounded = Decimal(f"{whole}.{digit}").quantize(Decimal(1), mode)
    assert Fraction(quotient(left, right, rule)) * 100 == int(rounded)


def test_the_rules_differ_on_98_and_31_of_the_8010_quotients() -> None:
    pairs = [(a, b) for a in range(90) for b in range(1, 90)]
    plain = [quotient(a, b, "float") for a, b in pairs]
    assert len(pairs) == 8010
    assert sum(x != quotient(a, b, "half-up") for x, (a, b) in zip(plain, pairs, strict=True)) == 98
    assert (
        sum(x != quotient(a, b, "half-even") for x, (a, b) in zip(plain, pairs, strict=True)) == 31
    )


def test_tinymaths_lines_are_written_and_read_byte_for_byte() -> None:
    lines = ["27 / 86 = 0.31", "24 + 82 = 106.00", "76 * 56 = 4256.00", "19 - 52 = -33.00",
             "78 / 71 = 1.10", "64 - 1 = 63.00", "0 / 7 = 0.00"]  # fmt: skip
    task = task_of(ArithmeticSpec(format="plain"))
    for line in lines:
        question, _, answer = line.partition(" = ")
        left, operation, right = question.split()
        problem = task.problem(int(left), operation, int(right))  # type: ignore[union-attr]
        assert f"{problem.question} = {problem.answer}" == line
        style = task.format
        assert style.prompt(question) + style.completion(question, answer) == line + "\n"
        assert str(parse_line(line).expression) == question
        assert right_answer(parse_line(line).expression) == answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7 / 0", "division by zero"),
        ("7 / 0.00", "division by zero"),
        ("1e99 + 1", "cannot read"),
        ("12 + 24 + 1", "cannot read"),
        ("__import__('os')", "cannot read"),
        ("12 ** 24", "cannot read"),
        ("9" * 19 + " + 1", "18 digits"),
        ("", "cannot read"),
        ("١ + ٢", "cannot read"),
    ],
)
def test_what_is_no_problem_is_refused_in_clear_words(text: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        parse_expression(text)


def test_lines_say_where_they_are_wrong() -> None:
    with pytest.raises(ProblemError, match="line 3: cannot read '33 - 18'"):
        list(read_lines(["1 + 1 = 2.00", "", "33 - 18"]))


def test_numbers_are_compared_by_value() -> None:
    assert same_number("36", "36.00")
    assert not same_number("0.9", "0.97")
    assert same_number("-0", "0")
