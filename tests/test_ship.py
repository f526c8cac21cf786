"""Models as files to give away: each says what the model says, or is not called checked."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ship_toys import TRAIN, at_home

from lilliput.engine import flat
from lilliput.engine.binding import library
from lilliput.faces.cli import main
from lilliput.lab import ship_engine
from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.telling import TextModel
from lilliput.shipping import exe, wasm
from lilliput.tasks.expressions import parse_expression
from lilliput.zoo import path_of

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with at_home(tmp_path_factory.mktemp("home")) as folder:
        yield folder


def said(program: str, *arguments: str) -> str:
    return subprocess.run(
        [f"./{program}", *arguments], capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize("numbers", ["float32", "int16", "int8"])
def test_a_program_answers_as_the_model_does(
    home: Path, numbers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ship", "sums", "--numbers", numbers, "--out", numbers]) == 0
    assert "checked: 20 texts as the model says them" in capsys.readouterr().out
    if numbers == "float32":
        question = "12 + 24"
        model = load("sums")
        assert isinstance(model, Model)
        assert said(numbers, question) == f"{question} = {model.said([question])[0]}\n"


def test_a_story_teller_tells_as_the_model_does(home: Path) -> None:
    assert main(["ship", "zoo:stories-211k", "--numbers", "int8", "--out", "teller"]) == 0
    model = load("zoo:stories-211k")
    assert isinstance(model, TextModel)
    one = said("teller", "-s", "5", "-n", "40", "Once upon a time")
    assert one == said("teller", "-s", "5", "-n", "40", "Once", "upon", "a", "time")
    assert one != said("teller", "-s", "6", "-n", "40", "Once upon a time")


def test_a_c_file_stands_by_itself(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ship", "sums", "--as", "c", "--out", "sums.c"]) == 0
    assert "checked: 20" in capsys.readouterr().out
    assert '#include "' not in Path("sums.c").read_text()
    flags = "-std=c99 -O1 -ffp-contract=off -Wall -Wextra -Werror".split()
    subprocess.run([*exe.compiler(), *flags, "-o", "by-hand", "sums.c"], check=True)
    assert said("by-hand", "3 - 40") == said("by-hand", "3", "-", "40")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["7 / 0"], "7 / 0 has no answer: division by zero"),
        (["-7", "+", "2"], "-7 + 2 has an operand that is no whole number of 0 or more"),
        (["7 * 2"], "7 * 2 has a sign that this model has not learned"),
        (["twelve"], "write a sum"),
        (["12345678 + 12345678"], "12345678 + 12345678 is too long for this model"),
        (["-t", "warm", "1 + 1"], "usage:"),
        (["-t", "-1", "1 + 1"], "usage:"),
        (["-z", "1", "1 + 1"], "usage:"),
        (["-t"], "usage:"),
        (["-t", "nan", "1 + 1"], "usage:"),
        (["-k", "1e20", "1 + 1"], "usage:"),
        (["-n", "1e30", "1 + 1"], "usage:"),
        (["-s", "1e30", "1 + 1"], "usage:"),
        (["-p", "0", "1 + 1"], "top-p must be above 0 and at most 1 (all)"),
        (["-p", "1.5", "1 + 1"], "top-p must be above 0 and at most 1 (all)"),
        (["-m", "1", "1 + 1"], "min-p must be from 0 (all) to below 1"),
        (["1" * 5_000], "too long"),
    ],
)
def test_what_a_program_cannot_answer_is_said(home: Path, arguments: list[str], words: str) -> None:
    assert main(["ship", "sums", "--out", "calculator"]) == 0
    done = subprocess.run(["./calculator", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr


def test_lines_are_answered_one_by_one(home: Path) -> None:
    assert main(["ship", "sums", "--out", "calculator"]) == 0
    # What is longer than a line may be is refused once, and no part of it answered.
    lines = f"1 + 1\n\n{'1' * 9_000} + 1\n7 / 0\n2 + 2\n"
    done = subprocess.run(["./calculator"], input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, "two lines were refused"
    assert done.stderr.count("\n") == 2
    assert [line.split(" = ")[0] for line in done.stdout.splitlines()] == ["1 + 1", "2 + 2"]


def test_a_program_warns_of_what_was_not_learned_as_calc_does(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = "--held-out 10-19 --steps 2 --batch 8 --evaluate-every 2 --name held"
    assert main(f"{TRAIN} {few}".split()) == 0
    assert main(["ship", "held", "--out", "warns"]) == 0
    warned = {"9 + 9": False, "10 + 3": True, "3-19": True, "020 - 40": False, "40+ 41": True}
    for question, outside in warned.items():
        capsys.readouterr()
        assert main(["calc", question, "--model", "held"]) == 0
        words = capsys.readouterr().err.removeprefix("lilliput: ")
        assert ("is outside of 0-9 and 20-40, which is all that was learned" in words) == outside
        done = subprocess.run(["./warns", question], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, words)
        assert done.stdout == said("warns", question), "an answer and nothing else"
        assert done.stdout.startswith(f"{parse_expression(question)} = ")


def test_what_says_something_else_is_not_given_away(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ship_engine, "golden", lambda job: {"1 + 1": "1 + 1 = 3.00"})
    assert main(["ship", "sums", "--out", "wrong"]) != 0
    assert "the program says" in capsys.readouterr().err
    assert not Path("wrong").exists()


def test_without_a_compiler_the_c_file_is_written_and_not_called_checked(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    assert main(["ship", "sums", "--as", "c", "--out", "alone.c"]) == 0
    assert "built, not run: no C compiler here" in capsys.readouterr().out
    assert main(["ship", "sums", "--out", "alone"]) == 2
    assert "no C compiler here" in capsys.readouterr().err


def test_a_page_says_what_the_model_says_and_holds_nothing_from_elsewhere(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    assert main(["ship", "sums", "--as", "wasm", "--out", "sums.html"]) == 0
    assert "checked: 20 texts as the model says them" in capsys.readouterr().out
    page = Path("sums.html").read_text("utf-16")
    assert "http:" not in page
    assert "https:" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy[1]


def test_a_question_of_any_length_leaves_the_browsers_engine_as_it_was(home: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    Path("model.flat").write_bytes(flat.of_file(Path("runs/sums/model.safetensors")))
    script = """
        const read = require("fs").readFileSync;
        const engine = new Engine(read(process.argv[2]), read("model.flat"));
        const before = Buffer.from(engine.c.memory.buffer).toString("latin1");
        const said = [4_095, 4_096, 8_193, 100_000, 10_000_000].map((length) => {
          try { return engine.ask("1".repeat(length)); } catch (error) { return error.message; }
        });
        const after = Buffer.from(engine.c.memory.buffer).toString("latin1");
        console.log([...new Set(said)].join(), before === after, engine.ask("12 + 24"));
    """
    Path("ask.cjs").write_text((wasm.PAGE / "engine.js").read_text() + script)
    done = subprocess.run(
        ["node", "ask.cjs", str(wasm.WASM)], capture_output=True, text=True, check=True
    )
    model = load("sums")
    assert isinstance(model, Model)
    assert done.stdout == f"the text is too long true {model.said(['12 + 24'])[0]}\n"


def test_a_browsers_engine_refuses_what_a_program_refuses(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    script = """
        const hot = [{temperature: -1}, {temperature: NaN}];
        for (const how of [...hot, {topK: -1}, {topP: 0}, {topP: 1.5}, {minP: 1}]) {
          try { Engine.prototype.sample(how); } catch (error) { console.log(error.message); }
        }
    """
    Path(tmp_path / "odd.cjs").write_text((wasm.PAGE / "engine.js").read_text() + script)
    done = subprocess.run(
        ["node", tmp_path / "odd.cjs"], capture_output=True, text=True, check=True
    )
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == (
        ["temperature"] * 2 + ["top-k"] + ["top-p"] * 2 + ["min-p"]
    )


def test_the_same_seed_tells_the_same_story_in_a_browsers_engine(home: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    assert main(["ship", "zoo:stories-211k", "--numbers", "int8", "--out", "teller"]) == 0
    Path("model.flat").write_bytes(flat.of_file(path_of("stories-211k")))
    model = load("zoo:stories-211k")
    assert isinstance(model, TextModel)
    native = "".join(model.tell("Once upon a time", seed=7, pieces=100))
    script = (
        "const read = require('fs').readFileSync;"
        "const engine = new Engine(read(process.argv[2]), read('model.flat'));"
        "const how = {temperature: 0.65, seed: 7};"
        "console.log([...engine.tell('Once upon a time', how, 100)].join(''))"
    )
    Path("tell.cjs").write_text((wasm.PAGE / "engine.js").read_text() + script)
    done = subprocess.run(
        ["node", "tell.cjs", str(wasm.WASM)], capture_output=True, text=True, check=True
    )
    assert done.stdout == native + "\n"


@pytest.mark.parametrize("target", ["aarch64-linux-musl", "x86_64-windows-gnu", "aarch64-macos"])
def test_programs_for_other_machines(
    home: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec("ziglang") is None:
        assert main(["ship", "sums", "--target", target]) == 2
        assert "pip install ziglang" in capsys.readouterr().err
        return
    assert main(["ship", "sums", "--target", target, "--out", "elsewhere"]) == 0
    runs = exe.runner(target) is not None
    said = capsys.readouterr().out
    assert ("checked: 20 texts" in said) == runs
    assert ("built, not run: nothing here runs" in said) != runs


@pytest.mark.parametrize(
    "line",
    ["sums --as elf", "nothing", "sums --numbers int4", "sums --as c --target aarch64-macos"],
)
def test_what_cannot_be_shipped_is_refused(home: Path, line: str) -> None:
    assert main(["ship", *line.split()]) == 2
