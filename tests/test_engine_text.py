"""The engine's text: pieces as tasks.vocabulary has them, and draws from the same distribution."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lilliput.engine import flat
from lilliput.engine.binding import Engine, Text, library
from lilliput.errors import CharacterError
from lilliput.exam.decode import weights
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.specs import GRUSpec, RunSpec, StoriesSpec
from lilliput.specs.recipes import training_of
from lilliput.specs.sampling import Sampling
from lilliput.tasks.pieces import learn_merges
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
TALES = [
    'Tom said, "Hi  there!"\n\nThe cat, the café and the 12 naïve owls; the cat_9 ran to 9 7s.\n',
    "Once upon a time there was a cat. The cat sat on the mat, and the owl sat on the tree — “so”.",
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    characters = Vocabulary.of(TALES, END_OF_TEXT)
    merges = learn_merges(characters, len(characters) + 40, TALES)
    spec = GRUSpec(width=4)
    model = build(spec, len(characters) + len(merges), 8)
    model.initialise(torch.Generator().manual_seed(0))  # type: ignore[operator]
    path = tmp_path_factory.mktemp("text") / "m.safetensors"
    card = Card(
        spec=RunSpec(task=StoriesSpec(), model=spec, training=training_of("stories")),
        characters=characters.characters,
        merges=[list(pair) for pair in merges],
        end=END_OF_TEXT,
        context=8,
        format={"kind": "stories"},
        parameters=sum(p.numel() for p in model.parameters()),
    )
    modelfile.save(path, model, card)
    return Engine(flat.of_file(path))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    characters = Vocabulary.of(TALES, END_OF_TEXT)
    return Vocabulary(characters.characters, learn_merges(characters, len(characters) + 40, TALES))


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_text_has_the_same_pieces(
    engine: Engine, vocabulary: Vocabulary, data: st.DataObject
) -> None:
    words = st.sampled_from([*vocabulary.known, " the", " cat", "the", "  ", "\n", "owl", "12"])
    text = "".join(data.draw(st.lists(words, max_size=30)))
    ids = vocabulary.encode(text)
    assert engine.encode(text) == ids
    assert "".join(engine.decode(number) for number in ids) == text


def test_every_piece_is_spelled_alike(engine: Engine, vocabulary: Vocabulary) -> None:
    for number in range(len(vocabulary)):
        assert engine.decode(number) == vocabulary.decode([number])


@pytest.mark.parametrize("text", ["x?", "the \U0001f393", "日", "\x03"])
def test_unknown_characters_are_named(engine: Engine, text: str) -> None:
    with pytest.raises(CharacterError, match="unknown character"):
        engine.encode(text)


def test_a_megabyte_of_prompt_is_read(engine: Engine) -> None:
    ids = engine.encode("The cat sat. " * 80_000)
    assert len(ids) > 300_000
    text = engine.begin()
    text.read(ids)
    assert all(math.isfinite(logit) for logit in text.logits())


def read(engine: Engine) -> Text:
    text = engine.begin()
    text.read(engine.encode("the cat"))
    return text


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.5),
        Sampling(temperature=2.0, top_k=5),
        Sampling(top_p=0.6),
        Sampling(temperature=1.5, min_p=0.5),
        Sampling(temperature=0.8, top_k=20, top_p=0.9, min_p=0.05),
    ],
)
def test_pieces_are_drawn_as_often_as_pytorch_draws_them(
    engine: Engine, sampling: Sampling
) -> None:
    text, drawn, total = read(engine), Counter[int](), 4_000
    expected = weights(torch.tensor(text.logits()), sampling).tolist()
    for seed in range(total):
        text.restart(seed)
        text.read(engine.encode("the cat"))
        drawn[text.write(1, sampling)[0]] += 1
    assert all(expected[number] > 0 for number in drawn)
    # Pearson's statistic has a mean of one a degree of freedom, and a variance of two.
    degrees = sum(share > 0 for share in expected) - 1
    statistic = sum(
        (drawn[number] - total * share) ** 2 / (total * share)
        for number, share in enumerate(expected)
        if share > 0
    )
    assert statistic < degrees + 5 * math.sqrt(2 * degrees) + 1
