"""Laws of vocabularies: text comes back, merges keep their order, unknown is named or mapped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilliput.errors import CharacterError, SpecError
from lilliput.tasks.pieces import learn_merges
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary, mapped, nearest_known, unknown, words

TEXT = (
    'The cat sat. "Hi," said the cat, and the cat sat down.\nThe end, said Tom, the cat\'s friend.'
)
CHARACTERS = Vocabulary.of([TEXT], END_OF_TEXT)


@pytest.fixture(scope="module")
def pieces() -> Vocabulary:
    merges = learn_merges(CHARACTERS, 64, [TEXT] * 3)
    return Vocabulary(CHARACTERS.characters, merges)


@given(st.text(alphabet=CHARACTERS.known, max_size=80))
def test_text_comes_back(pieces: Vocabulary, text: str) -> None:
    for vocabulary in (CHARACTERS, pieces):
        assert vocabulary.decode(vocabulary.encode(text)) == text
        assert 0 not in vocabulary.encode(text), "the end mark is never text"


@given(st.text(max_size=80))
def test_words_put_together_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


def test_pieces_are_those_of_the_library(pieces: Vocabulary) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

    names = [pieces.decode([number]) for number in range(len(pieces))]
    merges = [(names[left], names[right]) for left, right in pieces.merges]
    theirs = Tokenizer(BPE({name: n for n, name in enumerate(names)}, merges))
    for word in [*words(TEXT), "cathat", " satsaid", "ththe"]:
        assert pieces.encode(word) == theirs.encode(word).ids, word
    assert len(pieces.encode(TEXT)) < 0.8 * len(TEXT)
    assert len(pieces) <= 64


def test_merges_are_applied_in_their_order() -> None:
    # ab before bc: abc is (ab)c, whatever comes later in the text.
    vocabulary = Vocabulary(END_OF_TEXT + "abc", ((1, 2), (2, 3), (4, 3)))
    assert vocabulary.encode("abc") == [6]
    assert vocabulary.encode("bc") == [5]
    assert vocabulary.encode("aabcc") == [1, 6, 3]
    assert vocabulary.encode("ab c".replace(" ", "")) == [6]


@pytest.mark.parametrize(
    ("characters", "merges"),
    [("abc", ()), ("", ()), (END_OF_TEXT + "aa", ()), (END_OF_TEXT + "ab", ((1, 5),)),
     (END_OF_TEXT + "ab", ((0, 1),))],
)  # fmt: skip
def test_impossible_vocabularies(characters: str, merges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(SpecError, match=r"vocabulary opens|piece joins"):
        Vocabulary(characters, merges)


def test_unknown_characters() -> None:
    with pytest.raises(CharacterError, match="unknown character 'é' in 'café'"):
        CHARACTERS.encode("café")
    assert unknown("“café”", CHARACTERS.known) == ["“", "é", "”"]
    assert mapped("“café”", CHARACTERS.known) == '"cafe"'
    assert nearest_known("🐱", CHARACTERS.known) == " "
    assert nearest_known("Ö", "xo") == "o"
    assert nearest_known("x", "7") == "7"


def test_more_characters_than_pieces() -> None:
    with pytest.raises(SpecError, match="has no room for pieces"):
        learn_merges(Vocabulary(END_OF_TEXT + "".join(map(chr, range(200, 500)))), 256, ["x"])
