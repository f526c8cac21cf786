"""The kinds of task, and which one a spec asks for."""

from functools import lru_cache

from lilliput.specs.task import LinesSpec, TaskSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.lines import Lines
from lilliput.tasks.source import read_source
from lilliput.tasks.splits import Problem

Task = Arithmetic | Lines


@lru_cache(maxsize=8)
def task_of(spec: TaskSpec) -> Task:
    """The task that a spec describes; files are read only when its problems are asked for, and
    problems are listed once."""
    return Lines(spec) if isinstance(spec, LinesSpec) else Arithmetic(spec)


def to_learn(task: Task) -> list[Problem]:
    """The training problems: the section `seen`, or what a source file has of it."""
    if isinstance(task, Arithmetic) and task.spec.source:
        return read_source(task).problems
    return task.section("seen")
