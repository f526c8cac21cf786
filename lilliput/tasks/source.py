"""Training problems from a file of TinyMath's lines; held-out problems and their twins dropped."""

from collections.abc import Iterator
from dataclasses import dataclass

from lilliput.errors import FileError, ProblemError
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.expressions import Line, read_lines, right_answer, same_number
from lilliput.tasks.lines import read_text, text_digest
from lilliput.tasks.splits import Problem


@dataclass(frozen=True)
class Source:
    problems: list[Problem]
    """Lines to train on, in the file's order, repeated ones included."""
    num_lines: int
    num_dropped: int
    """Lines whose problem or twin is in validation, unseen or beyond (in a leaked run none), and
    those of other operations."""
    leaked: bool
    num_asked: int
    """Lines to train on that the exam asks too; 0 but in a leaked run."""

    def words(self, name: str) -> str:
        """`lines.txt: 90 lines, 9 dropped as held out or of other operations`, and what leaked.

        Args:
            name: of the file.
        """
        lines, dropped = f"{name}: {self.num_lines:,} lines", f"{self.num_dropped:,}"
        if not self.leaked:
            return f"{lines}, {dropped} dropped as held out or of other operations"
        asked = f"{self.num_asked:,} of the rest are problems of the exam (leaked)"
        return f"{lines}, {dropped} of other operations dropped; {asked}"


def read_source(task: Arithmetic) -> Source:
    """The training problems of `task.spec.source`.

    Raises:
        ProblemError: a line that cannot be read or has a wrong answer; no line to train on.
        FileError: the file is not the one that the spec was made for.
    """
    spec = task.spec
    text = read_text(spec.source)
    if spec.source_digest and text_digest(text) != spec.source_digest:
        raise FileError(f"{spec.source} has changed since this run was specified; bring it back")
    kept, dropped, total = [], 0, 0
    largest = 10**task.format.digits - 1
    for number, (expression, claimed) in _lines(text, spec.source):
        total += 1
        right = right_answer(expression, spec.decimals, spec.rounding)
        if not same_number(right, claimed):
            raise ProblemError(
                f"{spec.source}, line {number}: {expression} = {claimed} is wrong, it is {right}"
            )
        if expression.left.denominator != 1 or expression.right.denominator != 1:
            raise ProblemError(f"{spec.source}, line {number}: {expression} is not whole numbers")
        left, right_ = int(expression.left), int(expression.right)
        problem = task.problem(left, expression.operation, right_)
        if expression.operation not in spec.operations:
            dropped += 1
            continue
        if spec.leaked and (min(left, right_) < 0 or max(left, right_) > largest):
            raise ProblemError(
                f"{spec.source}, line {number}: {expression} has an operand that is not from 0 to"
                f" {largest}; choose wider --operands"
            )
        if spec.leaked or task.where(problem.question) == "seen":
            kept.append(problem)
        else:
            dropped += 1
    if not kept:
        raise ProblemError(
            f"{spec.source} has no problem to train on: {dropped} of {total} lines"
            " are held out or of other operations"
        )
    asked = sum(task.asks(problem.question) for problem in kept) if spec.leaked else 0
    return Source(kept, total, dropped, spec.leaked, asked)


def _lines(text: str, name: str) -> Iterator[tuple[int, Line]]:
    """As `read_lines`, which does not know the file's name."""
    try:
        yield from read_lines(text.split("\n"))
    except ProblemError as error:
        raise ProblemError(f"{name}, {error}") from None
