"""A search while it runs: a live table on a terminal, one line an event elsewhere."""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lilliput.faces.found import (
    asked_words,
    asks_all,
    evidence_words,
    level_of,
    marks_of,
    shape_words,
)
from lilliput.faces.text import NARROW, console, mark_words, plain_table
from lilliput.lab.cut_words import kind_words, way_words
from lilliput.search.result import count_seeds
from lilliput.search.trial import SLICES
from lilliput.units import format_seconds

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lilliput.search.result import Size, Snapshot
    from lilliput.search.trial import Trial

_QUARTER = SLICES // 4
_ROOM = 100
"""Columns of a window in which all that is known of a size stands side by side."""


def as_table(snapshots: "Iterator[Snapshot]") -> "Iterator[Snapshot]":
    """Draws each snapshot in place of the one before; the last table stays."""
    from rich.live import Live

    with Live(console=console(), auto_refresh=False, vertical_overflow="visible") as live:
        for snapshot in snapshots:
            live.update(picture(snapshot), refresh=True)
            yield snapshot


def as_lines(snapshots: "Iterator[Snapshot]", fresh: bool) -> "Iterator[Snapshot]":
    """Prints what is new in each snapshot, without control codes, and the table at the end.

    Args:
        fresh: no earlier sitting has said its part.
    """
    known: Counter[int] = Counter()
    first, phase, num_errors = True, "", 0
    for snapshot in snapshots:
        if first and not fresh:
            known.update({trial.number: len(trial.points) for trial in snapshot.trials})
        first = False
        for trial in snapshot.trials:
            for place in range(known[trial.number], len(trial.points)):
                known[trial.number] += 1
                if not _is_news(trial, place, snapshot):
                    continue
                point = trial.points[place]
                mark = snapshot.spec.pass_mark
                passes = point.validation.low >= mark and not trial.from_nothing
                print(
                    f"{_clock(snapshot)}  trial {trial.number}: {shape_words(trial)},"
                    f"{'' if trial.given else f' step {point.step:,} of {trial.num_steps:,},'}"
                    f" {asked_words(point.validation)} {evidence_words(point.validation)}"
                    f"{', passes' if passes else ''}"
                )
        for error in snapshot.errors[num_errors:]:
            print(f"{_clock(snapshot)}  {error}")
        num_errors = len(snapshot.errors)
        if snapshot.phase != phase and snapshot.phase == "confirming":
            print(f"{_clock(snapshot)}  {_confirming(snapshot)}")
        phase = snapshot.phase
        if phase == "finished":
            print()
            console().print(size_table(snapshot))
        sys.stdout.flush()
        yield snapshot


def _is_news(trial: "Trial", place: int, snapshot: "Snapshot") -> bool:
    """Quarters of a training, its end, the first pass; and the very first validation."""
    mark, points = snapshot.spec.pass_mark, trial.points
    passes = [point.validation.low >= mark for point in points[: place + 1]]
    first_pass = passes[place] and not any(passes[:place])
    first = trial.number == 0 and place == 0
    return first or first_pass or points[place].done or (place + 1) % _QUARTER == 0


def _all_asked(snapshot: "Snapshot") -> bool:
    return any(trial.last and asks_all(trial.last) for trial in snapshot.trials)


def _confirming(snapshot: "Snapshot") -> str:
    if snapshot.spec.pass_mark < 0:
        return "confirming on unseen documents"
    return "asking all problems" if _all_asked(snapshot) else "confirming on unseen problems"


def _clock(snapshot: "Snapshot") -> str:
    return f"[{_whole(snapshot.elapsed)}]"


def picture(snapshot: "Snapshot") -> "RenderableType":
    """The table of sizes, and where the search stands."""
    from rich.console import Group
    from rich.text import Text

    return Group(size_table(snapshot), Text(status(snapshot), style="dim"))


