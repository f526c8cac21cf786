"""The story card: how a model's stories look beside real ones, by counting alone. No judge model.

Knows no model, no tokenizer and no torch: it reads prompts, texts, and whether they ended.

What is counted, so that anyone can count it again:

* A *word* is a longest run of letters, apostrophes between letters included; in lower case, `’`
  as `'`, and without a closing `'s`. Where a story was cut off inside of a word (it did not end by
  itself, and its last character belongs to a word), that word is counted nowhere.
* The words of a story are those of prompt and continuation written one after the other; *its own*
  words are those that close within the continuation.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from lilliput.tasks.names import name_of
from lilliput.units import Interval, clustered_wilson, wilson

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
DISTINCT_OVER = 50
"""Own words of a story over which distinct words are counted: 250 characters or so."""
SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)[.!?]+[\"”')]*(?=\s|$)")


class Story(NamedTuple):
    """A prompt and how a model, or the document that it was taken from, goes on."""

    prompt: str
    text: str
    """The continuation alone, without an end mark."""
    ended: bool
    """It came to its end mark; otherwise it was cut off."""


@dataclass(frozen=True)
class Share:
    """A part of a whole, both counts."""

    part: int
    whole: int
    interval: Interval | None = None
    """95 % (Wilson), what is of one story as one cluster; None where there was nothing to count,
    and for distinct words, which are no draws of right and wrong."""

    @property
    def value(self) -> float | None:
        """part / whole, as a fraction of one; None where there was nothing to count."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        if self.interval is not None:
            return str(self.interval)
        return "–" if self.value is None else f"{100 * self.value:.1f} %"


@dataclass(frozen=True, kw_only=True)
class StoryCard:
    """Figures of a set of stories. Each is to be read beside that of real stories."""

    stories: int
    real_words: Share
    """Own words that are in the corpus' vocabulary, of all own words."""
    repeated_4grams: Share
    """4-grams of the story's words that close with an own word and stood earlier in the same story
    (prompt included), of all that close with an own word."""
    distinct_words: Share
    """Different words among the first 50 own words, of 50, over the stories that have as many."""
    names_kept: Share
    """Stories among whose own words is a name or noun of their prompt (tasks.names), of the stories
    whose prompt has one."""
    closed_quotes: Share
    """Quotation marks of the continuation that are one of a pair, of all of them; `quote_marks`
    says what pairs."""
    ended: Share
    """Stories that came to their end mark, of all."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def story_card(stories: Sequence[Story], words: Collection[str]) -> StoryCard:
    """The card of stories.

    Args:
        words: the corpus' vocabulary, in lower case; see `words_of`.
    """
    real, repeated, distinct, kept, closed = [], [], [], [], []
    for story in stories:
        before, own = _words(story)
        names = {name for word in before if (name := name_of(_stem(word)))}
        mentioned = {name_of(_stem(word)) for word in own}
        all_words, own_words = [_plain(word) for word in before + own], [_plain(w) for w in own]
        real.append((sum(word in words for word in own_words), len(own_words)))
        repeated.append(_repeated_4grams(all_words, len(before)))
        if len(own_words) >= DISTINCT_OVER:
            distinct.append((len(set(own_words[:DISTINCT_OVER])), DISTINCT_OVER))
        kept.append((bool(names & mentioned), bool(names)))
        closed.append(quote_marks(story))
    part, whole = (sum(column) for column in zip(*distinct, strict=True)) if distinct else (0, 0)
    return StoryCard(
        stories=len(stories),
        real_words=_share(real),
        repeated_4grams=_share(repeated),
        distinct_words=Share(part, whole),
        names_kept=_share(kept),
        closed_quotes=_share(closed),
        ended=_share([(story.ended, 1) for story in stories]),
    )


def _share(clusters: Sequence[tuple[int, int]]) -> Share:
    part, whole = sum(pair[0] for pair in clusters), sum(pair[1] for pair in clusters)
    if not whole:
        return Share(part, whole)
    single = all(pair[1] <= 1 for pair in clusters)
    return Share(part, whole, wilson(part, whole) if single else clustered_wilson(clusters))


def _stem(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s")


def _plain(word: str) -> str:
    return _stem(word.lower())


def _words(story: Story) -> tuple[list[str], list[str]]:
    """The words that close within the prompt, and the story's own, as they are written."""
    text = story.prompt + story.text
    before: list[str] = []
    own: list[str] = []
    for match in WORD.finditer(text):
        if match.end() == len(text) and not story.ended:
            break
        # A word that the prompt begins and the continuation goes on with closes in the latter.
        (before if match.end() <= len(story.prompt) else own).append(match[0])
    return before, own


