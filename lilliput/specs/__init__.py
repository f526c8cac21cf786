"""Frozen dataclasses that say everything about a run; without torch and numpy."""

from lilliput.specs.codec import digest, from_dict, to_dict
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import (
    FAMILIES,
    GPTSpec,
    GRUSpec,
    MemoryGRUSpec,
    MinGRUSpec,
    ModelSpec,
)
from lilliput.specs.run import RunSpec
from lilliput.specs.task import (
    OPERATIONS,
    ArithmeticSpec,
    LinesSpec,
    ProblemsSpec,
    StoriesSpec,
    TaskSpec,
)
from lilliput.specs.training import Stage, TrainingSpec

__all__ = [
    "FAMILIES",
    "OPERATIONS",
    "ArithmeticSpec",
    "GPTSpec",
    "GRUSpec",
    "HFSpec",
    "LinesSpec",
    "MemoryGRUSpec",
    "MinGRUSpec",
    "ModelSpec",
    "ProblemsSpec",
    "RunSpec",
    "Stage",
    "StoriesSpec",
    "TaskSpec",
    "TrainingSpec",
    "digest",
    "from_dict",
    "to_dict",
]
