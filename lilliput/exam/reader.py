"""Anything that reads text and says what comes next, wherever it came from; knows no task."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import nn

from lilliput.tasks.vocabulary import mapped


class Tokenizer(Protocol):
    """Text as numbers and back."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def __len__(self) -> int: ...


class Reader(NamedTuple):
    """A network with its vocabulary, and how a text begins and ends for it."""

    network: nn.Module
    """`forward(ids_BT, first)`, `begin`, `extend` and `pick`, as the families have."""
    vocabulary: Tokenizer
    window: int
    """Pieces of the longest text that it reads at once; 0: no limit."""
    start: tuple[int, ...]
    """Read before a text; empty: nothing, so that the first piece of a text is not foretold."""
    ends: tuple[int, ...]
    """Each ends a text where the network writes it."""
    endless: bool = False
    """`extend` goes on past the window, which then bounds only what is read at once."""

    at_once: int = 64
    """Texts that may be written side by side."""

    @property
    def room(self) -> int | None:
        """Pieces of prompt and story together; None: no limit."""
        return None if self.endless or not self.window else self.window

    def mapped(self, text: str) -> str:
        """The text with the nearest known character in each unknown one's place, one for one, where
        the vocabulary is one of characters; another kind reads any text."""
        known = getattr(self.vocabulary, "known", "")
        return mapped(text, known) if known else text
