"""A model as one .safetensors file that is enough to load, grade, run and ship it.

The one metadata entry `lilliput` holds, as JSON, the version of this layout, a sha256 and the card:
spec, vocabulary, answer format. The digest covers every byte of the file (its own 64 characters
as zeros), so that damage is always found. Nothing in a file is ever executed. Knows the models;
knows no task: an answer format is carried as data.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.files import GOES_ON, write_atomically
from lilliput.models.card import Card
from lilliput.models.contradictions import contradiction, is_whole
from lilliput.specs.codec import from_dict
from lilliput.specs.hf import HFSpec
from lilliput.specs.run import RunSpec

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")
VERSION = 3
"""Layout of the metadata; a file with a larger number is refused. 3 is written where the model is
one of transformers, 2 elsewhere."""
_BLANK = "0" * 64
_LONGEST_HEADER = 100_000_000
"""The safetensors format allows no more."""
_DIGEST = re.compile(rb'\\"digest\\": \\"([0-9a-f]{64})\\"')
REMEDY = "copy it again from where it came, or train it again"


_FIELDS = {
    "characters": "str",
    "merges": "list",
    "end": "str",
    "context": "int",
    "format": "dict",
    "parameters": "int",
    "numbers": "str",
    "marks": "dict",
    "outside": "dict",
}


def save(path: Path, model: "nn.Module", card: Card, *, then: str = GOES_ON) -> None:
    """Writes the file whole or not at all: temporary file, fsync, rename.

    Args:
        then: what is said of a disk that is full, see `write_atomically`.

    Raises:
        FileError: the disk is full, or the folder cannot be written.
    """
    from safetensors.torch import save as to_bytes

    from lilliput.models.quantise import pack

    tensors = {
        name: parameter.detach().cpu().contiguous() for name, parameter in model.named_parameters()
    }
    count = sum(tensor.numel() for tensor in tensors.values())
    assert count == card.parameters, f"the card says {card.parameters}, the model has {count}"
    version = VERSION if card.outside else 2
    entry = json.dumps({"version": version, "digest": _BLANK, "card": card.to_dict()})
    content = to_bytes(pack(tensors, card.numbers), metadata={"lilliput": entry})
    digest = hashlib.sha256(content).hexdigest()
    write_atomically(path, content.replace(_BLANK.encode(), digest.encode(), 1), then=then)


def load(path: Path) -> tuple["nn.Module", Card]:
    """The model, on the CPU, in float32: bit for bit as it was saved, or as its whole numbers say.

    Raises:
        NotFoundError: there is no such file.
        FileError: damaged, cut short, written by a newer version, or not one of ours.
    """
    import torch
    from safetensors.torch import load as from_bytes

    from lilliput.models.quantise import unpack

    content, _, card = verified(path)
    tensors = unpack(from_bytes(content))
    model = _shaped(card)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wanted = {name: tuple(value.shape) for name, value in model.named_parameters()}
    if shapes != wanted or sum(t.numel() for t in tensors.values()) != card.parameters:
        names = sorted(
            name for name in shapes.keys() | wanted.keys() if shapes.get(name) != wanted.get(name)
        )
        raise FileError(
            f"{path} does not hold the model that its card describes: {', '.join(names)} differ;"
            f" {REMEDY}"
        )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])
    return model, card


def _shaped(card: Card) -> "nn.Module":
    """The model that a card describes, its numbers still to be filled in."""
    if isinstance(card.spec.model, HFSpec):
        from lilliput.models.hf import config_of, network_of

        return network_of(config_of(card.outside["config"]))
    from lilliput.models.build import build

    return build(card.spec.model, len(card.characters) + len(card.merges), card.context)


def verified(path: Path) -> tuple[bytes, dict[str, Any], Card]:
    """A file's bytes, its table and its card, once they are what the digest says, and as many
    numbers as the card's shape has.

    Raises:
        NotFoundError, FileError: as `load`.
    """
    content = _read(path, path.read_bytes)
    header = _header(path, content, len(content))
    entry = _entry(path, header)
    match = _DIGEST.search(content)
    if match is None:
        raise FileError(f"{path} is damaged: its digest is missing; {REMEDY}")
    blanked = content[: match.start(1)] + _BLANK.encode() + content[match.end(1) :]
    if hashlib.sha256(blanked).hexdigest() != match[1].decode():
        raise FileError(f"{path} is damaged: its content does not match its digest; {REMEDY}")
    card = _card(path, entry)
    if why := _contradiction(card):
        raise FileError(f"{path} has a card that contradicts itself: {why}; {REMEDY}")
    if not card.outside and not is_whole(header, card):
        raise FileError(f"{path} does not hold the model that its card describes; {REMEDY}")
    return content, header, card


def _contradiction(card: Card) -> str:
    try:
        return contradiction(card)
    except SpecError as error:
        return str(error)


def read_card(path: Path) -> Card:
    """What a file says of its model, from its header alone, without torch.

    Raises:
        NotFoundError, FileError: as `load`, but damage to the weights is not looked for.
    """

    def opening() -> tuple[bytes, int]:
        with path.open("rb") as file:
            head = file.read(8)
            size = int.from_bytes(head, "little")
            # One byte more tells what is no table of ours.
            rest = file.read(size or 1 if size <= _LONGEST_HEADER else 1)
            return head + rest, os.fstat(file.fileno()).st_size

    return _card(path, _entry(path, _header(path, *_read(path, opening))))


def _read(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except FileNotFoundError:
        raise NotFoundError(f"no model file {path}; `lilliput zoo` lists the models") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None


def _header(path: Path, content: bytes, there: int) -> dict[str, Any]:
    """The JSON table of a safetensors file, and that the file is as long as it says.

    Args:
        content: of the file, at least to the end of its table where it has one.
        there: bytes of the whole file.
    """
    if not content:
        raise FileError(f"{path} is empty; {REMEDY}")
    # A header may be 128 bytes long too, but then its table begins at the ninth byte.
    pickled = content[:1] == b"\x80" and content[8:9] != b"{"
    if pickled or content[:4] == b"PK\x03\x04":
        raise FileError(
            f"{path} is a pickle (a .pt file), which could run code when opened and is not"
            " opened; give a .safetensors file"
        )
    start = 8 + int.from_bytes(content[:8], "little")
    if content[8:9] not in (b"{", b"") or start > _LONGEST_HEADER:
        raise FileError(f"{path} is no .safetensors file; give one that `lilliput train` wrote")
    if start > len(content) or len(content) < 9:
        raise FileError(f"{path} is cut short in its header; {REMEDY}")
    try:
        header = json.loads(content[8:start])
        ends = [e["data_offsets"][1] for name, e in header.items() if name != "__metadata__"]
        length = start + max(ends, default=0)
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        raise FileError(f"{path} is damaged: its header cannot be read; {REMEDY}") from None
    if length > there:
        raise FileError(f"{path} is cut short: {there:,} of {length:,} bytes are there; {REMEDY}")
    if length < there:
        raise FileError(f"{path} is damaged: {there - length:,} bytes too long; {REMEDY}")
    return dict(header)


def _entry(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or "lilliput" not in metadata:
        raise FileError(
            f"{path} holds weights but no Lilliput card: another program wrote it; give a file"
            " that `lilliput train` wrote, or hf:FOLDER with a config.json in it"
        )
    try:
        entry = json.loads(metadata["lilliput"])
        version = int(entry["version"])
    except (ValueError, RecursionError, TypeError, KeyError):
        raise FileError(f"{path} is damaged: its card cannot be read; {REMEDY}") from None
    if version > VERSION:
        raise FileError(
            f"{path} was written by a newer Lilliput (layout {version}; this one reads up to"
            f" {VERSION}); upgrade with `pip install -U lilliput`"
        )
    return dict(entry)


def _card(path: Path, entry: dict[str, Any]) -> Card:
    try:
        fields = {"merges": [], "numbers": "float32", "outside": {}, **entry["card"]}
        types = {name: type(value).__name__ for name, value in fields.items() if name != "spec"}
        if types != _FIELDS:
            raise FileError(f"its fields are {types}, but must be {_FIELDS}")
        card = Card(**{**fields, "spec": from_dict(RunSpec, fields["spec"])})
        if isinstance(card.spec.model, HFSpec) != bool(card.outside):
            raise FileError(f"a {card.spec.model.kind} with {sorted(card.outside)} from outside")
        card.vocabulary  # noqa: B018  refused here where it is none
        return card
    except (LilliputError, KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} has a card that cannot be read: {error}; {REMEDY}") from None
