"""A checkpoint of nanoGPT that does not write arithmetic: what it is taken for is said, and why."""

from pathlib import Path

import pytest
from baselines_nanogpt import ARITHMETIC, write
from text_toys import write_stories

from lilliput.faces.cli import main

SAID = "out/ckpt.pt is taken for a model of text, not of arithmetic: its characters "
NO_SEVEN = ARITHMETIC.replace("7", "")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("symbols", "why"),
    [
        (NO_SEVEN, "lack the digit 7"),
        ("\n *+-./0123456=", "lack the digits 7, 8, 9"),
        ("\n *+-./0123456789", "lack '='"),
        ("\n .0123456789=", "lack all of + - * /"),
        ("\n +0123456789=abc", "have 'a' and 2 more, which no sum is written with"),
        ("\n +012=a", "have 'a', which no sum is written with, and lack the digits 3, 4, 5, 6"),
    ],
)
def test_grading_it_as_arithmetic_says_what_it_lacks(
    symbols: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("out"), symbols)
    for line in (
        ["grade", "out/ckpt.pt", "--sections", "unseen"],
        ["calc", "1 + 2", "--model", "out/ckpt.pt"],
    ):
        assert main(line) == 2
        err = capsys.readouterr().err
        assert SAID + why in err
        assert err.count("\n") == 1


def test_what_it_is_taken_for_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("out"), NO_SEVEN)
    Path("sums.txt").write_text("1 + 2 = 3.00\n<|endoftext|>\n2 + 3 = 5.00\n")
    line = f"lilliput: {SAID}lack the digit 7\n"
    assert main(["tell", "1 + 2 =", "--model", "out/ckpt.pt", "--pieces", "3"]) == 0
    assert capsys.readouterr().err == line
    assert main(["sample", "out/ckpt.pt", "--lines", "1"]) == 0
    assert capsys.readouterr().err == line
    assert main(["grade", "out/ckpt.pt", "--text", "sums.txt", "--json"]) == 0
    assert capsys.readouterr().err.count(line) == 1
    assert main(["compare", "out/ckpt.pt", "--text", "sums.txt"]) == 0
    assert capsys.readouterr().err.count(line) == 1


def test_a_training_that_starts_from_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("out"), NO_SEVEN)
    write_stories(Path("stories.txt"), range(60))
    few = ["--steps", "2", "--evaluate-every", "2", "--text", "stories.txt"]
    start = ["train", "--start", "out/ckpt.pt"]
    assert main([*start, *few]) == 0
    assert f"lilliput: {SAID}lack the digit 7; --task says another\n" in capsys.readouterr().err
    assert main([*start, "--task", "arithmetic", "--steps", "2", "--evaluate-every", "2"]) == 0
    assert "is taken for" not in capsys.readouterr().err


def test_one_that_writes_arithmetic_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("out"))
    assert main(["calc", "1 + 2", "--model", "out/ckpt.pt"]) == 0
    assert "is taken for" not in capsys.readouterr().err
