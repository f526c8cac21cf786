"""Our problems and texts as data sets that nanoGPT trains on, as its `prepare.py` writes them:
`train.bin` and `val.bin` (numbers of characters or pieces, uint16, little-endian) and `meta.pkl`
(which of them has which number). What is kept for reports is in neither.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.files import write_atomically
from lilliput.specs import ArithmeticSpec, StoriesSpec
from lilliput.tasks.splits import Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILES: tuple[tuple[str, Section], ...] = (("train", "seen"), ("val", "valid"))
_OTHER = "; choose another --out"
_AT_ONCE = 1 << 22
"""Numbers that are written together."""
_NOTE = (
    "Byte-pair pieces: symbols are characters, then one piece for each of `merges`, which join two"
    " earlier numbers. Merges are applied in their order within each word, a run of letters or of"
    " other marks with at most one space before it. Decoding by itos is exact; encoding character"
    " by character, as sample.py does, gives other numbers than the model was trained on."
)


def write_problems(
    task: ArithmeticSpec, folder: Path, lines: int = 0, seed: int = 0
) -> dict[str, int]:
    """Problems as lines of TinyMath's form: to train on those of seen, to validate on those of
    valid; unseen and beyond are in neither, but for a leaked source.

    Args:
        lines: how many to train on, drawn with replacement, and a ninth of it to validate on; 0:
            every problem once.

    Returns:
        Characters of each file.

    Raises:
        SpecError, ProblemError: as `lab.writing.data`, and tasks.source of a task that has one.
        FileError: the folder cannot be written.
    """
    import numpy as np

    from lilliput.lab.writing import data
    from lilliput.tasks.arithmetic import Arithmetic

    characters = Arithmetic(replace(task, format="plain")).vocabulary.characters
    table = np.zeros(128, dtype="<u2")
    table[[ord(character) for character in characters]] = range(len(characters))
    written = {}
    for (name, section), number in zip(FILES, (lines, -(-lines // 9)), strict=True):
        text = "".join(f"{line}\n" for line in data(task, number, seed, section))
        ids = table[np.frombuffer(text.encode(), dtype=np.uint8)]
        write_atomically(folder / f"{name}.bin", ids.tobytes(), then=_OTHER)
        written[name] = len(ids)
    _write_meta(folder, characters)
    return written


def write_documents(task: StoriesSpec, folder: Path) -> dict[str, int]:
    """Documents with an end mark (U+0003) before the first one and behind each: to train on those
    of seen, to validate on those of valid; unseen ones are in neither.

    Returns:
        Characters or pieces of each file, end marks included.

    Raises:
        NotFoundError, FileError, SpecError: the text cannot be had, see tasks.corpus; or the folder
            cannot be written.
    """
    from lilliput.tasks.corpus import open_corpus

    corpus = open_corpus(task)
    written = {}
    for name, section in FILES:
        tokens_N = corpus.section(section).tokens_N
        write_atomically(folder / f"{name}.bin", _chunks(tokens_N), then=_OTHER)
        written[name] = len(tokens_N)
    vocabulary = corpus.vocabulary
    symbols = [vocabulary.decode([number]) for number in range(len(vocabulary))]
    more: dict[str, Any] = {}
    if vocabulary.merges:
        more = {"merges": [list(pair) for pair in vocabulary.merges], "note": _NOTE}
    _write_meta(folder, symbols, **more)
    return written


def _chunks(tokens_N: "NDArray[np.integer[Any]]") -> Iterator[bytes]:
    for begin in range(0, len(tokens_N), _AT_ONCE):
        yield tokens_N[begin : begin + _AT_ONCE].astype("<u2").tobytes()


def _write_meta(folder: Path, symbols: Sequence[str], **more: Any) -> None:
    meta = {
        "vocab_size": len(symbols),
        "itos": dict(enumerate(symbols)),
        # Of two pieces that are the same text the first, which is what its merges come to.
        "stoi": {symbol: number for number, symbol in reversed(list(enumerate(symbols)))},
        **more,
    }
    write_atomically(folder / "meta.pkl", pickle.dumps(meta, protocol=4), then=_OTHER)
