"""Parameters, arithmetic and shapes of memory-gru and mingru from the spec; see size.py.

Knows nothing of torch. E embedding or stream, H numbers remembered, V characters, T positions.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from lilliput.specs.model import MemoryGRUSpec, MinGRUSpec, ModelSpec


def memory_gru_parameters(spec: MemoryGRUSpec, vocabulary_size: int, context: int) -> int:
    width, embedding = spec.width, spec.embedding_width
    positions = context * embedding if spec.positions == "learned" else 0
    parts = _attention_parts(spec)
    attention = parts * (embedding**2 + embedding)
    inputs = embedding * (2 if spec.reads_context else 1)
    # PyTorch's cell has two vectors of biases.
    cell = 3 * width * (inputs + 2 * width) + 6 * width
    memory = width + 1 + width**2 + width
    head = vocabulary_size * (1 if spec.tied else width + 1)
    return vocabulary_size * embedding + positions + attention + cell + memory + 2 * width + head


def memory_gru_flops(spec: MemoryGRUSpec, vocabulary_size: int, length: int) -> int:
    """Of one forward pass; the embedding times a matrix once a character of the vocabulary,
    however often it occurs, and positions times a matrix apart from it."""
    width, embedding = spec.width, spec.embedding_width
    looked_up, placed = 3 * width * embedding, 0
    attended = 0
    if spec.attention == "none":
        placed = 3 * width * embedding
    else:
        qkv = embedding**2 * (3 if spec.reads_context else 2)
        looked_up, placed = looked_up + qkv, qkv
        values = embedding if spec.reads_context else width
        attended = length * (embedding + values)
    if spec.positions == "none":
        placed = 0
    context = 3 * width * embedding if spec.reads_context else 0
    # The output matrix and the cell's are multiplied with each other, once.
    folded = context * embedding
    step = 7 * width**2 + context + attended + vocabulary_size * width
    return 2 * (folded + vocabulary_size * looked_up + length * (placed + step))


def mingru_parameters(spec: MinGRUSpec, vocabulary_size: int) -> int:
    width, state = spec.width, spec.state_width
    block = 2 * width + width * spec.convolution + 2 * state + _block_matrices(spec)
    embeddings = vocabulary_size * width * (1 if spec.tied else 2)
    return embeddings + spec.layers * block + width


def mingru_flops(spec: MinGRUSpec, vocabulary_size: int, length: int) -> int:
    logits = vocabulary_size * spec.width
    return 2 * length * (spec.layers * _block_matrices(spec) + logits)


def recurrent_shapes(
    family: str, num_parameters: int, fixed: dict[str, Any]
) -> Iterator[ModelSpec]:
    """Shapes by rising width, at least one. A memory-gru with attention has six heads, as
    published, or as many as `fixed` says, and widths that they divide; a mingru has two layers, and
    three above 100,000 parameters."""
    widths: Sequence[int]
    if "width" in fixed:
        widths = [int(fixed["width"])]
    elif fixed.get("embedding") and fixed.get("tied", True):
        widths = [int(fixed["embedding"])]
    else:
        step = 1
        if fixed.get("attention", "none") != "none" and not (
            fixed.get("embedding") and fixed["attention"] != "sigmoid"
        ):
            step = int(fixed.get("heads", 6))
        widths = range(step, num_parameters + 2 * step, step)
    layers = 2 if num_parameters < 100_000 else 3
    for width in widths:
        if family == "memory-gru":
            yield MemoryGRUSpec(**{"width": width, **fixed})
        else:
            yield MinGRUSpec(**{"layers": layers, "width": width, **fixed})


def _attention_parts(spec: MemoryGRUSpec) -> int:
    """Square matrices of the attention: queries, keys, values and output."""
    if spec.attention == "none":
        return 0
    return 4 if spec.reads_context else 2


def _block_matrices(spec: MinGRUSpec) -> int:
    return spec.width * (3 * spec.state_width + 2 * spec.mlp_width)
