"""The engine's library, called through ctypes: neither torch nor numpy is needed."""

import ctypes
import math
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lilliput.errors import CharacterError, FileError, SpecError
from lilliput.models.modelfile import REMEDY
from lilliput.specs.sampling import Sampling

END = 0
"""The piece that ends an answer or a story."""
_ERRORS = {
    -1: "it is no weight file",
    -2: "a newer version wrote it",
    -3: "it is cut short or too long",
    -4: "its checksum is another",
    -5: "it holds sizes or numbers that no model has",
}
OVERFLOWS = f"cannot answer: its weights are NaN or overflow; {REMEDY}"
"""What is said of a model, behind its file's name, whose likelihoods are no numbers."""
_FULL = -6
_ALIGNED = 64
_LONGEST_PIECE = 4096
"""Bytes."""


class _Sampling(ctypes.Structure):
    _fields_ = (
        ("temperature", ctypes.c_float),
        ("top_k", ctypes.c_int32),
        ("top_p", ctypes.c_float),
        ("min_p", ctypes.c_float),
    )


@cache
def library() -> ctypes.CDLL | None:
    """The library that was built when the package was installed; None where there was no compiler,
    and everything goes through torch."""
    if sys.byteorder != "little":
        return None
    for path in sorted(Path(__file__).parent.glob("_engine*")):
        try:
            lib = ctypes.CDLL(str(path))
        except OSError:
            continue
        size, pointer, number = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
        lib.lp_model_size.restype = lib.lp_room.restype = size
        lib.lp_open.argtypes = (pointer, size, pointer)
        for function in (lib.lp_room, lib.lp_window, lib.lp_vocabulary_size):
            function.argtypes = (pointer,)
        lib.lp_restart.argtypes = (pointer, pointer)
        lib.lp_begin.argtypes = (pointer, pointer, size, pointer)
        lib.lp_read.argtypes = (pointer, pointer, number)
        lib.lp_read_all.argtypes = (pointer, pointer, pointer, number)
        lib.lp_encode.argtypes = (pointer, ctypes.c_char_p, number, pointer, pointer)
        lib.lp_prompt.argtypes = (pointer, ctypes.c_char_p, pointer, number, pointer)
        lib.lp_answer.argtypes = (
            pointer, ctypes.c_char, ctypes.c_char_p, number, pointer, number,
        )  # fmt: skip
        lib.lp_decode.argtypes = (pointer, number, pointer, number)
        lib.lp_logits.argtypes = (pointer,)
        lib.lp_logits.restype = pointer
        lib.lp_write.argtypes = (pointer, pointer, pointer, pointer, number, pointer, pointer)
        return lib
    return None


