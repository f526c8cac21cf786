"""A network and a tokenizer of transformers with the interface of models of ours.

B batch, T positions, S positions asked for (the last ones), V tokens of the vocabulary.
Knows no file.
"""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from lilliput.errors import CharacterError, SpecError


@dataclass(frozen=True)
class HFState:
    """What transformers remembers of `length` tokens; None: nothing is read yet."""

    cache: Any
    length: int


class HFNetwork(nn.Module):
    """A model of transformers with the interface of models.gpt."""

    def __init__(self, model: nn.Module, window: int) -> None:
        super().__init__()
        self.model, self.window = model, window
        # Without it logits of all positions are made: 50,000 numbers each.
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on.

        Raises:
            SpecError: the sequence is longer than the window.
        """
        length = ids_BT.shape[1]
        self._check(length)
        asked = length - first
        logits: Tensor = self.model(ids_BT, use_cache=False, **self._keep(asked)).logits
        return logits[:, -asked:]

    def begin(self, batch_size: int) -> HFState:
        """The memory of nothing read yet."""
        return HFState(None, 0)

    def extend(self, ids_BT: Tensor, state: HFState) -> tuple[Tensor, HFState]:
        """Reads on: logits (B, V) after the last token, and the memory of all read so far.

        The state given is used up.

        Raises:
            SpecError: the sequence grows longer than the window.
        """
        length = state.length + ids_BT.shape[1]
        self._check(length)
        read = self.model(ids_BT, past_key_values=state.cache, use_cache=True, **self._keep(1))
        logits: Tensor = read.logits
        return logits[:, -1], HFState(read.past_key_values, length)

    def pick(self, state: HFState, rows_B: Tensor) -> HFState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        if state.cache is None:
            return state
        # transformers picks in place, but by tensors of its own: copies of the holders are enough
        # to leave the state given as it is.
        cache = copy.copy(state.cache)
        cache.layers = [copy.copy(layer) for layer in cache.layers]
        cache.batch_select_indices(rows_B)
        return HFState(cache, state.length)

    def _keep(self, asked: int) -> dict[str, int]:
        return {"logits_to_keep": asked} if self._keeps else {}

    def _check(self, length: int) -> None:
        if self.window and length > self.window:
            raise SpecError(
                f"a sequence of {length} tokens is longer than the window of {self.window}; give a"
                " shorter one"
            )


class HFTokens:
    """A tokenizer of transformers."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # GPT-2's kind names the end mark here and never writes it.
        marks = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        unknown = tokenizer.unk_token_id
        self._unknown = None if unknown in marks else unknown

    def __len__(self) -> int:
        return len(self._tokenizer)

    def encode(self, text: str) -> list[int]:
        """Numbers of a whole text, without start or end marks.

        Raises:
            CharacterError: part of the text has no token; it would be scored as if it were known.
        """
        ids = list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        if self._unknown in ids:
            raise CharacterError(
                f"the tokenizer has no token for part of {text[:60]!r}; take out what it cannot"
                " write, or choose another model"
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids that begin where a text begins, marks left out."""
        return str(
            self._tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
