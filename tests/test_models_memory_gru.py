"""The memory-gru family against the published model, its recurrence against plain autograd, and
texts longer than the window."""

import dataclasses

import pytest
import torch
from models_specs import IDS_BT, T, V, assert_close, lively
from published import Published
from torch import Tensor

from lilliput.baselines.tinystoriesgru import from_state_dict
from lilliput.errors import SpecError
from lilliput.models import recurrence
from lilliput.models.build import build
from lilliput.models.recurrence import Weights, recur, step
from lilliput.models.size import count_parameters
from lilliput.specs import MemoryGRUSpec


@pytest.mark.parametrize("heads", [0, 6])
def test_equals_the_published_model_with_its_gradients(heads: int) -> None:
    theirs = Published(V, 12, T, heads).lively(seed=3)
    ours = from_state_dict(theirs.state_dict(), V)
    expected = theirs(IDS_BT)
    actual = ours(IDS_BT)
    assert (actual - expected).abs().max() < 1e-5
    names = {
        "embedding": "token_emb.weight",
        "positions": "pos_emb.weight",
        "cell_hidden": "gru_cell.weight_hh",
        "bias_input": "gru_cell.bias_ih",
        "bias_hidden": "gru_cell.bias_hh",
        "priority_bias": "priority_gate.bias",
        "writer": "memory_writer.weight",
        "writer_bias": "memory_writer.bias",
        "norm.weight": "ln_f.weight",
        "head": "head.weight",
    }
    if heads:
        names |= {"qkv.weight": "attn.in_proj_weight", "out_bias": "attn.out_proj.bias"}
    mine, other = dict(ours.named_parameters()), dict(theirs.named_parameters())
    grads = torch.autograd.grad(actual.sin().sum(), [mine[name] for name in names])
    others = torch.autograd.grad(expected.sin().sum(), [other[name] for name in names.values()])
    for name, grad, expected_grad in zip(names, grads, others, strict=True):
        if expected_grad.norm() > 0:
            assert_close(grad, expected_grad, 1e-3)
        else:
            assert grad.norm() == 0, name


def test_published_sizes() -> None:
    attention = MemoryGRUSpec(width=96, heads=6, attention="query", tied=False)
    assert count_parameters(attention, 98, 256) == 201_507
    assert count_parameters(MemoryGRUSpec(width=124, tied=False), 98, 256) == 211_147


def drawn(steps: int, batch: int, width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(4)
    shapes = [(steps, batch, 3 * width), (steps, 3 * width), (batch, width), (batch, width)]
    shapes += [(3 * width, width)] * 2 + [(width,), (width, width), (width,), (width,), (1,)]
    return [
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in shapes
    ]


def plain(
    a_TBG: Tensor, offset_TG: Tensor, h: Tensor, m: Tensor, *weights: Tensor
) -> tuple[Tensor, ...]:
    """The recurrence as its formulas say, by autograd."""
    w, width = Weights(*weights), h.shape[1]
    hidden, memories = [], []
    for a, offset in zip(a_TBG, offset_TG, strict=True):
        a_rz, a_n = (a + offset + m @ w.memory_GH.T).split([2 * width, width], 1)
        w_rz, w_n = (h @ w.hidden_GH.T).split([2 * width, width], 1)
        r, z = torch.sigmoid(a_rz + w_rz).chunk(2, 1)
        h = (1 - z) * torch.tanh(a_n + r * (w_n + w.new_H)) + z * h
        p = torch.sigmoid(h @ w.priority_H + w.priority_1)[:, None]
        m = (1 - p) * m + p * torch.tanh(h @ w.writer_HH.T + w.writer_H)
        hidden.append(h)
        memories.append(m)
    return torch.stack(hidden), torch.stack(memories), h, m


def test_recurrence_has_the_states_and_gradients_of_its_formulas() -> None:
    inputs = drawn(steps=5, batch=3, width=4)
    a_TBG, offset_TG, h_BH, m_BH, *weights = inputs
    ours = recur(a_TBG, offset_TG, Weights(*weights), h_BH, m_BH)
    theirs = plain(*inputs)
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other, 1e-12)
    # Each output by itself and all at once: a gradient may be missing.
    for chosen in ((0,), (1,), (2,), (3,), (0, 1, 2, 3)):
        grads = []
        for outputs in (
            recur(a_TBG, offset_TG, Weights(*weights), h_BH, m_BH),
            plain(*inputs),
        ):
            total = sum((outputs[i].sin() * (i + 1)).sum() for i in chosen)
            grads.append(torch.autograd.grad(total, inputs))
        for mine, other in zip(*grads, strict=True):
            assert (mine - other).abs().max() < 1e-12


