"""Runs as they are trained: what is new in their metrics.jsonl since they were last looked at.

Only reads, and without torch; another process trains.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lilliput.errors import LilliputError
from lilliput.files import read_json
from lilliput.specs import RunSpec, StoriesSpec, from_dict
from lilliput.zoo import shape_words


@dataclass(frozen=True)
class News:
    """What a run has that was not told before."""

    name: str
    anew: bool
    """What was told before is void: the first news, or the run was begun again."""
    family: str
    shape: str
    steps: int
    """Of the whole training."""
    bits: bool
    """Its points are bits per character, of training and validation; else nats of training, and
    the score of validation."""
    points: list[tuple[int, float, float]]
    """Step, training, validation; a step told twice counts as told last."""
    finished: bool
    heard: float
    """Seconds since 1970 at which its files last changed."""


@dataclass
class _Run:
    spec: RunSpec
    offset: int = 0
    changed: float = -1.0
    finished: bool = False
    points: list[tuple[int, float, float]] = field(default_factory=list)


def training_bits(record: Mapping[str, Any], a_step: int) -> float:
    """The mean loss of a record in bits per character; end marks are learned too and count.

    Args:
        a_step: pieces that a step learns.
    """
    pieces = record["step"] * a_step
    return float(record["loss"] * pieces / record["characters"] / math.log(2))


class Watch:
    """Looks at a folder of runs again and again, for one reader."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: dict[str, _Run] = {}
        self._specs: dict[Path, tuple[tuple[int, int, int], RunSpec | None]] = {}
        """Of each spec.json when it was read, and what it said; None: nothing that can be read."""

    def news(self) -> Iterator[News]:
        """What has changed since the last time; of the first time, everything.

        A folder that holds no run, or one that cannot be read, is passed over.
        """
        for path in sorted(self.folder.glob("*/spec.json")):
            try:
                spec = self._spec(path)
                news = self._look(path.parent, spec) if spec else None
            except (LilliputError, OSError, KeyError, TypeError, ValueError, ZeroDivisionError):
                continue
            if news is not None:
                yield news

    def _spec(self, path: Path) -> RunSpec | None:
        """A file's spec, read again only where the file is another one."""
        stat = path.stat()
        state = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if path not in self._specs or self._specs[path][0] != state:
            self._specs[path] = (state, None)
            self._specs[path] = (state, from_dict(RunSpec, read_json(path)))
        return self._specs[path][1]

    def _look(self, folder: Path, spec: RunSpec) -> News | None:
        known = self._runs.get(folder.name)
        metrics = folder / "metrics.jsonl"
        size = metrics.stat().st_size if metrics.exists() else 0
        anew = known is None or known.spec != spec or size < known.offset
        run = _Run(spec) if known is None or anew else known
        changed = max(
            (p.stat().st_mtime for p in folder.iterdir() if p.is_file()), default=run.changed
        )
        finished = (folder / "model.safetensors").exists()
        if not anew and (changed, finished) == (run.changed, run.finished):
            return None
        points = list(_points(metrics, run)) if size > run.offset else []
        run.changed, run.finished = changed, finished
        self._runs[folder.name] = run
        return News(
            folder.name,
            anew,
            spec.model.kind,
            shape_words(spec.model),
            spec.training.steps,
            isinstance(spec.task, StoriesSpec),
            points,
            finished,
            changed,
        )


def _points(metrics: Path, run: _Run) -> Iterator[tuple[int, float, float]]:
    """Points of the lines that are new and whole."""
    with open(metrics, "rb") as file:
        file.seek(run.offset)
        lines = file.read()
    whole = lines[: lines.rfind(b"\n") + 1]
    run.offset += len(whole)
    training = run.spec.training
    for line in whole.splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # what a crash cut short
            continue
        validation = record["right"] / record["total"]
        if isinstance(run.spec.task, StoriesSpec):
            train = training_bits(record, training.batch * training.block)
            point = (record["step"], train, -validation)
        else:
            point = (record["step"], record["loss"], validation)
        if all(map(math.isfinite, point)):
            yield point
