"""The exam of a model of text: bits per character, context, story card, speed. Knows no files.

Every figure stands beside that of real stories, or of a model that knows no more than frequencies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from operator import add
from typing import Any

from lilliput.errors import UserError
from lilliput.exam.bits import Bits, bits_of
from lilliput.exam.card import Story, StoryCard, first_sentence, real_stories, story_card
from lilliput.exam.context import ContextCurve, context_curve
from lilliput.exam.reader import Reader
from lilliput.exam.speed import Speed, speed_of
from lilliput.exam.telling import tell, tell_all
from lilliput.specs.sampling import Sampling
from lilliput.tasks.documents import Progress
from lilliput.units import Interval

PROMPTS = (
    "One day, a girl named Sara went to the store.",
    "Tim found a big blue balloon in the garden.",
    "The little bird was very sad because he could not fly.",
    'Mom said to Tom, "Please do not touch the hot stove."',
    "Once upon a time",
)
"""The five prompts of tinystoriesgru's comparison."""
SAMPLING = Sampling(temperature=0.65)
"""How stories are told for the card: tinystoriesgru's temperature."""
ASKED = 64
"""Documents whose first sentences are the card's prompts, and whose context is measured."""
CUT_OFF = "…"
"""Closes a story that did not end by itself."""
PROMPT, CHARACTERS = 100, 1_000
"""Characters of the longest prompt and continuation on the card."""


@dataclass(frozen=True)
class SectionBits:
    """Bits per character of one set of documents."""

    bits: float
    low: float | None
    high: float | None
    """95 % interval, documents as clusters; None where there is but one."""
    documents: int
    characters: int
    replaced: int
    """Characters that the vocabulary lacks, so that the nearest known ones were read."""
    replaced_share: float
    """Of all characters, as a fraction of one."""
    per_document: Bits = field(repr=False, compare=False)
    """What each of them cost, by which two models are compared; not in `to_dict`."""

    @property
    def interval(self) -> Interval | None:
        if self.low is None or self.high is None:
            return None
        return Interval(self.bits, self.low, self.high)


@dataclass(frozen=True)
class StoryGrade:
    """The whole exam of a model of text."""

    sections: dict[str, SectionBits]
    context: ContextCurve
    card: StoryCard
    real: StoryCard
    """The same figures of the documents that the prompts come from, as they are written."""
    prompt_characters: int
    """The longest prompt that was allowed: fewer than usual where the window is short."""
    speed: Speed
    stories: tuple[tuple[str, str], ...]
    """Five prompts, each with a story, which `CUT_OFF` closes where it did not end by itself; none
    where the model can read none of the five, and the documents are too short to begin with."""

    def to_dict(self) -> dict[str, Any]:
        made = asdict(self)
        for section in made["sections"].values():
            del section["per_document"]
        return made


def grade_sections(reader: Reader, sections: Mapping[str, Sequence[str]]) -> dict[str, SectionBits]:
    """Bits per character of sets of documents, by name; of several files, together as well.

    Args:
        sections: documents as they are written, whatever characters the model knows.
    """
    costs, written = dict[str, Bits](), dict[str, list[str]]()
    for name, documents in sections.items():
        costs[name] = bits_of(reader, [reader.mapped(document) for document in documents])
        written[name] = list(documents)
    if len(costs) > 1 and "unseen" not in costs:
        costs["together"] = reduce(add, costs.values())
        written["together"] = reduce(add, written.values())
    return {name: _section(reader, bits, written[name]) for name, bits in costs.items()}


def _section(reader: Reader, bits: Bits, written: Sequence[str]) -> SectionBits:
    mean, *ends = bits.interval()
    low, high = ends if len(written) > 1 else (None, None)
    replaced = sum(
        one != other
        for document in written
        for one, other in zip(document, reader.mapped(document), strict=True)
    )
    characters = int(bits.characters_D.sum())
    share = replaced / sum(map(len, written))
    return SectionBits(mean, low, high, len(written), characters, replaced, share, bits)


def grade_stories(
    reader: Reader,
    sections: Mapping[str, Sequence[str]],
    words: frozenset[str],
    *,
    alone: Reader | None = None,
    sampling: Sampling = SAMPLING,
    seed: int = 0,
    progress: Progress = lambda what, share: None,
) -> StoryGrade:
    """The exam.

    Args:
        sections: documents by name, as they are written; prompts and context are taken from the
            last of them.
        words: the corpus' vocabulary of words (card.words_of).
        alone: the same model as it is read one text at a time; None: as it is.
        progress: is told what comes next, and which share of the time is over, as it was measured
            with models of 200,000 parameters.
    """
    alone = alone or reader
    progress("bits per character", 0.0)
    graded = grade_sections(reader, sections)
    documents = list(sections.values())[-1][:ASKED]
    progress("effective context", 0.2)
    context = context_curve(reader, [reader.mapped(document) for document in documents])
    longest = PROMPT
    if reader.room:
        # Half of what a model reads at once is left for its story.
        longest = min(PROMPT, int(reader.room * context.characters_a_piece) // 2)
    real = real_stories(documents, prompt_characters=longest, characters=CHARACTERS)
    prompts = [reader.mapped(story.prompt) for story in real]
    progress(f"story card, {len(prompts)} stories", 0.55)
    told = tell_all(reader, prompts, sampling=sampling, seed=seed, characters=CHARACTERS)
    stories = [Story(p, text, ended) for p, (text, ended) in zip(prompts, told, strict=True)]
    progress("five stories", 0.8)
    five = tuple(
        (prompt, _story(alone, prompt, sampling, seed + number))
        for number, prompt in enumerate(_readable(reader, prompts))
    )
    progress("speed", 0.9)
    # A document of one sentence is no prompt, but the clock needs something to begin with.
    timed = prompts[0] if prompts else reader.mapped(first_sentence(documents[0], longest))
    return StoryGrade(
        graded,
        context,
        story_card(stories, words),
        story_card(real, words),
        longest,
        speed_of(alone, timed),
        five,
    )


def _readable(reader: Reader, others: Sequence[str]) -> Sequence[str]:
    """The five prompts, or five of others where a model of other text cannot read them."""
    try:
        for prompt in PROMPTS:
            reader.vocabulary.encode(prompt)
    except UserError:
        return others[: len(PROMPTS)]
    return PROMPTS


def _story(reader: Reader, prompt: str, sampling: Sampling, seed: int) -> str:
    """How one of the five prompts goes on, or why it does not."""
    try:
        return "".join(_marked(reader, prompt, sampling, seed))
    except UserError as error:
        return f" ({error})"


def _marked(reader: Reader, prompt: str, sampling: Sampling, seed: int) -> Iterator[str]:
    ended = yield from tell(reader, prompt, sampling=sampling, seed=seed)
    if not ended:
        yield CUT_OFF
