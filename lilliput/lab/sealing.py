"""Specs with the digests of what they name, so that a spec's own digest is that content's."""

import math
from dataclasses import replace
from pathlib import Path

from lilliput.errors import SpecError
from lilliput.lab.load import resolve_own, without_hf
from lilliput.specs import (
    ArithmeticSpec,
    HFSpec,
    LinesSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
)


def sealed_task(task: TaskSpec) -> TaskSpec:
    """The spec with the digest of the file that it reads, so that its name is that content's."""
    from lilliput.tasks.lines import read_text, text_digest

    if isinstance(task, LinesSpec) and not task.file_digest:
        return replace(task, file_digest=text_digest(read_text(task.file)))
    if isinstance(task, StoriesSpec) and not task.text_digest:
        from lilliput.tasks.corpus import digest_of_text

        return replace(task, text_digest=digest_of_text(task))
    if isinstance(task, ArithmeticSpec) and task.source and not task.source_digest:
        return replace(task, source_digest=text_digest(read_text(task.source)))
    return task


def sealed_model(spec: HFSpec) -> HFSpec:
    """The spec with the digest and the number of parameters of the model that it names.

    Raises:
        NotFoundError, FileError: it cannot be had, or is none; see baselines.hf_start.
    """
    if spec.digest and spec.parameters:
        return spec
    from lilliput.baselines.hf_start import start_of

    start = start_of(spec)
    return replace(spec, digest=start.digest, parameters=start.parameters)


def sealed_training(spec: TrainingSpec) -> TrainingSpec:
    """The spec with the digest of its teacher's file."""
    path = teacher_path(spec)
    if path is None or spec.teacher_digest:
        return spec
    from lilliput.tasks.documents import file_digest

    return replace(spec, teacher_digest=file_digest(path))


def with_teacher(spec: RunSpec) -> RunSpec:
    """The spec with its teacher's digest, once the teacher is known to fit; where its answers are
    learned and it has other numbers or another format than the student, without its likelihoods.

    Raises:
        NotFoundError, FileError: the teacher, or a model to start from, cannot be had or read.
        SpecError: it cannot teach this task; see training.teacher.
    """
    if not spec.training.teacher or spec.training.teacher_digest:
        return spec
    sealed = replace(spec, training=sealed_training(spec.training))
    usual = TrainingSpec().teacher_share
    if not (spec.training.teacher_answers and spec.training.teacher_share == usual):
        _check(sealed)
        return sealed
    try:
        _check(sealed)
    except SpecError:
        sealed = replace(sealed, training=replace(sealed.training, teacher_share=0.0))
        _check(sealed)
    return sealed


def in_teachers_pieces(task: TaskSpec, teacher: str) -> TaskSpec:
    """A task of text in the vocabulary of the model that teaches it, for likelihoods can be learned
    only of the same pieces; any other task as it is.

    Raises:
        NotFoundError, FileError, SpecError: the teacher cannot be had or read; see `teacher_path`.
    """
    path = teacher_path(TrainingSpec(teacher=teacher)) if teacher else None
    if path is None or not isinstance(task, StoriesSpec):
        return task
    from lilliput.models.modelfile import read_card

    its = read_card(path).spec.task
    return replace(task, vocabulary=its.vocabulary) if isinstance(its, StoriesSpec) else task


def kept_answers(spec: RunSpec, path: Path) -> Path | None:
    """Asks a spec's teacher and keeps its answers, where they are learned; None: they are not."""
    teacher = teacher_path(spec.training)
    if teacher is None or not spec.training.teacher_answers:
        return None
    from lilliput.training.answers import keep_answers

    keep_answers(spec, teacher, path)
    return path


def teacher_path(spec: TrainingSpec) -> Path | None:
    """The model file of a training's teacher; None where it has none.

    Raises:
        NotFoundError: there is no model of that name.
        SpecError: it is one of others, which have learned no task of ours.
    """
    if not spec.teacher:
        return None
    named = without_hf(spec.teacher)
    if named.startswith("hf:") or (Path(named) / "config.json").is_file():
        name = named.removeprefix("hf:")
        raise SpecError(
            f"{spec.teacher} has not learned the task that it is to teach: train it first, with"
            f" `lilliput train hf:{name}`, and give that run as the teacher; stories are learned"
            f" from those that it tells: `lilliput sample hf:{name} --lines 10000 > told.txt`, then"
            " --text told.txt in place of --teacher"
        )
    return resolve_own(named)


def _check(spec: RunSpec) -> None:
    """Raises SpecError where a spec's teacher cannot teach it."""
    from lilliput.tasks.task import context_of, task_of
    from lilliput.training.teacher import teacher_of

    path, task = teacher_path(spec.training), task_of(spec.task)
    assert path is not None, "a spec without a teacher is not asked"
    if isinstance(spec.model, HFSpec):
        from lilliput.training.begin import begin

        begun = begin(spec, task)
        teacher_of(spec, task, path, begun.vocabulary, begun.context)
    else:
        teacher_of(spec, task, path, task.vocabulary, context_of(task, spec.training))


def steps_of(spec: RunSpec, epochs: int) -> int:
    """Steps in which everything that a run learns from comes so often.

    Raises:
        SpecError: problems are drawn from a space too large to list.
    """
    from lilliput.tasks.stories import Stories
    from lilliput.tasks.task import task_of
    from lilliput.training.answers import lessons_of
    from lilliput.training.batches import Batches
    from lilliput.training.begin import begin
    from lilliput.training.windows import Windows

    task, training = task_of(spec.task), spec.training
    if isinstance(task, Stories):
        rows: float = Windows(task, training, spec.seed).num_rows
    else:
        begun, lessons = begin(spec, task), None
        if (teacher := teacher_path(training)) and training.teacher_answers:
            start = begun.vocabulary.end if training.opens_with_end else ""
            lessons = lessons_of(spec, begun.vocabulary, start, teacher, None)
        rows = Batches(task, training, spec.seed, begun.vocabulary, lessons).num_rows
    if not rows:
        raise SpecError(
            "an epoch of problems that are drawn anew each time has no end: write --steps in place"
            " of --epochs, or --serve fixed"
        )
    return max(1, math.ceil(epochs * rows / training.batch))
