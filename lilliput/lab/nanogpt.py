"""nanoGPT's checkpoints as models.

A checkpoint that writes arithmetic in TinyMath's form answers questions and is asked our exam; any
other is a model of text.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.lab.answering import Model
from lilliput.models.modelfile import Card
from lilliput.specs import OPERATIONS, ArithmeticSpec, RunSpec, TrainingSpec

if TYPE_CHECKING:
    from lilliput.baselines.nanogpt import Checkpoint
    from lilliput.lab.telling import TextModel

UNKNOWN = "learned lines unknown"
"""Said wherever such a model is shown: its makers may have trained on problems of our exam."""
_NEEDED = frozenset("0123456789= \n")
_ARITHMETIC = _NEEDED | frozenset("." + OPERATIONS)


def of_name(name: str) -> "Model | TextModel | None":
    """The model of a checkpoint; None where the name is no checkpoint of nanoGPT.

    Raises:
        FileError: see baselines.nanogpt.
    """
    path = Path(name)
    if path.suffix != ".pt":
        return None
    from lilliput.baselines import nanogpt
    from lilliput.lab.telling import of_baseline

    if not nanogpt.recognises(path):
        return None
    checkpoint = nanogpt.read(path)
    if writes_arithmetic(checkpoint.symbols):
        return _answering(name, path, checkpoint)
    return of_baseline(name, nanogpt.load(path, checkpoint))


def writes_arithmetic(symbols: list[str]) -> bool:
    """Whether a vocabulary is what lines such as `27 / 86 = 0.31` are written with."""
    return set(symbols) >= _NEEDED and set(symbols) <= _ARITHMETIC and bool(operations_of(symbols))


def operations_of(symbols: list[str]) -> str:
    return "".join(operation for operation in OPERATIONS if operation in symbols)


def _answering(name: str, path: Path, checkpoint: "Checkpoint") -> Model:
    """It is asked the problems of 0-89, whose lines it was made for, written plainly."""
    from lilliput.baselines import nanogpt
    from lilliput.tasks.formats import format_of

    characters = "".join(sorted(checkpoint.symbols))  # The end mark first, as ours are.
    rows = [checkpoint.symbols.index(character) for character in characters]
    weights = {**checkpoint.weights, "embedding": checkpoint.weights["embedding"][rows]}
    ours = checkpoint._replace(symbols=list(characters), weights=weights)
    network = nanogpt.network_of(ours)
    task = ArithmeticSpec(format="plain", operations=operations_of(ours.symbols))
    training = TrainingSpec(layout="stream", loss="all", block=ours.window)
    card = Card(
        spec=RunSpec(task=task, model=ours.spec, training=training),
        characters=characters,
        end=characters[0],
        context=ours.window,
        format=format_of(task).to_dict(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        marks={UNKNOWN: "yes"},
    )
    return Model(name, path, card, network)
