"""Networks that others made, continued by the engine: what PyTorch says of them."""

import pytest
import torch
from torch import nn

from lilliput.baselines.decoding import flat_of
from lilliput.baselines.symbols import Symbols
from lilliput.engine.binding import Engine, library
from lilliput.exam.decoded import Decoded
from lilliput.exam.reader import Reader
from lilliput.exam.speed import speed_of
from lilliput.exam.telling import tell_all
from lilliput.models.gpt import GPT
from lilliput.models.memory_gru import MemoryGRU
from lilliput.specs import GPTSpec, MemoryGRUSpec
from lilliput.specs.sampling import Sampling

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
SYMBOLS = [*"\nabcdefghi", " yes"]
WINDOW = 40


def llama() -> GPT:
    """As baselines.llama2c makes them: with Llama's shape and another epsilon."""
    network = GPT(GPTSpec(width=24, heads=6, kv_heads=3, layers=2), len(SYMBOLS), WINDOW)
    network.initialise(torch.Generator().manual_seed(1))
    # Small embeddings, so that the epsilon counts.
    with torch.no_grad():
        network.embedding.mul_(1e-3)
    for block in network.blocks:
        block.norm_1, block.norm_2 = nn.RMSNorm(24, eps=1e-5), nn.RMSNorm(24, eps=1e-5)
    network.norm = nn.RMSNorm(24, eps=1e-5)
    return network.eval()


def gru(attention: str) -> MemoryGRU:
    spec = MemoryGRUSpec(width=24, heads=6, attention=attention, tied=False)
    network = MemoryGRU(spec, len(SYMBOLS), WINDOW)
    network.initialise(torch.Generator().manual_seed(2))
    return network.eval()


@pytest.fixture(params=["llama", "none", "query"])
def reader(request: pytest.FixtureRequest) -> Reader:
    network = llama() if request.param == "llama" else gru(request.param)
    endless = request.param != "llama"
    return Reader(network, Symbols(SYMBOLS), WINDOW, (2,), (3,), endless=endless)


def by_engine(reader: Reader) -> Reader:
    content = flat_of(reader.network)
    assert content is not None
    return reader._replace(network=Decoded(reader.network, Engine(content)))


def test_the_same_stories_are_told(reader: Reader) -> None:
    prompts, how = ["abc", "def yes", "a", "ihg"] * 3, Sampling(temperature=0.9, top_p=0.95)
    one = tell_all(reader, prompts, sampling=how, characters=60)
    assert one == tell_all(by_engine(reader), prompts, sampling=how, characters=60)
    assert len({text for text, _ in one}) > 6


@torch.inference_mode()
def test_logits_are_pytorchs(reader: Reader) -> None:
    other = by_engine(reader).network
    ids_BT = torch.randint(1, len(SYMBOLS), (3, 20), generator=torch.Generator().manual_seed(3))
    expected_BV, _ = reader.network.extend(ids_BT, reader.network.begin(3))  # type: ignore[operator]
    logits_BV, _ = other.extend(ids_BT, other.begin(3))  # type: ignore[operator]
    torch.testing.assert_close(logits_BV, expected_BV, atol=1e-5, rtol=0.0)


def test_its_speed_is_the_engines(reader: Reader) -> None:
    speed = speed_of(by_engine(reader), "abc", pieces=20)
    assert (speed.by, speed.threads) == ("engine", 1)
    assert speed_of(reader, "abc", pieces=20).by == "PyTorch"
    assert speed.slowest <= speed.characters_per_second <= speed.fastest


def test_another_kind_of_network_is_left_to_pytorch() -> None:
    assert flat_of(nn.Linear(2, 2)) is None
