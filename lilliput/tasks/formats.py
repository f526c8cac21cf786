"""How a problem is written for a model, and how its answer is read back.

A format is data (`to_dict`), so that a model file carries it. Reading undoes the writing and does
no part of the sum: it turns digits round, drops padding, and takes what follows the working.
"""

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from lilliput.errors import FileError
from lilliput.specs.task import ArithmeticSpec, Format
from lilliput.tasks import working
from lilliput.tasks.vocabulary import END
from lilliput.tasks.working import ANSWER_MARK, BLANK

_QUESTION = re.compile(r"(\d+) ([-+*/]) (\d+)")


@dataclass(frozen=True, kw_only=True)
class AnswerFormat:
    """Writes questions and answers of arithmetic as the model sees them.

    >>> style = AnswerFormat(kind="reversed", reverse="+-*/", digits=2, decimals=2)
    >>> style.prompt("76 * 56"), style.completion("76 * 56", "4256.00"), style.read("*", "6524")
    ('76*56=', '6524\\n', '4256.00')
    """

    kind: Format
    reverse: str
    """Operations whose answers are turned round (`reversed` and `padded`)."""
    digits: int
    """Digits of the largest operand, held-out range included."""
    decimals: int
    """Decimal places of an answer."""

    def prompt(self, question: str) -> str:
        """What the model is given: `76 * 56 =` for plain, `76*56=` for the others."""
        if self.kind == "plain":
            return f"{question} ="
        left, operation, right = self._parts(question)
        if self.kind == "reversed":
            return f"{left}{operation}{right}="
        return f"{left:0{self.digits}d}{operation}{right:0{self.digits}d}="

    def completion(self, question: str, answer: str) -> str:
        """What the model must write after the prompt, the end mark included."""
        if self.kind == "plain":
            return f" {answer}{END}"
        left, operation, right = self._parts(question)
        body = answer if operation == "/" else answer.partition(".")[0]
        if self.kind == "worked":
            steps = working.working(operation, left, right, answer, self.digits, self.decimals)
            return steps + END
        if self.kind == "padded":
            body = self._pad(operation, body)
        return (body[::-1] if operation in self.reverse else body) + END

    def read(self, operation: str, text: str) -> str | None:
        """The answer in its canonical form (`36.00`) from what a model wrote before the end mark.

        None where the text is no number as this format writes it (malformed).
        """
        if self.kind == "plain":
            body = text.removeprefix(" ")
            return body if re.fullmatch(rf"-?[0-9]+{self._part()}", body) else None
        if self.kind == "worked":
            body = text.rpartition(ANSWER_MARK)[2].replace(BLANK, "") if ANSWER_MARK in text else ""
        else:
            body = text[::-1] if operation in self.reverse else text
        if self.kind == "padded":
            return self._unpad(operation, body)
        part = self._part() if operation == "/" else ""
        if not re.fullmatch(rf"-?[0-9]+{part}", body):
            return None
        return body if operation == "/" else body + self._zeros()

    def longest(self, operations: str) -> int:
        """Characters of the longest question and completion of any of `operations`."""
        most = 10**self.digits - 1
        answers = {"+": str(2 * most), "-": f"-{most}", "*": str(most * most), "/": str(most)}
        lengths = []
        for operation in operations:
            if self.kind == "worked":
                steps = working.longest(operation, self.digits, self.decimals)
                lengths.append(2 * self.digits + 2 + steps + 1)
                continue
            question = f"{most} {operation} {most}"
            answer = answers[operation] + self._zeros()
            lengths.append(len(self.prompt(question)) + len(self.completion(question, answer)))
        return max(lengths)

    def longest_answer(self, operations: str) -> int:
        """Characters of the longest completion of any of `operations`, end mark included."""
        return max(longest_completion(self, operation) for operation in operations)

    @property
    def line_length(self) -> int:
        """Characters of a line of the working, which models may count by; 0: there are no lines."""
        return working.line_length(self.digits) if self.kind == "worked" else 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "AnswerFormat":
        try:
            return cls(**data)
        except TypeError:
            raise FileError(f"this file's answer format is not one of ours: {data!r}") from None

    def _parts(self, question: str) -> tuple[int, str, int]:
        match = _QUESTION.fullmatch(question)
        assert match, f"not a question: {question!r}"
        return int(match[1]), match[2], int(match[3])

    def _part(self) -> str:
        return rf"\.[0-9]{{{self.decimals}}}" if self.decimals else ""

    def _zeros(self) -> str:
        return "." + "0" * self.decimals if self.decimals else ""

    def _width(self, operation: str) -> int:
        """Digits of the longest answer, decimals included, without sign and point."""
        most = 10**self.digits - 1
        if operation == "/":
            return self.digits + self.decimals
        return len(str({"+": 2 * most, "-": most, "*": most * most}[operation]))

    def _pad(self, operation: str, body: str) -> str:
        """Fixed width: zeros in front, no point, and for differences a sign, `+` or `-`."""
        digits = body.lstrip("-").replace(".", "").rjust(self._width(operation), "0")
        sign = ("-" if body.startswith("-") else "+") if operation == "-" else ""
        return sign + digits

    def _unpad(self, operation: str, body: str) -> str | None:
        sign = "[-+]" if operation == "-" else ""
        if not re.fullmatch(rf"{sign}[0-9]{{{self._width(operation)}}}", body):
            return None
        digits = body.lstrip("-+")
        if operation != "/":
            number = str(int(digits)) + self._zeros()
        else:
            whole = digits[: len(digits) - self.decimals]
            part = digits[len(digits) - self.decimals :]
            number = f"{int(whole)}.{part}" if self.decimals else str(int(whole))
        return "-" + number if body.startswith("-") and int(digits) else number


def format_of(spec: ArithmeticSpec) -> AnswerFormat:
    """The format that a task's spec asks for."""
    highest = spec.operand_range[1]
    if spec.held_out_range is not None:
        highest = max(highest, spec.held_out_range[1])
    if spec.format == "worked":
        working.check(spec.operations, len(str(highest)), spec.decimals)
    return AnswerFormat(
        kind=spec.format,
        reverse=spec.reverse if spec.format in ("reversed", "padded") else "",
        digits=len(str(highest)),
        decimals=spec.decimals,
    )


@lru_cache
def longest_completion(style: AnswerFormat, operation: str) -> int:
    """`longest_answer` of one operation; worked out for each answer it took a third of its time."""
    most = 10**style.digits - 1
    return style.longest(operation) - len(style.prompt(f"{most} {operation} {most}"))
