"""Parameters and arithmetic of a model from its spec alone, and the shape for a budget.

Knows nothing of torch. E width, M MLP width, H hidden units, V characters, T positions.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from lilliput.errors import SpecError, nearest
from lilliput.models.size_recurrent import (
    memory_gru_flops,
    memory_gru_parameters,
    mingru_flops,
    mingru_parameters,
    recurrent_shapes,
)
from lilliput.specs.model import FAMILIES, GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec, ModelSpec


def count_parameters(spec: ModelSpec, vocabulary_size: int, context: int) -> int:
    """Unique trained numbers: ties and loops once, embeddings and learned positions included;
    sinusoidal and rotary tables have a closed form and are free."""
    if isinstance(spec, MemoryGRUSpec):
        return memory_gru_parameters(spec, vocabulary_size, context)
    if isinstance(spec, MinGRUSpec):
        return mingru_parameters(spec, vocabulary_size)
    if isinstance(spec, GRUSpec):
        # Six biases a unit: PyTorch's variant has two vectors of them.
        layers = _gru_matrices(spec) + spec.layers * 6 * spec.width
        head = 0 if spec.tied else vocabulary_size * spec.width
        return vocabulary_size * spec.embedding_width + layers + head
    norm = spec.width * (2 if spec.norm == "layer" and spec.bias else 1)
    matrices = sum(
        _matrix(spec, num_in, num_out) + (num_out if spec.bias else 0)
        for num_in, num_out in _matrices(spec)
    )
    positions = context * spec.width if spec.positions == "learned" else 0
    embeddings = vocabulary_size * spec.width * (1 if spec.tied else 2)
    return embeddings + positions + spec.layers * (2 * norm + matrices) + norm


def count_flops(spec: ModelSpec, vocabulary_size: int, context: int, length: int) -> int:
    """Floating-point operations of the matrix products of one forward pass over `length`
    characters with logits at each: two for a multiplication and its addition.

    Attention counts as the whole T x T square, as torch.utils.flop_counter counts it. Norms,
    activations, softmax, rotary angles, convolutions, biases and a memory-gru's priority are left
    out. What memory-gru works out once for each character of the vocabulary counts once.
    """
    windowed = isinstance(spec, GPTSpec) or (isinstance(spec, MemoryGRUSpec) and spec.windowed)
    if length > context and windowed:
        raise SpecError(f"length {length} is over the context of {context}; ask for less")
    if isinstance(spec, MemoryGRUSpec):
        return memory_gru_flops(spec, vocabulary_size, length)
    if isinstance(spec, MinGRUSpec):
        return mingru_flops(spec, vocabulary_size, length)
    logits = vocabulary_size * spec.width
    if isinstance(spec, GRUSpec):
        return 2 * length * (_gru_matrices(spec) + logits)
    matrices = sum(_matrix(spec, num_in, num_out) for num_in, num_out in _matrices(spec))
    attention = 2 * length * spec.attention_width
    return 2 * length * (spec.layers * spec.loops * (matrices + attention) + logits)


def solve_shape(
    family: str, num_parameters: int, vocabulary_size: int, context: int, **fixed: Any
) -> ModelSpec:
    """The largest shape of a family with at most `num_parameters`.

    A gpt has two layers below 100,000 parameters and more above; about four heads, more from a
    width of 256 up, and from a width of 32 up their size is a multiple of 4, for processors work on
    4 to 16 numbers at once (4 heads of 12 also learn more than 5 of 10, LOG.md); the width that
    leaves the MLP nearest to its usual proportion, and then the widest MLP that the budget allows.

    Args:
        fixed: fields of the family's spec that are given, such as layers=1 or positions="learned".

    Raises:
        SpecError: an unknown family or field, or a budget that even the smallest shape exceeds.
    """
    if family not in FAMILIES:
        raise SpecError(f"unknown family {family!r}" + nearest(family, FAMILIES))
    cls = FAMILIES[family]
    names = [field.name for field in dataclasses.fields(cls) if field.name != "kind"]
    for name in fixed:
        if name not in names:
            raise SpecError(f"unknown {cls.__name__} field {name!r}" + nearest(name, names))
    least, best, best_merit = 0, None, -math.inf
    for spec in _shapes(family, num_parameters, fixed):
        size = count_parameters(spec, vocabulary_size, context)
        least = min(size, least or size)
        if size > num_parameters:
            break
        merit = float(size)
        if isinstance(spec, GPTSpec) and not fixed.get("hidden"):
            usual = dataclasses.replace(spec, hidden=0).mlp_width
            spec = _widen(spec, num_parameters, vocabulary_size, context)
            merit = -abs(math.log(spec.hidden / usual))
        if merit >= best_merit:
            best, best_merit = spec, merit
    if best is None:
        raise SpecError(
            f"the smallest {family} of this kind has {least:,} parameters, over the budget of"
            f" {num_parameters:,}; ask for {least} or more, or fix fewer fields"
        )
    return best


def _gru_matrices(spec: GRUSpec) -> int:
    first = 3 * spec.width * (spec.embedding_width + spec.width)
    return first + (spec.layers - 1) * 3 * spec.width * 2 * spec.width


def _matrices(spec: GPTSpec) -> list[tuple[int, int]]:
    """Inputs and outputs of a block's matrices."""
    width, hidden = spec.width, spec.mlp_width
    return [
        (width, spec.attention_width + 2 * spec.num_kv_heads * spec.head_size),
        (spec.attention_width, width),
        (width, 2 * hidden if spec.mlp == "swiglu" else hidden),
        (hidden, width),
    ]


