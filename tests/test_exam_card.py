"""The story card: hand-counted examples, laws, and the real stories of the excerpt."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lilliput.tasks
from lilliput.exam.card import (
    DISTINCT_OVER,
    Share,
    Story,
    StoryCard,
    first_sentence,
    quote_marks,
    real_stories,
    story_card,
    words_of,
)
from lilliput.tasks.names import name_of, names
from lilliput.tasks.vocabulary import END_OF_TEXT
from lilliput.units import wilson

EXCERPT = Path(lilliput.tasks.__file__).with_name("excerpt")
TEXT = (EXCERPT / "stories.txt").read_text(encoding="utf-8")
DOCUMENTS = [document.strip() for document in TEXT.split("\n<|endoftext|>\n")]
WORDS = words_of(DOCUMENTS)


def counts(share: Share) -> tuple[int, int]:
    return share.part, share.whole


def card_of(prompt: str, text: str, ended: bool = True, words: str = "") -> StoryCard:
    return story_card([Story(prompt, text, ended)], frozenset(words.split()))


def test_words_by_hand() -> None:
    card = card_of(
        "Lily ran.", " She didn't see Lily’s dog, a brwn DOG.", words="she didn't lily dog"
    )
    # she, didn't, lily, dog, dog; not `see`, `a`, `brwn`; the prompt's words are nobody's.
    assert counts(card.real_words) == (5, 8)


def test_a_word_that_was_cut_off_counts_nowhere() -> None:
    assert counts(card_of("A", " big do", ended=False, words="big do").real_words) == (1, 1)
    assert counts(card_of("A", " big do.", ended=False, words="big do").real_words) == (2, 2)
    assert counts(card_of("A", " big do", ended=True, words="big do").real_words) == (2, 2)


def test_a_word_that_the_prompt_began_is_the_storys_own() -> None:
    assert counts(card_of("The bi", "rd ran.", words="bird ran").real_words) == (2, 2)
    assert counts(card_of("The bird", " ran.", words="bird ran").real_words) == (1, 1)


def test_repeated_4grams_by_hand() -> None:
    # One 4-gram closes with each of the six own words; the last is the prompt's own.
    card = card_of("The cat sat down.", " So, then the cat sat down!")
    assert counts(card.repeated_4grams) == (1, 6)
    assert counts(card_of("", "one two three").repeated_4grams) == (0, 0)
    assert card_of("", "one two three").repeated_4grams.value is None
    # Of a, a, a, a, a: two 4-grams, the second like the first.
    assert counts(card_of("", "a a a a a").repeated_4grams) == (1, 2)


def test_4grams_of_another_story_are_no_repetition() -> None:
    story = Story("", "the cat sat down", True)
    assert counts(story_card([story, story], WORDS).repeated_4grams) == (0, 2)


def test_a_looping_text_repeats_itself_and_has_few_words() -> None:
    loop = card_of("Once", " upon a time there was" * 100)
    assert loop.repeated_4grams.value == pytest.approx(1, abs=0.02)
    assert counts(loop.distinct_words) == (5, DISTINCT_OVER)


def test_distinct_words_do_not_depend_on_length() -> None:
    words = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    fifty = " ".join(words[:25] * 2)
    assert counts(card_of("", fifty).distinct_words) == (25, 50)
    assert counts(card_of("", fifty + " " + " ".join(words)).distinct_words) == (25, 50)
    assert counts(card_of("", " ".join(words[:49])).distinct_words) == (0, 0)
    assert card_of("", fifty).distinct_words.interval is None


def test_nonsense_is_told_from_words() -> None:
    real = story_card(real_stories(DOCUMENTS), WORDS)
    turned = [Story(s.prompt, s.text[::-1], s.ended) for s in real_stories(DOCUMENTS)]
    nonsense = story_card(turned, WORDS)
    assert real.real_words.value is not None
    assert real.real_words.value > 0.9
    assert nonsense.real_words.value is not None
    assert nonsense.real_words.value < 0.3


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        ("Lily had a bird.", " It sang.", (0, 1)),
        ("Lily had a bird.", " The bird sang.", (1, 1)),
        ("Lily had a bird.", " Lily's mom smiled.", (1, 1)),
        ("Lily had a bird.", " Tom and a dog came.", (0, 1)),
        ("Lily had a bird.", " It saw a lily.", (0, 1)),
        ("The Bird sang.", " A bird heard it.", (1, 1)),
        ("It rained.", " Tom came, and Tom went.", (0, 0)),
        ("Lily’s cat sat.", " Lily ran.", (1, 1)),
        ("Lil", "y ran.", (0, 0)),
    ],
)
def test_names_kept_by_hand(prompt: str, text: str, expected: tuple[int, int]) -> None:
    assert counts(card_of(prompt, text).names_kept) == expected


@pytest.mark.parametrize(
    ("prompt", "text", "ended", "expected"),
    [
        ("", 'He said, "Hi!" and "Ho!"', True, (4, 4)),
        ("", 'He said, "Hi!" and "Ho!', True, (2, 3)),
        ("", 'He said, "Hi!" and "Ho!', False, (2, 2)),  # it may have closed later
        ("", 'He said, "Hi!\nShe said, "Ho!"', True, (2, 3)),
        ("", 'He said, "Hi!\nShe said, "Ho!"', False, (2, 3)),  # only the last line was cut off
        ("", "“Hi!” he said. “Ho!”", True, (4, 4)),
        ("", "“Hi! he said. “Ho!”", True, (2, 3)),
        ("", "“Hi! he said. “Ho!”", False, (2, 3)),  # a second opening came first: never closed
        ("", "“Hi! he said.", True, (0, 1)),
        ("", "“Hi! he said.", False, (0, 0)),
        ("", "Hi!” he said.", False, (0, 1)),
        ("", "“Hi!\nHo!”", True, (0, 2)),
        ("", '“Hi!" he said.', True, (0, 2)),
        ('Tom said, "Come', '!" He ran.', True, (1, 1)),
        ('"Run!" he said.', " They ran.", True, (0, 0)),
        ('"Run! he said.\nThen', ' "Go!"', True, (2, 2)),
        ("A.\n\n\n", '"Go!"', True, (2, 2)),
        ("", "Tom's dog 'ran'.", True, (0, 0)),
    ],
)
def test_quotation_marks_by_hand(
    prompt: str, text: str, ended: bool, expected: tuple[int, int]
) -> None:
    assert quote_marks(Story(prompt, text, ended)) == expected


@settings(deadline=None)
@given(st.text('"“”a \n', max_size=30), st.booleans(), st.data())
def test_quotation_marks_add_up_wherever_the_prompt_ends(
    text: str, ended: bool, data: st.DataObject
) -> None:
    whole = quote_marks(Story("", text, ended))
    cut = data.draw(st.integers(0, len(text)))
    behind = quote_marks(Story(text[:cut], text[cut:], ended))
    assert 0 <= behind[0] <= behind[1] <= whole[1] <= len(re.findall('["“”]', text))
    assert behind[1] - behind[0] <= whole[1] - whole[0]
    assert whole[0] % 2 == 0
    waiting = quote_marks(Story("", text, True))[1] - whole[1]
    assert 0 <= waiting <= 2 * (not ended)


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTS), st.integers(0, 200), st.integers(1, 900))
def test_a_real_story_is_its_own_document(document: str, limit: int, characters: int) -> None:
    for story in real_stories([document], prompt_characters=limit, characters=characters):
        assert len(story.prompt) <= limit
        assert 0 < len(story.text) <= characters
        assert document.startswith(story.prompt + story.text)
        assert story.ended == (story.prompt + story.text == document)


def test_a_copy_of_real_stories_has_exactly_their_card() -> None:
    """A model that knows the documents by heart, asked for 600 characters and its end mark."""
    by_heart = {first_sentence(document, 80): document for document in DOCUMENTS}
    real = real_stories(by_heart.values(), prompt_characters=80, characters=600)
    copies = []
    for prompt in by_heart:
        said = (by_heart[prompt].removeprefix(prompt) + END_OF_TEXT)[:601]
        copies.append(
            Story(prompt, said.removesuffix(END_OF_TEXT)[:600], said.endswith(END_OF_TEXT))
        )
    assert len(copies) > 150
    assert story_card(copies, WORDS) == story_card(real, WORDS)


def test_the_card_of_the_excerpt() -> None:
    card = story_card(real_stories(DOCUMENTS), WORDS)
    assert card.stories == len(DOCUMENTS)
    expected: list[tuple[Share, float, float]] = [
        (card.repeated_4grams, 0.0, 0.03),
        (card.distinct_words, 0.6, 0.8),
        (card.names_kept, 0.9, 1.0),
        (card.closed_quotes, 0.97, 1.0),
        (card.ended, 0.75, 0.95),
    ]
    for share, least, most in expected:
        assert share.value is not None
        assert least <= share.value <= most


def test_intervals_are_those_of_stories_not_of_words() -> None:
    stories = [Story("", "yes yes yes yes", True), Story("", "no no no no", True)] * 20
    share = story_card(stories, {"yes"}).real_words
    assert counts(share) == (80, 160)
    assert share.interval is not None
    alone = wilson(20, 40)
    assert share.interval == pytest.approx(alone, abs=0.01)
    ended = story_card([Story("", "a", n < 3) for n in range(10)], WORDS).ended
    assert ended.interval == wilson(3, 10)


def test_nothing_to_count_is_said_not_divided() -> None:
    card = card_of("Once", "")
    assert card.real_words == Share(0, 0, None)
    assert str(card.real_words) == "–"
    assert str(card.ended) == "100.0 % [20.7, 100.0]"
    assert card.to_dict()["ended"]["part"] == 1
    empty = story_card([], WORDS)
    assert (empty.stories, empty.real_words, empty.ended) == (0, Share(0, 0), Share(0, 0))


def test_words_of_two_documents() -> None:
    texts = ["The cat’s hat.", "the CAT ran ran", "A hat."]
    assert words_of(texts) == {"the", "cat", "hat"}
    assert words_of(texts, least=1) == {"the", "cat", "hat", "ran", "a"}


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("A cat. A dog.", 80, "A cat."),
        ("  A cat!? A dog.", 80, "A cat!?"),
        ("Mr. Fox ran. He hid.", 80, "Mr. Fox ran."),
        ("He paid 3.50 then. Good.", 80, "He paid 3.50 then."),
        ('"Run!" he said. They ran.', 80, '"Run!"'),
        ("“Run!” he said.", 80, "“Run!”"),
        ("No end\nhere.", 80, "No end"),
        ("A big old cat sat.", 9, "A big old"),
        ("A big old cat sat.", 8, "A big"),
        ("Abracadabra.", 5, "Abrac"),
        ("", 5, ""),
    ],
)
def test_first_sentences(text: str, limit: int, expected: str) -> None:
    assert first_sentence(text, limit) == expected


def test_a_document_of_one_sentence_is_left_out() -> None:
    assert real_stories(["Just this. ", "This. And that."]) == [Story("This.", " And that.", True)]


def test_a_document_as_long_as_the_limit_has_ended() -> None:
    assert real_stories(["This. And that."], characters=10)[0].ended
    assert real_stories(["This. And that."], characters=9) == [Story("This.", " And that", False)]


def test_names_are_data_of_the_corpus() -> None:
    assert {"Lily", "Tom", "bird", "mom"} <= names()
    assert not names() & {"I", "Mr", "the", "said", "lily", "Mom"}
    assert 100 < len(names()) < 300
    assert [name_of(word) for word in ("Tom", "tom", "Mom", "table")] == ["Tom", "", "mom", ""]


def test_the_excerpt_is_small_licensed_and_whole() -> None:
    assert (EXCERPT / "stories.txt").stat().st_size < 210_000
    licence = (EXCERPT / "LICENCE.txt").read_text(encoding="utf-8")
    assert "CDLA-Sharing-1.0" in licence
    assert "2305.07759" in licence
    assert len(DOCUMENTS) == len(set(DOCUMENTS)) == 236
    assert all(document.strip() and "<|" not in document for document in DOCUMENTS)
