"""Expressions as text: read, worked out exactly, written in TinyMath's line form. Never `eval`."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from lilliput.errors import ProblemError
from lilliput.specs.task import Rounding

_NUMBER = r"-?\d{1,18}(?:\.\d{1,18})?"
_PLAIN_SIGNS = str.maketrans("×·÷−", "**/-")
_EXPRESSION = re.compile(rf"\s*({_NUMBER})\s*([-+*/])\s*({_NUMBER})\s*", re.ASCII)


class Expression(NamedTuple):
    """Two numbers and the operation between them, as they were written."""

    left: Fraction
    operation: str
    right: Fraction

    def __str__(self) -> str:
        return f"{_plain(self.left)} {self.operation} {_plain(self.right)}"


class Line(NamedTuple):
    """A line `27 / 86 = 0.31`: the expression and the answer that it claims."""

    expression: Expression
    claimed: str


def parse_expression(text: str) -> Expression:
    """`12 + 24` or `12 + 24 =` as an expression.

    Raises:
        ProblemError: it is no sum, difference, product or quotient of two numbers, or divides by 0.
    """
    match = _EXPRESSION.fullmatch(text.strip().removesuffix("="))
    if not match:
        raise ProblemError(
            f"cannot read {_shown(text)} as a problem; write two numbers of up to 18 digits with"
            " + - * or / between them, such as 12 + 24"
        )
    left, operation, right = _number(match[1]), match[2], _number(match[3])
    if operation == "/" and right == 0:
        raise ProblemError(f"{_shown(text)} has no answer: division by zero; divide by another")
    return Expression(left, operation, right)


def plain_signs(text: str) -> str:
    """A problem as people write it with the signs of the keyboard: `12 × 3` as `12 * 3`.

    >>> plain_signs("12 × 3, 2·3, 6 ÷ 2, 5 − 3")
    '12 * 3, 2*3, 6 / 2, 5 - 3'
    """
    return text.translate(_PLAIN_SIGNS)


def parse_line(text: str) -> Line:
    """A whole line `27 / 86 = 0.31`.

    Raises:
        ProblemError: it has no `=`, or its expression or answer cannot be read.
    """
    question, equals, claimed = text.strip().partition("=")
    if not equals or not re.fullmatch(rf"\s*{_NUMBER}\s*", claimed, re.ASCII):
        raise ProblemError(f"cannot read {_shown(text)} as a line such as 12 + 24 = 36.00")
    return Line(parse_expression(question), claimed.strip())


def right_answer(expression: Expression, decimals: int = 2, rounding: Rounding = "float") -> str:
    """The answer at `decimals` places, as TinyMath's data has it: `36.00`, `0.31`, `-33.00`.

    Sums, differences and products of whole numbers are exact. A quotient of whole numbers is
    rounded as asked; `float` formats the binary quotient as Python does.
    """
    left, operation, right = expression
    if operation == "/" and rounding == "float":
        return _unsigned_zero(f"{float(left) / float(right):.{decimals}f}")
    value = {"+": left + right, "-": left - right, "*": left * right}.get(operation)
    exact = left / right if value is None else value
    scaled = abs(exact) * 10**decimals
    units, rest = divmod(scaled, 1)
    half = Fraction(1, 2)
    if rest > half or (rest == half and (rounding == "half-up" or units % 2)):
        units += 1
    digits = str(int(units)).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    sign = "-" if exact < 0 and int(units) else ""
    return f"{sign}{whole}.{part}" if decimals else f"{sign}{whole}"


def same_number(one: str, other: str) -> bool:
    """Whether two written numbers are equal in value: 36 and 36.00 are, 0.9 and 0.97 are not."""
    return Decimal(one) == Decimal(other)


def read_lines(lines: Iterable[str]) -> Iterator[tuple[int, Line]]:
    """Lines of a data file with their numbers from 1, empty ones left out.

    Raises:
        ProblemError: a line that cannot be read, with its number.
    """
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            yield number, parse_line(text)
        except ProblemError as error:
            raise ProblemError(f"line {number}: {error}") from None


@lru_cache
def _number(text: str) -> Fraction:
    """Read twice for each answer, and few there are: it was a tenth of an answer's time."""
    return Fraction(text)


def _plain(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")


def _unsigned_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.") else text


def _shown(text: str) -> str:
    return repr(text.strip()[:60])
