"""A training as it goes: a bar on a terminal, lines elsewhere, and its curve at the end."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.faces.report_story import loss_rows
from lilliput.faces.text import console, curve, interval
from lilliput.specs import RunSpec
from lilliput.units import format_seconds

if TYPE_CHECKING:
    from lilliput.training.run import Moment


def shown(moments: "Iterator[Moment]", spec: RunSpec, quiet: bool) -> "Iterator[Moment]":
    """Moments as they come, shown as a bar on a terminal and as lines elsewhere."""
    if quiet:
        return moments
    return _bar(moments, spec) if sys.stdout.isatty() else _lines(moments, spec)


def _lines(moments: "Iterator[Moment]", spec: RunSpec) -> "Iterator[Moment]":
    started, first = time.monotonic(), None
    for moment in moments:
        first = moment.step if first is None else first
        if moment.record:
            left = _left(moment, first, started, spec.training.steps)
            print(f"step {moment.step:,} of {spec.training.steps:,}: {_words(moment)}, {left} left")
            sys.stdout.flush()
        yield moment


def _bar(moments: "Iterator[Moment]", spec: RunSpec) -> "Iterator[Moment]":
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,}/{task.total:,} steps"),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    progress = Progress(*columns)
    bar = progress.add_task("", total=spec.training.steps, words="")
    score, records = "", list[dict[str, Any]]()
    a_step = spec.training.batch * spec.training.block
    with Live(progress, console=console(), refresh_per_second=4) as live:
        for moment in moments:
            score = _score(moment) or score
            words = f"loss {moment.loss:.4f}{score}  {_speed(moment)}"
            progress.update(bar, completed=moment.step, words=words)
            if moment.record:
                # The curve so far, under the bar.
                records.append(asdict(moment.record))
                lines = curve_lines(records, a_step)
                live.update(Group(progress, *map(Text, lines)))
            yield moment


def _words(moment: "Moment") -> str:
    return f"loss {moment.loss:.4f},{_score(moment)}, {_speed(moment)}"


def _score(moment: "Moment") -> str:
    record = moment.record
    if record is None:
        return ""
    return f" validation {interval(record.right, record.total, record.low, record.high)}"


def _speed(moment: "Moment") -> str:
    return f"{moment.characters_per_second:,.0f} characters/s"


def _left(moment: "Moment", first: int, started: float, steps: int) -> str:
    taken = moment.step - first
    if not taken:
        return "?"
    return format_seconds((time.monotonic() - started) / taken * (steps - moment.step))


def print_curve(folder: Path) -> None:
    """Validation score, or bits of training and validation, as rows of bars."""
    from lilliput.training.kept import read_records, read_spec

    records = [asdict(record) for record in read_records(folder)]
    if len(records) < 2:
        return
    training = read_spec(folder).training
    print()
    for line in curve_lines(records, training.batch * training.block):
        print(line)
    first, last = records[0], records[-1]
    print(f"from step {first['step']:,} (loss {first['loss']:.4f})", end=" ")
    print(f"to step {last['step']:,} (loss {last['loss']:.4f})")
    print()


def curve_lines(records: Sequence[Mapping[str, Any]], a_step: int) -> list[str]:
    """The learning curve so far: scores from 0 to 100 %, or bits per character of training and
    validation on one scale.

    Args:
        a_step: pieces of text that a step learns.
    """
    scores = [record["right"] / record["total"] for record in records]
    if scores[0] >= 0:
        return [f"validation score {curve(scores)} {100 * scores[-1]:.1f} %"]
    lines: dict[str, list[float]] = {}
    for row in loss_rows(records, a_step):
        lines.setdefault(row["family"], []).append(-row["score"])
    low, high = min(map(min, lines.values())), max(map(max, lines.values()))
    return [
        f"{name:<10} {curve([(b - low) / max(high - low, 1e-9) for b in bits])}"
        f" {bits[0]:.3f} to {bits[-1]:.3f} bits per character"
        for name, bits in lines.items()
    ]
