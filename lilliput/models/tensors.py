"""The numbers of a model file as they lie there, read without torch."""

from dataclasses import dataclass
from pathlib import Path

from lilliput.models.card import Card
from lilliput.models.modelfile import verified


@dataclass(frozen=True)
class FileTensor:
    """Numbers as a file holds them, little-endian, row by row."""

    kind: str
    """As safetensors names it: F32, I16, I8."""
    shape: tuple[int, ...]
    data: memoryview


def read_tensors(path: Path) -> tuple[dict[str, FileTensor], Card]:
    """The tensors of a model file as they lie there, without torch; checked as `load` checks, but
    for their names and shapes.

    Raises:
        NotFoundError, FileError: as modelfile.load.
    """
    content, header, card = verified(path)
    numbers = memoryview(content)[8 + int.from_bytes(content[:8], "little") :]
    tensors = {
        name: FileTensor(
            entry["dtype"], tuple(entry["shape"]), numbers[slice(*entry["data_offsets"])]
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return tensors, card
