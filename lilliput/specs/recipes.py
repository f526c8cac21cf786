"""How each kind of task is learned unless told otherwise: whole specs, a function each."""

from lilliput.specs.search import SearchSpec
from lilliput.specs.training import TrainingSpec


def search_of(task: str) -> SearchSpec:
    """The search that a task's kind starts from."""
    if task == "stories":
        return SearchSpec(smallest=2_000, largest=64_000, pass_mark=-2.0)
    return SearchSpec()


def training_of(task: str) -> TrainingSpec:
    """The training that a task's kind (arithmetic, lines, stories) starts from."""
    return stories() if task == "stories" else TrainingSpec()


def stories() -> TrainingSpec:
    """Text as one stream in blocks of 256 characters or pieces, all of it learned."""
    return TrainingSpec(
        steps=4_000,
        batch=32,
        layout="stream",
        block=256,
        loss="all",
        muon_learning_rate=1e-2,
        weight_decay=0.1,
        decay=0.5,
        evaluate_every=500,
    )
