"""What a search needs of a task, as functions that can be sent to a worker process."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lilliput.errors import SpecError
from lilliput.lab.sealing import teacher_path
from lilliput.models.size import count_flops, count_parameters, solve_shape
from lilliput.search.job import Choice, Evidence, Job, Progress, Range
from lilliput.search.trial import TAUGHT
from lilliput.specs import FAMILIES, RunSpec, TaskSpec, TrainingSpec, digest
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import ModelSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.stories import Stories, unigram_bits
from lilliput.tasks.task import Task, context_of, task_of
from lilliput.units import wilson


def job_of(
    task: TaskSpec,
    training: TrainingSpec,
    shape: Mapping[str, Any] | None = None,
    answers: Path | None = None,
) -> Job:
    """The job of finding the smallest model for a task.

    Args:
        training: the recipe that every trial starts from; with a teacher each size is tried
            without it too.
        shape: fields of the family's spec that stay as they are, such as layers=1.
        answers: where the teacher's answers are kept; None: each worker asks it.
    """
    propose = partial(propose_spec, task, training, dict(shape or {}))
    return Job(
        advance=partial(advance, answers=answers),
        ask_unseen=ask_unseen,
        propose_spec=propose,
        count=count,
        num_steps=num_steps,
        space=SPACE,
        floor=floor(task),
        key=key_of(task, training, shape or {}),
        taught=bool(training.teacher),
    )


def check_shape(shape: Mapping[str, Any], families: Sequence[str]) -> None:
    """Raises SpecError where a field is fixed that none of the families has."""
    ours = [FAMILIES[family] for family in families if family in FAMILIES]
    known = {field.name for cls in ours for field in fields(cls)}
    for name in shape:
        if name not in known:
            having = [k for k, cls in FAMILIES.items() if name in {f.name for f in fields(cls)}]
            what = f"is of {', '.join(having)}" if having else "is no field of a shape"
            raise SpecError(
                f"{name} {what}; of the families {', '.join(families)} none has it: leave it out"
            )


def key_of(task: TaskSpec, training: TrainingSpec, shape: Mapping[str, Any]) -> str:
    """What all trials share: a digest of task and training, then the fixed shape as JSON."""
    words = digest(RunSpec(task=task, training=training))
    return f"{words} {json.dumps(dict(shape), sort_keys=True)}" if shape else words


NO_TEACHER: Mapping[str, Any] = {
    field.name: field.default for field in fields(TrainingSpec) if field.name.startswith("teacher")
}
"""Fields of a training that has no teacher."""

SPACE: Mapping[str, Range | Choice] = {
    "learning_rate": Range(1.5e-3, 6e-3),
    "muon_learning_rate": Range(3e-3, 1.2e-2),
    "weight_decay": Choice((0.0, 0.1, 0.3)),
}
"""Inner hyper-parameters that the search tries at each size."""


def propose_spec(
    task: TaskSpec,
    training: TrainingSpec,
    shape: Mapping[str, Any],
    family: str,
    num_parameters: int,
    inner: Mapping[str, Any],
    seed: int,
) -> RunSpec:
    """The run of a family with at most `num_parameters`, with some of `SPACE` chosen, and whether
    there is a teacher."""
    known = {field.name for field in fields(FAMILIES[family])}
    fixed = {name: value for name, value in shape.items() if name in known}
    model = shape_of(task, training, family, num_parameters, fixed)
    return RunSpec(task=task, model=model, training=recipe(training, inner), seed=seed)


def recipe(training: TrainingSpec, inner: Mapping[str, Any]) -> TrainingSpec:
    """A training with some of its fields chosen, and without its teacher where that was chosen."""
    chosen = {name: value for name, value in inner.items() if name != TAUGHT}
    if not inner.get(TAUGHT, True):
        chosen |= NO_TEACHER
    return replace(training, **chosen)


def shape_of(
    task: TaskSpec,
    training: TrainingSpec,
    family: str,
    num_parameters: int,
    fixed: Mapping[str, Any],
) -> ModelSpec:
    """The largest shape under a number of parameters for a task's vocabulary and context."""
    vocabulary, context = sizes_of(task, training)
    lines = line_length_of(task, family)
    return solve_shape(family, num_parameters, vocabulary, context, **{**lines, **fixed})


def line_length_of(task: TaskSpec, family: str) -> dict[str, int]:
    """The field of a family's shape that says how long the lines of a task's format are; nothing
    where the format has no lines, or the family does not count by them."""
    made = task_of(task)
    length = made.format.line_length if isinstance(made, Arithmetic) else 0
    known = {field.name for field in fields(FAMILIES[family])}
    return {"line_length": length} if length and "line_length" in known else {}


