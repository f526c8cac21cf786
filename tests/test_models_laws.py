"""Laws of every family: causality, prefix and rest, last positions alone, seeds."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_specs import IDS_BT, T, V, assert_close, gpt_specs, lively, model_specs
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.models.build import build
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec, ModelSpec


@settings(deadline=None, max_examples=60)
@given(model_specs, st.integers(0, T - 1), st.integers(1, T - 1))
def test_later_characters_follow_from_earlier_ones_alone(
    spec: ModelSpec, position: int, first: int
) -> None:
    model = lively(spec)
    model.double()
    seen: list[Tensor] = []
    embed = torch.nn.functional.embedding

    def watched(ids: Tensor, table: Tensor) -> Tensor:
        x = embed(ids, table.detach()).requires_grad_()
        seen.append(x)
        return x

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "embedding", watched)
        logits_BSV = model(IDS_BT, first=min(first, position))
    weights_V = torch.arange(1.0, V + 1, dtype=torch.float64)
    (logits_BSV[:, position - min(first, position)].sin() @ weights_V).sum().backward()
    # A memory-gru looks characters up for its cell, steps first, and for its attention.
    gradient_BT = torch.zeros(IDS_BT.shape)
    for x in seen:
        gradient = torch.zeros(*x.shape) if x.grad is None else x.grad
        gradient_BT += (
            (gradient if len(x) == len(IDS_BT) else gradient.transpose(0, 1)).abs().amax(2)
        )
    assert (gradient_BT[:, position + 1 :] == 0).all()
    # A norm over one number passes no gradient on.
    if spec.width > 2:
        own_and_earlier = gradient_BT[:, : position + 1]
        assert (own_and_earlier > 0).any(1).all()
        if not isinstance(spec, GPTSpec) or spec.mlp != "relu":
            assert (own_and_earlier > 0).all()


@settings(deadline=None, max_examples=80)
@given(model_specs, st.lists(st.integers(1, T - 1), max_size=4))
def test_prefix_then_rest_equals_all_at_once(spec: ModelSpec, cuts: list[int]) -> None:
    model = lively(spec)
    edges = [0, *sorted(set(cuts)), T]
    with torch.no_grad():
        whole_BTV = model(IDS_BT)
        state = model.begin(len(IDS_BT))
        for start, end in itertools.pairwise(edges):
            logits_BV, state = model.extend(IDS_BT[:, start:end], state)
            assert_close(logits_BV, whole_BTV[:, end - 1])


@settings(deadline=None, max_examples=60)
@given(model_specs, st.integers(0, T - 1))
def test_last_positions_alone_equal_those_of_all(spec: ModelSpec, first: int) -> None:
    model = lively(spec)
    part = model(IDS_BT, first=first)
    assert_close(part, model(IDS_BT)[:, first:])
    # Training takes gradients through this path.
    whole_grads = torch.autograd.grad(
        model(IDS_BT)[:, first:].square().sum(), list(model.parameters()), allow_unused=True
    )
    part_grads = torch.autograd.grad(
        part.square().sum(), list(model.parameters()), allow_unused=True
    )
    kept = [(p, w) for p, w in zip(part_grads, whole_grads, strict=True) if w is not None]
    assert_close(
        torch.cat([torch.zeros(w.numel()) if p is None else p.flatten() for p, w in kept]),
        torch.cat([w.flatten() for _, w in kept]),
        1e-3,
    )


@settings(deadline=None, max_examples=20)
@given(model_specs)
def test_first_numbers_come_from_the_seed_alone(spec: ModelSpec) -> None:
    before = torch.get_rng_state()
    one, same, other = build(spec, V, T, 3), build(spec, V, T, 3), build(spec, V, T, 4)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(one.parameters(), same.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.embedding, other.embedding)


@settings(deadline=None, max_examples=20)
@given(gpt_specs())
def test_a_gpt_refuses_more_than_its_context(spec: GPTSpec) -> None:
    model = build(spec, V, T)
    with pytest.raises(SpecError, match=f"{T + 1} characters are more than .* context of {T}"):
        model(torch.zeros(1, T + 1, dtype=torch.long))
    _, state = model.extend(IDS_BT, model.begin(3))
    with pytest.raises(SpecError, match="shorten the text"):
        model.extend(IDS_BT[:, :1], state)


def test_rows_of_a_batch_do_not_meet() -> None:
    for spec in (GPTSpec(), GRUSpec(), MemoryGRUSpec(attention="query"), MinGRUSpec()):
        model = build(spec, V, T)
        assert_close(torch.cat([model(row[None]) for row in IDS_BT]), model(IDS_BT))


@pytest.mark.parametrize(
    "spec",
    [
        GRUSpec(width=12),
        MemoryGRUSpec(width=12),
        MemoryGRUSpec(width=12, heads=2, attention="query"),
        MemoryGRUSpec(width=12, heads=2, attention="sigmoid"),
        MinGRUSpec(width=12),
    ],
)
def test_recurrent_families_train_and_read_in_half_precision(spec: ModelSpec) -> None:
    model = lively(spec)
    whole, grads = model(IDS_BT), []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = model(IDS_BT).float().square().mean()
        grads.append(torch.autograd.grad(loss, model.embedding)[0])
    assert_close(grads[1], grads[0], 0.05)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        state = model.begin(len(IDS_BT))
        for t in range(T):
            logits_BV, state = model.extend(IDS_BT[:, t : t + 1], state)
            assert_close(logits_BV.float(), whole[:, t], 0.05)
