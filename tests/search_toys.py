"""Cheap jobs for tests of the search, importable by worker processes. No tests in here."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lilliput.search.job import Evidence, Job, Progress
from lilliput.search.ledger import Ledger
from lilliput.search.trial import Trial
from lilliput.specs import RunSpec
from lilliput.units import wilson

NUM_STEPS = 160
MARK_SIZE = 4_000
"""The smallest size that passes; scores rise by 5 points a doubling."""
TAUGHT_GAIN = 1.02
"""What a teacher multiplies scores by."""
LARGER = 16_000
"""The model that others are cut out of."""
CUT_LOSS = 0.95
"""What beginning with a cut of it multiplies scores by: as if cutting down were bad."""


@dataclass(frozen=True)
class ToySpec:
    family: str
    size: int
    seed: int
    taught: bool = False
    cut_down: bool = False


def score(spec: ToySpec, step: int) -> float:
    doublings = (spec.size / MARK_SIZE - 1) if spec.size < MARK_SIZE else spec.size / MARK_SIZE
    able = 0.5 if spec.seed % 3 == 1 else 1.0
    able *= TAUGHT_GAIN if spec.taught else 1.0
    able *= CUT_LOSS if spec.cut_down else 1.0
    return able * min(0.95, max(0.02, 0.74 + 0.05 * doublings)) * (0.3 + 0.7 * step / NUM_STEPS)


def evidence(fraction: float, z: float = 1.96) -> Evidence:
    right = round(fraction * 3_000)
    interval = wilson(right, 3_000, z)
    return Evidence(right, 3_000, interval.low, interval.high, {"+": (right, 3_000)})


def advance(
    folder: Path | None, pause: float, spec: ToySpec, state: bytes | None, steps: int
) -> Progress:
    """Logs each call to `folder`/calls; `folder`/kill ends the worker that first finds it."""
    time.sleep(pause)
    step = int(state or b"0") + steps
    if folder is not None:
        try:
            (folder / "kill").unlink()
        except FileNotFoundError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
        with (folder / "calls").open("a") as file:
            file.write(f"{os.getpid()} {spec.size} {spec.seed} {step}\n")
    done = step >= NUM_STEPS
    return Progress(
        str(step).encode(), step, done, evidence(score(spec, step)), 0.5, pause, ({"step": step},)
    )


def advance_or_diverge(
    seeds: frozenset[int], spec: ToySpec, state: bytes | None, steps: int
) -> Progress:
    """Halfway through training, some seeds have no number as their loss."""
    made = advance(None, 0.0, spec, state, steps)
    if spec.seed not in seeds or made.step < NUM_STEPS // 2:
        return made
    return replace(made, done=True, validation=evidence(0.0), train_loss=math.nan)


def advance_or_break(
    seeds: frozenset[int], spec: ToySpec, state: bytes | None, steps: int
) -> Progress:
    """Halfway through training, some seeds break."""
    made = advance(None, 0.0, spec, state, steps)
    if spec.seed in seeds and made.step >= NUM_STEPS // 2:
        raise MemoryError("no room")
    return made


def ask_unseen(spec: ToySpec, state: bytes, z: float) -> Evidence:
    return evidence(score(spec, int(state)), z)


def propose_spec(family: str, size: int, inner: Mapping[str, Any], seed: int) -> ToySpec:
    return ToySpec(family, size, seed)


def count(spec: ToySpec) -> int:
    return spec.size - 1


def num_steps(spec: ToySpec) -> int:
    return NUM_STEPS


def propose_taught(family: str, size: int, inner: Mapping[str, Any], seed: int) -> ToySpec:
    return ToySpec(family, size, seed, inner.get("taught", True))


def propose_cut(family: str, size: int, inner: Mapping[str, Any], seed: int) -> ToySpec:
    return ToySpec(family, size, seed, cut_down=inner.get("cut_down", True))


def cut_of(spec: ToySpec) -> dict[str, tuple[int, int]]:
    return {} if spec.size == LARGER else {"neurons": (LARGER, spec.size)}


def toy_job(folder: Path | None = None, pause: float = 0.0) -> Job:
    return Job(
        partial(advance, folder, pause),
        ask_unseen,
        propose_spec,
        count,
        num_steps,
        floor=0.03,
        key="toy",
        spec_type=ToySpec,
    )


def trials_of(folder: Path) -> list[Trial]:
    """What the ledger of a real search says of its trials."""
    with Ledger(folder, spec_type=RunSpec, write=False) as ledger:
        return ledger.trials


def started(script: Path, **more: Any) -> subprocess.Popen[str]:
    """A script that drives a search, in a process of its own; its lines come through a pipe."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(script)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **more)


def kill_soon(driver: subprocess.Popen[str], chance: random.Random) -> None:
    """kill -9 at a random instant, also between two writes."""
    assert driver.stdout is not None
    time.sleep(chance.uniform(0.0, 0.3))
    driver.kill()
    driver.wait()
    driver.stdout.close()
