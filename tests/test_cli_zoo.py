"""The zoo: listed, asked, verified; any difference between zoo.toml and a model is found."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lilliput.zoo
from lilliput.faces import cli_train, train_spec
from lilliput.faces.cli import main
from lilliput.faces.cli_calc import DEFAULT_TASK
from lilliput.models import modelfile
from lilliput.specs import RunSpec, StoriesSpec
from lilliput.zoo import Entry

RUN = (
    "train gpt --operands 0-9 --operations +- --layers 1 --width 8 --heads 1 --steps 30 --batch 32"
    " --evaluate-every 30 --name few"
).split()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any]]:
    """A model file and what zoo.toml must say of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("made"))
        assert main(RUN) == 0
        content = Path("runs/few/model.safetensors").read_bytes()
        exam = json.loads(Path("runs/few/exam.json").read_text())
    unseen = exam["grade"]["sections"]["unseen"]
    count = [unseen["overall"]["right"], unseen["overall"]["total"]]
    return content, {
        "task": "arithmetic 0-9",
        "family": "gpt",
        "shape": "1 × 8",
        "parameters": exam["parameters"],
        "bytes": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "format": "padded",
        "valid": count,
        "valid_interval": [unseen["overall"]["low"], unseen["overall"]["high"]],
        "unseen": count,
        "unseen_interval": [unseen["overall"]["low"], unseen["overall"]["high"]],
        "unseen_by_operation": {
            name: [tally["right"], tally["total"]] for name, tally in unseen["groups"].items()
        },
        "beyond": [0, 0],
        "characters": unseen["length"],
        "seeds": [[0, *count]],
        "command": "lilliput train gpt",
        "machine": "2 cores",
        "minutes": 0.1,
        "date": "2026-11-22",
    }


