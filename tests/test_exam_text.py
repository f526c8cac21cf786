"""Laws of the exam of text: bits are those of the definition, whatever the window; adversaries get
what they deserve."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from text_toys import UNIFORM_BITS, VOCABULARY, Table, table_reader, uniform_reader
from torch import nn

from lilliput.errors import CharacterError, SpecError
from lilliput.exam import speed as timing
from lilliput.exam.anchors import Anchored
from lilliput.exam.bits import Bits, bits_of, nats_of
from lilliput.exam.context import ContextCurve, context_curve
from lilliput.exam.reader import Reader
from lilliput.exam.speed import RUNS, speed_of
from lilliput.exam.story import grade_stories
from lilliput.exam.telling import tell, tell_all
from lilliput.models.build import build
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec
from lilliput.specs.sampling import Sampling
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary

TEXTS = st.lists(st.text(alphabet="abcdefg ", min_size=1, max_size=40), min_size=1, max_size=6)
SIZE = len(VOCABULARY)


def chain() -> torch.Tensor:
    """Logits by which the letters follow one another: a, b, c ... g, a."""
    logits = torch.zeros(SIZE, SIZE)
    for number in range(SIZE):
        logits[number, number % (SIZE - 2) + 1] = 5.0
    return logits


@given(TEXTS, st.sampled_from([0, 2, 3, 8, 64]), st.sampled_from([(), (0,)]))
def test_a_uniform_guess_costs_the_logarithm_of_the_vocabulary(
    documents: list[str], window: int, start: tuple[int, ...]
) -> None:
    bits = bits_of(uniform_reader(window, start), documents)
    scored = [len(text) - (0 if start else 1) for text in documents]
    assert bits.characters_D.tolist() == scored
    assert bits.bits_D == pytest.approx([UNIFORM_BITS * n for n in scored], rel=1e-5)


@given(TEXTS, st.sampled_from([0, 2, 5, 64]))
def test_no_window_scores_a_piece_twice_or_leaves_one_out(
    documents: list[str], window: int
) -> None:
    """A network that looks back one piece costs the same in every window."""
    whole = bits_of(table_reader(chain()), documents).bits_D
    assert bits_of(table_reader(chain(), window), documents).bits_D == pytest.approx(
        whole, rel=1e-5
    )


def test_bits_by_hand() -> None:
    log_p = torch.log_softmax(chain(), dim=-1)
    by_hand = -(log_p[0, 1] + log_p[1, 2] + log_p[2, 4]) / math.log(2)
    bits = bits_of(table_reader(chain()), ["abd"])
    assert bits.bits_D[0] == pytest.approx(float(by_hand), rel=1e-5)
    assert bits.per_character == pytest.approx(float(by_hand) / 3, rel=1e-5)


@pytest.mark.parametrize("spec", [GPTSpec(layers=2, width=16, heads=2), GRUSpec(width=16)])
def test_windows_of_a_real_network(spec: GPTSpec | GRUSpec) -> None:
    """Within the window, batches and padding change nothing; beyond, each part stands alone."""
    network = build(spec, SIZE, 24, seed=3)
    reader = Reader(network, VOCABULARY, 24, (0,), (0,))
    texts = ["abc", "gfedcba", "a b c d e f g a b c d", "ab" * 30]
    ids = [VOCABULARY.encode(text) for text in texts]
    alone = np.array([nats_of(reader, [each])[0] for each in ids])
    assert nats_of(reader, ids) == pytest.approx(alone, rel=1e-5)
    with torch.inference_mode():
        sequence = torch.tensor([[0, *ids[2]]])
        log_p = torch.log_softmax(network(sequence[:, :-1]), dim=-1)
        by_hand = -log_p[0].gather(1, sequence[0, 1:, None]).sum()
    assert alone[2] == pytest.approx(float(by_hand), rel=1e-5)


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    inside = 0
    for _ in range(600):
        characters = chance.integers(200, 1_000, 80)
        bits = characters * (1.2 + 0.15 * chance.standard_normal(80))
        interval = Bits(bits, characters).interval()
        inside += interval.low <= 1.2 <= interval.high
    assert 0.92 <= inside / 600 <= 0.975


class Later(nn.Module):
    """Foretells `a`, surely from the fifth piece that it reads at once, and before at random."""

    def __init__(self) -> None:
        super().__init__()
        self.sure_V = nn.Parameter(50 * torch.eye(SIZE)[1])

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        late_T = torch.arange(ids_BT.shape[1]) >= 4
        return (late_T[:, None] * self.sure_V).expand(len(ids_BT), -1, -1)


@pytest.mark.parametrize("length", [5, 8, 9, 12, 30])
def test_windows_slide_by_half(length: int) -> None:
    """Behind the first four, every piece has at least half a window before it."""
    reader = Reader(Later(), VOCABULARY, 8, (0,), (0,))
    assert bits_of(reader, ["a" * length]).bits_D[0] == pytest.approx(4 * math.log2(SIZE))
    # In windows of four, nothing is ever late.
    assert bits_of(reader, ["a" * length], 4).bits_D[0] == pytest.approx(length * math.log2(SIZE))


def test_unknown_characters_are_refused() -> None:
    with pytest.raises(CharacterError, match="unknown character 'z'"):
        bits_of(uniform_reader(), ["abz"])


def test_effective_context_of_networks_that_look_back_one_piece_or_none() -> None:
    documents = ["abcdefg" * 8, "cdefgab" * 8]
    curve = context_curve(table_reader(chain()), documents)
    assert curve.windows == (4, 8, 16, 32, 57)
    assert curve.effective == 4
    assert curve.bits[0] == pytest.approx(curve.bits[-1])
    assert curve.characters_a_piece == 1
    network = build(GPTSpec(layers=1, width=8, heads=1), SIZE, 40, seed=1)
    assert context_curve(Reader(network, VOCABULARY, 40, (0,), (0,)), documents).windows[-1] == 40


def test_a_window_is_enough_within_one_per_cent_of_the_longest() -> None:
    windows = (4, 8, 16, 32)
    assert ContextCurve(windows, (1.03, 1.02, 1.009, 1.0), 2.5).effective == 16
    assert ContextCurve(windows, (1.03, 1.009, 1.02, 1.0), 2.5).effective == 8
    assert ContextCurve(windows, (1.3, 1.2, 1.011, 1.0), 2.5).effective_characters == 80


# Telling


def test_a_story_ends_at_its_end_mark_and_only_there() -> None:
    logits = chain()
    logits[7] = torch.eye(SIZE)[0] * 50  # after g comes the end
    reader = table_reader(logits)
    greedy = Sampling(temperature=0)
    assert "".join(tell(reader, "ab", sampling=greedy)) == "cdefg"
    assert tell_all(reader, ["ab", "e", "abc"], sampling=greedy, characters=100) == [
        ("cdefg", True),
        ("fg", True),
        ("defg", True),
    ]
    # Cut off, not ended; and ended where the mark comes right behind the last.
    assert tell_all(reader, ["ab"], sampling=greedy, characters=3) == [("cde", False)]
    assert tell_all(reader, ["ab"], sampling=greedy, characters=5) == [("cdefg", True)]


@pytest.mark.parametrize("spec", [GPTSpec(layers=2, width=16, heads=2), GRUSpec(width=16)])
def test_side_by_side_is_one_after_another(spec: GPTSpec | GRUSpec) -> None:
    reader = Reader(build(spec, SIZE, 60, seed=5), VOCABULARY, 60, (0,), (0,))
    prompts = ["a", "bcd", "gggggg a", "abc abc"]
    told = tell_all(reader, prompts, sampling=Sampling(temperature=0.8), seed=7, characters=30)
    for number, prompt in enumerate(prompts):
        sampling = Sampling(temperature=0.8)
        alone = "".join(tell(reader, prompt, sampling=sampling, seed=7 + number, pieces=60))
        assert alone[:30] == told[number][0]


def test_the_window_bounds_prompt_and_story() -> None:
    reader = uniform_reader(window=8)
    assert len("".join(tell(reader, "abc", sampling=Sampling(temperature=0.01)))) <= 4
    with pytest.raises(SpecError, match="prompt has 8 pieces; this model reads 8"):
        next(tell(reader, "abcdefg"))
    endless = reader._replace(endless=True, ends=())
    assert len("".join(tell(endless, "abcdefg", pieces=50))) == 50
    with pytest.raises(SpecError, match="needs a prompt"):
        next(tell(uniform_reader(start=()), ""))


def test_the_same_seed_tells_the_same() -> None:
    reader = uniform_reader()
    told = ["".join(tell(reader, "a", seed=seed, pieces=40)) for seed in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


def test_speed_counts_what_was_written() -> None:
    logits = chain()
    logits[:, 0] = 100.0  # it would always end, but the clock wants as much from everyone
    speed = speed_of(table_reader(logits), "abc", pieces=50)
    assert speed.pieces_per_second == pytest.approx(speed.characters_per_second)
    assert speed.prompt_pieces == 4
    assert speed.threads == 1
    assert speed_of(uniform_reader(window=10), "abc", pieces=50).pieces_per_second > 0


class Clock:
    """Each run takes as many seconds as it is told; what is timed asks twice a run."""

    def __init__(self, seconds: list[float]) -> None:
        ends = [second for n, own in enumerate(seconds) for second in (100.0 * n, 100.0 * n + own)]
        self.told = iter(ends)

    def perf_counter(self) -> float:
        return next(self.told)


def test_speed_is_the_median_of_five_runs_after_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "time", Clock([50.0, 4.0, 1.0, 25.0, 2.0, 5.0]))
    reader = table_reader(chain())
    begun = []
    monkeypatch.setattr(
        reader.network, "begin", lambda rows: begun.append(rows) or torch.zeros(1, 1)
    )
    speed = speed_of(reader, "abc", pieces=100)
    assert speed.runs == RUNS == 5
    assert len(begun) == 1 + 5
    assert speed.characters_per_second == speed.pieces_per_second == 100 / 4
    assert (speed.slowest, speed.fastest) == (100 / 25, 100 / 1)


@pytest.mark.parametrize("ends", [True, False])
def test_a_story_that_did_not_end_by_itself_is_marked(ends: bool) -> None:
    vocabulary, window = Vocabulary(END_OF_TEXT + "abcdefg ."), 12
    logits = torch.zeros(len(vocabulary), len(vocabulary))
    logits[:, 0 if ends else 1] = 90.0  # always the end, or never
    reader = Reader(Table(logits), vocabulary, window, (0,), (0,))
    graded = grade_stories(reader, {"tales": ["abc. bcd efg", "bcd. cde fga"]}, frozenset())
    room = window - len("<abc.")
    assert graded.stories == tuple(
        (prompt, "" if ends else "a" * room + "…") for prompt in ("abc.", "bcd.")
    )
    assert graded.card.ended.part == (2 if ends else 0)


# Anchors


@pytest.mark.parametrize("attention", ["none", "full", "query"])
def test_an_anchor_changes_what_is_told_after_it_and_nothing_before(attention: str) -> None:
    spec = MemoryGRUSpec(width=12, heads=2, attention=attention, tied=False)  # type: ignore[arg-type]
    network = build(spec, SIZE, 40, seed=4).eval()
    name = tuple(VOCABULARY.encode("abc"))
    anchored = Anchored(network, [name])

    def logits_after(model: nn.Module, text: str) -> torch.Tensor:
        state, found = model.begin(1), torch.empty(0)
        with torch.inference_mode():
            for number in VOCABULARY.encode(text):
                found, state = model.extend(torch.tensor([[number]]), state)
        return torch.as_tensor(found)

    for text in ("gfe", "gfeab", "gfeabc"):
        assert torch.allclose(logits_after(network, text), logits_after(anchored, text), atol=1e-6)
    assert not torch.allclose(
        logits_after(network, "abcd"), logits_after(anchored, "abcd"), atol=1e-4
    )
    # A prompt that is read at once keeps the same names as one that is read by and by.
    with torch.inference_mode():
        whole, state = anchored.extend(
            torch.tensor([VOCABULARY.encode("gabcd")]), anchored.begin(1)
        )
    assert state.kept == {name}
    by_and_by = logits_after(anchored, "gabcd")
    if attention == "none":
        # Without attention the memory is mixed at each character that is written, one at a time.
        assert whole.shape == by_and_by.shape
    else:
        assert torch.allclose(whole, by_and_by, atol=1e-5)


def test_full_and_query_keep_the_same_anchors() -> None:
    made = []
    for attention in ("full", "query"):
        spec = MemoryGRUSpec(width=12, heads=2, attention=attention, tied=False)  # type: ignore[arg-type]
        network = Anchored(build(spec, SIZE, 16, seed=4).eval(), [VOCABULARY.encode("ab")])
        reader = Reader(network, VOCABULARY, 16, (), (), True, 1)
        made.append("".join(tell(reader, "gab cd", sampling=Sampling(temperature=0), pieces=60)))
    assert made[0] == made[1]


def test_anchors_need_a_memory() -> None:
    network = build(MemoryGRUSpec(width=12, heads=2, attention="sigmoid"), SIZE, 16, seed=4)
    with pytest.raises(SpecError, match="anchors need a memory-gru with softmax attention"):
        network.anchor(torch.tensor([1]), network.begin(1))
