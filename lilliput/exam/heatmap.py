"""Right and wrong over both operands of an operation, as compact text; knows no picture."""

from collections.abc import Sequence
from dataclasses import dataclass

from lilliput.exam.grade import Answer

RIGHT, WRONG, MISSING = "1", "0", "."


@dataclass(frozen=True)
class HeatMap:
    operation: str
    low: int
    """The smallest operand; row and column number from it."""
    rows: tuple[str, ...]
    """One a left operand, one character a right operand: RIGHT, WRONG, or MISSING (not asked)."""


def heat_maps(answers: Sequence[Answer]) -> list[HeatMap]:
    """A map for each operation of the answers' problems, smallest operand to largest."""
    cells: dict[str, dict[tuple[int, int], bool]] = {}
    for answer in answers:
        left, operation, right = answer.problem.question.split()
        cells.setdefault(operation, {})[int(left), int(right)] = answer.right
    maps = []
    for operation, marks in cells.items():
        operands = [operand for pair in marks for operand in pair]
        span = range(min(operands), max(operands) + 1)
        symbols = {pair: RIGHT if right else WRONG for pair, right in marks.items()}
        rows = ["".join(symbols.get((a, b), MISSING) for b in span) for a in span]
        maps.append(HeatMap(operation, span.start, tuple(rows)))
    return maps
