"""Graded models of text as tests want them, without a model."""

from dataclasses import replace
from typing import Any, cast

import numpy as np

from lilliput.exam.bits import Bits
from lilliput.exam.card import Share, StoryCard
from lilliput.exam.context import ContextCurve
from lilliput.exam.speed import Speed
from lilliput.exam.story import SectionBits, StoryGrade
from lilliput.lab.stories import TextGraded
from lilliput.lab.telling import TextModel
from lilliput.units import Interval

SHARE = Share(8_765, 8_777, Interval(0.9876, 0.9765, 0.9987))
CARD = StoryCard(
    stories=64,
    real_words=SHARE,
    repeated_4grams=SHARE,
    distinct_words=Share(654, 1000),
    names_kept=SHARE,
    closed_quotes=SHARE,
    ended=SHARE,
)


def section(bits_D: Any) -> SectionBits:
    """Of documents of 1,000 characters, by the bits per character of each."""
    bits = Bits(np.array(bits_D) * 1000, np.full(len(bits_D), 1000))
    mean, *ends = bits.interval()
    low, high = ends if len(bits_D) > 1 else (None, None)
    return SectionBits(mean, low, high, len(bits_D), 1000 * len(bits_D), 0, 0.0, bits)


def graded(name: str = "a", bits_D: Any = (1.1, 1.3, 1.2), **fields: Any) -> TextGraded:
    stories = (("Tom ran.", " He fell.\n\n“Oh!” he said."), ("Once upon a time", ", a cat sat…"))
    grade = StoryGrade(
        sections={"tales": section(bits_D), "together": section(bits_D)},
        context=ContextCurve((4, 8, 16), (2.0, 1.2, 1.2), 2.5),
        card=CARD,
        real=replace(CARD, ended=Share(61, 64, Interval(0.9531, 0.8710, 0.9839))),
        prompt_characters=100,
        speed=Speed(1_234.0, 2_018.0, 837.0, 2_098.0, 54, 1, 5),
        stories=fields.pop("stories", stories),
    )
    family = "memory-gru (tinystoriesgru)"
    model = TextModel(name, cast(Any, None), 211_008, 1_852_296, family)
    return TextGraded(model, grade, fields.pop("unigram", 4.386), 1.0)
