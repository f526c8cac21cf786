"""The working that comes before an answer in the format `worked`; knows nothing of models.

One register machine does all four operations, and writes its digits as an abacus shows them: beads
worth one (0-4), then the bead worth five (0-1), least digit first. So every sum of beads that a
larger number needs has been seen with smaller ones. After the question come a preface (the beads
of both operands, the second first, and of half the divisor) and lines

    s0 .. s(4n-1)  q0 q1  y0 .. y(2n-1)  k

s: the running register; q: a counter of one digit; y: what is added; k: a letter that says what the
next line does, in upper case where it was the last of its kind. Every step is register + y by
columns of beads; a bead whose column carried is written A..E for 0..4. Taking away is adding the
complement and one, so a last column without a carry went below zero. Long multiplication adds one
operand as often as each digit of the other says; long division takes the divisor away until that
goes below zero. At the end come `>` and the answer, with `_` where leading zeros would stand.

    47+38=31302140____21400000103130yABD10000003130Y>__85
"""

from collections.abc import Sequence

from lilliput.errors import SpecError

ANSWER_MARK = ">"
BLANK = "_"
_CARRIED = "ABCDE"
_BASES = (5, 2)
"""What the beads of a digit carry at: ones, then fives."""
_ADDING = "vwxy"
"""Digits of the multiplier, most significant first; a sum uses the last."""
_DIVIDING = "klmn"
"""Digits of the quotient, most significant first."""
_MOST_DIGITS = 4
"""Digits of an operand that there are letters for."""


def working(operation: str, left: int, right: int, answer: str, digits: int, decimals: int) -> str:
    """The text between `=` and the end mark.

    Args:
        answer: the right answer as the task rounds it; the working of a quotient follows it.
        digits: digits of the largest operand.
        decimals: decimal places of the answer.
    """
    operand = _beads(right, digits)
    preface = "".join([*operand, *_beads(left, digits)])
    blank = BLANK * len(operand)
    if operation == "+":
        return preface + blank + _adding(_beads(left, 2 * digits), "1", operand)
    if operation == "*":
        return preface + blank + _adding(["0"] * 4 * digits, f"{left:0{digits}d}", operand)
    if operation == "-":
        return preface + blank + _subtracting(left, right, digits)
    return preface + _dividing(left, right, answer, digits, decimals)


def alphabet(operations: str) -> str:
    """Every character that questions and workings of these operations can hold."""
    letters = {
        "+": "yY",
        "-": "stSTU-",
        "*": _ADDING + _ADDING.upper(),
        "/": _DIVIDING + _DIVIDING.upper() + ".",
    }
    used = "".join(letters[operation] for operation in operations)
    return "0123456789=" + _CARRIED + ANSWER_MARK + BLANK + operations + used


def check(operations: str, digits: int, decimals: int) -> None:
    """Raises SpecError where this notation has no way to write the working."""
    if digits > _MOST_DIGITS:
        raise SpecError(f"worked has operands of up to {_MOST_DIGITS} digits; got {digits}")
    stages = digits + decimals
    if "/" in operations and not (digits <= decimals and stages <= len(_DIVIDING)):
        raise SpecError(
            "worked long division has as many decimals as its operands have digits, or more, and"
            f" {len(_DIVIDING)} of both at most; got {digits} digits and {decimals} decimals:"
            " choose another format"
        )


def longest(operation: str, digits: int, decimals: int) -> int:
    """Characters of the longest working, answer included, at most."""
    lines = {"+": 2, "-": 4, "*": 10 * digits, "/": 11 * (digits + decimals)}[operation]
    answer = 2 * digits + decimals + 2
    return 6 * digits + lines * line_length(digits) + answer


def line_length(digits: int) -> int:
    """Characters of each line: the register, the counter, what is added, and the letter."""
    return 4 * digits + 2 + 2 * digits + 1


def _value(bead: str) -> int:
    return _CARRIED.index(bead) if bead in _CARRIED else int(bead)


def _beads(number: int, width: int) -> list[str]:
    """The beads of `width` digits, least first: 7 is 2 and 1."""
    return [
        str(bead) for digit in f"{number:0{width}d}"[::-1] for bead in divmod(int(digit), 5)[::-1]
    ]


