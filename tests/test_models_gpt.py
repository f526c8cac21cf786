"""The gpt family against transformers' GPT-2 and Llama on the same weights; loops and ties."""

import dataclasses
import math

import pytest
import torch
import transformers
from models_specs import IDS_BT, T, V, assert_close, lively

from lilliput.models import attention
from lilliput.models.attention import SHORT
from lilliput.models.build import build
from lilliput.models.gpt import GPT
from lilliput.models.layers import RMSNorm, rotary_tables
from lilliput.specs import GPTSpec


def test_gpt2_setting_equals_transformers() -> None:
    spec = GPTSpec(
        layers=3, width=12, heads=3, positions="learned", norm="layer", mlp="gelu", bias=True
    )
    ours = lively(spec)
    config = transformers.GPT2Config(
        vocab_size=V,
        n_positions=T,
        n_embd=12,
        n_layer=3,
        n_head=3,
        bos_token_id=0,
        eos_token_id=0,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    weights = {
        "transformer.wte.weight": ours.embedding,
        "transformer.wpe.weight": ours.positions,
        "transformer.ln_f.weight": ours.norm.weight,
        "transformer.ln_f.bias": ours.norm.bias,
        "lm_head.weight": ours.embedding,
    }
    for i, block in enumerate(ours.blocks):
        names = {"ln_1": block.norm_1, "ln_2": block.norm_2, "attn.c_attn": block.qkv}
        names |= {"attn.c_proj": block.out, "mlp.c_fc": block.up, "mlp.c_proj": block.down}
        for name, part in names.items():
            # GPT-2's matrices are stored the other way round.
            weights[f"transformer.h.{i}.{name}.weight"] = part.weight.t()
            weights[f"transformer.h.{i}.{name}.bias"] = part.bias
    theirs.load_state_dict(weights)
    with torch.no_grad():
        assert_close(ours(IDS_BT), theirs(IDS_BT).logits)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("tied", [True, False])
def test_default_setting_equals_llama(kv_heads: int, tied: bool) -> None:
    spec = GPTSpec(layers=2, width=16, heads=4, kv_heads=kv_heads, hidden=20, tied=tied)
    ours = lively(spec)
    config = transformers.LlamaConfig(
        vocab_size=V,
        hidden_size=16,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        max_position_embeddings=T,
        rms_norm_eps=1e-6,
        rope_theta=spec.rotary_base,
        tie_word_embeddings=tied,
        attention_bias=False,
        mlp_bias=False,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=None,
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    weights = {
        "model.embed_tokens.weight": ours.embedding,
        "model.norm.weight": ours.norm.weight,
        "lm_head.weight": ours.embedding if tied else ours.head,
    }
    for i, block in enumerate(ours.blocks):
        q, k, v = block.qkv.weight.split([16, 4 * kv_heads, 4 * kv_heads])
        gate, up = block.up.weight.split([20, 20])
        names = {"self_attn.q_proj": q, "self_attn.k_proj": k, "self_attn.v_proj": v}
        names |= {"self_attn.o_proj": block.out.weight, "mlp.gate_proj": gate, "mlp.up_proj": up}
        names |= {"mlp.down_proj": block.down.weight, "input_layernorm": block.norm_1.weight}
        names |= {"post_attention_layernorm": block.norm_2.weight}
        for name, weight in names.items():
            weights[f"model.layers.{i}.{name}.weight"] = weight
    theirs.load_state_dict(weights)
    with torch.no_grad():
        assert_close(ours(IDS_BT), theirs(IDS_BT).logits)


@pytest.mark.parametrize("kv_heads", [1, 2])
def test_long_windows_equal_reading_one_by_one(kv_heads: int) -> None:
    """The attention of long windows takes another way than that of short ones."""
    length = 2 * SHORT + 3
    model = build(GPTSpec(layers=2, width=8, heads=2, kv_heads=kv_heads), V, length)
    ids_BT = torch.randint(0, V, (2, length), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        state, rows = model.begin(2), []
        for t in range(length):
            logits_BV, state = model.extend(ids_BT[:, t : t + 1], state)
            rows.append(logits_BV)
        assert_close(model(ids_BT), torch.stack(rows, dim=1))
        assert_close(model(ids_BT, first=SHORT), torch.stack(rows[SHORT:], dim=1))


def test_attention_by_hand_has_the_gradients_of_the_fused_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(3)
    # Scores of hundreds, so that a softmax without care would overflow.
    q, k, v = (
        (8 * torch.randn(heads, 3, T, 6, generator=generator, dtype=torch.float64)).requires_grad_()
        for heads in (4, 2, 2)
    )
    results = []
    for short in (0, T):
        monkeypatch.setattr(attention, "SHORT", short)
        out = attention.attend(q[:, :, 3:], k, v)
        results.append((out, *torch.autograd.grad(out.square().sum(), (q, k, v))))
    for by_hand, fused in zip(*results, strict=True):
        assert_close(by_hand, fused, 1e-9)


def test_turned_heads_have_the_gradient_of_the_turn() -> None:
    x_BTMH = torch.randn(2, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    rotary = rotary_tables(3, 4, 10.0)
    assert torch.autograd.gradcheck(lambda x: attention.to_heads(x, rotary), (x_BTMH,))


def test_rms_norm_equals_torchs_with_its_gradients() -> None:
    generator = torch.Generator().manual_seed(3)
    norm = RMSNorm(5).double()
    # Small numbers too, where the epsilon counts.
    sizes_B11 = torch.tensor([1e-4, 1.0, 100.0], dtype=torch.float64)[:, None, None]
    x_BTE = torch.randn(3, 4, 5, generator=generator, dtype=torch.float64) * sizes_B11
    x_BTE.requires_grad_()
    with torch.no_grad():
        norm.weight.normal_(generator=generator)
    results = [
        (y, *torch.autograd.grad((y.sin() * x_BTE.detach().cos()).sum(), (x_BTE, norm.weight)))
        for y in (norm(x_BTE), torch.nn.functional.rms_norm(x_BTE, (5,), norm.weight, 1e-6))
    ]
    for ours, theirs in zip(*results, strict=True):
        assert_close(ours, theirs, 1e-9)


def test_loops_go_through_the_same_weights_again() -> None:
    once, thrice = (lively(GPTSpec(layers=2, loops=loops), seed=5) for loops in (1, 3))
    shapes = [[tuple(p.shape) for p in model.parameters()] for model in (once, thrice)]
    assert shapes[0] == shapes[1]
    # Six blocks of which each holds a copy of the looped model's.
    unrolled = build(GPTSpec(layers=6), V, T)
    weights = thrice.state_dict()
    copies = {
        name.replace(f"blocks.{i}.", f"blocks.{2 * loop + i}."): value
        for name, value in weights.items()
        for i in range(2)
        for loop in range(3)
        if name.startswith(f"blocks.{i}.") or not name.startswith("blocks.")
    }
    unrolled.load_state_dict(copies)
    assert_close(thrice(IDS_BT), unrolled(IDS_BT))
    assert (thrice(IDS_BT) - once(IDS_BT)).norm() > 0.1 * once(IDS_BT).norm()


def test_without_positions_order_does_not_matter_and_with_them_it_does() -> None:
    swapped_BT = IDS_BT[:, [1, 0, *range(2, T)]]
    for positions in ("none", "learned", "sinusoidal", "rotary"):
        # One layer: in two, causality itself tells the order.
        model = lively(GPTSpec(layers=1, positions=positions))
        last, other = model(IDS_BT)[:, -1], model(swapped_BT)[:, -1]
        changed = ((last - other).norm() / last.norm()).item()
        assert changed < 1e-5 if positions == "none" else changed > 1e-3, positions


def test_first_logits_are_neither_flat_nor_steep() -> None:
    """The first loss is near that of a guess, whatever the depth."""
    for changes in ({}, {"layers": 8}, {"loops": 8}, {"rank": 4}, {"mlp": "gelu", "tied": False}):
        spec = dataclasses.replace(GPTSpec(width=24), **changes)
        losses = []
        for seed in range(5):
            model = build(spec, V, T, seed)
            assert isinstance(model, GPT)
            logits_BTV = model(IDS_BT[:, :-1])
            losses.append(
                torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1), IDS_BT[:, 1:].flatten())
            )
        assert 0.8 * math.log(V) < torch.stack(losses).mean().item() < 1.7 * math.log(V), changes
