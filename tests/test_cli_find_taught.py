"""`lilliput find --teacher`: each size with the teacher and without, for problems and for text."""

import json
import re
from pathlib import Path

import pytest
from report_pages import Page
from search_toys import trials_of
from text_toys import write_stories

from lilliput.faces import cli
from lilliput.specs import RunSpec, from_dict

TASK = "--operands 0-9 --operations + --batch 64 --layers 1".split()
SEARCH = "--seeds 0 --pass 1% --workers 1 --rungs 1 --smallest 1500 --largest 3k".split()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_answer_says_what_a_teacher_bought(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = "train gpt --width 16 --heads 2 --steps 200 --evaluate-every 200 --format plain --name t"
    assert cli.main([*big.split(), *TASK]) == 0
    teaching = "--teacher runs/t --teacher-answers --steps 80 --budget 480-steps --folder s"
    command = ["find", "arithmetic", *TASK, *SEARCH, *teaching.split()]
    capsys.readouterr()
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    assert "What the teacher bought:" in out
    assert re.search(r"gpt \d,\d+ +1 +\d+ of 80 +[\d.]+ % +[\d.]+ % +[+-][\d.]+ points", out)
    assert re.search(r"\d sizes? of one seed, asked all problems, cannot be judged", out)
    trials = trials_of(home / "s")
    ways = {trial.taught: trial.spec.training for trial in trials}
    assert (ways[False].teacher, ways[False].teacher_answers) == ("", False)
    assert (ways[True].teacher, ways[True].teacher_answers) == ("runs/t", True)
    assert ways[True].teacher_share == 0.0, "the student writes in another format"
    assert len({trial.spec.digest for trial in trials}) == len(trials)
    answers = (home / "s" / "answers.json").read_bytes()
    assert len(json.loads(answers)["answers"]) == 100

    # Again it is the same; the page and JSON say it too.
    assert cli.main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (home / "s" / "answers.json").read_bytes() == answers
    assert len(trials_of(home / "s")) == len(trials)
    sizes = {(row["family"], row["parameters"]) for row in found["teacher"]}
    assert sizes == {("gpt", trial.parameters) for trial in trials}
    for row in found["teacher"]:
        pairs = zip(row["taught"], row["without"], strict=True)
        assert row["difference"] == pytest.approx(sum(a - b for a, b in pairs) / len(row["seeds"]))
    page = Page((home / "s" / "report.html").read_text())
    rows = [[text for _, text in row] for row in page.rows]
    assert ["parameters", "seeds", "steps", "without", "with", "difference [95 %]"] in rows
    assert "What the teacher bought" in page.words
    assert "--teacher runs/t --teacher-share 0.0 --teacher-answers" in page.words


def test_stories_are_taught_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_stories(home / "tales.txt", range(60))
    task = "--text tales.txt --batch 4 --block 32".split()
    big = "train gpt --task stories --width 16 --heads 2 --layers 1 --steps 40 --name t"
    assert cli.main([*big.split(), *task]) == 0
    teaching = "--teacher runs/t --steps 16 --budget 100-steps --folder s --pass 9 --layers 1"
    search = "--families gru --seeds 0 --workers 1 --smallest 1500 --largest 1500".split()
    capsys.readouterr()
    assert cli.main(["find", "stories", *task, *search, *teaching.split()]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"gru \d,\d+ +1 +\d+ of 16 +\d\.\d+ bits +\d\.\d+ bits +[+-]0\.\d+ bits \[", out
    )
    specs = [trial.spec for trial in trials_of(home / "s")]
    assert {spec.training.teacher for spec in specs} == {"runs/t", ""}
    assert from_dict(RunSpec, json.loads((home / "runs/t/spec.json").read_text())).task == (
        specs[0].task
    )


def test_a_teacher_that_cannot_is_said_before_anything_is_trained(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = "train gpt --width 8 --heads 2 --steps 2 --evaluate-every 2 --name t --fold 3"
    assert cli.main([*big.split(), *TASK]) == 0
    capsys.readouterr()
    for more in ([], ["--teacher-answers"]):
        assert cli.main(["find", "arithmetic", *TASK, "--teacher", "runs/t", *more]) == 2
        err = capsys.readouterr().err
        assert "has another exam" in err
        assert err.count("\n") == 1
    assert not (home / "searches").exists()