def _number(beads: Sequence[str]) -> str:
    """The decimal digits of beads, most significant first."""
    values = [_value(bead) for bead in beads]
    pairs = zip(values[::2], values[1::2], strict=True)
    return "".join(str(ones + 5 * fives) for ones, fives in pairs)[::-1]


def _complement(beads: Sequence[str]) -> list[str]:
    return [str(_BASES[place % 2] - 1 - _value(bead)) for place, bead in enumerate(beads)]


def _step(register: list[str], operand: list[str], taking: bool = False) -> list[str]:
    """register + operand; `taking` adds the complement's endless nines, and one."""
    out, carry = [], int(taking)
    for place, bead in enumerate(register):
        base = _BASES[place % 2]
        added = int(operand[place]) if place < len(operand) else (base - 1) * taking
        carry, rest = divmod(_value(bead) + added + carry, base)
        out.append(_CARRIED[rest] if carry else str(rest))
    return out


def _below_zero(register: list[str]) -> bool:
    return register[-1] not in _CARRIED


def _shifted(register: list[str], digit: str) -> list[str]:
    """Ten times the register plus a digit, carry marks dropped."""
    return _beads(int(digit), 1) + [str(_value(bead)) for bead in register[:-2]]


def _line(register: list[str], counter: int, operand: list[str], state: str) -> str:
    return "".join([*register, *_beads(counter, 1), *operand, state])


def _ending(register: list[str], negative: bool = False) -> str:
    digits = _number(register)
    padded = str(int(digits)).rjust(len(digits), BLANK)
    return ANSWER_MARK + ("-" + padded[1:] if negative else padded)


def _adding(register: list[str], multiplier: str, operand: list[str]) -> str:
    """Horner: for each digit shift the register, then add as often as the digit says."""
    out = ""
    for stage, digit in enumerate(multiplier):
        state = _ADDING[len(_ADDING) - len(multiplier) + stage]
        if stage:
            register = _shifted(register, "0")
        for counter in range(int(digit), -1, -1):
            if counter < int(digit):
                register = _step(register, operand)
            out += _line(register, counter, operand, state if counter else state.upper())
    return out + _ending(register)


def _subtracting(left: int, right: int, digits: int) -> str:
    """left - right; where that goes below zero, 10^n minus what stands there and a minus sign."""
    operand, register = _complement(_beads(right, digits)), _beads(left, 2 * digits)
    out = _line(register, 0, operand, "s")
    register = _step(register, operand, taking=True)
    negative = _below_zero(register)
    out += _line(register, 0, operand, "T" if negative else "S")
    if negative:
        operand = _complement(register[: 2 * digits])
        register = _beads(10**digits, 2 * digits)
        out += _line(register, 0, operand, "t")
        register = _step(register, operand, taking=True)
        out += _line(register, 0, operand, "U")
    return out + _ending(register, negative)


def _dividing(left: int, right: int, answer: str, digits: int, decimals: int) -> str:
    """Half of the divisor is added first, so that the last digit comes out rounded."""
    half = right // 2
    if (10**decimals * left + half) // right != int(answer.replace(".", "")):
        half -= 1  # an exact tie that the task rounds down
    operand, quotient = _complement(_beads(right, digits)), ""
    # Halving needs no carry: a digit's half is its ones, its parity the five of the digit below.
    out = "".join(_beads(half, digits))
    register = ["0"] * 4 * digits
    for state, digit in zip(_DIVIDING, f"{left:0{digits}d}{half:0{decimals}d}", strict=False):
        register, counter = _shifted(register, digit), 0
        out += _line(register, counter, operand, state)
        while not _below_zero(tried := _step(register, operand, taking=True)):
            register, counter = tried, counter + 1
            out += _line(register, counter, operand, state)
        out += _line(tried, counter, operand, state.upper())
        quotient += str(counter)
    whole = str(int(quotient[:digits])).rjust(digits, BLANK)
    return out + ANSWER_MARK + whole + "." + quotient[digits:]
