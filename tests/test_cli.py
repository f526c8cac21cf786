"""The command line without a model: exit codes and exact words for what cannot be."""

import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.faces.cli_find import folder_of, read_budget, read_share
from lilliput.faces.stages import read_stage, write_stage
from lilliput.specs import ArithmeticSpec, TrainingSpec
from lilliput.specs.search import SearchSpec
from lilliput.specs.training import Stage

ROOT = Path(__file__).parents[1]

BAD = {
    "fnd arithmetic": "unknown verb 'fnd'; did you mean 'find'? known: calc, compare, data,",
    "train": "which family? write `lilliput train gpt`; known: gpt, gru",
    "train gtp": "unknown family 'gtp'; did you mean 'gpt'? known: baby, gpt, gru",
    "train gpt --widht 8": "unknown flag '--widht'; did you mean '--width'? `lilliput train gpt",
    "train gpt --task sums": "unknown task 'sums'; known: arithmetic, lines",
    "train gpt --operands 9-0": "impossible range '9-0': 9 is above 0; write 0-9",
    "train gpt --operands x": "cannot read 'x' as a range; write two whole numbers, such as 0-89",
    "train gpt --operands 0-0 --operations /": "leave no problem: division by zero is excluded",
    "train gpt --operands 0-9 --held-out 0-9": "held-out range 0-9 leaves nothing of 0-9",
    "train gpt --width 9": "width 9 must be a multiple of heads 4",
    "train gpt --params 1k --width 64": "over the budget of 1,000; ask for",
    "train gpt --params 50q": "cannot read '50q' as a count; write 50000, 50k or 1.5M",
    "train gpt --steps many": "cannot read 'many' as a count; write 50000, 50k or 1.5M",
    "train gpt --stage 0-9": "cannot read '0-9' as steps, which a stage begins with; write steps,",
    "train gpt --stage 0": "a stage needs 1 step or more; got 0",
    "train gpt --device tpu": "no device 'tpu' here; choose one of: auto, cpu",
    "train gpt --seed -1": "seed must be from 0 to 2147483647; got -1",
    "train gpt --spec nowhere.json": "no spec in nowhere.json; a run's folder has one as",
    "train gpt --task stories --ten-fold": "--ten-fold asks problems, and --task stories has",
    "train gpt --task lines --file no.tsv": "no file 'no.tsv'; give the path of a text file",
    "find": "which task? write `lilliput find arithmetic`",
    "find arithmetics": "unknown task 'arithmetics'; did you mean 'arithmetic'?",
    "find arithmetic --pass 170%": "a pass mark is between 0 and 100 %; got 170%: write 70% or 0.7",
    "find arithmetic --pass 70": "a pass mark is between 0 and 100 %; got 70: write 70% or 0.7",
    "find arithmetic --pass -25": "a pass mark is between 0 and 100 %; got -25: write 70% or",
    "find arithmetic --pass -0.5": "a pass mark is between 0 and 100 %; got -0.5: write 70% or",
    "find arithmetic --pass much": "cannot read 'much' as a pass mark; write 70% or 0.7",
    "find arithmetic --pass nan": "cannot read 'nan' as a pass mark; write 70% or 0.7",
    "find stories --pass 0": "cannot read '0' as a pass mark of text; write bits: 1.327",
    "find stories --pass 70%": "cannot read '70%' as a pass mark of text; write bits: 1.327",
    "find stories --pass nan": "cannot read 'nan' as a pass mark of text; write bits: 1.327",
    "find arithmetic --families gpt gur": "unknown family 'gur'; did you mean 'gru'?",
    "find arithmetic --budget soon": "cannot read 'soon' as a budget; write a time (90s, 10m,",
    "find arithmetic --budget 0m": "a budget of '0m' is nothing to search with",
    "find arithmetic --smallest 9k --largest 1k": "smallest 9000 must be at least 1 and at most",
    "find arithmetic --families gru --heads 3": "heads is of gpt, memory-gru; of the families gru",
    "find arithmetic --layers 1 --rank 2 --families gru mingru": "rank is of gpt; of the families",
    "find lines --file no.tsv": "no file 'no.tsv'; give the path of a text file",
    "grade": "grade what? a model (`lilliput zoo` lists some), a text file, or -",
    "grade nowhere": "no model 'nowhere'",
    "grade zoo:nowhere": "no zoo model 'nowhere'",
    "sample": "sample which model?",
    "sample nowhere": "no model 'nowhere'",
    "calc 1+1 --model nowhere": "no model 'nowhere'",
    "calc 1+1 --temperature -1": "temperature must be 0 or more; got -1",
    "calc 1+1 --temperature nan": "temperature must be a finite number; got nan",
    "sample zoo:tables-1400 --temperature inf": "temperature must be a finite number; got inf",
    "grade .": ". holds no model and no run; give a run's folder, a model file or zoo:NAME",
    "data": "which task? write `lilliput data arithmetic`",
    "data lines": "no data of 'lines'",
    "data stories --section beyond": "text has no section 'beyond'; choose one of seen, valid",
    "data arithmetic --section hidden": "no section 'hidden'; choose one of seen, valid, unseen,",
    "data arithmetic --operands 0-9 --section beyond": "this task has no problem in 'beyond'",
    "data arithmetic --operands 0-9999": "problems are too many to write; say how many: --lines",
    "data arithmetic --lines -3": "lines must be 0 or more; got -3",
    "grade lines.txt --sections unseen": "lines.txt is a text of expressions; --sections is for a",
    "grade lines.txt --text a.txt": "lines.txt is a text of expressions; --text is for a model: ",
    "grade lines.txt --decimals 7": "decimals must be from 0 to 6; got 7",
    "grade zoo:tables-1400 --plain": "zoo:tables-1400 is a model; --plain is for a text of",
    "grade zoo:tables-1400 --decimals 3": "--decimals is for a text of expressions: leave it out",
    "sample zoo:tables-1400 --section unsen": "no section 'unsen'; choose one of seen, valid,",
    "sample zoo:tables-1400 --section beyond": "this task has no problem in 'beyond'",
    "zoo --verfy": "unknown flag '--verfy'; did you mean '--verify'?",
    "zoo verify": "unknown argument 'verify'; did you mean '--verify'?",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is written into the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "words"), BAD.items(), ids=BAD.keys())
