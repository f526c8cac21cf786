"""What a memory-gru's attention keeps of a window that slides, and how its last positions ask.

N heads, B batch, S positions that ask (the last ones), T positions, P places set aside, K head
size, H hidden units. Knows no model.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lilliput.models.attention import attend


def found(q_NBSK: Tensor, k_NBTK: Tensor, v_NBTK: Tensor) -> Tensor:
    """What the last S positions find (B, S, E); one that asks alone needs no mask."""
    if q_NBSK.shape[2] > 1:
        return attend(q_NBSK, k_NBTK, v_NBTK)
    found_NBSK = F.scaled_dot_product_attention(q_NBSK, k_NBTK, v_NBTK)
    return found_NBSK.permute(1, 2, 0, 3).flatten(2)


def gated(q_NBSK: Tensor, k_NBTK: Tensor, h_NBTK: Tensor) -> Tensor:
    """Hidden states so far, each by the sigmoid of query times key: (B, S, H)."""
    num_queries, num_keys = q_NBSK.shape[2], k_NBTK.shape[2]
    weights_NBST = torch.sigmoid(q_NBSK @ k_NBTK.mT * q_NBSK.shape[3] ** -0.5)
    weights_NBST = weights_NBST.tril(num_keys - num_queries)
    return (weights_NBST @ h_NBTK).permute(1, 2, 0, 3).flatten(2)


def remember(cache_NBPK: Tensor, new_NBTK: Tensor, end: int, context: int) -> tuple[Tensor, int]:
    """The cache with what is new after its first `end` places, and its new end.

    It grows by doubling up to twice the context; when it is full, the window moves to its front,
    once in as many characters as the context has.
    """
    heads, batch, capacity, size = cache_NBPK.shape
    num_new = new_NBTK.shape[2]
    if end + num_new > capacity:
        keep = min(end, context - num_new)
        wanted = min(2 * context, max(2 * capacity, keep + num_new, 16))
        old_NBPK = cache_NBPK[:, :, end - keep : end]
        cache_NBPK = new_NBTK.new_empty(heads, batch, wanted, size)
        cache_NBPK[:, :, :keep] = old_NBPK
        end = keep
    cache_NBPK[:, :, end : end + num_new] = new_NBTK
    return cache_NBPK, end + num_new
