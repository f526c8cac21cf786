"""A storyteller in the zoo: its line is what the tool writes, it is verified, and it tells."""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from text_toys import write_stories

import lilliput.zoo
from lilliput.faces.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import add_to_zoo


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A zoo of one model that has learned its text by the name of a file beside it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("zoo")
        patch.chdir(folder)
        write_stories(folder / "tales.txt", range(80))
        write_stories(folder / "kept.txt", range(100, 120))
        line = (
            "train gru --task stories --text tales.txt --unseen kept.txt --steps 40 --batch 8"
            " --block 64 --evaluate-every 40 --width 16 --name tales"
        )
        assert main(line.split()) == 0
        patch.setattr(lilliput.zoo, "_FOLDER", folder)
        words = argparse.Namespace(
            task="stories", command=f"lilliput {line}", machine="2 cores", minutes=0.1
        )
        path = Path("runs/tales/model.safetensors")
        row = add_to_zoo.row_of(path, [], words)
        (folder / "tales.safetensors").write_bytes(path.read_bytes())
        (folder / "zoo.toml").write_text(add_to_zoo.as_toml({"tales": row}))
        lilliput.zoo.entries.cache_clear()
        yield folder
    lilliput.zoo.entries.cache_clear()


def test_its_line_says_bits(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo"]) == 0
    out = capsys.readouterr().out
    assert out.count(" bits [") == 2
    row = tomllib.loads((zoo / "zoo.toml").read_text())["tales"]
    assert set(row["unseen_by_operation"]) == {"kept"}
    assert row["unseen"] == row["unseen_by_operation"]["kept"]
    assert row["valid"][0] < 0 < row["valid"][1]
    assert row["seeds"] == [[0, *row["valid"]]]
    exam = json.loads((zoo / "runs/tales/exam.json").read_text())["grade"]["sections"]
    assert -row["unseen"][0] / row["unseen"][1] == pytest.approx(exam["unseen"]["bits"], rel=1e-3)


def test_it_is_verified_without_its_text_and_differences_are_found(
    zoo: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["zoo", "--verify"]) == 0
    assert capsys.readouterr().out == "tales: verified\n"
    whole = (zoo / "zoo.toml").read_text()
    row = tomllib.loads(whole)["tales"]
    changed = add_to_zoo.as_toml({"tales": {**row, "excerpt": row["excerpt"] + 0.001}})
    (zoo / "zoo.toml").write_text(changed)
    lilliput.zoo.entries.cache_clear()
    try:
        assert main(["zoo", "--verify"]) == 1
        assert "excerpt: zoo.toml says" in capsys.readouterr().err
    finally:
        (zoo / "zoo.toml").write_text(whole)
        lilliput.zoo.entries.cache_clear()


def test_it_tells_where_no_model_is_named(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tell", "The cat", "--pieces", "5"]) == 0
    assert capsys.readouterr().out.startswith("The cat")
