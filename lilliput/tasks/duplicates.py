"""Documents that are nearly the same, found by MinHash (Broder 1997) and banding; knows no files.

Each document is the set of its runs of five words. Two of them share a band's key with probability
J^4, where J is the share of runs that they have in common; with eight bands, 99.98 % of pairs with
J = 0.9 are found, 98 % with 0.8, and 1 in 1,200 with 0.1.
"""

import re
import zlib

import numpy as np
from numpy.typing import NDArray

RUN = 5
"""Words of a run."""
BANDS, ROWS = 8, 4
_WORD = re.compile(r"\w+")
_chance = np.random.default_rng(20_260_101)
_ODD = _chance.integers(2**63, size=RUN, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_FACTOR = _chance.integers(2**63, size=BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFT = _chance.integers(2**63, size=BANDS * ROWS, dtype=np.uint64)


class _Hashes(dict[str, int]):
    """Words' hashes, remembered: natural text repeats itself."""

    def __missing__(self, word: str) -> int:
        self[word] = found = zlib.crc32(word.encode())
        return found


_hashes = _Hashes()
_REMEMBERED = 200_000


def band_keys(text: str) -> NDArray[np.uint64]:
    """The document's key in each band; near-duplicates are likely to have one in common."""
    words = _WORD.findall(text.lower())
    if len(_hashes) > _REMEMBERED:
        _hashes.clear()
    hash_W = np.array([_hashes[word] for word in words] or [0], dtype=np.uint64)
    run = min(RUN, len(hash_W))
    hash_R = np.zeros(len(hash_W) - run + 1, dtype=np.uint64)
    for place in range(run):
        hash_R += hash_W[place : place + len(hash_R)] * _ODD[place]
    # The low bits of a product of odd numbers are poor; their high halves are mixed in.
    hash_R ^= hash_R >> np.uint64(29)
    mixed_RK = hash_R[:, None] * _FACTOR + _SHIFT
    least_K = (mixed_RK >> np.uint64(32)).min(axis=0)
    keys_B: NDArray[np.uint64]
    keys_B = (least_K.reshape(BANDS, ROWS) * _ODD[:ROWS]).sum(axis=1, dtype=np.uint64)
    return keys_B


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
