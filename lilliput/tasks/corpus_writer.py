"""One section of a corpus, written a document at a time. Knows no split and no other section."""

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import Vocabulary

COUNTED = ("documents", "characters", "tokens")
"""What is counted of a section."""


def kind_of(vocabulary: Vocabulary) -> type[np.uint8] | type[np.uint16]:
    """What the numbers of a corpus are kept in."""
    return np.uint8 if len(vocabulary) <= 256 else np.uint16


class SectionWriter:
    """Writes one section of a corpus (tasks.corpus says which files that are)."""

    def __init__(self, folder: Path, name: Section, vocabulary: Vocabulary) -> None:
        self.name, self.vocabulary = name, vocabulary
        self.kind = kind_of(vocabulary)
        self.tokens = self._open(folder / f"{name}.tokens")
        self.starts = self._open(folder / f"{name}.starts")
        self.lengths = self._open(folder / f"{name}.lengths")
        self.num_documents = self.num_characters = 0
        self._table = None if vocabulary.merges else _table(vocabulary)
        self._end = bytes(np.dtype(self.kind).itemsize)
        self.num_tokens = 1
        self.tokens.write(self._end)

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        return path.open("wb", buffering=1 << 20)

    def add(self, document: str) -> None:
        self.starts.write(np.int64(self.num_tokens).tobytes())
        self.lengths.write(np.int32(len(document)).tobytes())
        if self._table is not None:
            points = np.frombuffer(document.encode("utf-32-le"), dtype=np.uint32)
            ids: NDArray[Any] = self._table[points]
        else:
            ids = np.array(self.vocabulary.encode(document), dtype=self.kind)
        self.tokens.write(ids.tobytes() + self._end)
        self.num_tokens += len(ids) + 1
        self.num_documents += 1
        self.num_characters += len(document)

    def close(self) -> dict[str, int]:
        self.starts.write(np.int64(self.num_tokens).tobytes())
        for file in (self.tokens, self.starts, self.lengths):
            file.flush()
            os.fsync(file.fileno())
            file.close()
        counts = (self.num_documents, self.num_characters, self.num_tokens)
        return dict(zip(COUNTED, counts, strict=True))


def _table(vocabulary: Vocabulary) -> NDArray[Any]:
    """Numbers of characters by code point."""
    table = np.zeros(0x110000, dtype=kind_of(vocabulary))
    for number, character in enumerate(vocabulary.characters):
        table[ord(character)] = number
    return table