def test_one_step_equals_the_recurrence() -> None:
    a_TBG, offset_TG, h_BH, m_BH, *weights = (x.detach() for x in drawn(1, 3, 4))
    _, _, hidden, memory = recur(a_TBG, offset_TG, Weights(*weights), h_BH, m_BH)
    one = step(a_TBG[0] + offset_TG, Weights(*weights), h_BH, m_BH)
    assert_close(one[0], hidden, 1e-12)
    assert_close(one[1], memory, 1e-12)


def test_a_graph_is_gone_back_through_once() -> None:
    a_TBG, offset_TG, h_BH, m_BH, *weights = drawn(2, 3, 4)
    total = recur(a_TBG, offset_TG, Weights(*weights), h_BH, m_BH)[0].sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


@pytest.mark.parametrize("attention", ["none", "full"])
def test_pieces_of_a_window_make_no_difference(
    monkeypatch: pytest.MonkeyPatch, attention: str
) -> None:
    model = lively(MemoryGRUSpec(width=6, heads=2, attention=attention))  # type: ignore[arg-type]
    results = []
    for piece in (1, 4, T):
        monkeypatch.setattr(recurrence, "_PIECE", piece * 3 * 4 * 6 * 4)
        assert recurrence.piece_of(3, 6, 4) == piece
        logits_BTV = model(IDS_BT)
        grads = torch.autograd.grad(logits_BTV.square().sum(), list(model.parameters()))
        results.append((logits_BTV, *grads))
    for other in results[:2]:
        for mine, whole in zip(other, results[2], strict=True):
            assert_close(mine, whole, 1e-4)


