"""Arithmetic: which problems there are, what is right, and in which section each belongs."""

import random
from collections.abc import Iterator
from functools import cached_property
from itertools import product

from lilliput.errors import SpecError
from lilliput.specs.task import ArithmeticSpec
from lilliput.tasks.expressions import Expression, right_answer
from lilliput.tasks.formats import format_of
from lilliput.tasks.splits import SMALL_SPACE, Problem, Section, section_of, twins_key
from lilliput.tasks.vocabulary import END, Vocabulary
from lilliput.tasks.working import alphabet

ENUMERABLE = 200_000
"""Spaces up to this many problems are listed whole; larger ones are drawn from."""
DRAWN_A_GROUP = 1_000
"""Problems of each operation in an exam section of a space too large to list."""
DRAWN_TO_LEARN = 100_000
"""Training problems of a space too large to list, where the spec names no number."""


class Arithmetic:
    """The problems of one ArithmeticSpec, by section.

    `seen` is for training, `valid` for every choice, `unseen` for reports, `beyond` has an operand
    in the held-out range. In a small space the first three are the same, all of it.
    """

    def __init__(self, spec: ArithmeticSpec) -> None:
        self.spec = spec
        self.format = format_of(spec)
        self.operations = spec.operations
        self.groups = tuple(spec.operations)
        low, high = spec.operand_range
        held = spec.held_out_range
        self._low, self._high = low, high
        self._held = range(held[0], held[1] + 1) if held else range(0)

    @cached_property
    def num_problems(self) -> int:
        """Problems with both operands in the range and none held out."""
        inside = self._high - self._low + 1
        inside -= sum(1 for n in self._held if self._low <= n <= self._high)
        zeros = 1 if self._low == 0 and 0 not in self._held else 0
        return sum(inside * (inside - zeros * (op == "/")) for op in self.operations)

    @property
    def exhaustive(self) -> bool:
        """Whether all problems are asked, so that a score needs no interval."""
        return self.num_problems < SMALL_SPACE and self.spec.fold == -1

    @cached_property
    def vocabulary(self) -> Vocabulary:
        if self.spec.format == "worked":
            return Vocabulary.of([alphabet(self.operations)])
        fixed = "0123456789=" + self.operations
        point = "." if self.spec.decimals and self._writes_point else ""
        minus = "-" if "-" in self.operations else ""
        plus = "+" if "-" in self.operations and self.spec.format == "padded" else ""
        space = " " if self.spec.format == "plain" else ""
        return Vocabulary.of([fixed, point, minus, plus, space, END])

    @property
    def _writes_point(self) -> bool:
        return self.spec.format == "plain" or (
            self.spec.format == "reversed" and "/" in self.operations
        )

    @property
    def context(self) -> int:
        """Characters of the longest line that the format can write, end mark included."""
        return self.format.longest(self.operations)

    def problem(self, left: int, operation: str, right: int) -> Problem:
        expression = Expression(left, operation, right)  # type: ignore[arg-type]
        answer = right_answer(expression, self.spec.decimals, self.spec.rounding)
        return Problem(
            f"{left} {operation} {right}", answer, operation, twins_key(operation, left, right)
        )

    def section(self, name: Section) -> list[Problem]:
        """All problems of a section, or a fixed draw of them where the space is large."""
        if name == "beyond":
            return self._beyond
        if self.num_problems > ENUMERABLE:
            return self._drawn(name)
        return self._listed[name]

    def where(self, question: str) -> Section:
        """Section of a question such as `27 / 86`; operands outside the ranges are beyond."""
        left, operation, right = question.split()
        numbers = int(left), int(right)
        if any(n in self._held or not self._low <= n <= self._high for n in numbers):
            return "beyond"
        if self.exhaustive:
            return "seen"
        return section_of(twins_key(operation, *numbers), self.spec.fold)

    def draw(self, generator: random.Random, name: Section | None = "seen") -> Iterator[Problem]:
        """Problems drawn with replacement, without end; operations as weighted.

        Args:
            name: only this section; None: all but those held out.
        """
        weights = self.spec.weights or (1.0,) * len(self.operations)
        wanted = {name} if name else {"seen", "valid", "unseen"}
        while True:
            operation = generator.choices(self.operations, weights)[0]
            left, right = (generator.randint(self._low, self._high) for _ in range(2))
            if operation == "/" and right == 0:
                continue
            if name == "beyond":
                if generator.random() < 0.5:
                    left = generator.choice(self._held)
                else:
                    right = generator.choice(self._held)
                yield self.problem(left, operation, right)
            elif self.where(f"{left} {operation} {right}") in wanted:
                yield self.problem(left, operation, right)

    @cached_property
    def _listed(self) -> dict[Section, list[Problem]]:
        numbers = [n for n in range(self._low, self._high + 1) if n not in self._held]
        everything = [
            self.problem(left, operation, right)
            for operation in self.operations
            for left, right in product(numbers, numbers)
            if operation != "/" or right
        ]
        if not everything:
            raise SpecError(f"no problem of {self.operations!r} is left in {self.spec.operands}")
        if self.exhaustive:
            return {"seen": everything, "valid": everything, "unseen": everything}
        sections: dict[Section, list[Problem]] = {"seen": [], "valid": [], "unseen": []}
        for problem in everything:
            sections[section_of(problem.cluster, self.spec.fold)].append(problem)
        return sections

    @cached_property
    def _beyond(self) -> list[Problem]:
        if not self._held:
            return []
        if self.num_problems > ENUMERABLE:
            return self._drawn("beyond")
        everywhere = sorted({*range(self._low, self._high + 1), *self._held})
        return [
            self.problem(left, operation, right)
            for operation in self.operations
            for left, right in product(everywhere, everywhere)
            if (left in self._held or right in self._held) and (operation != "/" or right)
        ]

    def _drawn(self, name: Section) -> list[Problem]:
        number = DRAWN_TO_LEARN if name == "seen" else DRAWN_A_GROUP * len(self.operations)
        chosen: dict[str, Problem] = {}
        for problem in self.draw(random.Random(f"lilliput {name}"), name):
            chosen[problem.question] = problem
            if len(chosen) == number:
                break
        return list(chosen.values())
