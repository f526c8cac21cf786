"""The kinds of task, and which one a spec asks for."""

from functools import lru_cache
from typing import overload

from lilliput.specs.task import LinesSpec, ProblemsSpec, StoriesSpec, TaskSpec
from lilliput.specs.training import TrainingSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.lines import Lines
from lilliput.tasks.source import read_source
from lilliput.tasks.splits import Problem
from lilliput.tasks.stories import Stories

Problems = Arithmetic | Lines
"""Tasks of questions, each with one right answer."""
Task = Problems | Stories


@overload
def task_of(spec: ProblemsSpec) -> Problems: ...
@overload
def task_of(spec: StoriesSpec) -> Stories: ...
@overload
def task_of(spec: TaskSpec) -> Task: ...
def task_of(spec: TaskSpec) -> Task:
    """The task that a spec describes; files are read only when its problems or documents are asked
    for, and problems are listed once."""
    return _task_of(spec)


@lru_cache(maxsize=8)
def _task_of(spec: TaskSpec) -> Task:
    if isinstance(spec, StoriesSpec):
        return Stories(spec)
    return Lines(spec) if isinstance(spec, LinesSpec) else Arithmetic(spec)


def context_of(task: Task, training: TrainingSpec) -> int:
    """Characters, or pieces, of the longest sequence that a training reads."""
    context = task.context + (1 if training.opens_with_end else 0)
    return max(context, training.block) if training.layout == "stream" else context


def to_learn(task: Problems) -> list[Problem]:
    """The training problems: the section `seen`, or what a source file has of it."""
    if isinstance(task, Arithmetic) and task.spec.source:
        return read_source(task).problems
    return task.section("seen")
