"""What `sample` draws, and what it says of that: which problems, and who can grade the lines."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lilliput.errors import SpecError
from lilliput.faces.cli import main
from lilliput.files import read_lines
from lilliput.lab.writing import _drawn, sample
from lilliput.specs import ArithmeticSpec, LinesSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.lines import Lines

FEW = "--layers 1 --width 8 --heads 1 --steps 2 --batch 8 --evaluate-every 2"
TASK = "--operands 0-40 --held-out 30-32 --operations +/"
SEED = ["--seed", "3"]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of a usual task, of another rounding, of lines, and one that asks itself."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    Path("less.tsv").write_text(
        "".join(f"{a}<{b}\t{'yes' if a < b else 'no'}\n" for a in range(40) for b in range(30))
    )
    for name, line in {
        "usual": TASK,
        "other": f"{TASK} --decimals 3 --rounding half-up",
        "less": "--task lines --file less.tsv",
        "itself": f"{TASK} --loss all",
    }.items():
        assert main(f"train gpt {line} {FEW} --name {name}".split()) == 0
    yield folder
    os.chdir(before)


def questions(lines: Iterator[str]) -> list[str]:
    """`3 + 4` of what is written before the mark."""
    return [line.partition("=")[0].strip() for line in lines]


def test_problems_are_of_the_section_that_is_asked() -> None:
    task = Arithmetic(ArithmeticSpec(operands="0-40", held_out="30-32", operations="+/"))
    for section in ("seen", "valid", "unseen", "beyond"):
        asked = questions(sample("usual", lines=30, temperature=0, section=section))
        assert {task.where(question) for question in asked} == {section}
    drawn = questions(sample("usual", lines=200, temperature=0))
    assert {task.where(question) for question in drawn} == {"valid"}


def test_lines_are_of_the_section_that_is_asked() -> None:
    from lilliput.lab.load import load_answerer

    task = load_answerer("less").task
    for section in ("seen", "unseen"):
        known = {problem.question for problem in task.section(section)}
        asked = {line.partition("\t")[0] for line in sample("less", lines=30, section=section)}
        assert asked <= known
    assert main(["sample", "less", "--section", "beyond"]) == 2


def test_a_section_without_a_problem_is_refused() -> None:
    Path("one.tsv").write_text("a\t1\n")
    sections = [_section_of_one(fold) for fold in range(10)]
    assert sections.count("1 line") == 1
    assert sections.count("this task has no problem in 'valid'") == 9


def _section_of_one(fold: int) -> str:
    """Whether the one line of a file is of validation, or what is said where it is not."""
    try:
        next(_drawn(Lines(LinesSpec(file="one.tsv", fold=fold)), "", random.Random(0)))
    except SpecError as error:
        return str(error)
    return "1 line"


def test_a_line_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lilliput.lab.writing.sample_of", lambda *_, **__: iter(["\x1b[2J"]))
    for terminal, out in ((True, "�[2J\n"), (False, "\x1b[2J\n")):
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        assert main(["sample", "usual"]) == 0
        assert capsys.readouterr().out == out


SAID = {
    "usual": ["problems of valid, never trained on"],
    "usual --section seen": ["problems of seen, which were trained on: a score on them flatters"],
    "usual --section unseen": ["problems of unseen, never trained on"],
    "usual --section beyond": ["problems of beyond, never trained on"],
    "other --section unseen": [
        "problems of unseen, never trained on",
        "grade these with: lilliput grade - --decimals 3 --rounding half-up",
    ],
    "less --section valid": [
        "problems of valid, never trained on",
        "these are question, tab, answer, and `lilliput grade -` is for expressions;",
    ],
    "itself": [],
}


@pytest.mark.parametrize("line", SAID)
def test_what_the_lines_are_is_said_on_stderr(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", *line.split(), *SEED, "--lines", "2"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    said = err.splitlines()
    assert len(said) == len(SAID[line])
    last = list(read_lines(Path("runs") / line.split()[0] / "looks.jsonl"))[-1]
    recorded = (last["why"], last["section"], last.get("lines")) == ("sample", line.split()[-1], 2)
    assert recorded == ("unseen" in line or "beyond" in line)
    for words, start in zip(said, SAID[line], strict=True):
        assert words.startswith(f"lilliput: {start}")


def test_who_asks_itself_has_no_sections(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "itself", "--section", "unseen"]) == 2
    words = "lilliput: itself asks its own questions; leave --section unseen out\n"
    assert capsys.readouterr().err == words
