"""What a task is called wherever it is shown."""

from pathlib import Path

from lilliput.specs import ArithmeticSpec, StoriesSpec, TaskSpec

SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
"""Operations as they are printed."""


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


def format_words(task: TaskSpec) -> str:
    """`, format reversed`, where a task can be written in several ways."""
    return f", format {task.format}" if isinstance(task, ArithmeticSpec) else ""
