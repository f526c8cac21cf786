"""The verb compare: models side by side on the same exam, be it of questions or of text."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError, SpecError
from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.same_exam import difference_words
from lilliput.lab.stories import TextGraded, compare_texts
from lilliput.lab.telling import TextModel
from lilliput.lab.verbs import Graded, grade_problems
from lilliput.tasks.documents import Progress
from lilliput.tasks.splits import Problem, Section

if TYPE_CHECKING:
    from lilliput.exam.paired import Paired

SECTIONS: tuple[Section, ...] = ("seen", "unseen", "beyond")
"""What is asked: validation is for choices."""
_RUN = 0.2
"""Seconds of processor time of each of the runs that the answers are timed in."""


@dataclass(frozen=True)
class Compared:
    """A model that answers questions, beside others."""

    graded: Graded
    bytes: int
    """On disk."""
    answers_a_second: float
    """One at a time, on one core."""
    first: str = ""
    """The name of the model that it is measured against; empty: it is that one."""
    paired: "Paired | None" = None
    """Against the first, on the same unseen problems; None: it is the first."""

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.graded.to_dict(),
            "bytes": self.bytes,
            "answers_a_second": self.answers_a_second,
            "first": self.first or None,
            "paired": asdict(self.paired) if self.paired else None,
        }


def compare(
    names: Sequence[str],
    text: Sequence[str] = (),
    progress: Progress = lambda what, share: None,
) -> Iterator[tuple[str, Compared | TextGraded | LilliputError]]:
    """Models on the same exam, one after another; what cannot be had says why. All answer questions
    of one task, or all are models of text. Each look at unseen is recorded beside a run's model.

    >>> import lilliput
    >>> from pathlib import Path
    >>> _ = lilliput.quantise("zoo:addition-368", "int8", Path("small.safetensors"), measure=False)
    >>> found = dict(lilliput.compare(["zoo:addition-368", "small.safetensors"]))
    >>> against = found["small.safetensors"].paired
    >>> against.difference < -0.05, against.p < 0.001
    (True, True)

    Args:
        names: as `load` takes them; models that answer questions are measured against the first.
        text: of models of text: files or folders that they are asked; see `compare_texts`.
        progress: is told who is asked what, and which share of all exams is over.

    Returns:
        Names and, of models that answer questions, Compared; of those of text, TextGraded.

    Raises:
        SpecError: their exams differ, some answer questions and some tell stories, or there is a
            text for those that answer questions.
        NotFoundError, FileError: the text cannot be had.
    """
    answering: dict[str, Model | LilliputError] = {}
    telling: dict[str, TextModel | LilliputError] = {}
    for name in names:
        progress(f"loading: {name}", 0.0)
        try:
            model = load(name)
        except LilliputError as error:
            answering[name] = telling[name] = error
        else:
            if isinstance(model, Model):
                answering[name] = model
            else:
                telling[name] = model
    asked = [one for one in answering.values() if isinstance(one, Model)]
    told = [one for one in telling.values() if isinstance(one, TextModel)]
    if asked and told:
        taken = told[0].taken or f"{told[0].name} tells stories"
        raise SpecError(f"{asked[0].name} answers questions, and {taken}: give models of one kind")
    if asked and text:
        raise SpecError(
            f"{asked[0].name} answers questions; --text is for models of text: leave it out"
        )
    for model in asked[1:]:
        if words := difference_words(asked[0].card.spec.task, model.card.spec.task):
            raise SpecError(
                f"{model.name} has another exam than {asked[0].name} ({words}): give models of one"
                " exam"
            )
    yield from (
        _compare_answers(answering, progress) if asked else compare_texts(telling, text, progress)
    )


def _compare_answers(
    models: Mapping[str, Model | LilliputError], progress: Progress
) -> Iterator[tuple[str, Compared | LilliputError]]:
    from lilliput.exam.paired import paired
    from lilliput.exam.speed import answers_a_second

    first, reference = "", dict[Problem, bool]()
    for number, (name, model) in enumerate(models.items()):
        if isinstance(model, LilliputError):
            yield name, model
            continue
        progress(f"{number + 1} of {len(models)}, questions: {name}", number / len(models))
        try:
            graded = grade_problems(name, SECTIONS, keep=False, why="compare")
            share = (number + 0.9) / len(models)
            progress(f"{number + 1} of {len(models)}, speed: {name}", share)
            model = graded.model  # which has been read
            model.prepare()
            questions = [problem.question for problem in model.task.exam("seen")]
            # In another order: the first of them are all of one operation.
            random.Random(0).shuffle(questions)
            rate = answers_a_second(model.answer, questions, _RUN)
        except LilliputError as error:
            yield name, error
            continue
        unseen = set(model.task.exam("unseen"))
        marks = {one.problem: one.right for one in graded.answers if one.problem in unseen}
        size = model.path.stat().st_size
        if first:
            against = paired(reference, marks, model.task.exhaustive)
            yield name, Compared(graded, size, rate, first, against)
        else:
            first, reference = name, marks
            yield name, Compared(graded, size, rate)
