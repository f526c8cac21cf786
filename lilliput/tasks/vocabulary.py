"""Characters and their numbers. A character that is not in the vocabulary is named and refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lilliput.errors import CharacterError

END = "\n"
"""The end mark: it closes every answer, and has the number 0."""


@dataclass(frozen=True)
class Vocabulary:
    characters: str
    """All characters in the order of their numbers; the first is the end mark."""
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        assert self.characters[0] == END, "the end mark is number 0"
        ids = {character: number for number, character in enumerate(self.characters)}
        assert len(ids) == len(self.characters), "every character once"
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Vocabulary":
        """The vocabulary of all characters in `texts`, in code-point order after the end mark."""
        seen = set().union(*texts) - {END}
        return cls(END + "".join(sorted(seen)))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        """Numbers of the characters of `text`.

        Raises:
            CharacterError: names the first character that the vocabulary lacks.
        """
        try:
            return [self._ids[character] for character in text]
        except KeyError as error:
            known = "".join(sorted(set(self.characters) - {END}))
            raise CharacterError(
                f"unknown character {error.args[0]!r} in {text[:60]!r}; this model knows {known!r}"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.characters[number] for number in ids)
