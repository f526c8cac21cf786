"""Runs that are trained to their end, for tests of what comes after. No tests in here."""

from pathlib import Path

import torch

from lilliput.specs import RunSpec
from lilliput.tasks.task import task_of
from lilliput.training.run import run

CPU = torch.device("cpu")


def train(spec: RunSpec, folder: Path, teacher: Path | None = None) -> Path:
    """The run's folder when all is over."""
    for _ in run(spec, task_of(spec.task), folder, CPU, teacher):
        pass
    return folder
