"""From a spec to a model with its first numbers; knows the families and nothing of tasks."""

import torch

from lilliput.models.gpt import GPT
from lilliput.specs.model import ModelSpec


def build(spec: ModelSpec, vocabulary_size: int, context: int, seed: int = 0) -> GPT:
    """A model with first numbers drawn from `seed` alone; torch's global generator is not touched.

    Args:
        vocabulary_size: characters, end mark included.
        context: longest sequence, in characters.
    """
    assert spec.kind == "gpt"
    model = GPT(spec, vocabulary_size, context)
    model.initialise(torch.Generator().manual_seed(seed))
    return model
