"""llama2.c's tokenizer files (`tok512.bin`): read whole and checked, and used as its `encode` does.

A file is an int32, the longest piece in bytes, then for each piece a float32 score, an int32 length
and its bytes (UTF-8). Numbers 0, 1 and 2 are `<unk>`, `<s>` and `</s>`; 3 to 258 are the bytes 0 to
255, written `<0x00>` to `<0xFF>`. Source: https://github.com/karpathy/llama2.c, tokenizer.py and
run.c. Knows no weights.
"""

import heapq
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from lilliput.baselines.archive import REMEDY
from lilliput.errors import CharacterError, FileError, NotFoundError

START, END = 1, 2
"""`<s>` and `</s>`. llama2.c's stories have the first before each, and so after each."""
_FIRST_BYTE = 3
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_LEAST_SCORE = -1e10
"""Pieces that score no more are never made by merging."""
_WORDS = 1 << 16
"""Words whose pieces are kept: a corpus of stories has about 20,000."""
_LONGEST = 1 << 12
"""More bytes than any tokenizer's pieces have, less than a text's first four read as a number."""


class Llama2cTokens:
    """Pieces and their scores: merges the best-scoring neighbours until none make a piece."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        self.pieces, self.scores = tuple(pieces), tuple(scores)
        self._ids = {piece: number for number, piece in enumerate(self.pieces)}
        # A space never merges with a character before it that no piece has before a space.
        self._before_space = {a for piece in self.pieces for a, b in pairwise(piece) if b == " "}
        self._word = lru_cache(_WORDS)(self._merged)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Numbers of `text` with the space before it that llama2.c adds; of nothing, nothing.

        Raises:
            CharacterError: half of a surrogate pair, which UTF-8 cannot write.
        """
        if not text:
            return []
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise CharacterError(
                f"character {text[error.start]!r} at {error.start} is half of a pair and no text;"
                " take it out"
            ) from None
        return [number for word in self._words(" " + text) for number in self._word(word)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids from a text's beginning: without marks and without the space before it;
        bytes that are no UTF-8 become U+FFFD."""
        content = bytearray()
        for number in ids:
            if _FIRST_BYTE <= number < _FIRST_BYTE + len(_BYTES):
                content.append(number - _FIRST_BYTE)
            elif number not in (START, END):
                content += self.pieces[number].encode()
        return content.decode(errors="replace").removeprefix(" ")

    def _words(self, text: str) -> Iterator[str]:
        """Parts of the text that no merge joins, so that each can be merged by itself."""
        begin = 0
        place = text.find(" ", 1)
        while place > 0:
            if text[place - 1] not in self._before_space:
                yield text[begin:place]
                begin = place
            place = text.find(" ", place + 1)
        yield text[begin:]

    def _symbols(self, text: str) -> Iterator[int]:
        for character in text:
            if character in self._ids:
                yield self._ids[character]
            else:
                yield from (byte + _FIRST_BYTE for byte in character.encode())

    def _merged(self, text: str) -> tuple[int, ...]:
        """Best score first, leftmost of equals: a heap of pairs over a linked list."""
        ids: list[int | None] = list(self._symbols(text))
        after = [*range(1, len(ids)), -1]
        before = [*range(-1, len(ids) - 1)]
        heap: list[tuple[float, int, int, int, int]] = []

        def propose(left: int) -> None:
            if left < 0 or after[left] < 0:
                return
            first, second = ids[left], ids[after[left]]
            assert first is not None
            assert second is not None
            merged = self._ids.get(self.pieces[first] + self.pieces[second])
            if merged is not None and self.scores[merged] > _LEAST_SCORE:
                heapq.heappush(heap, (-self.scores[merged], left, first, second, merged))

        for left in range(len(ids)):
            propose(left)
        while heap:
            _, left, first, second, merged = heapq.heappop(heap)
            right = after[left]
            # Either may have been merged with another since.
            if ids[left] != first or right < 0 or ids[right] != second:
                continue
            ids[left], ids[right] = merged, None
            after[left] = after[right]
            if after[left] >= 0:
                before[after[left]] = left
            propose(before[left])
            propose(left)
        return tuple(number for number in ids if number is not None)


def read(path: Path) -> bytes:
    """All of a file.

    Raises:
        NotFoundError: there is none.
        FileError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}; give a checkpoint of llama2.c") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None


def read_tokens(path: Path, size: int) -> Llama2cTokens:
    """The tokenizer of `size` pieces in a file.

    Raises:
        NotFoundError: there is no such file.
        FileError: cut short, too long, not one of llama2.c's, or of another size.
    """
    content = read(path)
    if len(content) < 4:
        raise FileError(f"{path} is cut short: no whole number is there; {REMEDY}")
    (longest,) = struct.unpack_from("<i", content)
    if not 0 < longest <= _LONGEST:
        raise FileError(
            f"{path} is no tokenizer of llama2.c: its longest piece would have {longest:,} bytes"
        )
    pieces: list[str] = []
    scores: list[float] = []
    place = 4
    while place < len(content) and len(pieces) < size:
        if place + 8 > len(content):
            raise FileError(f"{path} is cut short in piece {len(pieces)} of {size}; {REMEDY}")
        score, length = struct.unpack_from("<fi", content, place)
        place += 8
        if not 0 < length <= longest or score != score:
            raise FileError(
                f"{path} is no tokenizer of llama2.c: piece {len(pieces)} would have {length:,}"
                f" bytes, of {longest:,} at most, and the score {score:g}"
            )
        if place + length > len(content):
            raise FileError(f"{path} is cut short in piece {len(pieces)} of {size}; {REMEDY}")
        try:
            pieces.append(content[place : place + length].decode())
        except UnicodeDecodeError:
            raise FileError(
                f"{path} is no tokenizer of llama2.c: piece {len(pieces)} is no UTF-8"
            ) from None
        scores.append(score)
        place += length
    if len(pieces) < size:
        raise FileError(
            f"{path} has {len(pieces)} pieces, but the model's vocabulary has {size}: it is cut"
            f" short, or another model's; {REMEDY}"
        )
    if place < len(content):
        raise FileError(
            f"{path} is {len(content) - place:,} bytes too long for {size} pieces: it is damaged,"
            f" or another model's; {REMEDY}"
        )
    if pieces[_FIRST_BYTE : _FIRST_BYTE + len(_BYTES)] != _BYTES or " " not in pieces:
        raise FileError(
            f"{path} is no tokenizer of llama2.c: pieces 3 to 258 must be <0x00> to <0xFF>, and one"
            " a space"
        )
    return Llama2cTokens(pieces, scores)