LONG_BT = torch.randint(0, V, (2, 4 * T + 2), generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def told(spec: MemoryGRUSpec, cuts: list[int]) -> Tensor:
    """Logits (B, V) at the end of each stretch of a text that is longer than the window."""
    model = lively(spec)
    state, rows = model.begin(2), []
    for start, end in zip([0, *cuts], [*cuts, LONG_BT.shape[1]], strict=True):
        logits_BV, state = model.extend(LONG_BT[:, start:end], state)
        rows.append(logits_BV)
    return torch.stack(rows)


@pytest.mark.parametrize("positions", ["learned", "none"])
def test_query_equals_full_within_the_window_and_beyond(positions: str) -> None:
    spec = MemoryGRUSpec(width=6, heads=2, attention="full", positions=positions)  # type: ignore[arg-type]
    every = list(range(1, LONG_BT.shape[1]))
    full, query = (
        told(dataclasses.replace(spec, attention=attention), every)  # type: ignore[arg-type]
        for attention in ("full", "query")
    )
    assert_close(query, full)


@pytest.mark.parametrize("attention", ["none", "full", "query", "sigmoid"])
@pytest.mark.parametrize("positions", ["learned", "none"])
def test_a_long_text_may_be_read_in_any_stretches(attention: str, positions: str) -> None:
    spec = MemoryGRUSpec(width=6, heads=2, attention=attention, positions=positions)  # type: ignore[arg-type]
    every = told(spec, list(range(1, LONG_BT.shape[1])))
    cuts = [3, T, T + 1, 2 * T + 3]
    assert_close(told(spec, cuts), every[[*(cut - 1 for cut in cuts), -1]])


def test_positions_alone_slide_by_half_a_window() -> None:
    model = lively(MemoryGRUSpec(width=6))
    with torch.no_grad():
        logits_BV, _ = model.extend(LONG_BT[:, : T + 3], model.begin(2))
        # The later half of the first window, then what came after it.
        again_BTV = model(LONG_BT[:, T - T // 2 : T + 3])
    assert_close(logits_BV, again_BTV[:, -1])


def test_positions_of_a_sliding_window_are_numbered_from_its_start() -> None:
    """One step beyond the window, by the formulas: the oldest character is out, all others move."""
    model = lively(MemoryGRUSpec(width=6, heads=2, attention="query"))
    with torch.no_grad():
        _, state = model.extend(LONG_BT[:, :T], model.begin(2))
        hidden, memory = state.hidden_BH, state.memory_BH
        logits_BV, _ = model.extend(LONG_BT[:, T : T + 1], state)
        x_BTE = model.embedding[LONG_BT[:, 1 : T + 1]]
        theirs = torch.nn.MultiheadAttention(6, 2, batch_first=True)
        theirs.load_state_dict(
            {
                "in_proj_weight": model.qkv.weight,
                "in_proj_bias": model.qkv.bias,
                "out_proj.weight": model.out.weight,
                "out_proj.bias": model.out_bias,
            }
        )
        placed = x_BTE + model.positions
        context, _ = theirs(placed[:, -1:], placed, placed)
        cell = torch.nn.GRUCell(18, 6)
        cell.load_state_dict(
            {
                "weight_ih": torch.cat((model.cell_input, model.cell_memory), 1),
                "weight_hh": model.cell_hidden,
                "bias_ih": model.bias_input,
                "bias_hh": model.bias_hidden,
            }
        )
        hidden = cell(torch.cat((x_BTE[:, -1], context[:, 0], memory), 1), hidden)
        normed = torch.nn.functional.layer_norm(hidden, (6,), model.norm.weight, model.norm.bias)
    assert_close(logits_BV, normed @ model.embedding.T + model.head_bias)


def test_sigmoid_attention_is_a_sum_of_hidden_states() -> None:
    spec = MemoryGRUSpec(width=6, embedding=4, heads=2, attention="sigmoid", tied=False)
    model = lively(spec)
    placed = (model.embedding[IDS_BT] + model.positions) @ model.qkv.weight.T + model.qkv.bias
    q, k = placed.split(4, dim=2)
    # Without queries and keys every state counts half: sigmoid(0).
    plain_model = lively(spec)
    with torch.no_grad():
        plain_model.qkv.weight.zero_()
        plain_model.qkv.bias.zero_()
    state, rows = model.begin(3), []
    for t in range(T):
        _, state = model.extend(IDS_BT[:, t : t + 1], state)
        rows.append(state.hidden_BH)
    h = torch.stack(rows, 1)
    out = torch.zeros(3, T, 6)
    for n in range(2):
        for t in range(T):
            for s in range(t + 1):
                score = (q[:, t, 2 * n : 2 * n + 2] * k[:, s, 2 * n : 2 * n + 2]).sum(1) * 2**-0.5
                part = slice(3 * n, 3 * n + 3)
                out[:, t, part] += torch.sigmoid(score)[:, None] * h[:, s, part]
    assert_close(model(IDS_BT), model.norm(out) @ model.head.T + model.head_bias)
    halves = plain_model.norm(0.5 * h.cumsum(1)) @ plain_model.head.T + plain_model.head_bias
    assert_close(plain_model(IDS_BT), halves)


@torch.no_grad()
def test_without_attention_a_twentieth_of_the_memory_is_the_mean_of_the_anchors() -> None:
    """As published: M' = 0.95 M + 0.05 mean of all anchors, before each step that reads on."""
    model = lively(MemoryGRUSpec(width=6))
    names = [torch.tensor(name) for name in ([1, 2, 3], [4, 2])]
    _, state = model.extend(IDS_BT[:, :4], model.begin(3))
    mixed = anchored = state
    for kept in (1, 2):
        anchored = model.anchor(names[kept - 1], anchored)
        mean_H = torch.stack([model.embedding[name].mean(0) for name in names[:kept]]).mean(0)
        for t in (4, 5):
            ids_BT = IDS_BT[:, kept + t : kept + t + 1]
            memory_BH = 0.95 * mixed.memory_BH + 0.05 * mean_H
            expected_BV, mixed = model.extend(
                ids_BT, dataclasses.replace(mixed, memory_BH=memory_BH)
            )
            logits_BV, anchored = model.extend(ids_BT, anchored)
            assert_close(logits_BV, expected_BV, 1e-5)
            assert_close(anchored.memory_BH, mixed.memory_BH, 1e-5)
    assert (logits_BV - model.extend(ids_BT, state)[0]).abs().max() > 1e-3


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(SpecError, match="embedding 10 must be a multiple of heads 6"):
        MemoryGRUSpec(width=10, attention="query")
    with pytest.raises(SpecError, match="width 8 must be a multiple of heads 3"):
        MemoryGRUSpec(width=8, embedding=6, heads=3, attention="sigmoid", tied=False)
    with pytest.raises(SpecError, match="write --no-tied"):
        MemoryGRUSpec(width=8, embedding=6)
    with pytest.raises(SpecError, match="leash must be 0 or more; got -1"):
        MemoryGRUSpec(leash=-1.0)
    with pytest.raises(SpecError, match="positions must be one of 'learned', 'none'; got 'rotary'"):
        MemoryGRUSpec(positions="rotary")  # type: ignore[arg-type]
    model = build(MemoryGRUSpec(width=6), V, T)
    with pytest.raises(SpecError, match=f"{T + 1} characters are more than .* context of {T}"):
        model(torch.zeros(1, T + 1, dtype=torch.long))
    free = build(MemoryGRUSpec(width=6, positions="none"), V, T)
    assert free(torch.zeros(1, T + 1, dtype=torch.long)).shape == (1, T + 1, V)
