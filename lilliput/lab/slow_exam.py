"""An exam of problems says how far it is, where it takes long."""

import time
from collections.abc import Callable

from lilliput.tasks.documents import Progress

SLOW = 3.0
"""Seconds after which an exam takes long."""


def slowly(total: int, progress: Progress) -> Callable[[int], None]:
    """Counts problems as they are answered.

    Args:
        total: problems of the exam.
        progress: is told what is asked, and which share is over, once it has taken `SLOW`.
    """
    started, done = time.monotonic(), 0

    def answered(number: int) -> None:
        nonlocal done
        done += number
        if time.monotonic() - started > SLOW:
            progress(f"the exam: {total:,} problems", done / total)

    return answered
