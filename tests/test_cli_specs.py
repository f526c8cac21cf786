"""What flags make of a spec: what a format needs is there, and what has no effect is refused."""

import shlex

import pytest

from lilliput.faces import cli_train
from lilliput.faces.cli_flags import given, parse
from lilliput.faces.train_spec import spec_from
from lilliput.lab.job import propose_spec
from lilliput.specs import ArithmeticSpec, RunSpec, TrainingSpec
from lilliput.zoo import entries


def spec_of_line(line: str) -> RunSpec:
    """The spec of a training as it is typed."""
    family, *rest = shlex.split(line)
    flags = cli_train.flags_of(family, "arithmetic")
    values = parse("train", "", flags, rest)
    return spec_from(family, "", values, given(flags, rest), None)


LENGTHS = {
    "gpt --format worked": 15,
    "gpt --format worked --params 9k": 15,
    "gpt --format worked --operations + --operands 0-999": 21,
    "gpt --format worked --line-length 0": 0,
    "gpt --format worked --line-length 0 --params 9k": 0,
    "gpt --format padded": 0,
    "gpt --line-length 4": 4,
}


@pytest.mark.parametrize(("line", "length"), LENGTHS.items(), ids=LENGTHS.keys())
def test_a_model_counts_by_the_lines_of_its_format(line: str, length: int) -> None:
    assert spec_of_line(line).model.line_length == length  # type: ignore[union-attr]


def test_a_search_counts_by_the_lines_of_its_format() -> None:
    task, training = ArithmeticSpec(format="worked"), TrainingSpec()
    for shape, length in (({}, 15), ({"line_length": 3}, 3)):
        found = propose_spec(task, training, shape, "gpt", 9_000, {}, 0)
        assert found.model.line_length == length  # type: ignore[union-attr]
    assert propose_spec(task, training, {}, "gru", 9_000, {}, 0).model.kind == "gru"


def test_the_zoo_needs_no_line_length_typed() -> None:
    (entry,) = [entry for entry in entries() if entry.format == "worked"]
    typed = entry.command.removeprefix("lilliput train ")
    assert "--line-length 15" in typed
    assert spec_of_line(typed.replace("--line-length 15", "")) == spec_of_line(typed)