def test_what_cannot_be_is_said_and_exits_with_2(
    line: str, words: str, capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    Path("lines.txt").write_text("1 + 1 = 2\n")
    assert main(line.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("lilliput: ")
    assert words in err
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert list(elsewhere.glob("runs/*")) == []


def test_options_without_effect_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    late = ["--stage", "200 0-9", "--stage", "100 0-19", "--stage", "50"]
    outside = {
        "stage 3 would begin at step 300, and training ends at 300: give more --steps": [
            *("--steps", "300", *late)
        ],
        "stage 2 would begin at step 200, and training ends at 150": ["--steps", "150", *late],
        "a stage of operands 0-90 is outside of the task's 0-89": ["--stage", "9 0-90"],
        "a stage of operands 0-9 is outside of the task's 5-20": [
            *("--operands", "5-20", "--stage", "9 0-9")
        ],
    }
    for words, line in outside.items():
        assert main(["train", "gpt", *line]) == 2
        assert words in capsys.readouterr().err


def test_a_line_of_a_source_that_cannot_be_read_is_found_by_its_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine.txt").write_text("1 + 2 = 3\n1 plus 2\n")
    few = "--source mine.txt --layers 1 --width 8 --heads 1 --steps 2"
    assert main(["train", "gpt", *few.split()]) == 2
    assert "lilliput: mine.txt, line 2: cannot read '1 plus 2'" in capsys.readouterr().err


VALUES = {
    "train gpt --format binary": "invalid choice 'binary' for argument '--format'",
    "train gpt --task lines": "--file",
}


@pytest.mark.parametrize(("line", "words"), VALUES.items(), ids=VALUES.keys())
def test_values_that_cannot_be_read(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    shown = re.sub(r"[\s│]+", " ", capsys.readouterr().err)
    assert words in shown


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "nowhere", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_internal_error_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lilliput.zoo.entries", lambda: 1 / 0)
    assert main(["zoo"]) == 1
    assert capsys.readouterr().err == (
        "lilliput: internal error, ZeroDivisionError: division by zero;"
        " run it with --debug to see where\n"
    )


def test_ctrl_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lilliput.zoo.entries", stopped)
    assert main(["zoo"]) == 130
    assert capsys.readouterr().err == "lilliput: stopped\n"


def test_sigterm_ends_as_ctrl_c(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lilliput.zoo.entries", lambda: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["zoo"]) == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == "lilliput: stopped\n"


@pytest.mark.parametrize("name", ["empty.txt", "binary.txt"])
def test_files_that_are_no_expressions(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.txt").write_bytes(b"\n")
    Path("binary.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    assert main(["grade", name]) == 2
    assert name in capsys.readouterr().err


def test_truncated_and_foreign_model_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("short.safetensors").write_bytes((1000).to_bytes(8, "little") + b'{"a":')
    Path("other.pt").write_bytes(b"PK\x03\x04archive/data.pkl")
    assert main(["grade", "short.safetensors"]) == 1
    assert "short.safetensors is cut short in its header" in capsys.readouterr().err
    assert main(["calc", "1 + 1", "--model", "other.pt"]) == 1
    assert "other.pt is cut short or damaged" in capsys.readouterr().err


def test_grade_of_expressions(capsys: pytest.CaptureFixture[str]) -> None:
    Path("expressions.txt").write_text("85 / 68 = 1.24\n2 + 2 = 4.00\nfoo\n")
    assert main(["grade", "expressions.txt"]) == 0
    assert capsys.readouterr().out == (
        "85 / 68 = 1.25   Incorrect, model predicted 1.24\n"
        "2 + 2 = 4   Correct\n"
        "foo   Malformed, cannot be read as a line such as 12 + 24 = 36.00\n"
        "\n"
        "Score: 1/2 (50.00%)\n"
        "Malformed: 1; with them as wrong: 1/3 (33.33%)\n"
    )
    assert main(["grade", "expressions.txt", "--plain"]) == 0
    assert capsys.readouterr().out.startswith("85 / 68 = 1.24 = 1.25\n2 + 2 = 4.00 = 4\n")


def test_grade_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1 + 1 = 2\n")))
    assert main(["grade", "-"]) == 0
    assert capsys.readouterr().out == "1 + 1 = 2   Correct\n\nScore: 1/1 (100.00%)\n"


def test_data_is_whole_and_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("data arithmetic --operands 0-5 --out five.txt".split()) == 0
    assert capsys.readouterr().out == "138 lines in five.txt\n"
    assert main("data arithmetic --operands 0-5".split()) == 0
    assert capsys.readouterr().out == Path("five.txt").read_text()
    assert main("data arithmetic --operands 0-5 --seed 1".split()) == 0
    other = capsys.readouterr().out
    assert other != Path("five.txt").read_text()
    assert sorted(other.splitlines()) == sorted(Path("five.txt").read_text().splitlines())
    assert main(["grade", "five.txt"]) == 0
    assert "Score: 138/138 (100.00%)" in capsys.readouterr().out


def test_quotients_are_graded_as_their_task_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    made = "data arithmetic --operands 0-30 --held-out none --operations / --out quotients.txt"
    for decimals, rounding in ((3, "float"), (0, "float"), (1, "half-up")):
        task = ["--decimals", str(decimals), "--rounding", rounding]
        assert main([*made.split(), *task]) == 0
        capsys.readouterr()
        assert main(["grade", "quotients.txt", *task]) == 0
        assert "Score: 930/930 (100.00%)" in capsys.readouterr().out
        for other in ([], ["--decimals", "1", "--rounding", "half-even"]):
            assert main(["grade", "quotients.txt", *other]) == 0
            assert "(100.00%)" not in capsys.readouterr().out


def test_data_takes_any_operation(capsys: pytest.CaptureFixture[str]) -> None:
    for operations in ("-", "-+", "*/"):
        assert main(["data", "arithmetic", "--operations", operations, "--lines", "40"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {line.split()[1] for line in lines} == set(operations)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_once() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lilliput", "data", "arithmetic", "--operands", "0-5"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    assert done.returncode == 1
    words = "lilliput: cannot read or write the output: No space left on device\n"
    assert done.stderr == words


def test_budgets_and_pass_marks() -> None:
    assert read_budget("1h30m") == {"seconds": 5400}
    assert read_budget("1.5k-steps") == {"steps": 1500}
    assert read_share("70%") == read_share("70 %") == read_share("0.7") == 0.7


def test_a_stage_is_read_as_it_is_written() -> None:
    stage = Stage(steps=2000, operands="0-9", operations="+-", weights=(3.0, 1.0))
    assert read_stage("2k +- 0-9 3,1") == stage
    assert read_stage(write_stage(stage)) == stage
    assert read_stage("10 -") == Stage(steps=10, operations="-")


def test_a_search_goes_on_under_another_budget_and_only_then() -> None:
    task, training, search = ArithmeticSpec(), TrainingSpec(), SearchSpec()
    folder = folder_of(search, task, training, {})
    assert folder == folder_of(SearchSpec(steps=9, workers=1), task, training, {})
    others = [
        folder_of(SearchSpec(pass_mark=0.8), task, training, {}),
        folder_of(search, ArithmeticSpec(operations="+"), training, {}),
        folder_of(search, task, TrainingSpec(steps=9), {}),
        folder_of(search, task, training, {"layers": 1}),
    ]
    assert len({folder, *others}) == 5
