"""What is measured along a run. Knows no model and no files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One line of metrics.jsonl: what was measured at a step; scores as in training/validate."""

    step: int
    loss: float
    """Mean nats per learned character since the record before."""
    right: int
    total: int
    low: float
    high: float
    groups: dict[str, tuple[int, int]]
    """Right and total of each operation, on validation problems."""
    seconds: float
    """Time of training since the run began, without validations."""
    characters: int
    """Characters read in training since the run began."""
