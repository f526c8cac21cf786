"""A text being made ready, shown as it goes: a bar on a terminal, nothing elsewhere."""

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from lilliput.faces.text import console
from lilliput.specs import StoriesSpec, TaskSpec

if TYPE_CHECKING:
    from lilliput.tasks.corpus import Corpus


def taught(task: TaskSpec, teacher: str, typed: Collection[str]) -> TaskSpec:
    """The task in its teacher's vocabulary, unless one was asked for; says so.

    Args:
        typed: names of the flags that were typed.
    """
    if "vocabulary" in typed:
        return task
    from lilliput.lab.sealing import in_teachers_pieces

    made = in_teachers_pieces(task, teacher)
    if made != task and isinstance(made, StoriesSpec):
        its = f"{made.vocabulary:,} pieces" if made.vocabulary else "characters"
        print(f"lilliput: the vocabulary is the teacher's, {its}", file=sys.stderr)
    return made


def prepare(task: TaskSpec, quiet: bool = False) -> None:
    """Makes the corpus of a text ready; of other tasks there is nothing to make."""
    if not isinstance(task, StoriesSpec):
        return
    num_pieces = len(_made(task, quiet).vocabulary)
    if num_pieces < task.vocabulary:
        print(
            f"lilliput: the vocabulary has {num_pieces:,} pieces, not {task.vocabulary:,}: each"
            " word of the text is one piece already",
            file=sys.stderr,
        )


def _made(task: StoriesSpec, quiet: bool) -> "Corpus":
    from lilliput.lab.verbs import prepare as make_ready

    if quiet or not sys.stdout.isatty():
        return make_ready(task, lambda what, share: None)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(bar_width=24), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as progress:
        bars: dict[str, object] = {}

        def show(what: str, share: float) -> None:
            name = what.partition(":")[0]
            if name not in bars:
                bars[name] = progress.add_task(what, total=1.0)
            progress.update(bars[name], description=what, completed=share)  # type: ignore[arg-type]

        return make_ready(task, show)
