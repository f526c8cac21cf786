"""Documents from text files, a chunk at a time, however large the files are. Knows no vocabulary.

Documents stand between lines of `<|endoftext|>`, as in TinyStories. A text without them, or one
document that is very long, is cut into parts at line ends. A file that is cut so and has no such
line at all is one long text, as a book: of its parts, neighbours belong together.
"""

import codecs
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path

from lilliput.errors import FileError, NotFoundError
from lilliput.tasks.vocabulary import END_OF_TEXT

SEPARATOR = "<|endoftext|>"
EXCERPT = Path(__file__).parent / "excerpt" / "stories.txt"
"""The excerpt of TinyStories that comes with the package (CDLA-Sharing-1.0)."""
LONGEST = 16_384
"""Characters of the longest document that is left whole."""
PART = 2_048
"""Characters of the parts that longer ones are cut into, at most."""
_CHUNK = 1 << 22
"""Bytes read at once."""

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is over (0 to 1)."""


def files_of(names: Sequence[str]) -> list[Path]:
    """The files that names stand for; of a folder, all its .txt files, in order.

    Raises:
        NotFoundError: there is no such file, or a folder has no text.
    """
    files: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(path.rglob("*.txt"))
            if not found:
                raise NotFoundError(f"the folder {name!r} has no .txt file; give files or another")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise NotFoundError(f"no file or folder {name!r}; give text files, or hf:OWNER/NAME")
    return files


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes.

    Raises:
        FileError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None


def is_one_text(path: Path) -> bool:
    """Whether a file is one long text: without a separator, and too long for one document.

    Raises:
        FileError: as `read_documents`.
    """
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return False
            with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                if content.find(SEPARATOR.encode()) >= 0:
                    return False
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    return len(list(islice(read_documents(path), 2))) > 1


def read_documents(path: Path, digest: str = "") -> Iterator[str]:
    """The documents of a text file, without the line ends around them; empty ones are left out.

    Args:
        digest: the file's sha256 as it was found before; looked at when all is read.

    Raises:
        FileError: not UTF-8, without any text, unreadable, or changed since its digest was taken.
    """
    sha, found = hashlib.sha256(), False
    for document in _split(_decoded(path, sha)):
        found = True
        yield document
    if digest and sha.hexdigest() != digest:
        raise FileError(f"{path} has changed while it was read; run the same command again")
    if not found:
        raise FileError(f"{path} has no text in it; give a file with documents")


def _decoded(path: Path, sha: "hashlib._Hash") -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    read = 0
    try:
        with path.open("rb") as file:
            while True:
                content = file.read(_CHUNK)
                sha.update(content)
                text = decoder.decode(content, final=not content)
                # The end mark of documents is never text.
                yield text.replace("\r", "").replace(END_OF_TEXT, " ")
                read += len(content)
                if not content:
                    return
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is no UTF-8 text: byte {read + error.start:,} cannot be read ({error.reason});"
            " save it as UTF-8"
        ) from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None


def _split(chunks: Iterator[str]) -> Iterator[str]:
    rest, long = "", False
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(SEPARATOR)
        for document in whole:
            yield from _parts(document, long)
            long = False
        # So much without a separator is no document to be left whole.
        begin = 0
        while len(rest) - begin > LONGEST + len(SEPARATOR):
            long = True
            end = _end_of_part(rest, begin)
            yield from _parts(rest[begin:end], False)
            begin = end
        rest = rest[begin:]
    yield from _parts(rest, long)


def _parts(document: str, long: bool) -> Iterator[str]:
    document = document.strip("\n ")
    begin = 0
    while len(document) - begin > (PART if long else LONGEST):
        long = True
        end = _end_of_part(document, begin)
        if part := document[begin:end].strip("\n "):
            yield part
        begin = end
    if last := document[begin:].strip("\n "):
        yield last


def _end_of_part(text: str, begin: int) -> int:
    """Where a part of a long text ends: behind the last line end, else the last space, else
    anywhere. The text is not cut down part by part: that would copy all that is left each time."""
    for mark in ("\n\n", "\n", " "):
        if (place := text.rfind(mark, begin + PART // 2, begin + PART)) >= 0:
            return place + len(mark)
    return begin + PART


def read_sections(text: Sequence[str]) -> dict[str, list[str]]:
    """Documents of files, by the files' names; files of one name by their paths."""
    files = files_of(text)
    alike = len({path.stem for path in files}) < len(files)
    return {str(path) if alike else path.stem: list(read_documents(path)) for path in files}
