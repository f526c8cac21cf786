"""The verbs with real models: trained in seconds, graded, asked, sampled, searched for."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.lab.answering import Model

ROOT = Path(__file__).parents[1]
TINY = (
    "--operands 0-9 --operations + --layers 1 --width 16 --heads 2 --steps 400 --batch 64"
    " --learning-rate 0.01 --evaluate-every 100"
).split()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with one run: additions of 0-9, learned to the last one."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    assert main(["train", "gpt", *TINY, "--name", "sums"]) == 0
    yield folder
    os.chdir(before)


def piped(command: str, home: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    shell = command.replace("lilliput ", f"{sys.executable} -m lilliput ")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        cwd=home,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
    )


def test_train_prints_lines_without_control_codes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "gpt", *TINY, "--seed", "1", "--steps", "60", "--evaluate-every", "20"]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\r" not in out
    said = "13.4 kB in float32, 7.04 kFLOP a character, in runs/gpt-"
    assert f"gpt, 3,344 parameters (layers 1, width 16, heads 2), {said}" in out.splitlines()[0]
    steps = re.findall(
        r"^step (\d+) of 60: loss \d\.\d{4}, validation .*, [\d,]+ characters/s", out, re.M
    )
    assert steps == ["20", "40", "60"]
    assert "validation score " in out
    assert re.search(r"^all problems +\+ +\d+ +100 ", out, re.M)
    # The same spec is the same run: asked for again, it is not trained again.
    assert main(line) == 0
    again = capsys.readouterr().out
    assert "this spec is trained already" in again
    assert "step 20 of" not in again


def test_a_run_is_made_from_a_spec_file_and_a_flag_changes_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = home / "runs" / "sums" / "spec.json"
    assert main(["train", "--spec", str(spec), "--name", "sums", "--report"]) == 0
    out = capsys.readouterr().out
    assert "this spec is trained already" in out
    assert "report: runs/sums/report.html\n" in out
    assert (home / "runs" / "sums" / "report.html").exists()
    assert main(["train", "--spec", str(spec), "--name", "sums", "--seed", "7"]) == 2
    words = (
        "lilliput: runs/sums holds another run; choose another folder with --name"
        " (of find: --folder)\n"
    )
    assert capsys.readouterr() == ("", words)
    assert main(["train", "gru", "--spec", str(spec)]) == 2
    assert "--spec brings a gpt: leave out --spec, or gru\n" in capsys.readouterr().err


def test_params_solve_a_shape_and_keep_what_is_typed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = "--operands 0-9 --steps 3 --batch 8".split()
    assert main(["train", "gru", "--params", "2k", "--layers", "2", *few]) == 0
    out = capsys.readouterr().out
    found = re.match(r"gru, ([\d,]+) parameters \(layers 2, width \d+\)", out)
    assert found
    assert 1_000 < int(found[1].replace(",", "")) <= 2_000


def test_a_task_of_lines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{a}<{b}\t{'yes' if a < b else 'no'}" for a in range(40) for b in range(30)]
    Path("less.tsv").write_text("\n".join(lines))
    few = "--task lines --file less.tsv --params 2k --steps 3 --batch 16 --name less".split()
    assert main(["train", "gru", *few]) == 0
    assert re.search(r"^unseen +\d+ +134 ", capsys.readouterr().out, re.M)
    assert main(["calc", "3<17", "--model", "less", "--check"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("3<17\t")
    assert "right is yes" in out
    assert err == ""
    assert main(["calc", "3 + 17", "--model", "less"]) == 2
    assert "unknown character ' ' in '3 + 17\\t'" in capsys.readouterr().err


def test_grade(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "sums"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("sums: gpt, 3,344 parameters, format padded\n")
    assert re.search(r"^all problems +\+ +100 +100 +100\.0 %", out, re.M)
    # Seen, valid and unseen are one here, and shown once.
    assert len(re.findall(r"^all problems +\+", out, re.M)) == 1
    assert "verdict: knows its tables" in out
    assert main(["grade", "runs/sums", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["grade"]["sections"]["unseen"]["overall"]["right"] == 100
    assert json.loads((home / "runs" / "sums" / "exam.json").read_text())["parameters"] == 3344


def test_a_grade_that_cannot_be_kept_is_shown_all_the_same(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert main(["grade", "sums"]) == 0
    out, err = capsys.readouterr()
    assert "verdict: knows its tables" in out
    assert err == (
        "lilliput: the grade is not kept: cannot write runs/sums/exam.json:"
        " No space left on device\n"
    )


def test_an_exam_is_kept_only_in_a_run_or_a_search(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes((home / "runs/sums/model.safetensors").read_bytes())
    assert main(["grade", str(copy)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


def test_what_is_no_number_is_shown(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "_decoded", lambda self, prompts, *_: ["=+\n"])
    assert main(["calc", "3 + 4", "--model", "sums"]) == 0
    assert capsys.readouterr().out.startswith("3 + 4 = '=+' (cannot be read as a number)   (")


def test_lines_of_a_source_that_were_dropped_are_counted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("given.txt").write_text("1 + 2 = 3\n2 * 2 = 4\n5 + 6 = 11\n")
    few = "--operations + --layers 1 --width 8 --heads 1 --steps 2 --batch 4 --operands 0-9"
    assert main(["train", "gpt", *few.split(), "--source", "given.txt", "--name", "given"]) == 0
    out = capsys.readouterr().out
    assert "given.txt: 3 lines, 1 dropped as held out or of other operations\n" in out


def test_an_exam_of_no_problems(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "sums", "--sections", "beyond"]) == 2
    words = "lilliput: an exam of no problems: this task has none in 'beyond'\n"
    assert capsys.readouterr().err == words
    assert main(["grade", "sums", "--sections", "unsen"]) == 2
    assert "unknown section 'unsen'; did you mean 'unseen'?" in capsys.readouterr().err


def test_calc(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calc", "3 + 4", "--model", "sums"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"3 \+ 4 = 7\.00   \(\d.* s\)\n", out)
    assert err == ""
    assert main(["calc", "3+4 =", "--model", "sums", "--check"]) == 0
    assert "3 + 4 = 7.00   Correct, right is 7.00   (" in capsys.readouterr().out


def test_calc_reads_the_signs_of_print(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = "--operands 0-9 --layers 1 --width 8 --heads 1 --steps 2 --batch 8 --name signs"
    assert main(["train", "gpt", *few.split()]) == 0
    for typed, plain in {
        "6 × 3": "6 * 3",
        "6·3": "6 * 3",
        "6 ÷ 3": "6 / 3",
        "6 − 3": "6 - 3",
    }.items():
        capsys.readouterr()
        assert main(["calc", typed, "--model", "signs", "--check"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"{plain} = ")
        assert err == ""
    done = piped("lilliput calc --model signs", home, "6 × 3\n7 ÷ 0\n")
    assert done.stdout.startswith("6 * 3 = ")
    assert "'7 / 0' has no answer" in done.stderr


def test_calc_warns_of_what_was_not_learned(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = "--operands 0-8 --operations + --layers 1 --width 8 --heads 1 --steps 2 --batch 8"
    assert main(["train", "gpt", *few.split(), "--name", "eight"]) == 0
    capsys.readouterr()
    assert main(["calc", "3 + 9", "--model", "eight", "--check"]) == 0
    out, err = capsys.readouterr()
    words = "an operand is outside of 0-8, which is all that was learned"
    assert err == f"lilliput: 3 + 9: {words}\n"
    assert "ncorrect, right is 12.00" in out


def test_calc_draws_with_a_seed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answers(temperature: str) -> list[str]:
        found = []
        for seed in "0012345":
            line = ["calc", "9 + 9", "--model", "sums", "--temperature", temperature]
            assert main([*line, "--seed", seed]) == 0
            found.append(capsys.readouterr().out.partition("   ")[0])
        return found

    hot = answers("20")
    assert hot[0] == hot[1]
    assert len(set(hot)) > 3
    assert set(answers("0.01")) == {"9 + 9 = 18.00"}
    assert set(answers("1e-60")) == {"9 + 9 = 18.00"}


UNANSWERED = {
    "7 / 0": "'7 / 0' has no answer: division by zero; divide by another",
    "1e99 + 1": "cannot read '1e99 + 1' as a problem; write two numbers of up to 18 digits with",
    "3 * 4": "unknown character '*' in '3*4='; this model knows '+0123456789='",
    "twelve": "cannot read 'twelve' as a problem",
    "-3 + 4": "has an operand that is no whole number of 0 or more; this model has learned 0-9",
    "3.5 + 1": "'3.5 + 1' has an operand that is no whole number of 0 or more; this model has",
    "12 + 1": "'12 + 1' is too long for this model, which reads 7 characters, question and answer",
    "123456789 + 1": "is too long for this model, which reads",
}


@pytest.mark.parametrize(("problem", "words"), UNANSWERED.items(), ids=UNANSWERED.keys())
def test_problems_without_an_answer(
    problem: str, words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calc", problem, "--model", "sums"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1, "one thing is said"


def test_the_prompt_goes_on_after_a_mistake(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["1 + 2", "", "7 / 0", "3.5 + 1", "-3 + 5", "2 + 2", "exit", "never asked"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(said))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["calc", "--model", "sums"]) == 0
    out, err = capsys.readouterr()
    assert re.findall(r"^\d.*?(?=   )", out, re.M) == ["1 + 2 = 3.00", "2 + 2 = 4.00"]
    none, whole, positive = err.splitlines()
    assert none == "lilliput: '7 / 0' has no answer: division by zero; divide by another"
    assert whole.startswith("lilliput: '3.5 + 1' has an operand that is no whole number of 0 or")
    assert positive.startswith("lilliput: '-3 + 5' has an operand that is no whole number of 0 or")
    assert next(said) == "never asked"


def test_calc_reads_a_pipe_in_batches(home: Path) -> None:
    done = piped("lilliput calc --model sums --check", home, "1 + 2\n\nx\n9 + 9\n")
    assert done.stdout == (
        "1 + 2 = 3.00   Correct, right is 3.00\n9 + 9 = 18.00   Correct, right is 18.00\n"
    )
    assert "cannot read 'x' as a problem" in done.stderr
    assert "2 answers in " in done.stderr
    assert done.returncode == 2


def test_sample_pipes_into_grade(home: Path) -> None:
    pipe = "lilliput sample sums --lines 12 --temperature 0 | lilliput grade -"
    done = piped(pipe, home)
    said = "lilliput: all problems of this task were trained on: a score on them flatters\n"
    assert (done.returncode, done.stderr) == (0, said)
    assert done.stdout.endswith("\nScore: 12/12 (100.00%)\n")


def test_a_reader_who_leaves_is_no_error(home: Path) -> None:
    done = piped("lilliput data arithmetic --lines 99999 | head -1", home)
    assert done.stderr == ""
    assert done.returncode == 141
    assert done.stdout.count("\n") == 1
