"""What flags make of a spec: what a format needs is there, and what has no effect is refused."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from lilliput.faces import cli_find, cli_train
from lilliput.faces.cli_flags import given, parse
from lilliput.faces.train_spec import TASKS, spec_from
from lilliput.lab.bases import base_of
from lilliput.lab.job import propose_spec
from lilliput.lab.load import resolve
from lilliput.models.modelfile import read_card
from lilliput.specs import FAMILIES, ArithmeticSpec, LinesSpec, RunSpec, TrainingSpec, to_dict
from lilliput.tasks.lines import text_digest
from lilliput.zoo import Entry, entries


def spec_of_line(line: str) -> RunSpec:
    """The spec of a training as it is typed, of a family or with --start or --spec first."""
    first, *rest = shlex.split(line)
    base = base_of(**{first[2:]: rest[0]}) if first.startswith("--") else None
    family = "gpt" if base else first
    flags = cli_train.flags_of(family, base.kind if base else "arithmetic", base)
    values = parse("train", "", flags, rest[1:] if base else rest)
    return spec_from(family, "", values, given(flags, rest), base)


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


# Others need a text that the package does not hold.
OF_PROBLEMS = [entry for entry in entries() if entry.format != "stories"]


@pytest.mark.parametrize("entry", OF_PROBLEMS, ids=lambda entry: entry.name)
def test_a_zoo_models_command_is_how_it_was_made(entry: Entry) -> None:
    typed = entry.command.removeprefix("lilliput train ")
    made, kept = spec_of_line(typed), read_card(resolve(f"zoo:{entry.name}")).spec
    assert replace(made, seed=kept.seed, start="") == replace(kept, start="")


def test_the_zoo_needs_no_line_length_typed() -> None:
    entry = next(entry for entry in entries() if entry.name == "worked-10k")
    typed = entry.command.removeprefix("lilliput train ")
    assert "--line-length 15" in typed
    assert spec_of_line(typed.replace("--line-length 15", "")) == spec_of_line(typed)


@pytest.mark.parametrize(
    ("line", "steps"),
    [("", [12_000, 1]), ("--steps 14000", [12_000, 1]), ("--steps 9000", [1]),
     ("--steps 9000 --stage '60 0-9'", [60])],
)  # fmt: skip
def test_of_a_starts_stages_the_last_is_left_where_there_is_no_room(
    line: str, steps: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    made = spec_of_line(f"--start zoo:arithmetic-12k {line}")
    assert [stage.steps for stage in made.training.stages] == steps
    said = "the 2 stages of zoo:arithmetic-12k do not fit into 9,000 steps: its last one holds"
    assert (said in capsys.readouterr().err) == (line == "--steps 9000")


def test_digests_are_no_flags_and_stay_with_the_files_of_a_spec(tmp_path: Path) -> None:
    names = {flag.name for task in TASKS for flag in cli_train.flags_of("gpt", task)}
    assert not {name for name in names if name.endswith("digest")}
    paths = [tmp_path / "first.tsv", tmp_path / "second.tsv"]
    for number, path in enumerate(paths):
        path.write_text("".join(f"{n}\t{n + number}\n" for n in range(50)))
    task = LinesSpec(file=str(paths[0]), file_digest="f" * 64)
    told = tmp_path / "spec.json"
    told.write_text(json.dumps(to_dict(RunSpec(task=task))))
    assert spec_of_line(f"--spec {told}").task == task
    other = spec_of_line(f"--spec {told} --file {paths[1]}").task
    assert isinstance(other, LinesSpec)
    assert other.file_digest == text_digest(paths[1].read_text())


def test_every_flag_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for task in TASKS:
        flags = [*cli_find.flags_of(task)]
        for family in (*FAMILIES, "hf"):
            flags += cli_train.flags_of(family, task)
        assert [flag.name for flag in flags if not flag.help.strip()] == []
    with pytest.raises(SystemExit):
        parse("train", "", cli_train.flags_of("gpt", "arithmetic"), ["--help"])
    panels = re.findall(r"\b(\w+) options\b", capsys.readouterr().out)
    assert panels == ["run", "shape", "task", "training"]
