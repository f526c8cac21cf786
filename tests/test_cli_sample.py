"""What `sample` draws, and what it says of that: which problems, and who can grade the lines."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.files import read_lines
from lilliput.lab.writing import sample
from lilliput.specs import ArithmeticSpec
from lilliput.tasks.arithmetic import Arithmetic

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
    assert {task.where(question) for question in drawn} == {"seen", "valid", "unseen"}


def test_lines_are_of_the_section_that_is_asked() -> None:
    from lilliput.lab.load import load_answerer

    task = load_answerer("less").task
    for section in ("seen", "unseen"):
        known = {problem.question for problem in task.section(section)}
        asked = {line.partition("\t")[0] for line in sample("less", lines=30, section=section)}
        assert asked <= known
    assert main(["sample", "less", "--section", "beyond"]) == 2


SAID = {
    "usual": ["problems of all sections but the held-out range; most were trained on, so a score"],
    "usual --section seen": ["problems of seen, which were trained on: a score on them flatters"],
    "usual --section unseen": ["problems of unseen, never trained on"],
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
    assert ((last["why"], last.get("lines")) == ("sample", 2)) == ("unseen" in line)
    for words, start in zip(said, SAID[line], strict=True):
        assert words.startswith(f"lilliput: {start}")


def test_who_asks_itself_has_no_sections(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "itself", "--section", "unseen"]) == 2
    words = "lilliput: itself asks its own questions; leave --section unseen out\n"
    assert capsys.readouterr().err == words
