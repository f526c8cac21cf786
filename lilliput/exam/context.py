"""Effective context: how much of what came before a model makes use of. Knows no task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lilliput.exam.reader import Reader

NEAR = 0.01
"""A window is long enough when its loss is within so much of the longest window's."""
SHORTEST = 4


@dataclass(frozen=True)
class ContextCurve:
    """Loss against window: each piece is foretold from the half to the whole of a window before it
    (windows slide by half), so a row says how much windows of that length lose."""

    windows: tuple[int, ...]
    """Pieces read at once, doubling; the last is the whole document or all that the model reads."""
    bits: tuple[float, ...]
    """Bits per character with each, as `bits_of` counts them."""
    characters_a_piece: float

    @property
    def effective(self) -> int:
        """The shortest of the windows, in pieces, within 1 % of the longest. As they double, one of
        little more than half of it may be enough: it is how much is made use of *at most*."""
        enough = (1 + NEAR) * self.bits[-1]
        return next(w for w, b in zip(self.windows, self.bits, strict=True) if b <= enough)

    @property
    def effective_characters(self) -> int:
        return round(self.effective * self.characters_a_piece)


def context_curve(reader: "Reader", documents: Sequence[str]) -> ContextCurve:
    """The curve over documents, all of them read with each window."""
    from lilliput.exam.bits import bits_of  # takes torch, which a curve that was kept does not

    ids_D = [reader.vocabulary.encode(document) for document in documents]
    characters = sum(map(len, documents))
    pieces = sum(map(len, ids_D))
    longest = max(map(len, ids_D)) + len(reader.start)
    longest = min(longest, reader.window) if reader.window else longest
    windows = [SHORTEST << n for n in range(64) if SHORTEST << n < longest] + [longest]
    bits = tuple(bits_of(reader, documents, window).per_character for window in windows)
    return ContextCurve(tuple(windows), bits, characters / pieces)
