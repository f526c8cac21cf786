"""Specs hold what their types say, made in Python or read from a file; nothing else is let in."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lilliput.errors import SpecError
from lilliput.specs import (
    FAMILIES,
    ArithmeticSpec,
    GPTSpec,
    HFSpec,
    LinesSpec,
    MinGRUSpec,
    RunSpec,
    Stage,
    StoriesSpec,
    TrainingSpec,
    from_dict,
    to_dict,
)
from lilliput.specs.sampling import Sampling
from lilliput.specs.search import SearchSpec

WRONG: list[tuple[type[Any], dict[str, Any], str]] = [
    (ArithmeticSpec, {"rounding": "half_up"}, "rounding must be one of .*'half-up'.*; got 'half_u"),
    (ArithmeticSpec, {"operations": 3}, "operations must be text; got 3"),
    (ArithmeticSpec, {"weights": (1, "2", 1, 1)}, "weights must be a number; got '2'"),
    (GPTSpec, {"norm": "RMS"}, "norm must be one of 'rms', 'layer'; got 'RMS'"),
    (GPTSpec, {"mlp": "swish"}, "mlp must be one of 'swiglu'"),
    (GPTSpec, {"layers": 2.5}, "layers must be a whole number; got 2.5"),
    (GPTSpec, {"layers": True}, "layers must be a whole number; got True"),
    (GPTSpec, {"tied": 1}, "tied must be true or false; got 1"),
    (GPTSpec, {"rotary_base": math.inf}, "rotary_base must be a finite number; got inf"),
    (GPTSpec, {"rotary_base": 10**400}, "rotary_base must be a finite number"),
    (MinGRUSpec, {"width": "48"}, "width must be a whole number; got '48'"),
    (TrainingSpec, {"optimizer": "Muon"}, "optimizer must be one of 'muon', 'adamw'; got 'Muon'"),
    (TrainingSpec, {"precision": "fp16"}, "precision must be one of"),
    (TrainingSpec, {"dropout": False}, "dropout must be a number; got False"),
    (TrainingSpec, {"stages": ({"steps": 3},)}, "stages must be Stage; got"),
    (Stage, {"steps": 2.0}, "steps must be a whole number; got 2.0"),
    (StoriesSpec, {"text": "a.txt"}, "text must be a list; got 'a.txt'"),
    (LinesSpec, {"file": ["a.tsv"]}, "file must be text"),
    (HFSpec, {"name": "a/b", "lora": "4"}, "lora must be a whole number"),
    (SearchSpec, {"families": "gpt"}, "families must be a list; got 'gpt'"),
    (SearchSpec, {"seed": -1}, "seed must be from 0 to 2147483647; got -1"),
    (RunSpec, {"model": "gpt"}, "model must be GPTSpec or .*; got 'gpt'"),
    (RunSpec, {"task": {"kind": "lines"}}, "task must be ArithmeticSpec or "),
    (Sampling, {"top_k": 0.5}, "top_k must be a whole number; got 0.5"),
]


@pytest.mark.parametrize(("cls", "fields", "words"), WRONG)
def test_what_a_field_cannot_be(cls: type[Any], fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        cls(**fields)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_looks(family: str) -> None:
    with pytest.raises(SpecError, match=r"width must be a whole number; got 4\.0"):
        FAMILIES[family](width=4.0)  # type: ignore[arg-type]


def test_one_meaning_has_one_digest() -> None:
    ours = ArithmeticSpec(weights=[1, 2, 1, 1])  # type: ignore[arg-type]
    assert ours == ArithmeticSpec(weights=(1.0, 2.0, 1.0, 1.0))
    assert hash(ours)
    runs = [RunSpec(task=ours, training=TrainingSpec(clip=clip)) for clip in (2, 2.0)]
    assert runs[0].digest == runs[1].digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["gpt", "hf", "arithmetic", "stories", "lines", "0-9", 10**400, -(10**400)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner,
                                                                max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_no_json_is_read_with_a_bare_error(data: st.DataObject) -> None:
    """Whatever stands in a file, it makes a spec that can be named, or is refused in words."""
    cls = data.draw(st.sampled_from([RunSpec, SearchSpec, HFSpec, *FAMILIES.values()]))
    told = to_dict(cls(name="a/b") if cls is HFSpec else cls())
    inner = [told, *(value for value in told.values() if isinstance(value, dict))]
    table = data.draw(st.sampled_from(inner))
    table[data.draw(st.sampled_from(sorted(table)))] = data.draw(JSON)
    try:
        spec = from_dict(cls, told)
        assert from_dict(cls, to_dict(spec)) == spec
    except SpecError:
        pass


def test_a_kind_of_any_kind() -> None:
    for kind in ([], {}, None, 3):
        with pytest.raises(SpecError, match=r"RunSpec\.task of unknown kind"):
            from_dict(RunSpec, {"task": {"kind": kind}})
