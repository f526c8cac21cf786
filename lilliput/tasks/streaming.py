"""A stream of documents into one file; what a break leaves is kept, and the stream goes on there.

.NAME.txt.part         what was read so far
.NAME.txt.part.json    how much of it is certain, its sha256, and where the stream stood

Knows no network and no vocabulary.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from lilliput.errors import FileError, NotFoundError
from lilliput.files import cannot_write, read_json, write_json
from lilliput.tasks.documents import SEPARATOR, Progress, file_digest

EVERY = 1_000
"""Rows between two times that what was read is brought to the disk."""


class Rows(Protocol):
    """As `datasets.IterableDataset`: it says where it stands, and begins there if told to."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


Texts = Callable[[Rows], Iterator[str]]
"""The text of each row, empty where it has none; raises NotFoundError where the stream breaks."""


@dataclass(kw_only=True)
class _Place:
    """What is certain of a stream that was read in part."""

    source: str
    rows: int = 0
    documents: int = 0
    """Rows that had text."""
    bytes: int = 0
    sha256: str = ""
    """Of the file's first `bytes`."""
    stream: dict[str, Any] = field(default_factory=dict)
    """Where the stream stood some rows ago: asking it at each row would cost as much as reading."""
    behind: int = 0
    """Rows read since; the last of them is read again, to see that it is the same data set."""
    last: str = ""
    """sha256 of the text of the last row."""


class Stream:
    """One data set on its way into a file."""

    def __init__(self, source: str, path: Path, total: int, progress: Progress) -> None:
        """`total`: rows that there are; 0: not known."""
        self.path, self.total, self.progress = path, total, progress
        self.part = path.with_name(f".{path.name}.part")
        self.note = path.with_name(f".{path.name}.part.json")
        self.place = _Place(source=source)
        self.sha = hashlib.sha256()

    def write(self, rows: Rows, texts: Texts, card: Path) -> None:
        """Reads all rows, or those behind the ones that are kept; then moves the file to its place
        and writes a card of its source, documents and sha256.

        Raises:
            NotFoundError: the stream broke; what was read is kept.
            FileError: a row has no column of text, or none has text; the disk is full; another
                process wrote the same file.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            kept, begin = self._kept(), rows.state_dict()
            going = self._behind(rows, texts, kept) if kept else None
            if going is None:
                rows.load_state_dict(begin)
                going = texts(rows)
            with self.part.open("r+b" if self.place.rows else "wb") as out:
                out.truncate(self.place.bytes)
                out.seek(self.place.bytes)
                self._read(rows, going, out)
            if not self.place.documents:
                self.part.unlink(missing_ok=True)
                self.note.unlink(missing_ok=True)
                raise FileError(f"{self.place.source} holds no text; give another, or text files")
            if file_digest(self.part) != self.sha.hexdigest():
                raise FileError(
                    f"{self.part} was written by another process too; run one at a time"
                )
            self._move(card)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def _move(self, card: Path) -> None:
        place = self.place
        made = {"source": place.source, "documents": place.documents, "sha256": place.sha256}
        # The card first: killed in between, the part is still there to go on from.
        write_json(card, made)
        os.replace(self.part, self.path)
        self.note.unlink(missing_ok=True)

    def _kept(self) -> _Place | None:
        """What an earlier stream left, once its checksum is found right."""
        if not (self.note.exists() and self.part.exists()):
            return None
        try:
            place = _Place(**read_json(self.note))
            with self.part.open("rb") as file:
                sha = _sha_of(file, place.bytes)
        except (FileError, TypeError):
            return None
        if place.source != self.place.source or sha.hexdigest() != place.sha256:
            return None
        self.sha = sha
        return place

    def _behind(self, rows: Rows, texts: Texts, kept: _Place) -> Iterator[str] | None:
        """The texts behind those that are kept; None: the last one of those is another there, so
        that all must be read anew."""
        self.progress(f"streaming {kept.source}: goes on behind {kept.documents:,} documents", 0.0)
        rows.load_state_dict(kept.stream)
        going = texts(rows)
        with _saying_what_is_kept(kept):
            last = next(islice(going, kept.behind - 1, None), None)
        if last is None or _digest(last) != kept.last:
            self.progress(f"streaming {kept.source}: it has changed, so all is read anew", 0.0)
            self.sha = hashlib.sha256()
            return None
        self.place = kept
        return going

    def _read(self, rows: Rows, texts: Iterator[str], out: BinaryIO) -> None:
        place = self.place
        with _saying_what_is_kept(place):
            try:
                while True:
                    stands = rows.state_dict() if place.rows % EVERY == 0 else None
                    text = next(texts, None)
                    if text is None:
                        break
                    if stands is not None:
                        place.stream, place.behind = stands, 0
                    self._add(text, out)
                    if place.rows % EVERY == 0:
                        self._keep(out)
                        self._show()
            finally:
                self._keep(out)

    def _add(self, text: str, out: BinaryIO) -> None:
        place = self.place
        if written := text.strip():
            content = f"{written}\n{SEPARATOR}\n".encode()
            out.write(content)
            self.sha.update(content)
            place.documents += 1
            place.bytes += len(content)
        place.rows += 1
        place.behind += 1
        place.last = _digest(text)

    def _keep(self, out: BinaryIO) -> None:
        if not self.place.rows:
            self.part.unlink(missing_ok=True)
            return
        out.flush()
        os.fsync(out.fileno())
        self.place.sha256 = self.sha.hexdigest()
        write_json(self.note, asdict(self.place))

    def _show(self) -> None:
        of = f" of {self.total:,}" if self.total else ""
        share = min(1.0, self.place.rows / self.total) if self.total else 0.0
        what = f"streaming {self.place.source}: {self.place.documents:,}{of} documents"
        self.progress(what, share)


@contextmanager
def _saying_what_is_kept(place: _Place) -> Iterator[None]:
    """Adds to what is said of a break that the next stream goes on behind what was read."""
    try:
        yield
    except (NotFoundError, KeyboardInterrupt) as error:
        if not place.rows:
            raise
        words = (
            f"{error or 'stopped'}; the {place.documents:,} documents of {place.source} that were"
            " read are kept: run the same command again, and it goes on behind them"
        )
        raise type(error)(words) from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha_of(file: BinaryIO, count: int) -> "hashlib._Hash":
    """Of a file's first bytes."""
    sha = hashlib.sha256()
    while count and (content := file.read(min(count, 1 << 22))):
        sha.update(content)
        count -= len(content)
    return sha
