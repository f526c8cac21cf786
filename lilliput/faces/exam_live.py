"""An exam as it goes, on stderr: a bar on a terminal, else a line a part."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lilliput.tasks.documents import Progress


def _said() -> Progress:
    last = ""

    def say(what: str, share: float) -> None:
        nonlocal last
        if what != last:
            print(what, file=sys.stderr, flush=True)
        last = what

    return say


@contextmanager
def exam_bar() -> Iterator[Progress]:
    """Shows what an exam tells of itself; where stderr is no terminal, when it comes to something
    else."""
    if not sys.stderr.isatty():
        yield _said()
        return
    from rich import progress as rich
    from rich.console import Console
    from rich.table import Column

    # What it is at gives way where a window is narrow; a model may be called by a long path.
    words = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        rich.SpinnerColumn(),
        rich.BarColumn(bar_width=24),
        rich.TimeElapsedColumn(),
        rich.TextColumn("{task.description}", markup=False, table_column=words),
    )
    console = Console(stderr=True, highlight=False)
    with rich.Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("loading", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
