"""Documents that are nearly the same, found by MinHash (Broder 1997) and banding; knows no files.

Each document is the set of its runs of five words. Two of them share a band's key with probability
J^4, where J is the share of runs that they have in common; with eight bands, 99.98 % of pairs with
J = 0.9 are found, 98 % with 0.8, and 1 in 1,200 with 0.1.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RUN = 5
"""Words of a run."""
BANDS, ROWS = 8, 4
_WORD = re.compile(r"\w+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SPACED = bytes(n if n > 127 or _WORD.fullmatch(chr(n)) else 32 for n in range(256))
"""A space for all ASCII that is in no word."""
_chance = np.random.default_rng(20_260_101)
_ODD = _chance.integers(2**63, size=RUN, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_FACTOR = _chance.integers(2**63, size=BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFT = _chance.integers(2**63, size=BANDS * ROWS, dtype=np.uint64)


class _Hashes(dict[bytes, int]):
    """Words' hashes, remembered: natural text repeats itself."""

    def __missing__(self, word: bytes) -> int:
        self[word] = found = zlib.crc32(word)
        return found


_hashes = _Hashes()
_REMEMBERED = 200_000


def band_keys(documents: Sequence[str]) -> NDArray[np.uint64]:
    """The key of each document in each band (D, B); near-duplicates are likely to have one in
    common. What a document's keys are does not depend on the others; many at once are faster."""
    if len(_hashes) > _REMEMBERED:
        _hashes.clear()
    hashes, count_D = list[int](), np.empty(len(documents), dtype=np.int64)
    for number, document in enumerate(documents):
        words = _words(document)
        hashes.extend(map(_hashes.__getitem__, words))
        # Fewer words than a run has are one run: zeros add nothing to its hash.
        hashes.extend([0] * (RUN - len(words)))
        count_D[number] = max(RUN, len(words)) - RUN + 1
    hash_W = np.array(hashes, dtype=np.uint64)
    hash_R = np.zeros(len(hash_W) - RUN + 1, dtype=np.uint64)
    for place in range(RUN):
        hash_R += hash_W[place : place + len(hash_R)] * _ODD[place]
    # No run goes from one document into the next.
    first_D = np.cumsum(count_D) - count_D
    across_D = first_D[1:, None] + (RUN - 1) * np.arange(len(documents) - 1)[:, None]
    hash_R = np.delete(hash_R, across_D + np.arange(RUN - 1))
    # The low bits of a product of odd numbers are poor; their high halves are mixed in.
    hash_R ^= hash_R >> np.uint64(29)
    mixed_R = np.empty_like(hash_R)
    least_DK = np.empty((len(documents), BANDS * ROWS), dtype=np.uint64)
    for row in range(BANDS * ROWS):
        np.multiply(hash_R, _FACTOR[row], out=mixed_R)
        mixed_R += _SHIFT[row]
        least_DK[:, row] = np.minimum.reduceat(mixed_R, first_D)
    least_DK >>= np.uint64(32)
    keys_DB: NDArray[np.uint64]
    keys_DB = (least_DK.reshape(-1, BANDS, ROWS) * _ODD[:ROWS]).sum(axis=2, dtype=np.uint64)
    return keys_DB


def _words(document: str) -> list[bytes]:
    """Runs of word characters, in lower case; far faster than `_WORD.findall`."""
    document = document.lower()
    if not document.isascii():
        for mark in set(_NOT_ASCII.findall(document)):
            if not _WORD.fullmatch(mark):
                document = document.replace(mark, " ")
    return document.encode().translate(_SPACED).split()


def clusters(keys_DB: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each document the first one of its cluster: those linked by keys in common.

    Args:
        keys_DB: `band_keys` of D documents; may be a memory map.
    """
    parent_D = np.arange(len(keys_DB))
    for band in range(keys_DB.shape[1]):
        key_D = np.array(keys_DB[:, band])
        order_D = np.argsort(key_D, kind="stable")
        same = np.flatnonzero(key_D[order_D[1:]] == key_D[order_D[:-1]])
        for left, right in zip(order_D[same].tolist(), order_D[same + 1].tolist(), strict=True):
            first, second = sorted((_root(parent_D, left), _root(parent_D, right)))
            parent_D[second] = first
    while (parent_D != (above_D := parent_D[parent_D])).any():
        parent_D = above_D
    return parent_D


def _root(parent_D: NDArray[np.int64], document: int) -> int:
    while (above := int(parent_D[document])) != document:
        parent_D[document] = parent_D[above]
        document = above
    return document