class Engine:
    """A model that the engine decodes.

    Args:
        name: what it is called where it must be refused.

    Raises:
        FileError: it is no weight file of this version, or a damaged one.
    """

    def __init__(self, flat: bytes, name: str = "this model") -> None:
        lib = library()
        assert lib is not None, "ask library() first"
        self._lib, self.name = lib, name
        self._idle: list[Text] = []
        self._file, at = _room(len(flat))
        ctypes.memmove(at, flat, len(flat))
        self._model_room, self._model = _room(lib.lp_model_size())
        error = lib.lp_open(at, len(flat), self._model)
        if error:
            raise FileError(f"the engine cannot read {name}: {_ERRORS[error]}; {REMEDY}")
        self.vocabulary_size = int(lib.lp_vocabulary_size(self._model))
        self.window = int(lib.lp_window(self._model))
        self.room = int(lib.lp_room(self._model))
        """Bytes of memory that a text needs."""

    def encode(self, text: str) -> list[int]:
        """Numbers of the pieces of a text, as tasks.vocabulary has them.

        Raises:
            CharacterError: the vocabulary lacks a character.
        """
        content = text.encode("utf-8", "surrogatepass")
        pieces, wrong = (ctypes.c_uint16 * (len(content) + 1))(), ctypes.c_int(0)
        count = self._lib.lp_encode(self._model, content, len(content), pieces, ctypes.byref(wrong))
        if count < 0:
            character = content[wrong.value :].decode("utf-8", "replace")[0]
            raise CharacterError(f"unknown character {character!r} in {text[:60]!r}")
        return list(pieces[:count])

    def decode(self, piece: int) -> str:
        """The text of a piece."""
        out = ctypes.create_string_buffer(_LONGEST_PIECE)
        size = self._lib.lp_decode(self._model, piece, out, _LONGEST_PIECE)
        assert size >= 0, size
        return out.raw[:size].decode("utf-8", "surrogatepass")

    def prompt(self, question: str) -> tuple[str, str]:
        """A sum as the model is asked it, and its operation; empty: it is no sum."""
        out, operation = ctypes.create_string_buffer(_LONGEST_PIECE), ctypes.c_char()
        size = self._lib.lp_prompt(
            self._model, question.encode(), out, _LONGEST_PIECE, ctypes.byref(operation)
        )
        return ("", "") if size < 0 else (out.raw[:size].decode(), operation.value.decode())

    def answer(self, operation: str, text: str) -> str | None:
        """The answer in its usual form of what the model wrote; None: it is no number."""
        content, out = text.encode(), ctypes.create_string_buffer(_LONGEST_PIECE)
        size = self._lib.lp_answer(
            self._model, operation.encode(), content, len(content), out, _LONGEST_PIECE
        )
        return None if size < 0 else out.raw[:size].decode()

    def begin(self) -> "Text":
        """A text of nothing yet."""
        return Text(self)

    def borrow(self) -> "Text":
        """A text to be restarted and given back: one that nobody has, or else a new one, whose
        memory takes a tenth of a short answer's time."""
        try:
            return self._idle.pop()
        except IndexError:
            return self.begin()

    def give_back(self, text: "Text") -> None:
        """Nobody may read on in it then."""
        self._idle.append(text)


class Text:
    """What a model has read and goes on with."""

    def __init__(self, engine: Engine) -> None:
        # Its memory must stay for as long as this text is read.
        self._engine = engine
        lib, model = engine._lib, engine._model
        self._lib, self._model = lib, model
        self._room, at = _room(engine.room)
        self._state = ctypes.c_void_p()
        error = lib.lp_begin(model, at, engine.room, ctypes.byref(self._state))
        assert not error, error
        self._sorted = (ctypes.c_float * engine.vocabulary_size)()
        of_all = ctypes.POINTER(ctypes.c_float * engine.vocabulary_size)
        self._logits = ctypes.cast(lib.lp_logits(self._state), of_all).contents
        self._seed = ctypes.c_uint64()

    def restart(self, seed: int = 0) -> None:
        """Forgets what was read; draws come from `seed` from here on."""
        self._lib.lp_restart(self._model, self._state)
        self._seed.value = seed & (2**64 - 1)

    def read(self, pieces: Sequence[int]) -> None:
        """Reads on.

        Raises:
            SpecError: they do not fit into the model's window.
        """
        numbers = (ctypes.c_uint16 * len(pieces))(*pieces)
        error = self._lib.lp_read_all(self._model, self._state, numbers, len(pieces))
        if error == _FULL:
            raise SpecError("the text is longer than this model's window; shorten it")
        assert not error, error

    def logits(self) -> "ctypes.Array[ctypes.c_float]":
        """After the last piece that was read; the next one's are written over them."""
        return self._logits

    def check_finite(self) -> None:
        """Raises FileError where the logits are no finite numbers: nothing is then likelier than
        anything else, and the end mark would be written each time."""
        if not math.isfinite(sum(self.logits()[:])):
            raise FileError(f"{self._engine.name} {OVERFLOWS}")

    def write(self, most: int, sampling: Sampling) -> list[int]:
        """Pieces that the model goes on with, at most so many; the last is END where it ended."""
        how = _Sampling(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
        pieces = (ctypes.c_uint16 * most)()
        count = self._lib.lp_write(
            self._model,
            self._state,
            ctypes.byref(how),
            ctypes.byref(self._seed),
            most,
            pieces,
            self._sorted,
        )
        return list(pieces[:count])


def _room(size: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Memory of that size, and where in it the engine's alignment begins."""
    memory = ctypes.create_string_buffer(size + _ALIGNED)
    start = ctypes.addressof(memory)
    return memory, start + -start % _ALIGNED
