"""Times for benches: median, smallest and largest of several runs of a thing."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Times(NamedTuple):
    median: float
    least: float
    most: float
    """Seconds."""

    def __str__(self) -> str:
        unit, factor = ("s", 1) if self.median >= 1 else ("ms", 1000)
        low, high = factor * self.least, factor * self.most
        return f"{factor * self.median:.3g} {unit} [{low:.3g}, {high:.3g}]"


def times(run: Callable[[], object], repeats: int = 5) -> Times:
    """Wall-clock times of `run`, after one run that does not count."""
    run()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return Times(statistics.median(seconds), min(seconds), max(seconds))


def in_turn(
    one: Callable[[], object], other: Callable[[], object], repeats: int = 5
) -> tuple[Times, Times]:
    """Times of two things, by turns, so that a busy moment of the machine meets both."""
    one()
    other()
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for run, taken in zip((one, other), seconds, strict=True):
            started = time.perf_counter()
            run()
            taken.append(time.perf_counter() - started)
    first, second = (Times(statistics.median(s), min(s), max(s)) for s in seconds)
    return first, second
