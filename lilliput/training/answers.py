"""What a teacher answers to the training problems, learned in place of what is right.

Sequence-level distillation (Kim and Rush 2016, arXiv 1606.07947). Each problem is asked once, in
batches, greedily; the answers are kept as a file, or come out the same again on the same kind of
CPU. Knows no run and no search.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lilliput.errors import FileError, SpecError
from lilliput.exam.decode import answerer, without_end
from lilliput.files import read_json, write_json
from lilliput.models.card import Card
from lilliput.specs.run import RunSpec
from lilliput.specs.task import ProblemsSpec
from lilliput.tasks.splits import Problem
from lilliput.tasks.table import Table, table_of
from lilliput.tasks.task import Problems, task_of, to_learn
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.tasks.vocabulary import END
from lilliput.training.teacher import checked_digest, loaded

_AT_ONCE = 2_048
"""Problems that are asked before their answers are written down."""


class Lessons(NamedTuple):
    """Training problems with a teacher's answers, and their rows."""

    problems: list[Problem]
    table: Table


def keep_answers(spec: RunSpec, teacher: Path, kept: Path) -> None:
    """Asks a teacher what it has not answered in `kept` yet, and writes it there as it comes.

    Args:
        teacher: the model file.

    Raises:
        NotFoundError, FileError: the teacher cannot be read, or `kept` not be written.
        SpecError: the teacher leaves every problem without an answer.
    """
    assert spec.task.kind != "stories", "the teacher's checks refuse it"
    digest = checked_digest(spec.training, teacher)
    name = _name(spec.task, digest)
    answers: dict[str, str] = {}
    for answers, fresh in _answers(spec.task, teacher, digest, kept):
        if fresh:
            write_json(kept, {"of": name, "answers": answers})
    if not any(answers.values()):
        raise _nothing(len(answers))


def lessons_of(
    spec: RunSpec, vocabulary: AnyVocabulary, start: str, teacher: Path, kept: Path | None
) -> Lessons:
    """The training problems of a spec as its teacher answers them.

    Args:
        vocabulary: in whose numbers the rows are.
        start: text before each row.
        teacher: the model file.
        kept: what `keep_answers` wrote; None, or where it is not there, the teacher is asked.

    Raises:
        SpecError: the teacher leaves every problem without an answer that can be written.
    """
    assert spec.task.kind != "stories", "the teacher's checks refuse it"
    digest = checked_digest(spec.training, teacher)
    return _lessons(spec.task, vocabulary, start, teacher, digest, kept)


@lru_cache(maxsize=4)
def _lessons(
    spec: ProblemsSpec,
    vocabulary: AnyVocabulary,
    start: str,
    teacher: Path,
    digest: str,
    kept: Path | None,
) -> Lessons:
    """Written out once however many slices of trainings learn from them."""
    task = task_of(spec)
    *_, (answers, _) = _answers(spec, teacher, digest, kept)
    told = (problem._replace(answer=answers[problem.question]) for problem in to_learn(task))
    problems = [problem for problem in told if _can_be_written(task, problem)]
    if not problems:
        raise _nothing(len(answers))
    return Lessons(problems, table_of(task, vocabulary, problems, start))


def _nothing(number: int) -> SpecError:
    return SpecError(
        f"the teacher answers none of the {number:,} training problems with anything that can be"
        " learned: train it longer, or give another"
    )


def _can_be_written(task: Problems, problem: Problem) -> bool:
    """Whether the task's format says of an answer what it is, in the room and the characters that
    the student has; an empty one is none."""
    if not problem.answer:
        return False
    style = task.format
    asked = style.prompt(problem.question)
    text = style.completion(problem.question, problem.answer)
    if style.read(problem.group, text.removesuffix(END)) != problem.answer:
        return False
    known = set(text.removesuffix(END)) <= set(task.vocabulary.known)
    return known and len(asked + text) <= task.context


def _answers(
    spec: ProblemsSpec, teacher: Path, digest: str, kept: Path | None
) -> Iterator[tuple[dict[str, str], bool]]:
    """The answers so far, and whether there are new ones, until all are there: at first those in
    `kept`, then always as many more, so that they do not depend on where it was stopped."""
    problems = to_learn(task_of(spec))
    answers = _read(kept, _name(spec, digest)) if kept else {}
    yield answers, False
    for begin in range(0, len(problems), _AT_ONCE):
        part = problems[begin : begin + _AT_ONCE]
        if any(problem.question not in answers for problem in part):
            answers |= _ask(part, teacher, digest)
            yield answers, True


def _ask(problems: Sequence[Problem], teacher: Path, digest: str) -> dict[str, str]:
    """Each problem's answer in its canonical form; empty where there is none."""
    network, card = loaded(teacher, digest)
    its = _task(card)
    style = its.format
    asked = answerer(
        network,
        card.vocabulary,
        card.context,
        longest=0 if style.kind == "lines" else style.longest_answer("".join(its.groups)),
        start=card.end if card.spec.training.opens_with_end else "",
    )
    texts = asked([style.prompt(problem.question) for problem in problems])
    return {
        problem.question: _canonical(its, problem.group, text)
        for problem, text in zip(problems, texts, strict=True)
    }


def _task(card: Card) -> Problems:
    spec = card.spec.task
    assert spec.kind != "stories", "a teacher of another exam is refused"
    return task_of(spec)


def _canonical(task: Problems, group: str, text: str) -> str:
    body, ended = without_end(text)
    return (task.format.read(group, body) or "") if ended else ""


def _name(spec: ProblemsSpec, digest: str) -> str:
    """What answers are of: the teacher's content, and the problems."""
    asked = "\n".join(problem.question for problem in to_learn(task_of(spec)))
    return hashlib.sha256(f"{digest}\n{asked}".encode()).hexdigest()


def _read(kept: Path, of: str) -> dict[str, str]:
    """Answers that were kept of this teacher and these problems; empty: none, or of others."""
    if not kept.is_file():
        return {}
    try:
        found = read_json(kept)
        return dict(found["answers"]) if found["of"] == of else {}
    except (FileError, KeyError, TypeError, ValueError):
        return {}
