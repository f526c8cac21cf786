"""Arithmetic: which problems there are, what is right, and in which section each belongs."""

import random
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, product

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
        self._below = range(low, min(high + 1, held[0]) if held else high + 1)
        self._above = range(max(low, held[1] + 1), high + 1) if held else range(0)

    @cached_property
    def num_problems(self) -> int:
        """Problems with both operands in the range and none held out."""
        inside = self._num_inside
        zeros = 1 if self._low == 0 and 0 not in self._held else 0
        return sum(inside * (inside - zeros * (op == "/")) for op in self.operations)

    @property
    def _num_inside(self) -> int:
        """Operands that are not held out."""
        return len(self._below) + len(self._above)

    @property
    def _num_pairs_beyond(self) -> int:
        """Pairs of operands, one or both of them held out."""
        return len(self._held) * (len(self._held) + 2 * self._num_inside)

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
        plus = "+" if "-" in self.operations and self.spec.format == "padded" else ""
        space = " " if self.spec.format == "plain" else ""
        return Vocabulary.of([fixed, point, plus, space, END])

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

    def exam(self, name: Section) -> list[Problem]:
        """The questions of an exam's section: all problems of it, or of each operation a fixed
        draw where the space is large; of `seen` the first of those that are learned."""
        problems = self.section(name)
        if name != "seen" or self.num_problems <= ENUMERABLE:
            return problems
        groups = ([p for p in problems if p.group == group] for group in self.groups)
        return [problem for group in groups for problem in group[:DRAWN_A_GROUP]]

    def where(self, question: str) -> Section:
        """Section of a question such as `27 / 86`; operands outside the ranges are beyond."""
        left, operation, right = question.split()
        numbers = int(left), int(right)
        if any(n in self._held or not self._low <= n <= self._high for n in numbers):
            return "beyond"
        if self.exhaustive:
            return "seen"
        return section_of(twins_key(operation, *numbers), self.spec.fold)

    def asks(self, question: str) -> bool:
        """Whether a question is kept for choices or reports, and must not be learned."""
        left, operation, right = question.split()
        section = self.where(question)
        held = int(left) in self._held or int(right) in self._held
        return operation in self.operations and (
            section in ("valid", "unseen") or (section == "beyond" and held)
        )

    def draw(self, generator: random.Random, name: Section | None = "seen") -> Iterator[Problem]:
        """Problems drawn with replacement, without end; operations as weighted.

        Args:
            name: only this section; None: all but those held out.
        """
        weights = self.spec.weights or (1.0,) * len(self.operations)
        self._check_drawable(name, weights)
        while True:
            operation = generator.choices(self.operations, weights)[0]
            problem = self._try(generator, operation, name)
            if problem:
                yield problem

    def _try(
        self, generator: random.Random, operation: str, name: Section | None
    ) -> Problem | None:
        """One draw; None where it hits a division by zero or another section."""
        if name == "beyond":
            left, right = self._pair_beyond(generator.randrange(self._num_pairs_beyond))
        else:
            left, right = (
                self._inside(generator.randint(0, self._num_inside - 1)) for _ in range(2)
            )
        if operation == "/" and right == 0:
            return None
        if name is None or name == "beyond" or self.exhaustive:
            return self.problem(left, operation, right)
        belongs = self.where(f"{left} {operation} {right}") == name
        return self.problem(left, operation, right) if belongs else None

    def _check_drawable(self, name: Section | None, weights: tuple[float, ...]) -> None:
        """Only small spaces can lack a problem: in larger ones each operation has many."""
        if name == "beyond":
            if not self._held:
                raise SpecError("no problem is beyond: nothing is held out; give a held-out range")
        elif self.num_problems < SMALL_SPACE:
            names: list[Section] = [name] if name else ["seen", "valid", "unseen"]
            groups = {problem.group for part in names for problem in self.section(part)}
            weighted = zip(self.operations, weights, strict=True)
            if not any(weight and operation in groups for operation, weight in weighted):
                raise SpecError(
                    f"no problem of {self.operations!r} with weights {weights} is in section"
                    f" {name or 'any'!r} of {self.spec.operands}; choose wider operands"
                )

    def _inside(self, place: int) -> int:
        """Operand number `place` of those that are not held out."""
        below = len(self._below)
        return self._below[place] if place < below else self._above[place - below]

    def _pair_beyond(self, place: int) -> tuple[int, int]:
        """Pair number `place` of those with one operand or both held out."""
        held = len(self._held)
        left, right = divmod(place, held + self._num_inside)
        if left < held:
            other = self._held[right] if right < held else self._inside(right - held)
            return self._held[left], other
        left, right = divmod(place - held * (held + self._num_inside), held)
        return self._inside(left), self._held[right]

    @cached_property
    def _listed(self) -> dict[Section, list[Problem]]:
        numbers = [*self._below, *self._above]
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
        if max(self.num_problems, self._num_pairs_beyond) > ENUMERABLE:
            return self._drawn("beyond")
        everywhere = sorted({*range(self._low, self._high + 1), *self._held})
        return [
            self.problem(left, operation, right)
            for operation in self.operations
            for left, right in product(everywhere, everywhere)
            if (left in self._held or right in self._held) and (operation != "/" or right)
        ]

    def _drawn(self, name: Section) -> list[Problem]:
        if name == "seen":
            chosen: dict[str, Problem] = {}
            # Weights may leave fewer problems than are wanted, so the draws are counted.
            for problem in islice(
                self.draw(random.Random(f"lilliput {name}"), name), 4 * DRAWN_TO_LEARN
            ):
                chosen[problem.question] = problem
                if len(chosen) == DRAWN_TO_LEARN:
                    break
            return list(chosen.values())
        group = self._beyond_group if name == "beyond" else self._drawn_group
        return [problem for operation in self.operations for problem in group(operation, name)]

    def _drawn_group(self, operation: str, name: Section) -> list[Problem]:
        """Different problems of one operation; a space that is drawn from has enough of them."""
        generator = random.Random(f"lilliput {name} {operation}")
        chosen: dict[str, Problem] = {}
        while len(chosen) < DRAWN_A_GROUP:
            problem = self._try(generator, operation, name)
            if problem:
                chosen[problem.question] = problem
        return list(chosen.values())

    def _beyond_group(self, operation: str, name: Section) -> list[Problem]:
        """As `_drawn_group`; a few held-out operands may make fewer problems than are wanted."""
        generator = random.Random(f"lilliput {name} {operation}")
        # More than are wanted: up to half of the pairs divide by zero.
        number = min(self._num_pairs_beyond, 4 * DRAWN_A_GROUP)
        places = generator.sample(range(self._num_pairs_beyond), number)
        pairs = (self._pair_beyond(place) for place in places)
        problems = (self.problem(a, operation, b) for a, b in pairs if operation != "/" or b)
        return list(islice(problems, DRAWN_A_GROUP))
