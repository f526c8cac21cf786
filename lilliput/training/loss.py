"""The loss: a pure function of the parameters, the batch, and the teacher where there is one.

Shapes: B rows, T characters, S positions with logits, V vocabulary. Knows no optimizer.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.training.batches import IGNORED
from lilliput.training.teacher import Teacher


def loss_of(
    model: nn.Module,
    ids_BT: Tensor,
    targets_BS: Tensor,
    first: int,
    teacher: Teacher | None = None,
) -> tuple[Tensor, Tensor]:
    """What is to be made small, and the sum of nats over the characters of a chunk that are
    learned: without a teacher the same. `targets_BS` are of the positions from `first` on."""
    logits_BSV = model(ids_BT, first)
    nats = F.cross_entropy(
        logits_BSV.flatten(0, 1).float(),
        targets_BS.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )
    if teacher is None:
        return nats, nats
    taught = teacher.loss(logits_BSV, ids_BT, targets_BS, first)
    return (1 - teacher.share) * nats + teacher.share * taught, nats