def _matrix(spec: GPTSpec, num_in: int, num_out: int) -> int:
    if 0 < spec.rank < min(num_in, num_out):
        return spec.rank * (num_in + num_out)
    return num_in * num_out


def _shapes(family: str, num_parameters: int, fixed: dict[str, Any]) -> Iterator[ModelSpec]:
    """Shapes by rising width, a gpt's MLP as narrow as it can be; at least one."""
    # A model has more parameters than its width; the rest is room for the smallest shape.
    widths = range(1, num_parameters + 8 * (fixed.get("heads") or fixed.get("kv_heads") or 1) + 2)
    if family in ("memory-gru", "mingru"):
        yield from recurrent_shapes(family, num_parameters, fixed)
        return
    if family == "gru":
        layers = 1 if num_parameters < 100_000 else 2
        embedding = fixed.get("embedding") if fixed.get("tied", True) else 0
        for width in [embedding] if embedding else widths:
            yield GRUSpec(**{"layers": layers, "width": width, **fixed})
            if "width" in fixed or "embedding" in fixed:
                return
        return
    layers = next((n for n, top in _DEPTHS if num_parameters < top), _DEPTHS[-1][0])
    shape = {"layers": layers, **fixed, "hidden": fixed.get("hidden") or 1}
    given = "width" in fixed
    found = False
    for width in [fixed["width"]] if given else widths:
        heads = _usual_heads(width, fixed, given)
        if heads:
            found = True
            yield GPTSpec(**{**shape, "width": width, "heads": heads})
    if not found:
        # Says which of the given fields do not go together.
        width = 2 * (fixed.get("heads") or fixed.get("kv_heads") or 1)
        yield GPTSpec(**{"width": width, "heads": 1, **shape})


_DEPTHS = ((2, 100_000), (3, 400_000), (4, 1_500_000), (6, 10_000_000), (12, 0))
"""Layers of a gpt, and the parameters up to which it has no more."""


def _usual_heads(width: int, fixed: dict[str, Any], any_size: bool) -> int:
    """The number of heads for a width; 0 if none of a sensible size divides it."""
    kv_heads = fixed.get("kv_heads") or 1
    step = 2 if fixed.get("positions", "rotary") == "rotary" else 1
    if "heads" in fixed:
        heads = int(fixed["heads"])
        if fixed.get("head_width"):
            return heads
        fits = width % (heads * step) == 0 and heads % kv_heads == 0
        return heads if fits else 0
    sizes = [size for size in range(step, width + 1, step) if width % (size * kv_heads) == 0]
    if not any_size and width >= 32:
        sizes = [size for size in sizes if size % 4 == 0 and 3 <= width // size <= 8]
    elif not any_size and width >= 4:
        sizes = [size for size in sizes if (6 if width >= 12 else 4) <= size <= 12]
    if not sizes:
        return 0
    usual = max(4.0, width / 64)
    return min((width // size for size in sizes), key=lambda heads: abs(math.log(heads / usual)))


def _widen(spec: GPTSpec, num_parameters: int, vocabulary_size: int, context: int) -> GPTSpec:
    """The same shape with the widest MLP within the budget."""
    low, high = 1, num_parameters
    while low < high:
        middle = (low + high + 1) // 2
        wider = dataclasses.replace(spec, hidden=middle)
        if count_parameters(wider, vocabulary_size, context) <= num_parameters:
            low = middle
        else:
            high = middle - 1
    return dataclasses.replace(spec, hidden=low)
