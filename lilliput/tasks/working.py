"""The working that comes before an answer in the format `worked`; knows nothing of models.

After the question comes a small register machine, written out line by line:

    s0 .. s(2n-1)  q  y0 .. y(n-1)  k

s: the running register, least digit first; q: a one-digit counter; y: the number added or taken
away, least digit first; k: a letter that says what the next line does, in upper case where it was
the last of its kind. A digit whose column carried or borrowed is written A..J instead of 0..9. Long
multiplication adds one operand as often as each digit of the other says, long division takes the
divisor away until that goes below zero. At the end come `>` and the answer, with `_` where leading
zeros would stand.
"""

from lilliput.errors import SpecError

ANSWER_MARK = ">"
BLANK = "_"
_CARRIED = "ABCDEFGHIJ"
_ADDING = "vwxy"
"""Digits of the multiplier, most significant first; a sum uses the last."""
_DIVIDING = "klmn"
"""Digits of the quotient, most significant first."""


def working(operation: str, left: int, right: int, answer: str, digits: int, decimals: int) -> str:
    """The text between `=` and the end mark.

    Args:
        answer: the right answer as the task rounds it; the working of a quotient follows it.
        digits: digits of the largest operand.
        decimals: decimal places of the answer.
    """
    if operation == "+":
        return _blank(digits) + _add_lines(_low_first(left, 2 * digits), "1", right, digits)
    if operation == "*":
        multiplier = f"{right:0{digits}d}"
        return _blank(digits) + _add_lines(["0"] * 2 * digits, multiplier, left, digits)
    if operation == "-":
        return _subtract(left, right, digits)
    return _divide(left, right, answer, digits, decimals)


def alphabet(operations: str, digits: int, decimals: int) -> str:
    """Every character that questions and workings of these operations can hold."""
    letters = {"+": "yY", "-": "sStTU", "*": _ADDING + _ADDING.upper()}
    letters["/"] = _DIVIDING + _DIVIDING.upper() + "."
    used = "".join(letters[operation] for operation in operations)
    return "0123456789=" + _CARRIED + ANSWER_MARK + BLANK + operations + used + "-"


def check(operations: str, digits: int, decimals: int) -> None:
    """Raises SpecError where this notation has no way to write the working."""
    if digits > len(_ADDING):
        raise SpecError(f"worked has operands of up to {len(_ADDING)} digits; got {digits}")
    if "/" in operations and not (digits <= decimals and digits + decimals <= len(_DIVIDING)):
        raise SpecError(
            f"worked long division needs {digits} decimals for operands of {digits} digits, 4 in"
            f" all at most; got {decimals} decimals: choose another format"
        )


def longest(operation: str, digits: int, decimals: int) -> int:
    """Characters of the longest working, answer included."""
    per_line = 3 * digits + 2
    lines = {"+": 2, "-": 4, "*": 10 * digits, "/": 11 * (digits + decimals)}[operation]
    return digits + lines * per_line + 2 * digits + decimals + 3


def _value(character: str) -> int:
    return _CARRIED.index(character) if character in _CARRIED else int(character)


def _blank(digits: int) -> str:
    return BLANK * digits


def _low_first(number: int, width: int) -> list[str]:
    return list(f"{number:0{width}d}"[::-1])


def _column_step(register: list[str], operand: list[str], sign: int) -> list[str]:
    """register + sign * operand, column by column; every column marks its own carry."""
    out, carry = [], 0
    for index, character in enumerate(register):
        digit = int(operand[index]) if index < len(operand) else 0
        total = _value(character) + sign * (digit + carry)
        carry = int(total < 0 or total > 9)
        out.append(_CARRIED[total % 10] if carry else str(total % 10))
    return out


def _shifted(register: list[str], digit: str) -> list[str]:
    """Ten times the register plus a digit, carry marks dropped."""
    return [digit] + [str(_value(character)) for character in register[:-1]]


def _line(register: list[str], counter: int, operand: list[str], state: str) -> str:
    return "".join(register) + str(counter) + "".join(operand) + state


def _ending(register: list[str], negative: bool = False) -> str:
    digits = "".join(str(_value(character)) for character in reversed(register))
    padded = str(int(digits)).rjust(len(digits), BLANK)
    return ANSWER_MARK + ("-" + padded[1:] if negative else padded)


def _add_lines(register: list[str], multiplier: str, addend: int, digits: int) -> str:
    """Horner: for each digit shift the register, then add as often as the digit says."""
    operand, out = _low_first(addend, digits), ""
    for stage, digit in enumerate(multiplier):
        state = _ADDING[len(_ADDING) - len(multiplier) + stage]
        if stage:
            register = _shifted(register, "0")
        for counter in range(int(digit), -1, -1):
            if counter < int(digit):
                register = _column_step(register, operand, 1)
            out += _line(register, counter, operand, state if counter else state.upper())
    return out + _ending(register)


def _subtract(left: int, right: int, digits: int) -> str:
    """left - right; where that borrows past the end, right - left and a minus sign."""
    first, operand = _low_first(left, 2 * digits), _low_first(right, digits)
    result = _column_step(first, operand, -1)
    negative = result[-1] in _CARRIED
    out = _blank(digits) + _line(first, 0, operand, "s")
    out += _line(result, 0, operand, "T" if negative else "S")
    if negative:
        first, operand = _low_first(right, 2 * digits), _low_first(left, digits)
        result = _column_step(first, operand, -1)
        out += _line(first, 0, operand, "t") + _line(result, 0, operand, "U")
    return out + _ending(result, negative)


def _divide(left: int, right: int, answer: str, digits: int, decimals: int) -> str:
    """Half of the divisor is added first, so that the last digit comes out rounded."""
    half = right // 2
    if (10**decimals * left + half) // right != int(answer.replace(".", "")):
        half -= 1  # an exact tie that the task rounds down
    operand, quotient = _low_first(right, digits), ""
    out = f"{half:0{digits}d}"
    register = ["0"] * 2 * digits
    for stage, digit in enumerate(f"{left:0{digits}d}{half:0{decimals}d}"):
        register, counter = _shifted(register, digit), 0
        state = _DIVIDING[stage]
        out += _line(register, counter, operand, state)
        while True:
            tried = _column_step(register, operand, -1)
            if tried[-1] in _CARRIED:
                break
            register, counter = tried, counter + 1
            out += _line(register, counter, operand, state)
        out += _line(tried, counter, operand, state.upper())
        quotient += str(counter)
    whole = str(int(quotient[:digits])).rjust(digits, BLANK)
    return out + ANSWER_MARK + whole + ("." + quotient[digits:] if decimals else "")