def _repeated_4grams(words: Sequence[str], known: int) -> tuple[int, int]:
    """4-grams closing at word `known` or later that stood earlier; and how many close there."""
    seen: set[tuple[str, ...]] = set()
    repeated = total = 0
    for last in range(3, len(words)):
        gram = tuple(words[last - 3 : last + 1])
        if last >= known:
            total += 1
            repeated += gram in seen
        seen.add(gram)
    return repeated, total


def quote_marks(story: Story) -> tuple[int, int]:
    """Quotation marks of the continuation: those that are one of a pair, and all that count.

    Marks are `"`, `“` and `”`; single ones are apostrophes as often. They pair within a line (a
    paragraph), prompt and continuation taken together: the first `"` with the second, the third
    with the fourth, …; `“` with the next `”` that no other `“` comes before. What is left over is
    unpaired. Where the story was cut off, a mark of the last line that still waits for its partner
    (the odd `"`, a `“` that no mark of its kind follows) does not count at all.
    """
    lines = (story.prompt + story.text).split("\n")
    paired = total = start = 0
    for number, line in enumerate(lines):
        cut_off = number + 1 == len(lines) and not story.ended
        for place, state in _pairs(line):
            if start + place >= len(story.prompt) and not (cut_off and state == "waiting"):
                total += 1
                paired += state == "paired"
        start += len(line) + 1
    return paired, total


def _pairs(line: str) -> list[tuple[int, str]]:
    """Each mark's place in a line, and whether it is `paired`, `waiting` for a partner, or
    `alone` for good."""
    states: dict[int, str] = {}
    straight = curly = -1
    for place, mark in enumerate(line):
        if mark == '"':
            states[place] = "waiting" if straight < 0 else "paired"
            if straight >= 0:
                states[straight] = "paired"
            straight = place if straight < 0 else -1
        elif mark == "“":
            if curly >= 0:
                states[curly] = "alone"
            states[place], curly = "waiting", place
        elif mark == "”":
            states[place] = "alone" if curly < 0 else "paired"
            if curly >= 0:
                states[curly] = "paired"
            curly = -1
    return list(states.items())


def words_of(texts: Iterable[str], least: int = 2) -> frozenset[str]:
    """The vocabulary of a corpus, as `story_card` wants it.

    Args:
        least: documents that a word must be in; one alone may have a slip of the pen.
    """
    once: dict[str, int] = {}
    for text in texts:
        for word in {_plain(match[0]) for match in WORD.finditer(text)}:
            once[word] = once.get(word, 0) + 1
    return frozenset(word for word, count in once.items() if count >= least)


def first_sentence(text: str, limit: int) -> str:
    """The first sentence of a text, at most `limit` characters, without white space at its ends.

    It closes with the first `.`, `!` or `?` that white space follows, closing quotation marks and
    brackets included, titles (`Mr.`) excepted, or with the line. A longer one is cut after its last
    whole word within the limit.

    >>> first_sentence('Mr. Fox said, "Run!" They ran.', 80)
    'Mr. Fox said, "Run!"'
    """
    line = text.strip().split("\n", 1)[0].rstrip()
    match = SENTENCE_END.search(line)
    sentence = line[: match.end()] if match else line
    if len(sentence) <= limit:
        return sentence
    whole = re.match(r"(.*\S)\s", sentence[: limit + 1], re.DOTALL)
    return whole[1] if whole else sentence[:limit]


def real_stories(
    documents: Iterable[str], *, prompt_characters: int = 100, characters: int = 1000
) -> list[Story]:
    """Documents as stories, to give them the card that a model's stories to the same prompts get.

    The prompt is the first sentence, the continuation what follows it, its white space included.
    The two joined are the beginning of the document. A document that is but one sentence is left
    out. A model is asked alike: it gets the prompts, and has ended where its end mark comes after
    at most `characters` characters.

    Args:
        prompt_characters: the longest prompt.
        characters: the longest continuation; a document that goes on was cut off there. Of 370
            TinyStories 84 % end within 1,000, and 9 % within 500.
    """
    stories = []
    for document in documents:
        text = document.strip()
        prompt = first_sentence(text, prompt_characters)
        rest = text[len(prompt) :]
        if rest:
            stories.append(Story(prompt, rest[:characters], len(rest) <= characters))
    return stories
