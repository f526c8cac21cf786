"""A network whose texts the engine continues; what is read at once goes through PyTorch as before.

B rows, T pieces, V vocabulary. Knows no file and no task.
"""

import torch
from torch import Tensor, nn

from lilliput.engine.binding import Engine, Text


class Decoded(nn.Module):
    """A network and the engine that holds the same weights."""

    def __init__(self, network: nn.Module, engine: Engine) -> None:
        super().__init__()
        self.network, self.engine = network, engine

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        logits_BSV: Tensor = self.network(ids_BT, first)
        return logits_BSV

    def begin(self, batch_size: int) -> list[Text]:
        return [self.engine.begin() for _ in range(batch_size)]

    def extend(self, ids_BT: Tensor, state: list[Text]) -> tuple[Tensor, list[Text]]:
        """Reads on, each row in its own text, which is changed: logits (B, V)."""
        for ids, text in zip(ids_BT.tolist(), state, strict=True):
            text.read(ids)
        rows = [torch.frombuffer(text.logits(), dtype=torch.float32) for text in state]
        return torch.stack(rows), state

    def pick(self, state: list[Text], rows_B: Tensor) -> list[Text]:
        return [state[row] for row in rows_B.tolist()]
