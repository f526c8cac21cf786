"""A tokenizer of transformers as a vocabulary of ours. Knows no file."""

from collections.abc import Sequence
from typing import Any

from lilliput.errors import CharacterError


def unknown_of(tokenizer: Any) -> int | None:
    """The number that stands for what a tokenizer cannot write; None: there is none."""
    # GPT-2's kind names the end mark here and never writes it.
    marks = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return None if tokenizer.unk_token_id in marks else tokenizer.unk_token_id


class HFTokens:
    """A tokenizer of transformers."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._unknown = unknown_of(tokenizer)

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
