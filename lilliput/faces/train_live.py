"""A training as it goes: a bar on a terminal, lines elsewhere, and its curve at the end."""

import sys
import time
from collections.abc import Iterator
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
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,}/{task.total:,} steps"),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=console()) as progress:
        bar = progress.add_task("", total=spec.training.steps, words="")
        score = ""
        for moment in moments:
            score = _score(moment) or score
            words = f"loss {moment.loss:.4f}{score}  {_speed(moment)}"
            progress.update(bar, completed=moment.step, words=words)
            yield moment


def _words(moment: "Moment") -> str:
    return f"loss {moment.loss:.4f},{_score(moment)}, {_speed(moment)}"


def _score(moment: "Moment") -> str:
    record = moment.record
    if record is None:
        return ""
    return f" validation {interval(record.right, record.total, record.low, record.high)}"


def _speed(moment: "Moment") -> str:
    return f"{moment.characters_per_second / 1000:,.0f}k characters/s"


def _left(moment: "Moment", first: int, started: float, steps: int) -> str:
    taken = moment.step - first
    if not taken:
        return "?"
    return format_seconds((time.monotonic() - started) / taken * (steps - moment.step))


def print_curve(folder: Path) -> None:
    """Validation score, or loss of training and validation, as rows of bars."""
    from lilliput.training.run import read_records

    records = read_records(folder)
    if len(records) < 2:
        return
    first, last = records[0], records[-1]
    scores = [record.right / record.total for record in records]
    if scores[0] < 0:
        _print_losses(folder, [asdict(record) for record in records])
    else:
        print(f"\nvalidation score {curve(scores)} {100 * scores[-1]:.1f} %")
        print(f"from step {first.step:,} (loss {first.loss:.4f})", end=" ")
        print(f"to step {last.step:,} (loss {last.loss:.4f})")
    print()


def _print_losses(folder: Path, records: list[dict[str, Any]]) -> None:
    """Bits per character of training and validation, on one scale."""
    from lilliput.training.run import read_spec

    training = read_spec(folder).training
    lines: dict[str, list[float]] = {}
    for row in loss_rows(records, training.batch * training.block):
        lines.setdefault(row["family"], []).append(-row["score"])
    low, high = min(map(min, lines.values())), max(map(max, lines.values()))
    print("\nbits per character")
    for name, bits in lines.items():
        bars = curve([(b - low) / max(high - low, 1e-9) for b in bits])
        print(f"{name:<10} {bars} {bits[0]:.3f} to {bits[-1]:.3f}")
