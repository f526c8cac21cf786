"""Smaller shapes that a trained gpt can be cut down to. Knows no weights."""

from collections.abc import Iterator
from dataclasses import replace

from lilliput.errors import SpecError, nearest
from lilliput.models.size import count_parameters
from lilliput.specs.model import GPTSpec

CUTS = ("neurons", "heads", "keys", "rank", "share", "drop")
"""Neurons of the MLP; whole heads; keys and values shared by several heads; matrices as products of
two; one block that stands for several passes; blocks left out."""


def cut(
    spec: GPTSpec, kind: str, num_parameters: int, vocabulary_size: int, context: int
) -> GPTSpec:
    """The largest shape within a number of parameters that one kind of cut leads to; neurons go too
    where that cut alone does not lead so far.

    Raises:
        SpecError: no such cut, or it does not lead so far.
    """
    if kind not in CUTS:
        raise SpecError(f"no cut {kind!r}" + nearest(kind, CUTS))
    last = spec
    for shape in _by_size(spec, kind):
        if count_parameters(shape, vocabulary_size, context) <= num_parameters:
            return shape
        last = shape
    for shape in _neurons(last):
        if count_parameters(shape, vocabulary_size, context) <= num_parameters:
            return shape
        last = shape
    least = count_parameters(last, vocabulary_size, context)
    raise SpecError(
        f"cutting {kind} leads from this model down to {least:,} parameters, not to"
        f" {num_parameters:,}: ask for a larger --smallest"
    )


def moves(have: GPTSpec, want: GPTSpec) -> dict[str, tuple[int, int]]:
    """The kinds of cut that lead from one shape to another, each with how many there were of what
    it cuts, and how many are left."""
    layers = (have.layers, want.layers)
    keys = (have.num_kv_heads, want.num_kv_heads)
    counts = {
        "neurons": (have.mlp_width, want.mlp_width),
        "heads": (have.heads, want.heads),
        # Where each head has keys of its own, they go with it.
        "keys": keys if keys != (have.heads, want.heads) else (0, 0),
        "rank": (have.rank or have.width, want.rank or want.width),
        "share": layers if want.loops != have.loops else (0, 0),
        "drop": layers if want.loops == have.loops else (0, 0),
    }
    return {kind: counts[kind] for kind in CUTS if counts[kind][0] != counts[kind][1]}


def least_of(spec: GPTSpec, vocabulary_size: int, context: int) -> int:
    """Parameters of a size that every kind of cut leads to."""
    return count_parameters(replace(spec, hidden=1), vocabulary_size, context)


def _by_size(spec: GPTSpec, kind: str) -> Iterator[GPTSpec]:
    """The model's own shape, then ever smaller ones."""
    yield spec
    if kind == "neurons":
        yield from _neurons(spec)
    elif kind == "heads":
        whole = replace(spec, head_width=spec.head_size)
        for heads in range(spec.heads - 1, 0, -1):
            if spec.num_kv_heads == spec.heads:
                yield replace(whole, heads=heads, kv_heads=0)
            elif heads % spec.num_kv_heads == 0:
                yield replace(whole, heads=heads)
    elif kind == "keys":
        for kv_heads in range(spec.num_kv_heads - 1, 0, -1):
            if spec.num_kv_heads % kv_heads == 0:
                yield replace(spec, kv_heads=kv_heads)
    elif kind == "rank":
        for rank in range((spec.rank or spec.width) - 1, 0, -1):
            yield replace(spec, rank=rank)
    elif kind == "share":
        for layers in range(spec.layers - 1, 0, -1):
            if spec.layers % layers == 0:
                yield replace(spec, layers=layers, loops=spec.loops * spec.layers // layers)
    else:
        for layers in range(spec.layers - 1, 0, -1):
            yield replace(spec, layers=layers)


def _neurons(spec: GPTSpec) -> Iterator[GPTSpec]:
    for hidden in range(spec.mlp_width - 1, 0, -1):
        yield replace(spec, hidden=hidden)
