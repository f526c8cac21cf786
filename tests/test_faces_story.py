"""One graded teller in words: its speed, its failure, and the bar while it is graded."""

import io
import sys

import pytest
from graded_toys import graded

from lilliput.faces import corpus_live
from lilliput.faces.exam_live import exam_bar
from lilliput.faces.text import mark_words
from lilliput.faces.text_story import failure_words, print_story_grade, speed_words, wrapped
from lilliput.specs import StoriesSpec


def test_a_total_failure_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    words = "total failure: 1.200 [0.952, 1.448] bits per character are not shown to be fewer"
    for unigram, fails in ((4.386, False), (1.45, False), (1.44, True), (1.1, True), (None, False)):
        one = graded(unigram=unigram)
        assert (words in failure_words(one.to_dict())) == fails
        print_story_grade(one)
        assert (words in capsys.readouterr().out) == fails


def test_the_unigram_is_held_against_validation() -> None:
    exam = graded(unigram=1.5).to_dict()
    exam["grade"]["sections"] = {
        "valid": {"bits": 1.6, "low": 1.55, "high": 1.65},
        "unseen": {"bits": 1.2, "low": 1.1, "high": 1.3},
    }
    assert "1.600 [1.550, 1.650]" in failure_words(exam)
    exam["grade"]["sections"]["valid"] = {"bits": 1.4, "low": None, "high": None}
    assert failure_words(exam) == ""


def test_speed_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_story_grade(graded())
    assert (
        "\nspeed: 2,018 characters/s (837 to 2,098), 1,234 pieces/s; greedy in PyTorch, one text at"
        " a time, median of 5 runs (slowest to fastest) on 1 thread, behind a prompt of 54 pieces\n"
    ) in capsys.readouterr().out
    older = graded().to_dict()["grade"]["speed"] | {"threads": 2}
    del older["slowest"], older["fastest"]
    assert speed_words(older).startswith("2,018 characters/s, 1,234 pieces/s; ")
    assert speed_words(older).endswith(
        "median of 5 runs on 2 threads, behind a prompt of 54 pieces"
    )


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ["1 of 7, speed: x", "2 of 7, speed: [x]"]
    for stream, drawn in ((Screen(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with exam_bar() as progress:
            progress(parts[0], 0.25)
            assert drawn or stream.getvalue() == f"{parts[0]}\n", "said when it begins"
            progress(parts[0], 0.3)
            progress(parts[1], 0.4)
        assert parts[1] in stream.getvalue()
        assert drawn == ("\x1b" in stream.getvalue())
        assert drawn or stream.getvalue().splitlines() == parts


def test_names_are_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("runs/[draft]", "runs/[/x]", "runs/:cat:"):
        print_story_grade(graded(name))
        assert capsys.readouterr().out.startswith(f"{name}: memory-gru")
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setattr("lilliput.lab.verbs.prepare", lambda task, show: show("[x]: read", 0.5))
    corpus_live._made(StoriesSpec(), quiet=False)
    assert "[x]: read" in sys.stdout.getvalue()  # type: ignore[attr-defined]


def test_what_a_model_brings_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mark_words({"\x1b[2Jleaked": "yes"}) == ", *�[2Jleaked*"
    for stream, told in ((Screen(), "�[2Ja\n\nb"), (io.StringIO(), "\x1b[2Ja\n\nb")):
        monkeypatch.setattr(sys, "stdout", stream)
        assert wrapped("\x1b[2Ja\n\nb") == told
