"""Text of a Hugging Face data set, streamed once into a file of documents. Knows no vocabulary.

corpora/roneneldan--TinyStories-train.txt     documents, <|endoftext|> between them
corpora/roneneldan--TinyStories-train.json    where it came from, its sha256 and number
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.files import cannot_write, read_json, write_json
from lilliput.tasks.documents import SEPARATOR, Progress, file_digest

PREFIX = "hf:"
_NAME = re.compile(r"hf:([\w.-]+/[\w.-]+)(?::([\w.-]+))?")
_OFFLINE = (
    "; where there is no network, bring its text as a file and write --text FILE, or set HF_HOME to"
    " a folder that holds the data set"
)


def from_hub(name: str, folder: Path, progress: Progress | None = None) -> Path:
    """The file of a data set, streamed where it is not there yet; its checksum is looked at.

    Args:
        name: `hf:OWNER/NAME`, or `hf:OWNER/NAME:SPLIT`; the split is train unless told otherwise.

    Raises:
        SpecError: another form of name.
        NotFoundError: there is no such data set, or it cannot be reached.
        FileError: the file is not the one that was streamed; the folder cannot be written.
        LilliputError: `datasets` is not installed.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SpecError(f"cannot read {name!r} as a data set; write hf:OWNER/NAME or with :SPLIT")
    owner, split = match[1], match[2] or "train"
    path = folder / f"{owner.replace('/', '--')}-{split}.txt"
    card = path.with_suffix(".json")
    if card.exists() and path.exists():
        known = read_json(card)
        if not isinstance(known, dict) or file_digest(path) != known.get("sha256"):
            raise FileError(
                f"{path} is not what was streamed from {name}; delete it to get it anew"
            )
        return path
    rows = _rows(owner, split)
    _stream(rows, path, card, name, progress or (lambda what, share: None))
    return path


def _rows(owner: str, split: str) -> Iterable[dict[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise LilliputError(
            "a data set by name needs the datasets library: pip install 'lilliput[hf]'; or give"
            " text files"
        ) from None
    try:
        rows: Iterable[dict[str, Any]] = datasets.load_dataset(owner, split=split, streaming=True)
    except Exception as error:  # its errors, and those of the network below it, are many
        raise _unreachable(owner, error) from None
    return rows


def _unreachable(owner: str, error: Exception) -> NotFoundError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return NotFoundError(f"cannot have the data set {owner!r}: {reason}{_OFFLINE}")


def _stream(
    rows: Iterable[dict[str, Any]], path: Path, card: Path, name: str, progress: Progress
) -> None:
    """Writes the documents beside their place, moves them there whole, then says what they are."""
    sha, number = hashlib.sha256(), 0
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            for text in _texts(rows, name):
                content = f"{text}\n{SEPARATOR}\n".encode()
                out.write(content)
                sha.update(content)
                number += 1
                if number % 1_000 == 0:
                    # How many there are is not known beforehand.
                    progress(f"streaming {name}: {number:,} documents", 0.0)
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        part.unlink(missing_ok=True)
    write_json(card, {"source": name, "documents": number, "sha256": sha.hexdigest()})


def _texts(rows: Iterable[dict[str, Any]], name: str) -> Iterator[str]:
    """The column `text` (or `story`) of each row."""
    stream = iter(rows)
    while True:
        try:
            row = next(stream)
        except StopIteration:
            return
        except Exception as error:  # the network may fail in the middle, too
            raise _unreachable(name.removeprefix(PREFIX), error) from None
        text = next((row[key] for key in ("text", "story") if isinstance(row.get(key), str)), None)
        if text is None:
            raise FileError(
                f"{name} has no column of text: {', '.join(map(str, row))}; give text files"
            )
        if text.strip():
            yield text.strip()