def count(spec: RunSpec) -> int:
    if isinstance(spec.model, HFSpec):
        return spec.model.parameters
    return count_parameters(spec.model, *sizes_of(spec.task, spec.training))


def flops(spec: RunSpec) -> float:
    """Floating-point operations a character of the longest sequence, see count_flops; 0: of a model
    of transformers it is not counted."""
    if isinstance(spec.model, HFSpec):
        return 0
    vocabulary, context = sizes_of(spec.task, spec.training)
    return count_flops(spec.model, vocabulary, context, context) / context


def sizes_of(task: TaskSpec, training: TrainingSpec) -> tuple[int, int]:
    """Characters of the vocabulary, and of the longest sequence."""
    made = task_of(task)
    return len(made.vocabulary), context_of(made, training)


def num_steps(spec: RunSpec) -> int:
    return spec.training.steps


def floor(task: TaskSpec) -> float:
    """Score of the best that needs no thought: share of training problems that the best constant
    answer gets right; for text, minus the bits per character of the unigram on validation."""
    made = task_of(task)
    if isinstance(made, Stories):
        return -unigram_bits(made)
    problems = made.section("seen")
    return Counter(problem.answer for problem in problems).most_common(1)[0][1] / len(problems)


def advance(
    spec: RunSpec, state: bytes | None, steps: int, answers: Path | None = None
) -> Progress:
    """Trains `steps` further and validates what would be kept: a pure function of its arguments.

    A training that diverged is over: nothing right, and no number as its loss.

    Args:
        answers: where the answers of the spec's teacher are kept; None: it is asked again.
    """
    from lilliput.training.loop import Training

    teacher = teacher_path(spec.training)
    training = Training(spec, task_of(spec.task), teacher=teacher, answers=answers)
    if state is not None:
        training.restore(state)
    before, end = training.seconds, training.step + steps
    records = []
    while training.step < end and not training.done:
        training.one_step()
        if training.at_record:
            if not math.isfinite(training.mean_loss):
                break
            records.append(asdict(training.record()))
    diverged = not math.isfinite(training.mean_loss)
    loss = records[-1]["loss"] if records else training.mean_loss
    # The next slice goes on from the latest weights; judged are those that would be kept.
    state = training.state()
    training.finish()
    right, total, low, high, groups = training.validation()
    validation = Evidence(right, total, low, high, groups)
    if diverged:
        validation = nothing(training.task, total, groups)
    return Progress(
        state=state,
        step=training.step,
        done=training.done or diverged,
        validation=validation,
        train_loss=math.nan if diverged else loss,
        seconds=training.seconds - before,
        metrics=tuple(records),
    )


def nothing(task: Task, total: int, groups: Mapping[str, tuple[int, int]]) -> Evidence:
    """What a training that diverged knows."""
    if isinstance(task, Stories):
        from lilliput.training.validate import WORST

        return Evidence(-WORST * total, total, -float(WORST), -float(WORST))
    none = {group: (0, asked) for group, (_, asked) in groups.items()}
    return Evidence(0, total, 0.0, wilson(0, total).high, none)


def ask_unseen(
    spec: RunSpec, state: bytes, z: float, starts: Mapping[str, Path] = MappingProxyType({})
) -> Evidence:
    """Asks all unseen problems, greedily decoded, or the bits per character of all unseen
    documents, with the interval of quantile `z`.

    Args:
        starts: kept models of transformers to start from, by their digests.
    """
    from lilliput.exam.decode import answerer
    from lilliput.exam.grade import ask, interval_of
    from lilliput.lab.answering import longest_answer
    from lilliput.training.begin import begin
    from lilliput.training.loop import Training
    from lilliput.training.validate import ask_text

    task = task_of(spec.task)
    kept = starts.get(spec.model.digest) if isinstance(spec.model, HFSpec) else None
    training = Training(spec, task, begun=begin(spec, task, kept))
    training.restore(state)
    model = training.finish()
    if isinstance(task, Stories):
        return Evidence(*ask_text(task, training.reader, "unseen", z))
    problems, longest = task.exam("unseen"), longest_answer(task)
    asked = answerer(
        model, training.vocabulary, training.context, longest=longest, start=training.start
    )
    answers = ask(task, problems, asked)
    marks = [answer.right for answer in answers]
    interval = interval_of(problems, marks, task.exhaustive, z)
    groups = {
        group: (
            sum(a.right for a in answers if a.problem.group == group),
            sum(a.problem.group == group for a in answers),
        )
        for group in task.groups
    }
    return Evidence(sum(marks), len(marks), interval.low, interval.high, groups)
