"""nanoGPT's checkpoints as models.

A checkpoint that writes arithmetic in TinyMath's form answers questions and is asked our exam; any
other is a model of text, and it is said why.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.lab.answering import Model
from lilliput.models.card import Card
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
    made = of_baseline(name, nanogpt.load(path, checkpoint))
    return replace(made, taken=taken_words(name, checkpoint.symbols))


def writes_arithmetic(symbols: list[str]) -> bool:
    """Whether a vocabulary is what lines such as `27 / 86 = 0.31` are written with."""
    return set(symbols) >= _NEEDED and set(symbols) <= _ARITHMETIC and bool(operations_of(symbols))


def taken_words(name: str, symbols: list[str]) -> str:
    """What a model that does not write arithmetic is taken for, and what of its vocabulary says so.

    >>> taken_words("ckpt.pt", list("\\n +=012345678"))
    'ckpt.pt is taken for a model of text, not of arithmetic: its characters lack the digit 9'
    """
    lacking = [character for character in "0123456789= \n" if character not in symbols]
    digits = [character for character in lacking if character.isdigit()]
    words = [f"the digit{'s' * (len(digits) > 1)} {', '.join(digits)}"] if digits else []
    words += [repr(character) for character in lacking if character not in digits]
    words += [] if operations_of(symbols) else [f"all of {' '.join(OPERATIONS)}"]
    others = [symbol for symbol in symbols if symbol not in _ARITHMETIC]
    why = [f"lack {', '.join(words)}"] if words else []
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        why = [f"have {others[0]!r}{more}, which no sum is written with", *why]
    return (
        f"{name} is taken for a model of text, not of arithmetic: its characters"
        f" {', and '.join(why)}"
    )


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
