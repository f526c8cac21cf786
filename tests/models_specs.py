"""Small models with every option, drawn at random; for the tests of lilliput.models."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from lilliput.models.build import build
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec, ModelSpec

V, T = 7, 9
IDS_BT = torch.randint(0, V, (3, T), generator=torch.Generator().manual_seed(1))


def lively(spec: ModelSpec, seed: int = 0) -> torch.nn.Module:
    """A model whose every parameter matters: biases and gains are not at their first numbers."""
    model = build(spec, V, T, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return model


def assert_close(actual: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    """Relative to the size of the whole, since single logits may be near zero."""
    assert actual.shape == expected.shape
    error = ((actual - expected).norm() / expected.norm()).item()
    assert error < tolerance, f"relative error {error:.1e}"


@st.composite
def gpt_specs(draw: st.DrawFn) -> GPTSpec:
    kv_heads = draw(st.sampled_from([0, 1, 2]))
    heads = max(kv_heads, 1) * draw(st.sampled_from([1, 2]))
    positions = draw(st.sampled_from(["rotary", "learned", "sinusoidal", "none"]))
    head_size = draw(st.sampled_from([4, 6] if positions == "rotary" else [3, 4]))
    return GPTSpec(
        layers=draw(st.integers(1, 3)),
        loops=draw(st.integers(1, 3)),
        line_length=draw(st.sampled_from([0, 5])),
        width=heads * head_size,
        heads=heads,
        head_width=draw(st.sampled_from([0, 2, 8])),
        kv_heads=kv_heads,
        hidden=draw(st.sampled_from([0, 1, 5])),
        mlp=draw(st.sampled_from(["swiglu", "gelu", "gelu-erf", "relu", "relu2"])),
        norm=draw(st.sampled_from(["rms", "layer"])),
        positions=positions,
        rank=draw(st.sampled_from([0, 1, 2, 3])),
        tied=draw(st.booleans()),
        bias=draw(st.booleans()),
    )


@st.composite
def gru_specs(draw: st.DrawFn) -> GRUSpec:
    tied = draw(st.booleans())
    return GRUSpec(
        layers=draw(st.integers(1, 3)),
        width=draw(st.integers(1, 6)),
        embedding=0 if tied else draw(st.integers(0, 5)),
        tied=tied,
    )


@st.composite
def memory_gru_specs(draw: st.DrawFn) -> MemoryGRUSpec:
    tied = draw(st.booleans())
    attention = draw(st.sampled_from(["none", "full", "query", "sigmoid"]))
    heads = 1 if attention == "none" else draw(st.sampled_from([1, 2]))
    width = draw(st.integers(1, 3)) * heads
    return MemoryGRUSpec(
        width=width,
        embedding=0 if tied else draw(st.integers(0, 3)) * heads,
        attention=attention,
        heads=heads,
        positions=draw(st.sampled_from(["learned", "none"])),
        tied=tied,
    )


@st.composite
def mingru_specs(draw: st.DrawFn) -> MinGRUSpec:
    return MinGRUSpec(
        layers=draw(st.integers(1, 3)),
        width=draw(st.integers(1, 6)),
        state=draw(st.integers(0, 5)),
        convolution=draw(st.sampled_from([0, 1, 4])),
        hidden=draw(st.integers(0, 5)),
        tied=draw(st.booleans()),
    )


model_specs = st.one_of(gpt_specs(), gru_specs(), memory_gru_specs(), mingru_specs())
