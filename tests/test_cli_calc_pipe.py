"""`lilliput calc` as another program's partner, and several questions of one sitting."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from lilliput.engine.binding import library
from lilliput.faces import cli_calc
from lilliput.faces.cli import main
from lilliput.lab.answering import Model

MODEL = ["--model", "zoo:addition-368"]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a text into stdin, as a pipe has it."""
    opened: list[IO[str]] = []

    def give(text: str) -> None:
        end, begin = os.pipe()
        os.write(begin, text.encode())
        os.close(begin)
        opened.append(os.fdopen(end))
        monkeypatch.setattr("sys.stdin", opened[-1])

    yield give
    for file in opened:
        file.close()


@pytest.mark.skipif(library() is None or sys.platform == "win32", reason="no engine, or no select")
def test_whoever_waits_for_an_answer_has_it_before_the_next_question() -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-m", "lilliput", "calc", *MODEL],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": ""},
    ) as calc:  # fmt: skip
        assert calc.stdin
        assert calc.stdout
        assert calc.stderr
        for question in (b"1 + 2", b"30 + 4"):
            calc.stdin.write(question + b"\n")
            calc.stdin.flush()
            waiting = select.select([calc.stdout], [], [], 30)[0]
            if not waiting:
                calc.kill()
            assert waiting, "an answer comes before the end of the pipe"
            assert calc.stdout.readline().startswith(question + b" = ")
            time.sleep(0.6)
        calc.stdin.close()
        said = calc.stderr.read().decode()
    found = re.fullmatch(r"2 answers in (\S+) s\n", said)
    assert found
    assert float(found[1]) < 0.6, "what waits for questions is no time of an answer"


def test_no_two_questions_of_a_pipe_draw_from_one_seed(
    given: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[list[str], int]] = []

    def said(self: Model, questions: list[str], *, temperature: float, seed: int) -> list[str]:
        asked.append((list(questions), seed))
        return ["7.00"] * len(questions)

    monkeypatch.setattr(Model, "said", said)
    monkeypatch.setattr(Model, "engine", None)
    monkeypatch.setattr(cli_calc, "BATCH", 3)
    given("1 + 1\n\nx\n2 + 2\n3 + 3\n4 + 4")
    assert main(["calc", *MODEL, "--temperature", "1", "--seed", "5"]) == 2
    assert asked == [(["1 + 1", "2 + 2"], 5), (["3 + 3"], 7), (["4 + 4"], 8)]
    given("1 + 1\n")
    capsys.readouterr()
    assert main(["calc", *MODEL]) == 0
    assert capsys.readouterr().err.startswith("1 answer in ")


def test_a_second_try_at_the_prompt_is_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["9 + 9"] * 8)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed, "exit"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["calc", *MODEL, "--temperature", "20"]) == 0
    answers = re.findall(r"^9 \+ 9 = (.*)   ", capsys.readouterr().out, re.M)
    assert len(answers) == 8
    assert len(set(answers)) > 2


@pytest.mark.parametrize(("terminal", "out"), [(True, "�[2J"), (False, "\x1b[2J")])
def test_an_answer_steers_no_terminal(
    terminal: bool,
    out: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Model, "said", lambda *_, **__: ["\x1b[2J"])
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert main(["calc", "1 + 1", *MODEL]) == 0
    assert capsys.readouterr().out.startswith(f"1 + 1 = {out}   (")
