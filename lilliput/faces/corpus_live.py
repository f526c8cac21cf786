"""A text being made ready, shown as it goes: a bar on a terminal, nothing elsewhere."""

import sys

from lilliput.faces.text import console
from lilliput.specs import StoriesSpec, TaskSpec


def prepare(task: TaskSpec, quiet: bool = False) -> None:
    """Makes the corpus of a text ready; of other tasks there is nothing to make."""
    from lilliput.lab.verbs import prepare as make_ready

    if not isinstance(task, StoriesSpec):
        return
    if quiet or not sys.stdout.isatty():
        make_ready(task, lambda what, share: None)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as progress:
        bars: dict[str, object] = {}

        def show(what: str, share: float) -> None:
            name = what.partition(":")[0]
            if name not in bars:
                bars[name] = progress.add_task(what, total=1.0)
            progress.update(bars[name], description=what, completed=share)  # type: ignore[arg-type]

        make_ready(task, show)
