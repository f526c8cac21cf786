"""Every look of a run at unseen leaves a line, and who grades it often is told so."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.files import read_lines
from lilliput.lab.load import record_look
from lilliput.lab.writing import sample

FEW = "--layers 1 --width 8 --heads 1 --steps 2 --batch 8 --evaluate-every 2"
TASK = "--operands 0-40 --operations +"
FULL = (
    "lilliput: the grade is not kept: cannot write runs/sums/looks.jsonl: No space left on device"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    assert main(f"train gpt {TASK} {FEW} --name sums".split()) == 0
    yield folder
    os.chdir(before)


def looks(name: str) -> list[tuple[str, int]]:
    """Why and of how many questions, of each look."""
    path = Path("runs") / name / "looks.jsonl"
    rows = list(read_lines(path))
    assert all(row["section"] == "unseen" and row["time"] for row in rows)
    assert all(0 <= row["right"] <= row["total"] for row in rows)
    return [(row["why"], row["total"]) for row in rows]


def test_each_look_is_recorded(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((why, total),) = looks("sums")
    assert why == "train"
    assert "unseen was asked" not in capsys.readouterr().out
    assert main(["grade", "sums", "--sections", "valid"]) == 0
    assert "unseen was asked" not in capsys.readouterr().out
    assert len(looks("sums")) == 1, "validation may be asked as often as one likes"
    # Not kept as its exam, and a look all the same.
    assert main(["grade", "runs/sums", "--sections", "unseen"]) == 0
    assert "\nunseen was asked 2 times\n" in capsys.readouterr().out
    assert main(["grade", "sums"]) == 0
    assert "\nunseen was asked 3 times\n" in capsys.readouterr().out
    assert looks("sums") == [("train", total), ("grade", total), ("grade", total)]


def test_a_look_that_cannot_be_recorded_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["grade", "sums", "--sections", "unseen"]) == 0
    out, err = capsys.readouterr()
    assert "unseen" in out
    assert err.startswith(FULL)


def test_where_all_is_trained_on_nothing_is_unseen(home: Path) -> None:
    assert main(f"train gpt --operands 0-9 --operations + {FEW} --name tables".split()) == 0
    assert len(list(sample("tables", lines=2, section="unseen"))) == 2
    assert not Path("runs/tables/looks.jsonl").exists()


def test_a_copy_of_a_model_keeps_no_looks(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(Path("runs/sums/model.safetensors").read_bytes())
    assert main(["grade", str(copy)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


def test_the_model_of_a_searchs_trial_keeps_its_looks(tmp_path: Path) -> None:
    model = tmp_path / "models" / "trial-3" / "model.safetensors"
    assert record_look(model, "find", right=1, total=2) == 1
    assert record_look(model, "grade", right=1, total=2) == 2
    rows = list(read_lines(model.with_name("looks.jsonl")))
    assert [row["why"] for row in rows] == ["find", "grade"]
    assert record_look(model, "sample", "beyond", lines=2) == 1, "each section has its own"
