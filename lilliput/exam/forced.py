"""Whether a model would answer rightly, from one pass over the right answers (teacher forcing).

Greedy decoding writes the right text exactly when, after each character of it, the next one is the
model's first choice. So where an answer can be written in one way this equals asking, at a fraction
of the time; with working before the answer it is a lower bound (a slip may still end well), and so
it is where a number can be written in several tokens.
Used while training; grades that are reported come from `decode`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lilliput.tasks.table import Table

_CHARACTERS = 32_768
"""Numbers that go through the model at once, or fewer where each has many logits."""
_LOGITS = 64_000_000
"""Logits held at once."""


@torch.inference_mode()
def forced_right(model: nn.Module, table: Table, num_logits: int) -> NDArray[np.bool_]:
    """For each row of the table, whether every number of the answer is the first choice.

    Args:
        num_logits: of a position: the vocabulary's size.
    """
    most = min(_CHARACTERS, _LOGITS // num_logits)
    device = next(model.parameters()).device
    right_N = np.zeros(len(table), dtype=np.bool_)
    order_N = np.argsort(table.length_N, kind="stable")
    length_N = table.length_N[order_N]
    begin = 0
    while begin < len(order_N):
        # Sorted by length, so a batch's last row is its longest.
        longest_B = length_N[begin : begin + most]
        size = max(1, int((np.arange(1, len(longest_B) + 1) * longest_B <= most).sum()))
        rows_B = order_N[begin : begin + size]
        part = table.rows(rows_B)
        ids_BT = torch.from_numpy(part.ids_NT.astype(np.int64)).to(device)
        first = int(part.asked_N.min()) - 1
        chosen_BS = model(ids_BT[:, :-1], first).argmax(dim=-1)
        same_BS = (chosen_BS == ids_BT[:, first + 1 :]).cpu().numpy()
        position_S = np.arange(first + 1, ids_BT.shape[1])
        asked = (position_S >= part.asked_N[:, None]) & (position_S < part.length_N[:, None])
        right_N[rows_B] = (same_BS | ~asked).all(axis=1)
        begin += size
    return right_N
