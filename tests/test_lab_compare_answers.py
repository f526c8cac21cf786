"""Models that answer questions, side by side: one exam, paired, every look recorded."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_pages import Page

from lilliput.exam.grade import Answer
from lilliput.faces.cli import main
from lilliput.files import read_lines
from lilliput.lab import comparing
from lilliput.lab.comparing import Compared, compare
from lilliput.tasks.arithmetic import Arithmetic

FEW = "--layers 1 --width 8 --heads 1 --steps 2 --batch 8 --evaluate-every 2"
TASK = "--operands 0-40 --operations +-"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    Path("lines.txt").write_text("1 + 2 = 3.00\n" * 3 + "4 - 5 = -1.00\n7 + 8 = 15.00\n" * 9)
    Path("words.tsv").write_text("one\tuno\ntwo\tdos\nthree\ttres\n")
    Path("tales.txt").write_text("\n<|endoftext|>\n".join(f"Tom saw {n} cats." for n in range(300)))
    for words in (
        f"{TASK} --name sums",
        f"{TASK} --name leaky --source lines.txt --leaked",
        "--operands 0-40 --operations -+ --name turned --format plain",
        f"{TASK} --name held --held-out 30-40",
        f"{TASK} --name tenth --fold 3",
        "--operands 0-9 --operations + --name tables",
        "--task lines --file words.tsv --name words",
        "--task stories --text tales.txt --name tales",
    ):
        assert main(["train", "gpt", *FEW.split(), *words.split()]) == 0
    yield folder
    os.chdir(before)


@pytest.fixture(autouse=True)
def _no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_RUN", 0.0)


@pytest.fixture
def by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is right where the first operand is one of its own, whatever it says."""
    ask = "lilliput.exam.grade.ask"

    def answered(task: Arithmetic, problems: list, answer: object) -> list[Answer]:  # type: ignore[type-arg]
        every = 2 if task.spec.format == "plain" else 3
        return [Answer(p, "?", int(p.question.split()[0]) % every == 0) for p in problems]

    monkeypatch.setattr(ask, answered)


def looks(name: str) -> list[str]:
    return [row["why"] for row in read_lines(Path("runs") / name / "looks.jsonl")]


def found(*names: str) -> list[Compared]:
    rows = list(compare(names))
    assert [name for name, _ in rows] == list(names)
    assert all(isinstance(one, Compared) for _, one in rows)
    return [one for _, one in rows if isinstance(one, Compared)]


def test_problems_are_paired_in_whatever_order_they_are_asked(home: Path, by_number: None) -> None:
    first, second = found("sums", "turned")
    assert first.paired is None
    assert second.first == "sums"
    asked = [one.problem.question for one in first.graded.answers]
    assert asked != [one.problem.question for one in second.graded.answers]
    unseen = Arithmetic(first.graded.model.task.spec).exam("unseen")  # type: ignore[arg-type]
    left = [int(problem.question.split()[0]) for problem in unseen]
    paired = second.paired
    assert paired is not None
    assert paired.only_first == sum(n % 3 == 0 != n % 2 for n in left)
    assert paired.only_second == sum(n % 2 == 0 != n % 3 for n in left)
    assert paired.total == len(left)
    scores = [one.graded.grade.sections["unseen"].overall.score for one in (first, second)]
    assert paired.difference == pytest.approx(scores[1] - scores[0])


def test_a_copy_does_not_differ_and_each_look_is_recorded(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("runs/sums", "runs/copy", dirs_exist_ok=True)
    before = looks("sums")
    kept = Path("runs/sums/exam.json").read_text()
    assert main(["compare", "sums", "runs/copy", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["paired"] is None
    assert (second["first"], second["paired"]["difference"], second["paired"]["p"]) == (
        "sums",
        0,
        1,
    )
    assert second["paired"]["only_first"] == second["paired"]["only_second"] == 0
    assert second["paired"]["low"] < 0 < second["paired"]["high"]
    assert set(first["grade"]["sections"]) == {"seen", "unseen"}
    assert first["answers_a_second"] > 0
    assert first["bytes"] == Path("runs/sums/model.safetensors").stat().st_size
    assert looks("sums") == [*before, "compare"]
    assert looks("copy") == [*before, "compare"]
    assert Path("runs/sums/exam.json").read_text() == kept, "not the whole exam was asked"


@pytest.mark.parametrize("shown", ["--markdown", ""])
def test_leaked_marks_stand_in_every_row(
    home: Path, shown: str, by_number: None, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["compare", "turned", "leaky", "none", "--report", "side"]
    assert main([*line, *filter(None, [shown])]) == 2
    out, err = capsys.readouterr()
    assert "lilliput: no model 'none'" in err
    out = out.replace("\\", "")
    mark = r"^(\| )?leaky, \*leaked\* .*"
    assert len(re.findall(mark, out, re.M)) >= 2
    assert len(re.findall(mark + r"\[-\d+\.\d, -\d+\.\d\].*< 0\.001", out, re.M)) == 1
    assert "trained on problems of its own exam" in out
    page = Page(Path("side/report.html").read_text())
    rows = [[cell for _, cell in row] for row in page.rows]
    assert [row[0] for row in rows if row[0].startswith("leaky")] == ["leaky, *leaked*"] * 2
    assert re.search(
        r"leaky, \*leaked\* scores [\d.]+ points less than turned on unseen", page.words
    )
    if shown:
        assert Path("side/compare.md").read_text().replace("\\", "") == out


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("sums held", "held has another exam than sums (held out 30-40, not none)"),
        ("sums tenth", "tenth has another exam than sums (fold 3, not -1)"),
        ("sums tables", "(operations +, not +-; operands 0-9, not 0-40)"),
        ("sums words", "(questions of words.tsv, not + − of 0–40)"),
        ("sums tales", "sums answers questions, and tales tells stories"),
        ("sums turned --text tales.txt", "--text is for models of text"),
    ],
)
def test_what_is_not_one_exam_is_refused_before_anything_is_asked(
    home: Path, names: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = looks("sums")
    assert main(["compare", *names.split()]) == 2
    err = capsys.readouterr().err
    (said,) = [line for line in err.splitlines() if line.startswith("lilliput: ")]
    assert words in said
    assert looks("sums") == before


def test_where_all_is_asked_there_is_no_interval(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("runs/tables", "runs/tables-2", dirs_exist_ok=True)
    assert main(["compare", "tables", "tables-2", "--markdown"]) == 0
    out = capsys.readouterr().out
    assert "| all problems | answers/s |" in out
    assert "\n| tables-2 | +0.0 | 0 | 0 |  |" in out
    assert "tables-2 is as good as tables on all problems." in out
    assert "95 %" not in out
    # Questions of the user's own are compared too; one model alone is measured against none.
    assert main(["compare", "words", "--markdown"]) == 0
    assert "against" not in capsys.readouterr().out
