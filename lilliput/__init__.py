"""Lilliput finds the smallest language model that can still do a job, and proves it.

    import lilliput
    model = lilliput.load("runs/NAME")
    model("12 + 24")

The verbs are those of the command line. Nothing is imported before its name is used, so that
`import lilliput` costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lilliput.errors import LilliputError
    from lilliput.lab.answering import Model
    from lilliput.lab.comparing import compare
    from lilliput.lab.grading import grade
    from lilliput.lab.load import load
    from lilliput.lab.quantising import quantise
    from lilliput.lab.ship import ship
    from lilliput.lab.telling import TextModel
    from lilliput.lab.verbs import find, train
    from lilliput.lab.writing import data, sample, tell
    from lilliput.specs import (
        ArithmeticSpec,
        GPTSpec,
        GRUSpec,
        HFSpec,
        LinesSpec,
        MemoryGRUSpec,
        MinGRUSpec,
        RunSpec,
        StoriesSpec,
        TrainingSpec,
    )
    from lilliput.specs.search import SearchSpec
    from lilliput.specs.training import Stage

    __version__: str

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
    "StoriesSpec",
    "TextModel",
    "TrainingSpec",
    "__version__",
    "compare",
    "data",
    "find",
    "grade",
    "load",
    "quantise",
    "sample",
    "ship",
    "tell",
    "train",
]

_ROOMS = {
    "lilliput.errors": ("LilliputError",),
    "lilliput.lab.answering": ("Model",),
    "lilliput.lab.comparing": ("compare",),
    "lilliput.lab.grading": ("grade",),
    "lilliput.lab.load": ("load",),
    "lilliput.lab.quantising": ("quantise",),
    "lilliput.lab.ship": ("ship",),
    "lilliput.lab.telling": ("TextModel",),
    "lilliput.lab.verbs": ("find", "train"),
    "lilliput.lab.writing": ("data", "sample", "tell"),
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
        "StoriesSpec",
        "TrainingSpec",
    ),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("lilliput")
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'lilliput' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
