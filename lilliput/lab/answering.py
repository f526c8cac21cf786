"""A loaded model that answers questions."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.errors import ProblemError
from lilliput.lab.words import not_read_words, outside_words
from lilliput.models.card import Card
from lilliput.models.modelfile import verified
from lilliput.specs import StoriesSpec
from lilliput.specs.sampling import GREEDY, Sampling
from lilliput.tasks.expressions import parse_expression
from lilliput.tasks.formats import longest_completion
from lilliput.tasks.lines import Lines
from lilliput.tasks.task import Problems, task_of
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.tasks.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from lilliput.engine import continuing
    from lilliput.engine.binding import Engine
    from lilliput.exam.decode import Answerer

ONE_BY_ONE = 200_000
"""Parameters up to which the engine, one after another, is as fast as PyTorch many at once (at
100,000 a tenth faster, at 300,000 a tenth to a third slower; where a model writes its working, six
times as fast at 10,000)."""
_AT_ONCE = 256
"""Problems that the engine is asked before it is said how far it is."""


def longest_answer(task: Problems) -> int:
    """Characters of the longest answer that a task's format writes, end mark included; 0: only a
    file of questions could say, which a model must not need in order to answer."""
    return 0 if isinstance(task, Lines) else task.format.longest_answer(task.operations)


class Model:
    """A model that answers questions.

    >>> import lilliput
    >>> model = lilliput.load("zoo:arithmetic-12k")
    >>> model("12 + 24"), model.answer(["7 * 8", "1 / 3"])
    ('36.00', ['56.00', '0.33'])
    """

    def __init__(
        self, name: str, path: Path, card: Card | None = None, network: "nn.Module | None" = None
    ) -> None:
        """A model file of ours, whole and true before a question is measured by its card; one that
        others made is given with its card and its network."""
        self.name, self.path = name, path
        self.card: Card = card or verified(path)[2]
        self._given = network

    def __repr__(self) -> str:
        spec = self.card.spec.model
        return f"<Model {self.name}: {spec.kind}, {self.card.parameters:,} parameters>"

    @cached_property
    def task(self) -> Problems:
        spec = self.card.spec.task
        assert not isinstance(spec, StoriesSpec), "lab.load gives a model of text as a TextModel"
        return task_of(spec)

    @cached_property
    def vocabulary(self) -> AnyVocabulary:
        return self.card.vocabulary

    @cached_property
    def network(self) -> "nn.Module":
        from lilliput.lab.opening import network_of

        return self._given or network_of(self.path, self.card)

    @cached_property
    def engine(self) -> "Engine | None":
        """The same model for the engine; None where that is not built or does not decode such
        models."""
        from lilliput.engine.binding import Engine, library
        from lilliput.engine.flat import of_file
        from lilliput.engine.limits import over_limit

        ours = self._given is None and not self.card.outside
        ours = ours and not over_limit(self.card.own, self.card.numbers)
        return Engine(of_file(self.path), str(self.path)) if ours and library() else None

    def prepare(self) -> None:
        """Loads what answers, which the first answer else waits for."""
        if self.engine is None:
            self.pytorch  # noqa: B018

    @property
    def start(self) -> str:
        """What the model reads before a question."""
        return self.card.end if self.card.spec.training.opens_with_end else ""

    @cached_property
    def longest(self) -> int:
        """As `longest_answer`, which is asked for each answer."""
        return longest_answer(self.task)

    @cached_property
    def answerer(self) -> "Answerer":
        """Prompts as the format writes them to the text that the model goes on with: what the exam
        asks. Whole numbers are asked as PyTorch has them, so that a grade is no machine's own."""
        return self._by_engine if self._one_by_one else self.pytorch

    @property
    def _one_by_one(self) -> bool:
        small = self.card.numbers == "float32" and self.card.parameters <= ONE_BY_ONE
        return small and self.engine is not None

    @cached_property
    def pytorch(self) -> "Answerer":
        """The same by PyTorch, many at once."""
        return self._many_at_once(lambda number: None)

    def _many_at_once(self, answered: Callable[[int], None]) -> "Answerer":
        from lilliput.exam.decode import answerer

        return answerer(
            self.network,
            self.vocabulary,
            self.card.context,
            longest=self.longest,
            start=self.start,
            answered=answered,
        )

    def telling(self, answered: Callable[[int], None]) -> "Answerer":
        """As `answerer`, of which `answered` is told how many more have been answered."""
        if not self._one_by_one:
            return self._many_at_once(answered)

        def answer(prompts: Sequence[str]) -> list[str]:
            answers: list[str] = []
            for begin in range(0, len(prompts), _AT_ONCE):
                part = self.answerer(prompts[begin : begin + _AT_ONCE])
                answered(len(part))
                answers += part
            return answers

        return answer

    def _decoded(self, prompts: Sequence[str], sampling: Sampling, seed: int) -> list[str]:
        """What the model goes on with, by the engine where there is one."""
        if self.engine is not None:
            return self._by_engine(prompts, sampling, seed)
        if sampling.temperature == 0:
            return self.pytorch(prompts)
        return [self._drawn(prompt, sampling, seed + n) for n, prompt in enumerate(prompts)]

    @cached_property
    def _by_engine(self) -> "continuing.Answerer":
        from lilliput.engine.continuing import answerer

        engine, vocabulary, limit = self.engine, self.vocabulary, self.card.context
        assert engine is not None, "ask for it first"
        assert isinstance(vocabulary, Vocabulary), "the engine reads no other"
        return answerer(engine, vocabulary, limit, longest=self.longest, start=self.start)

    def __call__(self, question: str) -> str:
        """The model's answer to one question, such as `12 + 24`."""
        return self.answer([question])[0]

    def answer(
        self, questions: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> list[str]:
        """The model's answers, in their canonical form (`36.00`); what cannot be read as a number
        is given as it was written.

        Args:
            temperature: 0 takes the likeliest character, more draws one.
            seed: what the draws come from.

        Raises:
            ProblemError: a question that cannot be read, has no answer, or leaves it no room.
            SpecError: a temperature that is no number of 0 or more.
            CharacterError: a character that the model does not know.
        """
        return self._asked(questions, self._drawing(temperature, seed), str)

    def said(
        self, questions: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> list[str]:
        """As `answer`, but of what cannot be read as a number that is said (not_read_words)."""
        return self._asked(questions, self._drawing(temperature, seed), not_read_words)

    def answers_of_pytorch(
        self, questions: Sequence[str], not_read: Callable[[str], str] = str
    ) -> list[str]:
        """As `answer`, greedily and never by the engine, which is held to this.

        Args:
            not_read: what is said of an answer that cannot be read.
        """
        return self._asked(questions, self.pytorch, not_read)

    def _drawing(self, temperature: float, seed: int) -> "Answerer":
        sampling = Sampling(temperature=temperature) if temperature else GREEDY
        return lambda prompts: self._decoded(prompts, sampling, seed)

    def _asked(
        self, questions: Sequence[str], answerer: "Answerer", not_read: Callable[[str], str]
    ) -> list[str]:
        prompts, groups = [], []
        for question in questions:
            written, group = self.prompt(question)
            prompts.append(written)
            groups.append(group)
        answers = []
        for text, group in zip(answerer(prompts), groups, strict=True):
            body = text.removesuffix(self.card.end)
            read = self.task.format.read(group, body)
            answers.append(not_read(body) if read is None else read)
        return answers

    def _drawn(self, prompt: str, sampling: Sampling, seed: int) -> str:
        from lilliput.exam.decode import sample

        limit, asked = self.card.context, self.start + prompt
        if longest := self.longest:
            limit = min(limit, len(self.vocabulary.encode(asked)) + longest)
        pieces = sample(
            self.network,
            self.vocabulary,
            asked,
            limit=limit,
            sampling=sampling,
            seed=seed,
            ends=(self.vocabulary.end_number,),
        )
        return "".join(pieces)

    def prompt(self, question: str) -> tuple[str, str]:
        """A question as the model is asked it, and its group (the operation)."""
        if self.task.format.kind == "lines":
            written = self.task.format.prompt(question)
            self.vocabulary.encode(written)
            self._check_room(question, written, 2)
            return written, self.task.groups[0]
        expression = parse_expression(question)
        if any(n.denominator != 1 or n.numerator < 0 for n in (expression.left, expression.right)):
            raise ProblemError(
                f"{question!r} has an operand that is no whole number of 0 or more; this model has"
                f" learned {self.card.spec.task.operands}"  # type: ignore[union-attr]
            )
        written = self.task.format.prompt(str(expression))
        self.vocabulary.encode(written)
        operation = expression.operation
        self._check_room(question, written, longest_completion(self.task.format, operation))
        return written, operation

    def _check_room(self, question: str, written: str, longest: int) -> None:
        """Raises ProblemError where an answer of `longest` characters, or of one and the end mark,
        does not fit behind the question."""
        room = self.card.context - len(self.start) - len(written)
        if room < max(2, longest):
            raise ProblemError(
                f"{question!r} is too long for this model, which reads {self.card.context}"
                " characters, question and answer together; ask something shorter"
            )

    def warning(self, question: str) -> str:
        """What must be said of a question that is outside of what was learned; empty: nothing."""
        task = self.task
        if isinstance(task, Lines) or task.where(str(parse_expression(question))) != "beyond":
            return ""
        return outside_words(task.spec)
