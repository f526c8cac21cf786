"""Text of a Hugging Face data set, streamed once into a file of documents, and gone on with where a
stream broke (tasks.streaming). Knows no vocabulary.

corpora/roneneldan--TinyStories-train.txt     documents, <|endoftext|> between them
corpora/roneneldan--TinyStories-train.json    where it came from, its sha256 and number
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.files import read_json
from lilliput.tasks.documents import Progress, file_digest
from lilliput.tasks.streaming import Rows, Stream

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
        NotFoundError: there is no such data set, or it cannot be reached; what was read before a
            stream broke is kept.
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
    stream = Stream(name, path, _total(rows, split), progress or (lambda what, share: None))
    stream.write(rows, lambda rows: _texts(rows, name), card)
    return path


def _rows(owner: str, split: str) -> Rows:
    try:
        import datasets
    except ImportError:
        raise LilliputError(
            "a data set by name needs the datasets library: pip install datasets; or give"
            " text files"
        ) from None
    try:
        rows: Rows = datasets.load_dataset(owner, split=split, streaming=True)
    except Exception as error:  # its errors, and those of the network below it, are many
        raise _unreachable(owner, error) from None
    return rows


def _unreachable(owner: str, error: Exception) -> NotFoundError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return NotFoundError(f"cannot load the data set {owner!r}: {reason}{_OFFLINE}")


def _total(rows: Rows, split: str) -> int:
    """How many rows its card says that there are; 0: it says nothing."""
    splits = getattr(getattr(rows, "info", None), "splits", None) or {}
    return getattr(splits.get(split), "num_examples", None) or 0


def _texts(rows: Rows, name: str) -> Iterator[str]:
    """The column `text` (or `story`) of each row."""
    try:
        stream = iter(rows)
        for row in stream:
            yield _text(row, name)
    except LilliputError:
        raise
    except Exception as error:  # the network may fail in the middle, too
        raise _unreachable(name.removeprefix(PREFIX), error) from None


def _text(row: dict[str, Any], name: str) -> str:
    """Empty where the column has nothing in this row; what UTF-8 has no place for becomes a `?`."""
    values = [row[key] for key in ("text", "story") if key in row]
    text: str | None = next((value for value in values if isinstance(value, str)), None)
    if text is None and None not in values:
        raise FileError(
            f"{name} has no column of text: {', '.join(map(str, row))}; give text files"
        )
    return (text or "").encode("utf-8", "replace").decode("utf-8")
