"""The exam goes through the engine where that is as fast, and says what PyTorch says."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from lilliput.engine import binding
from lilliput.faces.cli import main
from lilliput.lab import answering
from lilliput.lab.answering import Model
from lilliput.lab.verbs import grade_problems

pytestmark = pytest.mark.skipif(
    binding.library() is None, reason="no C compiler when this was installed"
)


def exam(path: Path) -> dict[str, Any]:
    made = grade_problems(str(path), keep=False).to_dict()
    return {name: made[name] for name in ("grade", "maps")}


def refused(*_: object) -> NoReturn:
    raise AssertionError("asked by the wrong one")


@pytest.mark.parametrize("family", ["gpt", "gru", "memory-gru", "mingru"])
def test_both_give_the_same_grade(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "--operands 0-19 --params 2k --steps 60 --batch 32 --evaluate-every 60 --name few"
    assert main(["train", family, *words.split()]) == 0
    path = tmp_path / "runs/few/model.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(Model, "pytorch", property(refused))
        engines = exam(path)
    with monkeypatch.context() as patch:
        patch.setattr(answering, "ONE_BY_ONE", 1)
        patch.setattr(Model, "_by_engine", refused)
        assert exam(path) == engines
    assert main(["quantise", str(path), "--numbers", "int8", "--out", "int8.safetensors"]) == 0
    monkeypatch.setattr(Model, "_by_engine", refused)
    assert exam(tmp_path / "int8.safetensors")["grade"]["sections"].keys() == {
        *engines["grade"]["sections"]
    }
