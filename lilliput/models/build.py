"""From a spec to a model with its first numbers; knows the families and nothing of tasks."""

import torch

from lilliput.models.gpt import GPT
from lilliput.models.gru import GRU
from lilliput.models.memory_gru import MemoryGRU
from lilliput.models.mingru import MinGRU
from lilliput.specs.model import GPTSpec, GRUSpec, MemoryGRUSpec, ModelSpec

Model = GPT | GRU | MemoryGRU | MinGRU


def build(spec: ModelSpec, vocabulary_size: int, context: int, seed: int = 0) -> Model:
    """A model with first numbers drawn from `seed` alone; torch's global generator is not touched.

    Args:
        vocabulary_size: characters, end mark included.
        context: longest sequence, in characters.
    """
    model: Model
    if isinstance(spec, GPTSpec):
        model = GPT(spec, vocabulary_size, context)
    elif isinstance(spec, GRUSpec):
        model = GRU(spec, vocabulary_size, context)
    elif isinstance(spec, MemoryGRUSpec):
        model = MemoryGRU(spec, vocabulary_size, context)
    else:
        model = MinGRU(spec, vocabulary_size, context)
    model.initialise(torch.Generator().manual_seed(seed))
    return model
