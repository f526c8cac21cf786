"""Sampling: each filter keeps what its definition says, never loses the likeliest, and comes before
the temperature; what was drawn before there were filters is drawn still."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import MinPLogitsWarper, TopPLogitsWarper

from lilliput.errors import SpecError
from lilliput.exam.decode import draw, sample, weights
from lilliput.specs.sampling import PLAIN, Sampling

# Probabilities 8/15, 4/15, 2/15, 1/15, out of order.
HALVES = torch.tensor([2.0, 8.0, 1.0, 4.0]).log()

logits = st.lists(st.floats(-20, 20), min_size=1, max_size=12).map(torch.tensor)
samplings = st.builds(
    Sampling,
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 14),
    top_p=st.floats(0, 1, exclude_min=True),
    min_p=st.floats(0, 1, exclude_max=True),
)


def kept(logits_V: Tensor, **fields: float) -> set[int]:
    """Tokens that have a probability left."""
    return set(weights(logits_V, Sampling(**fields)).nonzero().flatten().tolist())  # type: ignore[arg-type]


@settings(deadline=None)  # torch's first calls may take a second
@given(logits, st.floats(0.1, 5))
def test_without_filters_it_is_the_softmax(logits_V: Tensor, temperature: float) -> None:
    expected = torch.softmax(logits_V.double() / temperature, 0).float()
    made = weights(logits_V, Sampling(temperature=temperature))
    torch.testing.assert_close(made, expected)
    nothing = Sampling(temperature=temperature, top_k=len(logits_V), top_p=1.0, min_p=0.0)
    assert torch.equal(weights(logits_V, nothing), made)


@settings(deadline=None)
@given(logits, samplings)
def test_the_likeliest_is_never_lost(logits_V: Tensor, sampling: Sampling) -> None:
    made = weights(logits_V, sampling)
    assert float(made.sum()) == pytest.approx(1, abs=1e-5)
    assert float(made[logits_V.argmax()]) == float(made.max()) > 0


@settings(deadline=None)
@given(logits, samplings)
def test_what_is_left_keeps_its_proportions(logits_V: Tensor, sampling: Sampling) -> None:
    made = weights(logits_V, sampling).double()
    plain = torch.softmax(logits_V.double() / sampling.temperature, 0)
    left = made > 0
    torch.testing.assert_close(made[left], plain[left] / plain[left].sum(), rtol=1e-4, atol=1e-6)
    # Nothing that was taken is likelier than what was kept.
    assert (
        not (~left).any()
        or logits_V[~left].max() <= logits_V[left].min()
        or (plain[~left].max() < 1e-30)
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 3}, {1, 3, 0}),
        ({"top_p": 0.5}, {1}),  # 8/15 is more than half
        ({"top_p": 0.54}, {1, 3}),
        ({"top_p": 0.79}, {1, 3}),  # 12/15 is 0.8
        ({"top_p": 0.81}, {1, 3, 0}),
        ({"top_p": 0.94}, {0, 1, 2, 3}),  # 14/15 is 0.933
        ({"top_p": 1e-9}, {1}),
        ({"min_p": 0.2}, {1, 3, 0}),  # 1/8 of the likeliest is too little, 1/4 is not
        ({"min_p": 0.26}, {1, 3}),
        ({"min_p": 0.999}, {1}),
        # Of the two that top_k leaves, the first has 8/12: enough for 0.6, though 8/15 is not.
        ({"top_k": 2, "top_p": 0.6}, {1}),
        ({"top_p": 0.6}, {1, 3}),
    ],
)
def test_filters_by_hand(fields: dict[str, float], expected: set[int]) -> None:
    assert kept(HALVES, **fields) == expected


@pytest.mark.parametrize("temperature", [0.1, 1.0, 4.0])
def test_the_temperature_comes_last(temperature: float) -> None:
    """Heat flattens what is left to choose from, and neither brings back nor takes away."""
    for fields in ({"top_p": 0.79}, {"min_p": 0.26}, {"top_k": 2}):
        assert kept(HALVES, temperature=temperature, **fields) == {1, 3}
    made = weights(HALVES, Sampling(temperature=temperature, top_p=0.79))
    assert float(made[1] / made[3]) == pytest.approx(2 ** (1 / temperature), rel=1e-5)


def test_tokens_as_likely_as_the_last_are_kept_too() -> None:
    even = torch.zeros(4)
    assert kept(even, top_p=0.1) == kept(even, top_k=1) == kept(even, min_p=0.9) == {0, 1, 2, 3}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_top_p_and_min_p_keep_what_transformers_keeps(seed: int, share: float) -> None:
    logits_V = 3 * torch.randn(50, generator=torch.Generator().manual_seed(seed))
    ids = torch.zeros(1, 1, dtype=torch.long)
    for warper, field in ((TopPLogitsWarper(share), "top_p"), (MinPLogitsWarper(share), "min_p")):
        theirs = warper(ids, logits_V[None].clone())[0].isfinite().nonzero().flatten().tolist()
        assert kept(logits_V, **{field: share}) == set(theirs)


def test_greedy_asks_no_filter_and_no_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    assert draw(HALVES, Sampling(temperature=0, top_p=0.5), generator) == 1
    assert torch.equal(generator.get_state(), state)


def test_draws_of_old_seeds_are_the_same() -> None:
    """Golden: drawn before top_p and min_p were there. A change breaks every published sample."""
    logits_V = torch.linspace(-2, 2, 9).sin() * 3
    generator = torch.Generator().manual_seed(11)
    sampling = Sampling(temperature=0.8, top_k=5)
    assert [draw(logits_V, PLAIN, generator) for _ in range(12)] == GOLDEN_PLAIN
    assert [draw(logits_V, sampling, generator) for _ in range(12)] == GOLDEN_TOP_K


GOLDEN_PLAIN = [7, 6, 8, 6, 7, 6, 7, 5, 8, 6, 8, 6]
GOLDEN_TOP_K = [8, 8, 7, 8, 6, 8, 6, 8, 8, 7, 7, 8]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"temperature": -0.1}, "temperature must be 0 or more; got -0.1"),
        ({"temperature": math.inf}, "temperature must be a finite number; got inf"),
        ({"temperature": math.nan}, "temperature must be a finite number; got nan"),
        ({"top_k": -1}, "top-k must be 0 .all. or more; got -1"),
        ({"top_p": 0.0}, "top-p must be above 0 and at most 1 .all.; got 0"),
        ({"top_p": 1.5}, "got 1.5"),
        ({"top_p": math.nan}, "got nan"),
        ({"min_p": -0.5}, "min-p must be from 0 .all. to below 1; got -0.5"),
        ({"min_p": 1.0}, "got 1"),
        ({"min_p": math.nan}, "got nan"),
    ],
)
def test_impossible_values_are_refused(fields: dict[str, float], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Sampling(**fields)  # type: ignore[arg-type]


class Syllables:
    """A vocabulary whose tokens are of several characters; its ends are 3 and 4."""

    tokens = ("la", "lo", "li", "<end>", "<stop>")

    def encode(self, text: str) -> list[int]:
        return [self.tokens.index(text[i : i + 2]) for i in range(0, len(text), 2)]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.tokens[number] for number in ids)


class Counting(nn.Module):
    """Says the token after the last one, whatever came before."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def begin(self, rows: int) -> None:
        return None

    def extend(self, ids_BT: Tensor, state: None) -> tuple[Tensor, None]:
        logits_BV = torch.full((len(ids_BT), 5), -50.0)
        logits_BV[torch.arange(len(ids_BT)), (ids_BT[:, -1] + 1) % 5] = 50.0
        return logits_BV, state


@pytest.mark.parametrize(
    ("prompt", "ends", "limit", "expected"),
    [
        ("la", (3, 4), 20, ["lo", "li", "<end>"]),
        ("la", (4,), 20, ["lo", "li", "<end>", "<stop>"]),
        ("lala", (3,), 4, ["lo", "li"]),
        ("lo", (0,), 20, ["li", "<end>", "<stop>", "la"]),
        ("la", (), 8, ["lo", "li", "<end>", "<stop>", "la", "lo", "li"]),
        ("lalo", (3,), 2, []),
    ],
)
def test_longer_tokens_and_any_ends(
    prompt: str, ends: tuple[int, ...], limit: int, expected: list[str]
) -> None:
    pieces = sample(Counting(), Syllables(), prompt, limit=limit, ends=ends)
    assert list(pieces) == expected
