"""Whether two tasks ask the same questions, and mark and split them alike."""

from functools import lru_cache
from pathlib import Path

from lilliput.lab.words import task_words
from lilliput.specs import OPERATIONS, ArithmeticSpec, LinesSpec, StoriesSpec, TaskSpec
from lilliput.specs.codec import digest

_ASKED = ("operations", "operands", "held_out", "decimals", "rounding", "fold")
"""Fields of arithmetic on which the questions, their answers or their sections depend."""


@lru_cache(maxsize=4_096)
def exam_key(task: TaskSpec) -> str:
    """A name for the questions of a task, or its documents; the same where the exam is the same."""
    if isinstance(task, LinesSpec):
        return f"{task.file_digest or digest(task)}-{task.fold}"
    if isinstance(task, StoriesSpec):
        return f"{task.text_digest}-{task.fold}"
    asked = {name: getattr(task, name) for name in _ASKED}
    return digest(ArithmeticSpec(**{**asked, "operations": _asked(task, "operations")}))


def difference_words(first: TaskSpec, other: TaskSpec) -> str:
    """What the exam of another task has that a first one's has not; empty: they are the same.

    >>> difference_words(ArithmeticSpec(), ArithmeticSpec(operands="0-9"))
    'operands 0-9, not 0-89; held out none, not 90-99'
    """
    if exam_key(first) == exam_key(other):
        return ""
    if not (isinstance(first, ArithmeticSpec) and isinstance(other, ArithmeticSpec)):
        if isinstance(first, LinesSpec) and isinstance(other, LinesSpec):
            if first.fold != other.fold:
                return f"fold {other.fold}, not {first.fold}"
            if Path(first.file).name == Path(other.file).name:
                return f"another {Path(other.file).name}"
        return f"{task_words(other)}, not {task_words(first)}"
    pairs = ((name, _asked(first, name), _asked(other, name)) for name in _ASKED)
    return "; ".join(
        f"{name.replace('_', ' ')} {its}, not {firsts}"
        for name, firsts, its in pairs
        if its != firsts
    )


def _asked(task: ArithmeticSpec, name: str) -> str:
    """A field as it is asked: the order of the operations changes no question."""
    value = getattr(task, name)
    return "".join(sorted(value, key=OPERATIONS.index)) if name == "operations" else str(value)
