"""Cutting a trained gpt down: shapes fit, and what was nothing is lost without a trace."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_specs import IDS_BT, T, V, assert_close, gpt_specs, lively
from torch import Tensor, nn

from lilliput.errors import SpecError
from lilliput.models.build import build
from lilliput.models.cuts import CUTS, cut
from lilliput.models.shrink import shrink
from lilliput.models.size import count_parameters
from lilliput.specs import GPTSpec

SPEC = GPTSpec(layers=4, width=16, heads=4, hidden=10, bias=True, norm="layer")


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def shrunk(tensors: dict[str, Tensor], have: GPTSpec, want: GPTSpec) -> nn.Module:
    """A network of the smaller shape, filled."""
    model = build(want, V, T, seed=9)
    model.load_state_dict(shrink(tensors, have, want))
    return model


def assert_nothing_lost(tensors: dict[str, Tensor], have: GPTSpec, want: GPTSpec) -> None:
    whole = build(have, V, T, seed=9)
    whole.load_state_dict(tensors)
    small = shrunk(tensors, have, want)
    assert count_parameters(want, V, T) < count_parameters(have, V, T)
    with torch.no_grad():
        assert_close(small(IDS_BT), whole(IDS_BT), 1e-5)


@settings(max_examples=30, deadline=None)
@given(gpt_specs(), st.sampled_from(CUTS), st.integers(30, 95))
def test_every_cut_fills_its_shape(spec: GPTSpec, kind: str, percent: int) -> None:
    budget = count_parameters(spec, V, T) * percent // 100
    try:
        want = cut(spec, kind, budget, V, T)
    except SpecError:
        return
    assert count_parameters(want, V, T) <= budget
    shrunk(weights(lively(spec)), spec, want)(IDS_BT)


@settings(max_examples=15, deadline=None)
@given(gpt_specs())
def test_a_cut_to_the_same_shape_changes_nothing(spec: GPTSpec) -> None:
    tensors = weights(lively(spec))
    kept = shrink(tensors, spec, spec)
    for name, tensor in tensors.items():
        if name.endswith((".left", ".right")):
            continue
        torch.testing.assert_close(kept[name], tensor)
    with torch.no_grad():
        before, after = lively(spec)(IDS_BT), shrunk(tensors, spec, spec)(IDS_BT)
    assert_close(after, before, 1e-5)


@pytest.mark.parametrize("mlp", ["swiglu", "gelu", "relu"])
def test_neurons_that_nobody_reads_go_first(mlp: str) -> None:
    spec = replace(SPEC, mlp=mlp)
    tensors = weights(lively(spec))
    for layer in range(4):
        tensors[f"blocks.{layer}.down.weight"][:, [0, 3, 9 - layer]] = 0
    assert_nothing_lost(tensors, spec, replace(spec, hidden=7))


@pytest.mark.parametrize("kv_heads", [0, 2])
def test_heads_that_nobody_reads_go_first(kv_heads: int) -> None:
    spec = replace(SPEC, kv_heads=kv_heads)
    tensors = weights(lively(spec))
    for layer in range(4):
        out = tensors[f"blocks.{layer}.out.weight"].view(16, 4, 4)
        out[:, [layer % 2, 2 + layer // 2]] = 0  # one of each key head
    want = replace(spec, heads=2, head_width=4)
    assert_nothing_lost(tensors, spec, want)


def test_keys_that_are_alike_become_one() -> None:
    tensors = weights(lively(SPEC))
    for layer in range(4):
        for name in ("weight", "bias"):
            heads = tensors[f"blocks.{layer}.qkv.{name}"].view(12, 4, -1)
            heads[5], heads[7], heads[9], heads[11] = heads[4], heads[6], heads[8], heads[10]
    assert_nothing_lost(tensors, SPEC, replace(SPEC, kv_heads=2))


def test_ranks_that_are_not_used_go_first() -> None:
    low = replace(SPEC, rank=3)
    tensors = weights(lively(low))
    for layer in range(4):
        for name in ("qkv", "out", "up", "down"):
            matrix = f"blocks.{layer}.{name}"
            product = tensors.pop(f"{matrix}.left") @ tensors.pop(f"{matrix}.right")
            tensors[f"{matrix}.weight"] = product
    assert_nothing_lost(tensors, SPEC, low)


def test_blocks_that_are_alike_become_one() -> None:
    tensors = weights(lively(SPEC))
    for name in [name for name in tensors if name.startswith("blocks.0.")]:
        tensors[name.replace("blocks.0.", "blocks.2.")] = tensors[name]
    for name in [name for name in tensors if name.startswith("blocks.1.")]:
        tensors[name.replace("blocks.1.", "blocks.3.")] = tensors[name]
    assert_nothing_lost(tensors, SPEC, replace(SPEC, layers=2, loops=2))


def test_blocks_that_do_nothing_are_left_out() -> None:
    tensors = weights(lively(SPEC))
    for layer in (1, 2):
        for name in ("out.weight", "out.bias", "down.weight", "down.bias"):
            tensors[f"blocks.{layer}.{name}"].zero_()
    assert_nothing_lost(tensors, SPEC, replace(SPEC, layers=2))


@pytest.mark.parametrize(
    ("want", "words"),
    [
        (replace(SPEC, width=8), "width cannot be cut"),
        (replace(SPEC, mlp="gelu"), "mlp cannot be cut: it stays swiglu, not gelu"),
        (replace(SPEC, hidden=11), "mlp_width can be cut, not grown: 10 at most"),
        (replace(SPEC, heads=2), "--head-width 4"),
        (replace(SPEC, layers=3, loops=2), "4 layers x 1 loops"),
    ],
)
def test_what_is_no_cut_is_refused(want: GPTSpec, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        shrink(weights(lively(SPEC)), SPEC, want)


def test_a_cut_goes_no_further_than_it_must() -> None:
    size = count_parameters(replace(SPEC, hidden=7), V, T)
    assert cut(SPEC, "neurons", size, V, T) == replace(SPEC, hidden=7)
    assert cut(SPEC, "neurons", size - 1, V, T) == replace(SPEC, hidden=6)
    shared = cut(SPEC, "share", count_parameters(SPEC, V, T) - 1, V, T)
    assert (shared.layers, shared.loops) == (2, 2)
    with pytest.raises(SpecError, match="leads from this model down to"):
        cut(SPEC, "neurons", 300, V, T)
    with pytest.raises(SpecError, match="did you mean"):
        cut(SPEC, "neuron", 100, V, T)
