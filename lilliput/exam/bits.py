"""Bits per character on documents, whatever a model's vocabulary; knows no task.

Each document stands by itself. A text longer than the window is read in windows that slide by half;
no piece is scored twice. Where a model reads nothing before a text, its first piece is not scored
and its characters do not count. The end of a document is not scored.

D documents, B rows, T pieces, V vocabulary.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from lilliput.exam.reader import Reader
from lilliput.units import Z95, Interval, student

_NUMBERS = 16_000_000
"""Logits held at once."""
_PIECES = 16_384
"""Pieces that go through a model at once."""


@dataclass(frozen=True)
class Bits:
    """What documents cost."""

    bits_D: NDArray[np.float64]
    characters_D: NDArray[np.int64]

    @property
    def per_character(self) -> float:
        return float(self.bits_D.sum() / self.characters_D.sum())

    def __add__(self, other: "Bits") -> "Bits":
        """Both together."""
        return Bits(
            np.concatenate((self.bits_D, other.bits_D)),
            np.concatenate((self.characters_D, other.characters_D)),
        )

    def interval(self, z: float = Z95) -> Interval:
        """Bits per character with its interval: documents as clusters (ratio estimator, Cochran,
        Sampling Techniques, 1977, 6.4). `low` is the lower end, and so the better one.

        Args:
            z: quantile of the normal distribution; Student's t of the same level is taken.
        """
        mean, number = self.per_character, len(self.bits_D)
        if number < 2:
            return Interval(mean, 0.0, math.inf)
        spread_D = self.bits_D - mean * self.characters_D
        variance = (spread_D**2).sum() * number / (number - 1) / self.characters_D.sum() ** 2
        half = student(number - 1, z) * math.sqrt(variance)
        return Interval(mean, mean - half, mean + half)


def difference(one: Bits, other: Bits, z: float = Z95) -> Interval | None:
    """How many more bits per character `other` cost than `one` on the same documents.

    Each document is compared with itself, so how hard a text is to foretell falls out; the interval
    is that of the ratio estimators' difference, documents as clusters.

    Returns:
        None where there is but one document, and so no interval.
    """
    number = len(one.bits_D)
    if number < 2:
        return None
    mean = other.per_character - one.per_character
    spread_D = _spread(other) - _spread(one)
    half = student(number - 1, z) * math.sqrt((spread_D**2).sum() * number / (number - 1))
    return Interval(mean, mean - half, mean + half)


def _spread(bits: Bits) -> NDArray[np.float64]:
    """What each document adds to the difference of bits per character from their mean."""
    off_D = bits.bits_D - bits.per_character * bits.characters_D
    return np.asarray(off_D / bits.characters_D.sum())


def frequency_bits(documents: Iterable[str]) -> float:
    """Bits per character where each character is foretold from how often it is in these very
    documents: the fewest that frequencies alone can cost."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(document)
    total = counts.total()
    return sum(n * math.log2(total / n) for n in counts.values()) / max(total, 1)


class _Span(NamedTuple):
    """A part of a document that goes through the model at once."""

    document: int
    ids: Sequence[int]
    scored: int
    """How many of the last pieces are scored."""


def bits_of(reader: Reader, documents: Sequence[str], window: int = 0) -> Bits:
    """Bits of texts.

    Args:
        window: see `nats_of`.

    Raises:
        CharacterError: a text has a character that the vocabulary lacks.
    """
    ids_D = [reader.vocabulary.encode(document) for document in documents]
    characters = [len(document) for document in documents]
    if not reader.start:
        characters = [
            n - len(reader.vocabulary.decode(ids[:1]))
            for n, ids in zip(characters, ids_D, strict=True)
        ]
    return Bits(nats_of(reader, ids_D, window) / math.log(2), np.array(characters))


@torch.inference_mode()
def nats_of(reader: Reader, ids_D: Sequence[Sequence[int]], window: int = 0) -> NDArray[np.float64]:
    """Nats of each document.

    Args:
        window: read at most so many pieces at once, fewer than the reader could; 0: all it can.
    """
    limit = min(filter(None, (window, reader.window)), default=0)
    spans = [span for n, ids in enumerate(ids_D) for span in _spans(n, ids, reader.start, limit)]
    spans.sort(key=lambda span: len(span.ids))
    device = next(reader.network.parameters()).device
    nats_D = np.zeros(len(ids_D))
    most = max(1, min(_PIECES, _NUMBERS // len(reader.vocabulary)))
    while spans:
        longest = len(spans[-1].ids)
        batch = spans[-max(1, most // longest) :]
        del spans[-len(batch) :]
        ids_BT = torch.zeros(len(batch), longest, dtype=torch.long)
        scored_BT = torch.zeros(len(batch), longest - 1, dtype=torch.bool)
        for row, span in enumerate(batch):
            ids_BT[row, : len(span.ids)] = torch.tensor(span.ids)
            scored_BT[row, len(span.ids) - 1 - span.scored : len(span.ids) - 1] = True
        ids_BT = ids_BT.to(device)
        logits_BTV = reader.network(ids_BT[:, :-1])
        nats_BT = F.cross_entropy(
            logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten(), reduction="none"
        ).view(len(batch), -1)
        # Not by multiplication: what stands behind a short row may be anything.
        nats_B = nats_BT.masked_fill(~scored_BT.to(device), 0.0).double().sum(dim=1)
        np.add.at(nats_D, [span.document for span in batch], nats_B.cpu().numpy())
    return nats_D


def _spans(number: int, ids: Sequence[int], start: tuple[int, ...], window: int) -> list[_Span]:
    """A document in windows: the first whole, the later ones with their new half scored."""
    whole = [*start, *ids]
    known = len(start) or 1
    if len(whole) <= known:
        return []
    # A window of so many pieces read foretells one more.
    end = min(len(whole), window + 1) if window else len(whole)
    spans = [_Span(number, whole[:end], end - known)]
    while end < len(whole):
        before, end = end, min(len(whole), end + max(1, window // 2))
        spans.append(_Span(number, whole[end - window - 1 : end], end - before))
    return spans
