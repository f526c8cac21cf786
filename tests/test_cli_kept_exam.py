"""A run that is asked for again shows the grade that lies beside it; a long exam says so."""

import json
from pathlib import Path
from typing import NoReturn

import pytest

from lilliput.faces.cli import main
from lilliput.files import read_json, read_lines
from lilliput.lab import answering, slow_exam, verbs

LINE = (
    "train gpt --operands 0-30 --operations +- --layers 1 --width 8 --heads 1 --steps 2"
    " --batch 8 --evaluate-every 2 --name sums"
).split()


def refused(*_: object) -> NoReturn:
    raise AssertionError("asked again")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_kept_grade_is_shown_and_not_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(LINE) == 0
    first = capsys.readouterr().out.partition("section")[2]
    exam, home = read_json(Path("runs/sums/exam.json")), Path("runs/sums")
    with monkeypatch.context() as patch:
        patch.setattr("lilliput.exam.grade.grade", refused)
        assert main(LINE) == 0
        assert capsys.readouterr().out.partition("section")[2] == first
        assert main([*LINE, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
    assert {**shown, "file_digest": exam["file_digest"]} == exam
    assert len(list(read_lines(home / "looks.jsonl"))) == 1
    # Of another file, of another spec, or damaged: it is asked.
    for wrong in ({**exam, "file_digest": "0"}, {**exam, "digest": "0"}, {"format": 1}, []):
        (home / "exam.json").write_text(json.dumps(wrong))
        assert main(LINE) == 0
        assert read_json(home / "exam.json")["grade"] == exam["grade"]
    assert len(list(read_lines(home / "looks.jsonl"))) == 5


@pytest.mark.parametrize("one_by_one", [0, 1_000_000])
def test_a_long_exam_says_what_it_is_at(
    one_by_one: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "ONE_BY_ONE", one_by_one)
    monkeypatch.setattr(slow_exam, "SLOW", 60.0)
    assert main(LINE) == 0
    assert "the exam" not in capsys.readouterr().err
    shares: list[float] = []
    monkeypatch.setattr(slow_exam, "SLOW", 0.0)
    verbs.grade_problems("sums", progress=lambda what, share: shares.append(share))
    assert len(shares) > 3
    assert (sorted(shares), shares[-1]) == (shares, 1.0)
    assert main(["grade", "sums"]) == 0
    assert capsys.readouterr().err == "the exam: 1,922 problems\n"
