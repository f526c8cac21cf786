"""From a spec to a model with its first numbers; knows the families and nothing of tasks."""

import torch

from lilliput.models.gpt import GPT
from lilliput.models.gru import GRU
from lilliput.specs.model import GPTSpec, ModelSpec


def build(spec: ModelSpec, vocabulary_size: int, context: int, seed: int = 0) -> GPT | GRU:
    """A model with first numbers drawn from `seed` alone; torch's global generator is not touched.

    Args:
        vocabulary_size: characters, end mark included.
        context: longest sequence, in characters.
    """
    model: GPT | GRU
    if isinstance(spec, GPTSpec):
        model = GPT(spec, vocabulary_size, context)
    else:
        model = GRU(spec, vocabulary_size, context)
    model.initialise(torch.Generator().manual_seed(seed))
    return model
