"""Text as the numbers of a tokenizer that others trained, read by the `tokenizers` library from its
tokenizer.json. Has the interface of tasks.vocabulary; knows no file and no model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lilliput.errors import CharacterError, LilliputError
from lilliput.tasks.vocabulary import END, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class TokenVocabulary:
    """Problems in another's tokens: the end mark of problems is a mark of the tokenizer's own."""

    tokenizer: str
    """tokenizer.json."""
    end_number: int
    """The mark that ends an answer."""
    size: int
    """Numbers that the model tells apart, which may be more than the tokenizer has."""
    unknown: int = -1
    """The token of what has none; -1: there is no such token."""

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise LilliputError(
                "a model with a tokenizer of its own needs the tokenizers library, which is not"
                " installed; type `pip install tokenizers`"
            ) from None
        made = Tokenizer.from_str(self.tokenizer)
        made.no_padding()
        made.no_truncation()
        return made

    def __len__(self) -> int:
        return self.size

    @property
    def end(self) -> str:
        return END

    def encode(self, text: str) -> list[int]:
        """Numbers of the tokens of `text`; parts between end marks are read one by one.

        Raises:
            CharacterError: a part of it has no token.
        """
        first, *parts = [self._part(part) for part in text.split(END)]
        return first + [number for part in parts for number in (self.end_number, *part)]

    def _part(self, text: str) -> list[int]:
        if not text:
            return []
        ids = list(self._tokenizer.encode(text, add_special_tokens=False).ids)
        if self.unknown in ids:
            raise CharacterError(
                f"the model's tokenizer has no token for a part of {text[:60]!r}; ask something"
                " else, or choose another model"
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        parts: list[list[int]] = [[]]
        for number in ids:
            if number == self.end_number:
                parts.append([])
            else:
                parts[-1].append(number)
        decoded = (self._tokenizer.decode(part, skip_special_tokens=False) for part in parts)
        return END.join(decoded)

    def cannot_write(self, characters: Iterable[str]) -> str:
        """The first of some characters that does not come back from its tokens, digits before
        others; empty: all do."""
        for character in sorted(set(characters) - {END}, key=lambda c: (not c.isdigit(), c)):
            # A space is tried between digits: at a text's beginning many tokenizers drop one.
            text = f"0{character}0" if character.isspace() else character
            try:
                ids = self._part(text)
            except CharacterError:
                return character
            if self.decode(ids).strip() != text:
                return character
        return ""


AnyVocabulary = Vocabulary | TokenVocabulary
