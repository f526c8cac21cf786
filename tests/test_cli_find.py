"""Searches on the command line: the answer, going on, and Ctrl-C in a search or a training."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from report_pages import Page
from safetensors.numpy import load_file

from lilliput.faces.cli import main
from lilliput.search.ledger import Ledger

ROOT = Path(__file__).parents[1]
TINY = (
    "--operands 0-9 --operations + --layers 1 --width 16 --heads 2 --steps 400 --batch 64"
    " --learning-rate 0.01 --evaluate-every 100"
).split()
LILLIPUT = [sys.executable, "-m", "lilliput"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


SEARCH = (
    "find arithmetic --operands 0-9 --operations + --steps 160 --batch 64 --smallest 3k"
    " --largest 3k --rungs 1 --seeds 0 --pass 1% --workers 1 --layers 1 --budget 160-steps"
).split()


def test_find_says_who_won_and_goes_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SEARCH, "--folder", "found"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert re.search(
        r"^Smallest model that passes 1 %: gpt, 1 layer × \d+, [\d,]+ parameters:"
        r" [\d.]+ % of all 100 problems, all trained on, \d+ of \d+ seeds pass$",
        out,
        re.M,
    )
    model = re.search(r"^model:  (.*)$", out, re.M)
    assert model
    assert (home / model[1]).exists()
    assert (home / "found" / "report.html").exists()
    assert main([*SEARCH, "--folder", "found", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # No problem is kept unseen that could confirm.
    assert not found["winner"]["confirmed"]
    assert found["families"][0]["smallest_confirmed"] is None
    assert "confirmed" not in out + Page((home / "found" / "report.html").read_text()).words
    assert found["pass_mark"] == 0.01


def test_a_search_that_is_refused_has_not_begun(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SEARCH, "--folder", "found"]) == 0
    assert capsys.readouterr().out.startswith("searching in found; Ctrl-C stops it, the same")
    with Ledger(home / "found", write=False) as ledger:
        identity = ledger.identity
    with Ledger(home / "found", identity):
        assert main([*SEARCH, "--folder", "found"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "another search" in err


def test_steps_that_are_too_few_are_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [*SEARCH[:-1], "2-steps", "--folder", "few"]
    assert main(line) == 0
    out, err = capsys.readouterr()
    assert "before all was decided; run it with a larger --budget to go on" in out
    assert not (home / "few" / "report.html").exists()
    assert "report:" not in out
    assert "ledger: few/ledger.json" in out
    assert err == "lilliput: no report: the ledger in few has no trial yet; run `lilliput find`" + (
        " again\n"
    )


def started(argv: list[str], home: Path, *before: str) -> "subprocess.Popen[str]":
    """Lilliput in a process of its own; `before`: words for a Python that becomes it."""
    return subprocess.Popen(
        [*([sys.executable, *before] if before else []), *LILLIPUT, *argv],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped_after(child: "subprocess.Popen[str]", sign: str) -> tuple[str, str]:
    """Presses Ctrl-C once it has printed a line that begins with `sign`; what it says then."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(sign):
            break
    child.send_signal(signal.SIGINT)
    return child.communicate(timeout=120)


def test_ctrl_c_in_a_training_says_how_to_go_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "gpt", *TINY, "--steps", "5000", "--evaluate-every", "20", "--name", "long"]
    child = started(line, home)
    _, err = stopped_after(child, "step 20 of 5,000")
    assert child.returncode == 130
    pattern = r"lilliput: stopped at step ([\d,]+) of 5,000; go on with `(.*)`\n"
    found = re.fullmatch(pattern, err)
    assert found
    kept = load_file("runs/long/resume.safetensors")["numbers"][0]
    assert int(found[1].replace(",", "")) == kept
    assert found[2] == "lilliput train --resume runs/long"
    assert main(["grade", "runs/long"]) == 2
    assert found[2] in capsys.readouterr().err


def test_ctrl_c_in_a_search_prints_the_best_so_far(home: Path) -> None:
    line = [*SEARCH[:-1], "900k-steps", "--pass", "100%", "--folder", "broken", "--steps", "4000"]
    child = started(line, home)
    out, err = stopped_after(child, "[")
    assert child.returncode == 130
    assert "stopped; to go on, run again: lilliput find arithmetic" in err
    assert "Traceback" not in err
    assert re.search(r"so far(; the best)?: gpt, 1 layer × ", out)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_term_ends_a_search_that_a_script_began_in_the_background(home: Path) -> None:
    """Its SIGINT is ignored from the first, as a shell without job control has it."""
    line = [*SEARCH[:-1], "900k-steps", "--pass", "100%", "--folder", "behind", "--steps", "4000"]
    ignoring = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    child = started(line, home, "-c", f"{ignoring} os.execv(sys.executable, sys.argv[1:])")
    assert child.stdout is not None
    for said in child.stdout:
        if said.startswith("["):
            break
    child.terminate()
    # Pipes end where no worker is left that holds them.
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.startswith("lilliput: stopped; to go on, run again: lilliput find arithmetic")
    assert err.count("\n") == 1
    with Ledger(home / "behind", write=False) as ledger:
        assert ledger.trials[0].points
