"""Laws of the whole exam of text: sections together, what was replaced, and what real stories are
that a model's stand beside."""

import json

import pytest
import torch
from text_toys import UNIFORM_BITS, VOCABULARY, table_reader, uniform_reader

from lilliput.exam.card import real_stories, story_card
from lilliput.exam.reader import Reader
from lilliput.exam.story import ASKED, CHARACTERS, PROMPT, grade_sections, grade_stories

FEW = ["abc. defg abc.", "gfe. dcba", "a b c. d e f g"]
"""Documents with a character that the toy vocabulary lacks: the full stop."""
LACKING = [document.count(".") for document in FEW]


def sharp_reader(start: tuple[int, ...] = (0,)) -> Reader:
    """One that finds some letters likelier than others, so that texts differ in bits."""
    size = len(VOCABULARY)
    return table_reader(torch.arange(float(size)).repeat(size, 1), start=start)


def test_several_files_are_graded_together_as_well() -> None:
    parts = {"one": ["aaaa", "gg"], "two": ["c" * 30, "d"]}
    graded = grade_sections(sharp_reader(), parts)
    assert list(graded) == ["one", "two", "together"]
    alone = grade_sections(sharp_reader(), {"both": parts["one"] + parts["two"]})["both"]
    assert graded["together"] == alone
    assert (alone.documents, alone.characters) == (4, 37)
    # Validation and unseen are not to be told together; neither is one file.
    split = {"valid": parts["one"], "unseen": parts["two"]}
    assert list(grade_sections(sharp_reader(), split)) == ["valid", "unseen"]
    assert list(grade_sections(sharp_reader(), {"one": parts["one"]})) == ["one"]


def test_one_document_has_no_interval() -> None:
    graded = grade_sections(uniform_reader(), {"one": ["abc"], "two": ["abc", "abcd"]})
    assert (graded["one"].low, graded["one"].high) == (None, None)
    assert graded["one"].bits == pytest.approx(UNIFORM_BITS)
    assert None not in (graded["two"].low, graded["two"].high, graded["together"].low)
    kept = {**vars(graded["one"])}
    del kept["per_document"]
    json.dumps(kept, allow_nan=False)


def test_replaced_characters_are_counted() -> None:
    graded = grade_sections(uniform_reader(), {"few": FEW, "clean": ["abc", "d"]})
    found = {name: section.replaced for name, section in graded.items()}
    assert found == {"few": sum(LACKING), "clean": 0, "together": sum(LACKING)}
    share = sum(LACKING) / sum(map(len, FEW))
    assert graded["few"].replaced_share == pytest.approx(share)
    assert graded["together"].replaced_share < share
    # A space is read for a full stop, and costs what a space costs.
    spaces = [document.replace(".", " ") for document in FEW]
    assert graded["few"].bits == grade_sections(uniform_reader(), {"few": spaces})["few"].bits


def test_real_stories_are_as_they_are_written_whatever_the_model_knows() -> None:
    grade = grade_stories(uniform_reader(), {"few": FEW}, frozenset({"abc", "d"}))
    real = real_stories(FEW, prompt_characters=PROMPT, characters=CHARACTERS)
    assert [story.prompt for story in real] == ["abc.", "gfe.", "a b c."]
    assert grade.real == story_card(real, {"abc", "d"})
    # It is asked what it can read of the same prompts.
    assert [prompt for prompt, _ in grade.stories] == ["abc ", "gfe ", "a b c "]


def test_real_stories_are_no_longer_than_a_models() -> None:
    long = [f"abc. {'d' * CHARACTERS}", f"efg. {'d' * (CHARACTERS - 1)}", "a. b"]
    grade = grade_stories(uniform_reader(), {"long": long}, frozenset())
    assert (grade.real.ended.part, grade.real.ended.whole) == (2, 3)
    assert (grade.card.stories, grade.prompt_characters) == (3, PROMPT)
    # Half of a short window is left for the story.
    assert grade_stories(uniform_reader(40), {"long": long}, frozenset()).prompt_characters == 20


@pytest.mark.parametrize("start", [(), (0,)])
def test_bits_by_window_are_those_of_the_table(start: tuple[int, ...]) -> None:
    documents = ["abcdefg" * 3, "gg", "a b"]
    grade = grade_stories(sharp_reader(start=start), {"text": documents}, frozenset())
    assert len(documents) < ASKED
    assert grade.context.bits[-1] == pytest.approx(grade.sections["text"].bits, rel=1e-6)


def test_documents_too_short_for_a_prompt_leave_the_card_empty() -> None:
    grade = grade_stories(uniform_reader(), {"short": ["abc", "de", "fg a"]}, frozenset({"abc"}))
    for card in (grade.card, grade.real):
        assert card.stories == 0
        assert str(card.real_words) == str(card.ended) == str(card.distinct_words) == "–"
    assert grade.stories == ()
    assert grade.speed.prompt_pieces == 4
    assert grade.sections["short"].bits == pytest.approx(UNIFORM_BITS)
    assert grade.context.windows[-1] == 5