def size_table(snapshot: "Snapshot") -> Any:
    """A row for each family and size, the smallest first."""
    best_of = "best, all trained on" if _all_asked(snapshot) else "best validation [95 %]"
    sizes = _sizes(snapshot)
    # Validation and unseen side by side; in a narrow window in the place of the number of trials.
    asked = bool(sizes) and not _all_asked(snapshot)
    wide = console().width >= NARROW
    counted = not asked or wide
    # What was cut has a column where there is room, else it stands by the family.
    cuts = any(t.cut is not None for t in snapshot.trials) and console().width >= _ROOM
    sized = ["family", "parameters", *["cut down"] * cuts]
    header = [*sized, *["trials"] * counted, best_of, *["unseen"] * asked]
    folds = (0, *range(2, 2 + cuts), *range(len(sized) + counted, len(header)), len(header) + 1)
    right = (1, *[len(sized)] * counted, len(header))
    seeds = "seeds pass" if wide else "pass"
    table = plain_table(*header, seeds, "state", right=right, folds=folds)
    rungs: dict[tuple[str, int, bool], list[Trial]] = {}
    for trial in snapshot.trials:
        rungs.setdefault((trial.family, trial.rung, trial.from_nothing), []).append(trial)
    order = {name: place for place, name in enumerate(snapshot.spec.families)}
    for key in sorted(rungs, key=lambda key: (order.get(key[0], 0), *key[1:])):
        here, (family, rung, beside) = rungs[key], key
        tried = [trial for trial in here if trial.points]
        best = max(tried, key=lambda trial: trial.points[-1].validation.low, default=None)
        size = None if beside else sizes.get((family, rung))
        if size is not None:
            best = size.trial
        passed, over = count_seeds(best, here, snapshot.spec.pass_mark) if best else (0, 0)
        unseen = evidence_words(size.unseen, level_of(size.z)) if size and size.unseen else ""
        shown = best or here[0]
        table.add_row(
            family + mark_words(marks_of(shown.spec)) + ("" if cuts else kind_words(shown)),
            f"{shown.parameters:,}",
            *[way_words(shown)] * cuts,
            *[str(len(here))] * counted,
            evidence_words(best.points[-1].validation) if best else "",
            *[unseen] * asked,
            f"{passed} of {over}" if best and not best.given else "",
            _state(here, passed, snapshot, size),
        )
    return table


def _sizes(snapshot: "Snapshot") -> "dict[tuple[str, int], Size]":
    """What is known of each family's rungs when the search is over; before, nothing."""
    families = snapshot.result.families if snapshot.result else ()
    return {(family.name, size.rung): size for family in families for size in family.sizes}


def _state(here: "list[Trial]", passed: int, snapshot: "Snapshot", size: "Size | None") -> str:
    at_work = [trial for trial in here if trial.number in snapshot.running]
    if at_work:
        parts = sorted((trial.step / trial.num_steps for trial in at_work), reverse=True)
        return "training " + ", ".join(f"{100 * part:.0f} %" for part in parts)
    if here[0].from_nothing:
        return "for comparison"
    if passed:
        return "passes"
    if size is not None and size.fails_totally:
        return "fails totally"
    if all(trial.done for trial in here):
        return "failed"
    return "waiting" if snapshot.result is None else "undecided"


def status(snapshot: "Snapshot") -> str:
    """`confirming, 12 trials, 24,000 steps, 3 min 05 s left`"""
    spec = snapshot.spec
    if spec.steps:
        left = f"{max(0, spec.steps - snapshot.steps):,} steps left"
    else:
        left = f"{_whole(max(0.0, spec.seconds - snapshot.elapsed))} left"
    phase = _confirming(snapshot) if snapshot.phase == "confirming" else snapshot.phase
    ended = "" if snapshot.phase == "finished" else f", {left}"
    gone = f"{_whole(snapshot.elapsed)} gone"
    return f"{phase}: {len(snapshot.trials)} trials, {snapshot.steps:,} steps, {gone}{ended}"


def _whole(seconds: float) -> str:
    """A time that changes once a second."""
    return f"{seconds:.0f} s" if seconds < 59.5 else format_seconds(seconds)
