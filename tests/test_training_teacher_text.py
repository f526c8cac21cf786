"""Distillation on text: the student takes its teacher's vocabulary, or hears how that differs."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from text_toys import write_stories

from lilliput.errors import SpecError
from lilliput.faces import cli_find
from lilliput.faces.cli import main
from lilliput.models import modelfile
from lilliput.specs import StoriesSpec
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary
from lilliput.training.teacher import _apart, _check_vocabulary

FEW = "--steps 2 --evaluate-every 2 --batch 4 --block 32 --width 16".split()
TEXT = "--task stories".split()
"""The excerpt, which has enough words for many pieces."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two teachers: one of pieces, one of characters."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    usual = ["train", "gpt", *TEXT, *FEW, "--layers", "1", "--heads", "2"]
    assert main([*usual, "--vocabulary", "300", "--name", "pieces"]) == 0
    assert main([*usual, "--name", "letters"]) == 0
    yield folder
    os.chdir(before)


def vocabulary(run: str) -> Vocabulary:
    found = modelfile.read_card(Path("runs") / run / "model.safetensors").vocabulary
    assert isinstance(found, Vocabulary)
    return found


STUDENT = ["train", "gru", *TEXT, *FEW, "--teacher"]


def test_a_student_takes_its_teachers_vocabulary_over(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*STUDENT, "pieces", "--name", "heir"]) == 0
    assert "lilliput: the vocabulary is the teacher's, 300 pieces\n" in capsys.readouterr().err
    assert vocabulary("heir") == vocabulary("pieces")
    assert len(vocabulary("heir").merges) > 200
    spec = json.loads(Path("runs/heir/spec.json").read_text())
    assert spec["task"]["vocabulary"] == 300
    # Characters are what it has by itself: nothing is taken over, and nothing said.
    assert main([*STUDENT, "letters", "--name", "second"]) == 0
    assert "the teacher's" not in capsys.readouterr().err
    assert vocabulary("second").merges == ()
    # A run that goes on has what it began with.
    assert main(["train", "--resume", "runs/heir"]) == 0


def test_a_search_takes_it_over_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def find(search: object, task: StoriesSpec, *others: object) -> int:
        searched.append(task.vocabulary)
        return 0

    monkeypatch.setattr(cli_find, "_find", find)
    line = ["find", "stories", "--teacher", "pieces"]
    assert main(line) == 0
    assert main([*line, "--vocabulary", "256"]) == 0
    assert searched == [300, 256]


def test_another_vocabulary_is_refused_and_it_is_said_how_it_differs(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = len(vocabulary("letters"))
    merge = 256 - letters + 1
    ends = f"of which merge {merge} is the first that differs: '"
    for asked, how in {
        "256": f"the student: 300 pieces against 256 pieces, {ends}",
        "0": f"the student: 300 pieces against {letters} characters;",
    }.items():
        assert main([*STUDENT, "pieces", "--vocabulary", asked]) == 2
        err = capsys.readouterr().err
        assert how in err
        assert "leave --vocabulary out: the student takes the teacher's over" in err
        assert err.count("\n") == 1
    assert main([*STUDENT, "letters", "--vocabulary", "256"]) == 2
    assert f"{letters} characters against 256 pieces" in capsys.readouterr().err


def test_a_teacher_of_another_text_is_refused_for_its_exam(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stories(home / "other.txt", range(60))
    for more in ([], ["--vocabulary", "256"]):
        assert main([*STUDENT, "pieces", "--text", "other.txt", *more]) == 2
        assert "the teacher pieces has another exam, so it may have learned" in (
            capsys.readouterr().err
        )


def test_how_vocabularies_differ() -> None:
    known = END_OF_TEXT + "ehst"
    one = Vocabulary(known, ((4, 2), (5, 1), (3, 3)))
    other = Vocabulary(known, ((4, 2), (2, 1), (3, 3)))
    assert _apart(one, other) == (
        "8 pieces against 8 pieces, of which merge 2 is the first that differs: 'th' + 'e'"
        " against 'h' + 'e'"
    )
    shorter = Vocabulary(known, ((4, 2), (5, 1)))
    assert _apart(shorter, one).endswith(
        "merge 3 is the first that differs: none against 's' + 's'"
    )
    assert _apart(one, Vocabulary(known + "x", one.merges)) == "'x' is only in one"
    assert _apart(Vocabulary(known), Vocabulary(END_OF_TEXT + "hest")) == (
        "its characters stand in another order"
    )


def test_pieces_of_another_library_cannot_be_taken_over(home: Path) -> None:
    """Other merges of the same text and number of pieces: to leave the number out does not help."""
    card = modelfile.read_card(Path("runs/pieces/model.safetensors"))
    training = replace(card.spec.training, teacher="pieces")
    spec = replace(card.spec, training=training)
    own = card.vocabulary
    assert isinstance(own, Vocabulary)
    with pytest.raises(SpecError, match="let it tell stories into a file"):
        _check_vocabulary(spec, card, replace(own, merges=own.merges[:-1]))
