"""nanoGPT's checkpoints as models, and our problems as its data set.

A checkpoint that writes arithmetic in TinyMath's form answers questions and is asked our exam; any
other is a model of text.
"""

from dataclasses import replace
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


def write_data(task: ArithmeticSpec, folder: Path, lines: int = 0, seed: int = 0) -> dict[str, int]:
    """Writes a data set as nanoGPT's `prepare.py` does: `train.bin` and `val.bin` (numbers of
    characters, uint16, little-endian) and `meta.pkl` (which character has which number). Training
    lines are those of seen, validation's those of valid; unseen and beyond are in neither.

    Args:
        lines: how many to train on, drawn with replacement, and a ninth of it to validate on; 0:
            every problem once.

    Returns:
        Characters of each file.

    Raises:
        SpecError: as `lab.writing.data`.
        FileError: the folder cannot be written.
    """
    import pickle

    import numpy as np

    from lilliput.files import write_atomically
    from lilliput.lab.writing import data
    from lilliput.tasks.arithmetic import Arithmetic

    characters = Arithmetic(replace(task, format="plain")).vocabulary.characters
    table = np.zeros(128, dtype="<u2")
    table[[ord(character) for character in characters]] = range(len(characters))
    written = {}
    for name, section, number in (("train", "seen", lines), ("val", "valid", -(-lines // 9))):
        text = "".join(f"{line}\n" for line in data(task, number, seed, section))
        ids = table[np.frombuffer(text.encode(), dtype=np.uint8)]
        write_atomically(folder / f"{name}.bin", ids.tobytes(), then="; choose another --out")
        written[name] = len(ids)
    meta = {
        "vocab_size": len(characters),
        "itos": dict(enumerate(characters)),
        "stoi": {character: number for number, character in enumerate(characters)},
    }
    content = pickle.dumps(meta, protocol=4)
    write_atomically(folder / "meta.pkl", content, then="; choose another --out")
    return written
