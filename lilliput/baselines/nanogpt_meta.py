"""nanoGPT's `meta.pkl`: which symbol has which number. A pickle that is read without running it:
only what dictionaries, lists, text and whole numbers are written with is let through."""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any, NamedTuple

from lilliput.errors import FileError, SpecError
from lilliput.tasks.vocabulary import Vocabulary

_LARGEST = 1 << 24
"""Bytes; nanoGPT's own have a kilobyte."""
_PLAIN = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE EMPTY_DICT DICT SETITEM SETITEMS EMPTY_LIST LIST"
    " APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 INT BININT BININT1 BININT2 LONG LONG1"
    " UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET"
    " LONG_BINGET".split()
)
"""Instructions that make plain values. Those that name a class or call one are not among them."""
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


class Meta(NamedTuple):
    """What the tokens of a model are."""

    symbols: list[str]
    """In the order of their numbers."""
    pieces: Vocabulary | None = None
    """How text is cut into them, where `lilliput data stories` wrote a table with its merges."""


def read_meta(path: Path, size: int) -> Meta:
    """What the tokens stand for.

    Args:
        size: how many tokens the model has.

    Raises:
        FileError: a pickle with code in it, damaged, no such table, or another model's.
    """
    meta = _plain(path)
    itos = meta.get("itos") if isinstance(meta, dict) else None
    if isinstance(itos, list):
        itos = dict(enumerate(itos))
    if not isinstance(itos, dict) or not all(
        isinstance(symbol, str) and symbol for symbol in itos.values()
    ):
        raise FileError(f"{path} has no table itos of symbols; copy nanoGPT's meta.pkl again")
    merges = meta.get("merges")
    # Two merges may make the same piece, so that pieces are told apart by their numbers alone.
    if set(itos) != set(range(size)) or (not merges and len(set(itos.values())) < size):
        raise FileError(
            f"{path} names {len(itos):,} symbols, but the model beside it has {size:,} tokens: they"
            " are of two models; put the model's own meta.pkl there"
        )
    symbols = [itos[number] for number in range(size)]
    return Meta(symbols, _pieces(path, symbols, merges) if merges else None)


def _pieces(path: Path, symbols: list[str], merges: Any) -> Vocabulary:
    try:
        pairs = tuple((int(left), int(right)) for left, right in merges)
        made = Vocabulary("".join(symbols[: len(symbols) - len(pairs)]), pairs)
    except (TypeError, ValueError, SpecError):
        made = None
    if made is None or [made.decode([n]) for n in range(len(made))] != symbols:
        raise FileError(
            f"{path} has merges that do not make its pieces; write it again with `lilliput data"
            " stories --as nanogpt`"
        )
    return made


def _plain(path: Path) -> Any:
    content = path.read_bytes()
    if len(content) > _LARGEST:
        raise FileError(f"{path} is too large for a vocabulary: {len(content):,} bytes")
    try:
        for instruction, argument, _ in pickletools.genops(content):
            # A place far off makes the reader ask for as much memory.
            far = instruction.name in _PUTS and int(argument or 0) > len(content)
            if instruction.name not in _PLAIN or far:
                raise FileError(
                    f"{path} holds more than a table of symbols ({instruction.name}): opening it"
                    " could run code, so it is not opened; write it again with nanoGPT's prepare.py"
                )
        return _Unpickler(io.BytesIO(content)).load()
    except FileError:
        raise
    except Exception:
        # Whatever odd bytes do to the reader.
        raise FileError(f"{path} is cut short or damaged; copy it again") from None
