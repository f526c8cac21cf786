"""`import lilliput`: the verbs of the command line, from Python."""

import doctest
from importlib.metadata import version
from pathlib import Path

import pytest
from text_toys import write_stories

import lilliput
from lilliput.errors import SpecError
from lilliput.exam.expressions import GradedLine
from lilliput.lab.stories import TextGraded
from lilliput.lab.verbs import Graded
from lilliput.training.run import read_spec

SMALL = lilliput.GPTSpec(layers=1, width=8, heads=1)


def test_every_verb_shows_how_it_is_called_and_no_example_is_skipped() -> None:
    """The examples themselves are run with the other docstrings' (pyproject.toml)."""
    for name in lilliput.__all__:
        made = getattr(lilliput, name)
        if not (name.islower() or name in ("Model", "TextModel")) or name.startswith("_"):
            continue
        (found,) = doctest.DocTestFinder(recurse=False).find(made, name)
        assert any(f"lilliput.{name}(" in one.source for one in found.examples) or name[0].isupper()
        assert found.examples
        assert not any(doctest.SKIP in one.options for one in found.examples)


def test_the_version_is_that_of_the_package() -> None:
    assert lilliput.__version__ == version("lilliput")


def test_text_is_trained_told_and_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_stories(tmp_path / "tales.txt", range(60))
    training = lilliput.TrainingSpec(
        steps=2, batch=4, layout="stream", block=32, loss="all", evaluate_every=2
    )
    task = lilliput.StoriesSpec(text=("tales.txt",))
    folder = Path("runs/mine")
    spec = lilliput.RunSpec(task=task, model=SMALL, training=training)
    moments = list(lilliput.train(spec, folder))
    assert moments[-1].step == 2
    # What it learned is named by its content, as the command line does.
    kept = read_spec(folder).task
    assert isinstance(kept, lilliput.StoriesSpec)
    assert len(kept.text_digest) == 64
    assert list(lilliput.train(spec, folder)) == [], "it is over"
    told = "".join(lilliput.tell("The cat", "mine", temperature=0, pieces=5))
    assert told == "".join(lilliput.tell("The cat", "mine", temperature=0, pieces=5))
    graded = lilliput.grade("mine")
    assert isinstance(graded, TextGraded)
    assert set(graded.grade.sections) == {"valid", "unseen"}
    assert (folder / "exam.json").exists()
    with pytest.raises(SpecError, match="its exam has no sections"):
        lilliput.grade("mine", ["unseen"])


def test_grade_asks_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graded = lilliput.grade("zoo:tables-1400", ["unseen"])
    assert isinstance(graded, Graded)
    assert graded.grade.sections["unseen"].overall.right == 390
    Path("sums.txt").write_text("1 + 1 = 2.00\n1 + 1 = 3.00\n")
    lines = lilliput.grade("sums.txt")
    assert isinstance(lines, list)
    assert [(type(line), line.mark) for line in lines] == [
        (GradedLine, "correct"),
        (GradedLine, "incorrect"),
    ]
    with pytest.raises(SpecError, match="--text and --anchors are for models of text"):
        lilliput.grade("zoo:tables-1400", text=["sums.txt"])
    with pytest.raises(SpecError, match="did you mean 'unseen'"):
        lilliput.grade("zoo:tables-1400", ["unsen"])  # type: ignore[list-item]


def test_a_file_of_questions_is_named_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.tsv").write_text("one\tuno\ntwo\tdos\n")
    training = lilliput.TrainingSpec(steps=2, batch=2, evaluate_every=2)
    task = lilliput.LinesSpec(file="words.tsv")
    spec = lilliput.RunSpec(task=task, model=SMALL, training=training)
    for _ in lilliput.train(spec, Path("runs/words")):
        pass
    kept = read_spec(Path("runs/words")).task
    assert isinstance(kept, lilliput.LinesSpec)
    assert len(kept.file_digest) == 64
