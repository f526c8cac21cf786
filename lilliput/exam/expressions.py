"""Grades lines of text such as `27 / 86 = 0.31`, as TinyMath's two graders did, without `eval`.

`grading-math.py` lists the right answer beside each line, `self-grading.py` says Correct or
Incorrect and ends with a score (TinyMath, README). A line that cannot be read is shown and counted.
Knows no model.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lilliput.errors import ProblemError, UserError
from lilliput.specs.task import Rounding, check_decimals
from lilliput.tasks.expressions import parse_line, right_answer, same_number
from lilliput.units import printable


@dataclass(frozen=True)
class GradedLine:
    text: str
    """As it was written."""
    mark: Literal["correct", "incorrect", "malformed"]
    right: str = ""
    """The right answer, without the zeros that say nothing: `36`, `0.31`, `1.5`."""
    claimed: str = ""
    """The answer that was written."""
    reason: str = ""
    """Why it cannot be graded, where it is malformed."""

    @property
    def listed(self) -> str:
        """`88 + 32 = 120.00 = 120`, as in TinyMath's simple grading."""
        if self.mark == "malformed":
            return self.graded
        return f"{self.text} = {self.right}"

    @property
    def graded(self) -> str:
        """`85 / 68 = 1.25   Incorrect, model predicted 1.24`, as in TinyMath's self-grading."""
        if self.mark == "malformed":
            return f"{self.text}   Malformed, {self.reason}"
        question = self.text.partition("=")[0].strip()
        verdict = "Correct"
        if self.mark == "incorrect":
            verdict = f"Incorrect, model predicted {self.claimed}"
        return f"{question} = {self.right}   {verdict}"


def grade_text(
    content: bytes, name: str, decimals: int = 2, rounding: Rounding = "float"
) -> list[GradedLine]:
    """The graded lines of a text; empty ones and rules of dashes (nanoGPT's) are left out.

    Args:
        name: where the text is from, for messages.
        decimals: places of a right quotient, as in the task that the text is of.
        rounding: how they are rounded.

    Raises:
        UserError: it is no text, or has no lines.
        SpecError: decimals that no task has.
    """
    check_decimals(decimals)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UserError(
            f"{name} is binary, not text; give lines such as 12 + 24 = 36.00, or a .safetensors"
            " model"
        )
    lines = [line.strip() for line in text.split("\n") if line.strip().strip("-")]
    if not lines:
        raise UserError(f"{name} is empty: nothing to grade; give lines such as 12 + 24 = 36.00")
    return [grade_line(line, decimals, rounding) for line in lines]


def grade_line(text: str, decimals: int = 2, rounding: Rounding = "float") -> GradedLine:
    """One line, right where the written number equals the right one as it is rounded."""
    shown = printable(text)
    try:
        expression, claimed = parse_line(text)
    except ProblemError as error:
        # A cause that is none of the form's, such as division by zero, is said in its own words.
        zero = "division by zero" in str(error)
        reason = "division by zero" if zero else "cannot be read as a line such as 12 + 24 = 36.00"
        return GradedLine(shown, "malformed", reason=reason)
    right = right_answer(expression, decimals, rounding)
    mark: Literal["correct", "incorrect"] = "incorrect"
    if same_number(right, claimed):
        mark = "correct"
    return GradedLine(shown, mark, _short(right), claimed)


def counts(lines: Sequence[GradedLine]) -> tuple[int, int, int]:
    """Correct, graded, malformed."""
    correct = sum(line.mark == "correct" for line in lines)
    malformed = sum(line.mark == "malformed" for line in lines)
    return correct, len(lines) - malformed, malformed


def score_words(lines: Sequence[GradedLine]) -> str:
    """`Score: 95/123 (77.24%)`, and what it is with the malformed lines as wrong ones."""
    correct, graded, malformed = counts(lines)
    words = "Score: 0/0" if not graded else f"Score: {_ratio(correct, graded)}"
    if malformed:
        words += f"\nMalformed: {malformed}; with them as wrong: {_ratio(correct, len(lines))}"
    return words


def to_dict(lines: Sequence[GradedLine]) -> dict[str, Any]:
    correct, graded, malformed = counts(lines)
    return {
        "correct": correct,
        "graded": graded,
        "malformed": malformed,
        "lines": [asdict(line) for line in lines],
    }


def _ratio(right: int, total: int) -> str:
    return f"{right}/{total} ({100 * right / total:.2f}%)"


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number
