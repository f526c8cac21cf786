"""Others' networks for the engine, where they are of one of its families; knows no file format."""

from torch import nn

from lilliput.engine.flat import flat
from lilliput.engine.limits import over_limit
from lilliput.models.card import Card
from lilliput.models.gpt import GPT
from lilliput.models.memory_gru import MemoryGRU
from lilliput.models.tensors import FileTensor
from lilliput.specs import RunSpec

_FIRST = 0xF0000
"""Of the private characters that stand for the pieces: their text is left to the vocabulary that
came with the network."""


def flat_of(network: nn.Module) -> bytes | None:
    """A network's flat weight file, in float32; None: the engine knows no such network."""
    if not isinstance(network, GPT | MemoryGRU) or network.vocabulary_size > 0xFFFF:
        return None
    if over_limit(network.spec, "float32"):
        return None
    tensors = {
        name: FileTensor(
            "F32", tuple(value.shape), memoryview(value.detach().cpu().numpy().tobytes())
        )
        for name, value in network.named_parameters()
    }
    characters = "".join(chr(_FIRST + number) for number in range(network.vocabulary_size))
    card = Card(
        spec=RunSpec(model=network.spec),
        characters=characters,
        end=characters[0],
        context=network.context,
        format={"kind": "stories"},
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    # Llama's epsilon is another in llama2.c.
    epsilon = getattr(network.norm, "eps", None)
    return flat(tensors, card, epsilon)
