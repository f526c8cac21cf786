"""Stories, or any text in documents: what there is to learn and to be asked. Knows no model."""

import math
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from lilliput.specs.task import StoriesSpec
from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lilliput.tasks.corpus import Corpus, Tokens


@dataclass(frozen=True, kw_only=True)
class StoriesFormat:
    """Text as it is, an end mark before it and behind it."""

    kind: Literal["stories"] = "stories"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Stories:
    """The documents of one StoriesSpec, by section; its files are read when first asked for."""

    def __init__(self, spec: StoriesSpec) -> None:
        self.spec = spec
        self.format = StoriesFormat()
        self.context = 0
        """Text has no longest line: the block of a training decides."""

    @cached_property
    def corpus(self) -> "Corpus":
        # Here and not above: whoever only asks which task it is pays for no numpy.
        from lilliput.tasks.corpus import open_corpus

        return open_corpus(self.spec)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.corpus.vocabulary

    def tokens(self, section: Section) -> "Tokens":
        return self.corpus.section(section)

    @property
    def characters_a_piece(self) -> float:
        """Mean characters of a piece of the text to learn from; 1 where pieces are characters."""
        counts = self.corpus.counts["seen"]
        # An end mark before the first document, and one behind each.
        return counts["characters"] / (counts["tokens"] - counts["documents"] - 1)


def unigram_bits(task: Stories) -> float:
    """Bits per character of validation where each character, or each piece if that costs less, is
    foretold from its frequency in the text to learn from alone: what a model that has learned
    nothing else would cost."""
    seen, valid = (_counts(task, name) for name in ("seen", "valid"))
    seen_characters, valid_characters = (_characters(task, counts) for counts in (seen, valid))
    by_character = _cost(seen_characters, valid_characters, len(task.vocabulary.characters))
    by_piece = _cost(seen, valid, len(task.vocabulary))
    return min(by_character, by_piece) / valid_characters.total()


def _cost(seen: Counter[Any], asked: Counter[Any], known: int) -> float:
    """Bits of all that is asked."""
    # One more of each, so that none is impossible.
    total = seen.total() + known
    return sum(n * math.log2(total / (seen[one] + 1)) for one, n in asked.items())


def _counts(task: Stories, section: Section) -> Counter[int]:
    """How often each piece occurs in (at most 20 million pieces of) a section, end marks apart."""
    import numpy as np

    ids = task.tokens(section).tokens_N[:20_000_000]
    counts = Counter(dict(enumerate(np.bincount(ids).tolist())))
    del counts[task.vocabulary.end_number]
    return +counts


def _characters(task: Stories, pieces: Counter[int]) -> Counter[str]:
    """How often each character occurs in them."""
    counts: Counter[str] = Counter()
    for number, times in pieces.items():
        for character in task.vocabulary.decode([number]):
            counts[character] += times
    return counts
