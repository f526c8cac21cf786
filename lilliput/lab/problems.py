"""All problems of a small arithmetic task as a square for each operation, for heat maps."""

from dataclasses import dataclass

from lilliput.specs import ArithmeticSpec
from lilliput.tasks.arithmetic import ENUMERABLE, Arithmetic

LETTERS = {"seen": "s", "valid": "v", "unseen": "u", "beyond": "b"}
NONE = "."
"""Where there is no problem: division by zero."""


@dataclass(frozen=True)
class Square:
    """One operation: a row a left operand, a column a right one."""

    operation: str
    operands: tuple[int, ...]
    """Of rows and of columns, in this order; what is held out too."""
    sections: tuple[str, ...]
    """A row each, one of LETTERS a problem, or NONE."""
    answers: tuple[tuple[str, ...], ...]
    """What is right (`36.00`); empty where there is no problem."""


def squares(spec: ArithmeticSpec) -> list[Square]:
    """A square for each operation of a task; none where they would have too many problems."""
    low, high = spec.operand_range
    held = spec.held_out_range
    count = high + 1 - low + (held[1] + 1 - held[0] if held else 0)
    if count * count * len(spec.operations) > ENUMERABLE:
        return []
    operands = {*range(low, high + 1), *(range(held[0], held[1] + 1) if held else ())}
    task = Arithmetic(spec)
    return [_square(task, operation, tuple(sorted(operands))) for operation in spec.operations]


def _square(task: Arithmetic, operation: str, operands: tuple[int, ...]) -> Square:
    sections, answers = [], []
    for left in operands:
        line, right_line = "", []
        for right in operands:
            if operation == "/" and right == 0:
                line, answer = line + NONE, ""
            else:
                problem = task.problem(left, operation, right)
                line += LETTERS[task.where(problem.question)]
                answer = problem.answer
            right_line.append(answer)
        sections.append(line)
        answers.append(tuple(right_line))
    return Square(operation, operands, tuple(sections), tuple(answers))
