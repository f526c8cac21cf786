"""Counts from the spec equal the built model's; solved shapes are within the budget and fill it."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_specs import model_specs
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from lilliput.errors import SpecError
from lilliput.models.build import build
from lilliput.models.size import count_flops, count_parameters, solve_shape
from lilliput.specs import GPTSpec, MemoryGRUSpec, ModelSpec


@settings(deadline=None, max_examples=150)
@given(model_specs, st.integers(1, 9), st.integers(1, 9))
def test_parameters_are_those_of_the_built_model(
    spec: ModelSpec, vocabulary_size: int, context: int
) -> None:
    model = build(spec, vocabulary_size, context)
    unique = {p.data_ptr(): p.numel() for p in model.parameters()}
    assert len(unique) == len(list(model.parameters()))
    assert count_parameters(spec, vocabulary_size, context) == sum(unique.values())
    state = {name: value.numel() for name, value in model.state_dict().items()}
    assert sum(state.values()) == sum(unique.values()), "a model file would hold more"


@settings(deadline=None, max_examples=60)
@given(model_specs, st.integers(1, 9))
def test_flops_are_those_that_torch_counts(spec: ModelSpec, length: int) -> None:
    model = build(spec, 7, 9)
    # The fused attention of CPUs is unknown to the counter; its plain products are counted.
    plain = sdpa_kernel(SDPBackend.MATH)
    with plain, FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, length, dtype=torch.long))
    assert count_flops(spec, 7, 9, length) == counter.get_total_flops()


def test_ties_and_loops_are_counted_once() -> None:
    assert count_parameters(GPTSpec(tied=False), 17, 12) - count_parameters(GPTSpec(), 17, 12) == (
        17 * 24
    )
    assert count_parameters(GPTSpec(loops=5), 17, 12) == count_parameters(GPTSpec(), 17, 12)
    assert count_parameters(GPTSpec(positions="sinusoidal"), 17, 12) == count_parameters(
        GPTSpec(), 17, 12
    )


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["gpt", "gru", "memory-gru", "mingru"]),
    st.integers(1500, 60_000),
    st.integers(2, 90),
    st.data(),
)
def test_solved_shapes_fill_the_budget_and_never_exceed_it(
    family: str, budget: int, vocabulary_size: int, data: st.DataObject
) -> None:
    options: dict[str, dict[str, st.SearchStrategy[object]]] = {
        "gpt": {
            "layers": st.integers(1, 3),
            "loops": st.integers(1, 4),
            "positions": st.sampled_from(["none", "rotary", "sinusoidal"]),
            "mlp": st.sampled_from(["gelu", "swiglu"]),
            "heads": st.integers(1, 4),
            "rank": st.integers(0, 4),
            "bias": st.booleans(),
        },
        "gru": {"layers": st.integers(1, 3), "tied": st.booleans()},
        "memory-gru": {
            "attention": st.sampled_from(["none", "full", "query", "sigmoid"]),
            "heads": st.integers(1, 4),
            "positions": st.sampled_from(["learned", "none"]),
            "tied": st.booleans(),
        },
        "mingru": {
            "layers": st.integers(1, 3),
            "state": st.integers(0, 20),
            "convolution": st.integers(0, 4),
            "tied": st.booleans(),
        },
    }
    fixed = data.draw(st.fixed_dictionaries({}, optional=options[family]))
    try:
        spec = solve_shape(family, budget, vocabulary_size, 12, **fixed)
    except SpecError:
        # Only wide alphabets with small budgets; otherwise there is room.
        assert vocabulary_size * 2 * 4 > budget / 3
        return
    size = count_parameters(spec, vocabulary_size, 12)
    assert size <= budget
    assert {name: getattr(spec, name) for name in fixed} == fixed
    if isinstance(spec, GPTSpec):
        larger: ModelSpec = dataclasses.replace(spec, hidden=spec.hidden + 1)
    else:
        step = 1
        if isinstance(spec, MemoryGRUSpec) and spec.attention != "none":
            step = spec.heads
        larger = dataclasses.replace(spec, width=spec.width + step)
    assert count_parameters(larger, vocabulary_size, 12) > budget


def test_shapes_have_sensible_proportions() -> None:
    for budget in (4_000, 12_000, 25_000, 60_000, 99_000):
        spec = solve_shape("gpt", budget, 18, 12)
        assert isinstance(spec, GPTSpec)
        assert spec.layers == 2
        assert spec.head_size % 4 == 0 if spec.width >= 32 else 4 <= spec.head_size <= 12
        assert 2 <= spec.heads <= 8
        assert 1.5 < spec.hidden / spec.width < 4.5
        assert count_parameters(spec, 18, 12) > 0.97 * budget
    deep = solve_shape("gpt", 2_000_000, 18, 12)
    assert deep.layers > 2


def test_given_fields_are_honoured() -> None:
    spec = solve_shape("gpt", 12_000, 18, 12, width=24, hidden=40, heads=2)
    assert spec == GPTSpec(width=24, hidden=40, heads=2)
    spec = solve_shape("gpt", 12_000, 18, 12, layers=1, loops=4, kv_heads=2)
    assert isinstance(spec, GPTSpec)
    assert (spec.layers, spec.loops, spec.kv_heads) == (1, 4, 2)


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(SpecError, match=r"smallest gpt of this kind has 90 .* ask for 90 or more"):
        solve_shape("gpt", 89, 18, 12)
    assert count_parameters(solve_shape("gpt", 90, 18, 12), 18, 12) == 90
    with pytest.raises(SpecError, match="smallest gru of this kind has 30 parameters"):
        solve_shape("gru", 10, 18, 12)
    with pytest.raises(SpecError, match="unknown family 'gtp'; did you mean 'gpt'"):
        solve_shape("gtp", 1000, 18, 12)
    with pytest.raises(SpecError, match="unknown GPTSpec field 'widht'; did you mean 'width'"):
        solve_shape("gpt", 1000, 18, 12, widht=3)
    with pytest.raises(SpecError, match="over the budget of 1,000"):
        solve_shape("gpt", 1000, 18, 12, width=24)
    with pytest.raises(SpecError, match="heads 3 must be a multiple of kv_heads 2"):
        solve_shape("gpt", 9000, 18, 12, heads=3, kv_heads=2)
    with pytest.raises(SpecError, match="even head size"):
        solve_shape("gpt", 9000, 18, 12, width=25)


def test_sizes_do_not_import_torch() -> None:
    code = "import lilliput.models.size, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
