"""Ten-fold cross-validation asks every problem once, always of a model that has not seen it."""

from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.lab.folds import Fold, pooled, ten_fold
from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, TrainingSpec
from lilliput.training.kept import read_spec
from lilliput.units import student, wilson

SPEC = RunSpec(
    task=ArithmeticSpec(operands="0-9", operations="+"),
    model=GPTSpec(width=8, heads=1, layers=1),
    training=TrainingSpec(steps=3, batch=8),
)


def test_every_problem_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folds = list(ten_fold(SPEC, tmp_path / "ten"))
    assert [fold.number for fold in folds] == list(range(10))
    assert sum(fold.total for fold in folds) == 100
    learned = [read_spec(tmp_path / "ten" / f"fold-{n}").task.fold for n in range(10)]
    assert learned == list(range(10))


def test_a_fold_is_one_cluster() -> None:
    folds = [Fold(n, 10 if n < 7 else 0, 10) for n in range(10)]
    assert pooled(folds) == pytest.approx(wilson(7, 10, student(9)), rel=0.05)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "train gpt --operands 0-9 --operations + --layers 1 --width 8 --heads 1 --steps 2"
    assert main([*line.split(), "--batch", "8", "--ten-fold", "--name", "ten"]) == 0
    out = capsys.readouterr().out
    assert "fold 1 of 10: " in out
    assert "fold 10 of 10: " in out
    assert "every problem asked once while unseen" in out
