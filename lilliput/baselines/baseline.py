"""What a reader of others' files hands on: network, tokens, and what a table says of them.

B batch, T positions, S positions asked for (the last ones), V tokens of the vocabulary.
Knows no file and no exam.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import nn


class Tokens(Protocol):
    """Text to token numbers and back."""

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Numbers of a whole text, without start or end marks."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids that begin where a text begins, marks left out.

        Many tokenizers write a text's first word as if a space stood before it and drop that space
        here, so the ids of a continuation are decoded together with those before them.
        """
        ...


class Baseline(NamedTuple):
    """A model that others made."""

    network: nn.Module
    """`forward(ids_BT, first=0)` gives logits (B, S, V); `begin(batch)`, `extend(ids_BT, state)`
    and `pick(state, rows_B)` as in models.gpt."""
    vocabulary: Tokens
    window: int
    """Longest sequence, in tokens; 0: no limit."""
    start: tuple[int, ...]
    """Read before a text; empty: nothing."""
    ends: tuple[int, ...]
    """Each of them ends a text."""
    parameters: int
    """Unique numbers, ties once, as counted in the weights."""
    bytes: int
    """Of the weights' files on disk."""
    family: str
    """Words for a table."""
