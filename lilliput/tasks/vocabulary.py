"""Text as numbers: characters, or pieces of a byte-pair vocabulary made of them.

A character that is not in the vocabulary is named and refused, or, where that is asked for,
replaced by the nearest known one. Knows no file and no model.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lilliput.errors import CharacterError, SpecError

END = "\n"
"""The end mark of problems: it closes every answer, and has the number 0."""
END_OF_TEXT = "\x03"
"""The end mark of documents, in which line ends are text (ETX, U+0003)."""
_ALIKE = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'",
    "´": "'", "–": "-", "—": "-", "−": "-", "…": ".", "\t": " ", "\u00a0": " ", "×": "*", "÷": "/",
}  # fmt: skip
"""What a writer means by a character that a vocabulary may lack."""
_REMEMBERED = 100_000
"""Words whose pieces are kept; natural text repeats itself."""


@dataclass(frozen=True)
class Vocabulary:
    """Characters, then pieces: `merges[n]` joins two earlier numbers into number
    `len(characters) + n`, and merges are applied in their order within each word (Sennrich et al.
    2016). A word is a run of letters, or of other marks, with at most one space before it.
    """

    characters: str
    """All characters in the order of their numbers; the first is the end mark."""
    merges: tuple[tuple[int, int], ...] = ()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)
    _pieces: list[str] = field(init=False, repr=False, compare=False)
    _ranks: dict[tuple[int, int], int] = field(init=False, repr=False, compare=False)
    _words: dict[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {character: number for number, character in enumerate(self.characters)}
        if self.characters[:1] not in (END, END_OF_TEXT) or len(ids) < len(self.characters):
            raise SpecError("a vocabulary opens with an end mark, and has every character once")
        pieces = list(self.characters)
        for left, right in self.merges:
            if not (0 < left < len(pieces) and 0 < right < len(pieces)):
                raise SpecError(f"a piece joins two earlier ones; got {left} and {right}")
            pieces.append(pieces[left] + pieces[right])
        ranks = {pair: len(ids) + n for n, pair in enumerate(self.merges)}
        for name, value in (("_ids", ids), ("_pieces", pieces), ("_ranks", ranks), ("_words", {})):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, texts: Iterable[str], end: str = END) -> "Vocabulary":
        """The vocabulary of all characters in `texts`, in code-point order after the end mark."""
        seen = set().union(*texts) - {end}
        return cls(end + "".join(sorted(seen)))

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def end(self) -> str:
        return self.characters[0]

    @property
    def end_number(self) -> int:
        return 0

    def encode(self, text: str) -> list[int]:
        """Numbers of the pieces of `text`.

        Raises:
            CharacterError: names the first character that the vocabulary lacks.
        """
        try:
            if not self.merges:
                return [self._ids[character] for character in text]
            return [number for word in words(text) for number in self._encode_word(word)]
        except KeyError as error:
            known = "".join(sorted(self.known))
            raise CharacterError(
                f"unknown character {error.args[0]!r} in {text[:60]!r}; this model knows {known!r}"
            ) from None

    def _encode_word(self, word: str) -> list[int]:
        found = self._words.get(word)
        if found is None:
            found = self._merge([self._ids[character] for character in word])
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            self._words[word] = found
        return found

    def _merge(self, ids: list[int]) -> list[int]:
        """Applies the merges, the earliest learned first."""
        while len(ids) > 1:
            rank, place = min(
                (self._ranks.get(pair, len(self)), place)
                for place, pair in enumerate(pairwise(ids))
            )
            if rank == len(self):
                break
            pair, merged, place = (ids[place], ids[place + 1]), [], 0
            while place < len(ids):
                if tuple(ids[place : place + 2]) == pair:
                    merged.append(rank)
                    place += 2
                else:
                    merged.append(ids[place])
                    place += 1
            ids = merged
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._pieces[number] for number in ids)

    @property
    def known(self) -> str:
        """All characters that text may have: not the end mark."""
        return self.characters[1:]


def unknown(text: str, known: str) -> list[str]:
    """Characters of `text` that are not among the known ones, each once, in their order."""
    return [character for character in dict.fromkeys(text) if character not in known]


def nearest_known(character: str, known: str) -> str:
    """The known character that stands for an unknown one: its plain form (curly to straight quotes,
    accents left off, other case), else a space, else the first that there is.

    >>> nearest_known("“", '"e ')
    '"'
    """
    plain = unicodedata.normalize("NFKD", character)[:1]
    for other in (_ALIKE.get(character, ""), plain, plain.lower(), plain.upper(), " ", "."):
        if other and other in known:
            return other
    return known[0]


def mapped(text: str, known: str) -> str:
    """The text with every unknown character replaced by the nearest known one."""
    table = {ord(character): nearest_known(character, known) for character in unknown(text, known)}
    return text.translate(table) if table else text


_WORD = re.compile(r" ?[^\W\d_]+| ?(?:[\d_]|[^\w \n])+|[ \n]")


def words(text: str) -> list[str]:
    """The words of a text, which put together are the text.

    >>> words('Tom said, "Hi  there!"')
    ['Tom', ' said', ',', ' "', 'Hi', ' ', ' there', '!"']
    """
    return _WORD.findall(text)
