"""Names kept in mind while a story is told, as tinystoriesgru does. Knows no list of names.

Wherever the text that was read ends with one of the names, its letters' mean embedding is kept by
the network (`anchor`), each name once. One text at a time: rows would keep different names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class AnchoredState:
    inner: Any
    tail: tuple[int, ...]
    """The latest characters, as many as the longest name has."""
    kept: frozenset[tuple[int, ...]]


class Anchored(nn.Module):
    """A network that keeps names in mind while it is read on and on."""

    def __init__(self, network: nn.Module, names: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.network = network
        self.names = {tuple(name) for name in names if name}
        self.longest = max(map(len, self.names), default=0)

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """As the network alone: anchors are a matter of writing."""
        logits_BSV: Tensor = self.network(ids_BT, first)
        return logits_BSV

    def begin(self, batch_size: int) -> AnchoredState:
        assert batch_size == 1, "one text at a time"
        return AnchoredState(self.network.begin(1), (), frozenset())  # type: ignore[operator]

    def extend(self, ids_BT: Tensor, state: AnchoredState) -> tuple[Tensor, AnchoredState]:
        """Reads on, name by name: logits (1, V) after the last character."""
        inner, tail, kept = state.inner, state.tail, state.kept
        ids, begin = ids_BT[0].tolist(), 0
        for place, number in enumerate(ids, start=1):
            tail = (*tail, number)[-self.longest :] if self.longest else ()
            name = self._name(tail)
            if place < len(ids) and (name is None or name in kept):
                continue
            logits_BV, inner = self.network.extend(  # type: ignore[operator]
                ids_BT[:, begin:place], inner
            )
            begin = place
            if name is not None and name not in kept:
                ids_A = torch.tensor(name, device=ids_BT.device)
                inner = self.network.anchor(ids_A, inner)  # type: ignore[operator]
                kept |= {name}
        return logits_BV, AnchoredState(inner, tail, kept)

    def pick(self, state: AnchoredState, rows_B: Tensor) -> AnchoredState:
        return state

    def _name(self, tail: tuple[int, ...]) -> tuple[int, ...] | None:
        """The longest name that the text ends with."""
        found = (tail[-n:] for n in range(len(tail), 0, -1))
        return next((name for name in found if name in self.names), None)
