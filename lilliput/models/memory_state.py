"""What a memory-gru works out beforehand, and what it remembers of a text. Knows no arithmetic.

B batch, P positions in the window, A anchors, E embedding, H hidden units, G = 3H, N heads, K head
size, V characters.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor


class Tables(NamedTuple):
    """What characters and positions add, each by itself, to the sums of cell and attention."""

    cell_VG: Tensor
    cell_PG: Tensor
    """Of each position, biases included; one row where the cell sees no positions."""
    parts_VE: list[Tensor]
    """Queries, keys and, where the cell reads the context, values; biases included."""
    places_N1PK: list[Tensor]
    """The same of the positions; empty where there are none."""
    found_GE: Tensor | None
    """What attention found times this adds to the gates: output matrix and cell in one."""


@dataclass(frozen=True)
class MemoryState:
    """All that is remembered of a text; at most the last window of what was read."""

    tables: Tables
    hidden_BH: Tensor
    memory_BH: Tensor
    ids_BP: Tensor
    """The window's characters, where they are read again (attention `full`, or positions alone)."""
    keys_NBPK: Tensor
    """Of the window's characters, without their positions, which slide."""
    values_NBPK: Tensor
    """Likewise; for `sigmoid` the hidden states."""
    end: int = 0
    """Keys and values are filled up to here; the window is the last of them."""
    length: int = 0
    """Characters in the window."""
    anchors_BAE: Tensor | None = None
    """Embeddings that are kept in mind: a mean for each name that was read (`anchor`)."""

    def pick(self, rows_B: Tensor) -> "MemoryState":
        """That of some of the rows, in the order of their numbers in `rows_B`."""
        return replace(
            self,
            hidden_BH=self.hidden_BH[rows_B],
            memory_BH=self.memory_BH[rows_B],
            ids_BP=self.ids_BP[rows_B],
            keys_NBPK=self.keys_NBPK[:, rows_B],
            values_NBPK=self.values_NBPK[:, rows_B],
            anchors_BAE=None if self.anchors_BAE is None else self.anchors_BAE[rows_B],
        )