@pytest.fixture
def zoo(
    made: tuple[bytes, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """A zoo of that one model, whose line of zoo.toml a test may change."""
    content, row = made
    (tmp_path / "few.safetensors").write_bytes(content)
    monkeypatch.setattr(lilliput.zoo, "_FOLDER", tmp_path)
    row = dict(row)
    lilliput.zoo.entries.cache_clear()
    write(row)
    yield row
    lilliput.zoo.entries.cache_clear()


def write(row: dict[str, Any]) -> None:
    # JSON's values are TOML's, tables apart.
    operations = ", ".join(f'"{n}" = {v}' for n, v in row["unseen_by_operation"].items())
    lines = [
        f"{name} = {{ {operations} }}"
        if name == "unseen_by_operation"
        else f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in row.items()
    ]
    path = lilliput.zoo._FOLDER / "zoo.toml"
    path.write_text("\n".join(["[few]", *lines]) + "\n", encoding="utf-8")


def test_lists(zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["name", "task", "model", "parameters"]
    assert re.match(r"few +arithmetic 0-9 +gpt 1 × 8 +[\d,]+ +[\d.]+ kB +[\d.]+ % of all", row)
    assert main(["zoo", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["digest"] == zoo["digest"]


def test_validation_stands_beside_unseen(
    zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    zoo |= {"valid": [60, 80], "valid_interval": [0.64, 0.83]}
    zoo |= {"unseen": [50, 80], "unseen_interval": [0.51, 0.72]}
    write(zoo)
    assert main(["zoo"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert re.search(r" validation \[95 %\] +unseen \[95 %\] ", header)
    assert "  75.0 % [64.0, 83.0]  62.5 % [51.0, 72.0]  " in row
    assert row.index("75.0 %") == header.index("validation")
    assert row.index("62.5 %") == header.index("unseen")


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_window_gets_lines_that_fit(
    width: int,
    zoo: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zoo |= {"valid": [60, 80], "valid_interval": [0.64, 0.83], "beyond": [7, 8]}
    zoo |= {"unseen": [50, 80], "unseen_interval": [0.51, 0.72]}
    write(zoo)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["zoo"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert out.startswith("few: arithmetic 0-9\n  gpt 1 × 8, ")
    for piece in ("validation 75.0 % [64.0, 83.0]", "unseen 62.5 % [51.0, 72.0]", "beyond 87.5 %"):
        assert piece in out


def test_verifies(zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "--verify"]) == 0
    assert capsys.readouterr().out == "few: verified\n"
    assert not (lilliput.zoo._FOLDER / "exam.json").exists()


WRONG = {
    "parameters": 1,
    "bytes": 1,
    "digest": "0" * 64,
    "valid": [1, 2],
    "valid_interval": [0.1, 0.2],
    "unseen": [1, 2],
    "unseen_interval": [0.1, 0.2],
    "unseen_by_operation": {"+": [1, 2]},
    "beyond": [1, 2],
    "characters": 1.5,
    "family": "gru",
    "shape": "2 × 8",
    "format": "plain",
    "task": "arithmetic 0-89",
    "seeds": [[0, 1, 2], [1, 9, 9]],
}


@pytest.mark.parametrize("name", WRONG)
def test_finds_any_difference(
    name: str, zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    zoo[name] = WRONG[name]
    write(zoo)
    assert main(["zoo", "--verify"]) == 1
    out, err = capsys.readouterr()
    assert out == "few: DIFFERS\n"
    assert err.startswith(f"  {name}: zoo.toml says ")
    assert err.count("\n") == 1
    assert main(["zoo", "--verify", "--json"]) == 1
    assert list(json.loads(capsys.readouterr().out)["few"]) == [name]


def test_a_damaged_model_is_no_verified_one(
    zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = lilliput.zoo._FOLDER / "few.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert main(["zoo", "--verify"]) == 1
    assert "its content does not match its digest" in capsys.readouterr().err


def test_a_damaged_list(zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    (lilliput.zoo._FOLDER / "zoo.toml").write_text("[few]\ntask = 1\n")
    assert main(["zoo"]) == 1
    assert "zoo.toml is damaged: " in capsys.readouterr().err


def test_the_best_answers_where_none_is_named(
    zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    zoo["task"] = DEFAULT_TASK
    write(zoo)
    assert main(["calc", "1 + 2"]) == 0
    assert capsys.readouterr().out.startswith("1 + 2 = ")


def test_the_nearest_name_is_given(zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "zoo:fow"]) == 2
    assert "no zoo model 'fow'; did you mean 'few'? known: few" in capsys.readouterr().err


def test_a_leaked_model_is_marked(zoo: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = lilliput.zoo.path_of("few")
    network, card = modelfile.load(path)
    modelfile.save(path, network, replace(card, marks={"leaked": "yes"}))
    assert main(["zoo"]) == 0
    assert "\nfew, *leaked* " in capsys.readouterr().out
    assert main(["zoo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["marks"] == {"leaked": "yes"}
    for line in ("calc 1+2 --model zoo:few", "sample zoo:few --lines 1"):
        assert main(line.split()) == 0
        assert capsys.readouterr().err.startswith("lilliput: zoo:few, *leaked*\n")


def test_the_best_is_chosen_by_validation(
    zoo: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = lilliput.zoo.entries()
    lucky = replace(one, name="lucky", valid=(1, 10), unseen_interval=(0.9, 1.0))
    good = replace(one, name="good", valid=(9, 10), unseen_interval=(0.1, 0.2))
    with monkeypatch.context() as patch:
        patch.setattr(lilliput.zoo, "entries", lambda: (lucky, good))
        assert lilliput.zoo.best(one.task).name == "good"


@pytest.mark.parametrize("entry", lilliput.zoo.entries(), ids=lambda entry: entry.name)
def test_the_command_makes_the_same_run(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    lilliput_, verb, *words = shlex.split(entry.command)
    assert (lilliput_, verb) == ("lilliput", "train")
    made = modelfile.read_card(lilliput.zoo.path_of(entry.name)).spec
    if isinstance(made.task, StoriesSpec):
        # Its text does not come with the package; the command names it.
        digest = made.task.text_digest
        monkeypatch.setattr(train_spec, "prepare", lambda task, quiet: None)
        monkeypatch.setattr(
            "lilliput.lab.sealing.sealed_task", lambda task: replace(task, text_digest=digest)
        )
    specs: list[RunSpec] = []
    monkeypatch.setattr(cli_train, "_train", lambda spec, values: specs.append(spec))
    cli_train.main(words)
    assert specs == [made]
