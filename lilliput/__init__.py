"""Lilliput finds the smallest language model that can still do a job, and proves it.

    import lilliput
    model = lilliput.load("runs/NAME")
    model("12 + 24")

Nothing is imported before its name is used, so that `import lilliput` costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lilliput.errors import LilliputError
    from lilliput.lab import Model, data, find, grade, load, sample, train
    from lilliput.specs import (
        ArithmeticSpec,
        GPTSpec,
        GRUSpec,
        HFSpec,
        LinesSpec,
        MemoryGRUSpec,
        MinGRUSpec,
        RunSpec,
        TrainingSpec,
    )
    from lilliput.specs.search import SearchSpec
    from lilliput.specs.training import Stage

__all__ = [
    "ArithmeticSpec",
    "GPTSpec",
    "GRUSpec",
    "HFSpec",
    "LilliputError",
    "LinesSpec",
    "MemoryGRUSpec",
    "MinGRUSpec",
    "Model",
    "RunSpec",
    "SearchSpec",
    "Stage",
    "TrainingSpec",
    "data",
    "find",
    "grade",
    "load",
    "sample",
    "train",
]

_ROOMS = {
    "lilliput.errors": ("LilliputError",),
    "lilliput.lab": ("Model", "data", "find", "grade", "load", "sample", "train"),
    "lilliput.specs.search": ("SearchSpec",),
    "lilliput.specs": (
        "ArithmeticSpec",
        "GPTSpec",
        "GRUSpec",
        "HFSpec",
        "LinesSpec",
        "MemoryGRUSpec",
        "MinGRUSpec",
        "RunSpec",
        "Stage",
        "TrainingSpec",
    ),
}


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'lilliput' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
