"""What a task is called wherever it is shown."""

from pathlib import Path

from lilliput.specs import ArithmeticSpec, StoriesSpec, TaskSpec

SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
"""Operations as they are printed."""
_SHOWN = 30
"""Characters of an answer that is no number."""


def task_words(task: TaskSpec) -> str:
    """`+ − × ÷ of 0–89`, `questions of capitals.tsv` or `stories of the excerpt`."""
    if isinstance(task, StoriesSpec):
        return f"stories of {', '.join(Path(name).name for name in task.text) or 'the excerpt'}"
    if not isinstance(task, ArithmeticSpec):
        return f"questions of {Path(task.file).name}"
    signs = " ".join(SIGNS[sign] for sign in task.operations)
    rounded = "" if task.rounding == "float" else f", rounded {task.rounding}"
    return f"{signs} of {task.operands.replace('-', '–')}{rounded}"


def outside_words(task: ArithmeticSpec) -> str:
    """What is said of a question with an operand that was never learned."""
    ranges = " and ".join(f"{low}-{high}" for low, high in task.learned_ranges)
    return f"an operand is outside of {ranges}, which is all that was learned"


def not_read_words(answer: str) -> str:
    """What is said in place of an answer that is no number: its beginning, and that; programs and
    pages say the same (shipping/api.c, engine.js).

    >>> not_read_words("05010_")
    "'05010_' (cannot be read as a number)"
    """
    shown = "".join("?" if c < " " or c == "\x7f" else c for c in answer[:_SHOWN])
    return f"'{shown}{'…' if len(answer) > _SHOWN else ''}' (cannot be read as a number)"


def format_words(task: TaskSpec) -> str:
    """`, format reversed`, where a task can be written in several ways."""
    return f", format {task.format}" if isinstance(task, ArithmeticSpec) else ""
