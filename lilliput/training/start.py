"""Weights that a training starts from: those of another model, ours or nanoGPT's, of the same shape
or, where it is a gpt, cut down to a smaller one (models/shrink.py).

Knows no search. V symbols of the vocabulary, E width.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lilliput.baselines import nanogpt
from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.models import modelfile
from lilliput.models.shrink import check_cut, shrink
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import GPTSpec, ModelSpec
from lilliput.specs.run import RunSpec
from lilliput.tasks.vocabulary import Vocabulary

_ZOO = Path(__file__).parents[1] / "zoo"
_TABLES = ("embedding", "head")
"""Tables with a row for each symbol."""


class Start(NamedTuple):
    """What a training starts from."""

    model: ModelSpec
    symbols: Sequence[str]
    """What its tokens stand for, in the order of their numbers."""
    weights: dict[str, Tensor]
    """By our names."""


def read_start(path: Path) -> Start:
    """The model in a file: ours, or nanoGPT's checkpoint.

    Raises:
        NotFoundError: there is no such file.
        FileError: damaged or foreign.
    """
    if nanogpt.recognises(path):
        checkpoint = nanogpt.read(path)
        return Start(checkpoint.spec, checkpoint.symbols, checkpoint.weights)
    network, card = modelfile.load(path)
    vocabulary = card.vocabulary
    symbols = [vocabulary.decode([number]) for number in range(len(vocabulary))]
    return Start(card.own, symbols, dict(network.named_parameters()))


def path_of(start: str) -> Path:
    """Where a start lies, which a spec names as a path, or a model of the package as `zoo:NAME`, so
    that what is made of it is the same run on every machine."""
    if start.startswith("zoo:"):
        return _ZOO / f"{start.removeprefix('zoo:')}.safetensors"
    return Path(start)


def digest_of(path: Path) -> str:
    """sha256 of a file that is started from.

    Raises:
        NotFoundError: it is not there any more.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise NotFoundError(
            f"{path}, which this run starts from, is not there; bring it back, or leave out --start"
        ) from None


def start_of(spec: RunSpec) -> Path:
    """The file that a spec starts from.

    Raises:
        NotFoundError: it is not there any more.
        FileError: it is another one than the spec was made for.
    """
    path = path_of(spec.start)
    if spec.start_digest and digest_of(path) != spec.start_digest:
        raise FileError(f"{path} has changed since this run was specified; bring it back")
    return path


@torch.no_grad()
def take_over(model: nn.Module, spec: RunSpec, vocabulary: Vocabulary) -> None:
    """Gives a model the weights that its spec starts from. Rows of symbols and of positions that
    those lack stay.

    Raises:
        NotFoundError: the file is not there.
        FileError: it is damaged, or another one than the spec was made for.
        SpecError: see `check`.
    """
    assert not isinstance(spec.model, HFSpec), "the spec refuses two starts"
    start = read_start(start_of(spec))
    rows = check(spec.start, start, spec.model, vocabulary)
    weights = start.weights
    if start.model != spec.model:
        assert isinstance(start.model, GPTSpec)
        assert isinstance(spec.model, GPTSpec)
        weights = shrink(weights, start.model, spec.model)
    for name, parameter in model.named_parameters():
        theirs = weights[name]
        if name in _TABLES:
            for own, other in rows.items():
                parameter[own] = theirs[other]
        elif name == "positions":
            both = min(len(parameter), len(theirs))
            parameter[:both] = theirs[:both]
        else:
            parameter.copy_(theirs)


def check(name: str, start: Start, model: ModelSpec, vocabulary: Vocabulary) -> dict[int, int]:
    """Numbers of our symbols, and the start's for the same.

    Args:
        name: what the start is called.

    Raises:
        SpecError: the start has another shape, of which this run's is no cut; other pieces; or no
            symbol that is learned.
    """
    if start.model != model:
        _check_cut(name, start.model, model)
    ours = [vocabulary.decode([number]) for number in range(len(vocabulary))]
    if vocabulary.merges and list(start.symbols) != ours:
        raise SpecError(f"{name} has other pieces than this text: start from a model of characters")
    numbers = {symbol: number for number, symbol in enumerate(start.symbols)}
    rows = {own: numbers[symbol] for own, symbol in enumerate(ours) if symbol in numbers}
    if len(rows) < 2:
        known = "".join(start.symbols)[:60]
        raise SpecError(f"{name} knows {known!r}, and nothing of what is learned here")
    return rows


def _check_cut(name: str, theirs: ModelSpec, ours: ModelSpec) -> None:
    if not (isinstance(theirs, GPTSpec) and isinstance(ours, GPTSpec)):
        raise SpecError(f"{name} has another shape than this run: {_apart(theirs, ours)}")
    try:
        check_cut(theirs, ours)
    except SpecError as error:
        raise SpecError(
            f"{name} has another shape than this run: {_apart(theirs, ours)}; nor can it be cut"
            f" down to this run's ({error}); `lilliput find TASK --shrink {name}` looks for smaller"
            " ones that it can be cut down to"
        ) from None


def _apart(theirs: ModelSpec, ours: ModelSpec) -> str:
    """The fields that differ, as they must be written."""
    if theirs.kind != ours.kind:
        return f"it is a {theirs.kind}, not a {ours.kind}"
    names = [name for name in vars(theirs) if getattr(theirs, name) != getattr(ours, name)]
    return "write " + " ".join(_flag(name, getattr(theirs, name)) for name in names)


def _flag(name: str, value: object) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {value}"
