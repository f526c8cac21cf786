"""What a model of text is asked: its own text or nothing in its name, the excerpt only where it is
unseen, and all characters counted that are not read as they are written."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from text_toys import story, write_stories

from lilliput.errors import LilliputError
from lilliput.exam.story import PROMPT
from lilliput.faces.cli import main
from lilliput.faces.text_compare import figures
from lilliput.files import read_lines
from lilliput.lab.comparing import compare
from lilliput.lab.load import load_text
from lilliput.lab.stories import exam_of
from lilliput.tasks.corpus import texts
from lilliput.tasks.documents import EXCERPT, read_documents

TINY = "--steps 3 --batch 8 --block 64 --evaluate-every 3 --layers 1 --width 8 --heads 1"
LACKING = 20
"""Characters of the unseen documents that the text to learn from lacks: “, ”, Z and é or è."""


def train(name: str, task: str) -> None:
    assert main(f"train gpt --task stories {task} {TINY} --name {name}".split()) == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run that has files of its own kept for choices and reports, and one that
    learned the excerpt."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    write_stories(folder / "tales.txt", range(40))
    write_stories(folder / "kept.txt", range(100, 105))
    write_stories(folder / "one.txt", [200])
    documents = [f"“{story(n)}” Zorgl was {c}." for n, c in enumerate("éèéèé", 300)]
    (folder / "odd.txt").write_text("\n<|endoftext|>\n".join(documents))
    wide = [f"{story(n)} “Zorgl!”" for n in range(80)]
    (folder / "wide.txt").write_text("\n<|endoftext|>\n".join(wide))
    train("letters", "--text tales.txt --valid kept.txt --unseen odd.txt")
    train("learner", "")
    yield folder
    os.chdir(before)


@pytest.fixture
def alone(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], line: str) -> tuple[Any, str]:
    """What a command printed as JSON, of which every number is one, and what it said beside."""
    capsys.readouterr()
    assert main(line.split()) == 0
    found = capsys.readouterr()

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(found.out, parse_constant=refuse), found.err


def test_its_own_text_is_asked_as_it_is_written(home: Path) -> None:
    exam = exam_of(load_text("letters"))
    assert exam.remark == ""
    assert exam.sections["unseen"] == list(read_documents(Path("odd.txt")))
    assert exam.sections["valid"] == list(read_documents(Path("kept.txt")))


def test_real_words_are_those_of_what_was_learned(home: Path) -> None:
    words = exam_of(load_text("letters")).words
    assert {"lily", "dog", "ran"} <= words
    # As it is written, and in the characters of the text to learn from.
    assert not {"zorgl", "orgl"} & words
    for text in ([], ["odd.txt"]):
        assert exam_of(load_text("letters"), text).words == words


def test_replaced_characters_are_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = asked(capsys, "grade letters --json")
    sections = found["grade"]["sections"]
    assert sections["valid"]["replaced"] == 0
    assert sections["unseen"]["replaced"] == LACKING
    share = LACKING / sum(map(len, read_documents(Path("odd.txt"))))
    assert sections["unseen"]["replaced_share"] == pytest.approx(share)
    assert found["grade"]["real"]["closed_quotes"]["whole"] > 0
    assert main(["grade", "letters"]) == 0
    words = f"unseen: characters that the model lacks, read as the nearest known: {LACKING} ("
    assert words in capsys.readouterr().out
    assert main("train --resume runs/letters --report".split()) == 0
    assert words in Path("runs/letters/report.html").read_text()
    capsys.readouterr()
    assert main(["grade", "letters", "--text", "kept.txt"]) == 0
    assert "read as the nearest" not in capsys.readouterr().out


def test_a_text_that_is_not_at_hand_is_said_and_the_kept_exam_stays(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exam, looks = Path("runs/letters/exam.json"), Path("runs/letters/looks.jsonl")
    before = exam.read_bytes(), looks.read_bytes()
    shutil.rmtree("corpora")
    Path("tales.txt").rename("moved.txt")
    found, said = asked(capsys, "grade letters --json")
    assert set(found["grade"]["sections"]) == {"excerpt"}
    (words,) = [line for line in said.splitlines(True) if line.startswith("lilliput: ")]
    assert words == (
        "lilliput: letters: no file or folder 'tales.txt'; it is asked the package's excerpt in"
        " place of its own text, and the grade is not kept\n"
    )
    assert (exam.read_bytes(), looks.read_bytes()) == before
    _, said = asked(capsys, "grade letters --text one.txt --json")
    assert "real words are counted without those of its own text" in said
    _, said = asked(capsys, "grade zoo:stories-60k --text one.txt --json")
    assert "lilliput: " not in said  # its text nobody has who has the package
    assert (exam.read_bytes(), looks.read_bytes()) == before


@pytest.mark.parametrize("harm", ["changed", "damaged"])
def test_a_text_that_is_another_or_damaged_is_an_error(
    alone: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    before = Path("runs/letters/exam.json").read_bytes()
    if harm == "changed":
        shutil.rmtree("corpora")
        write_stories(alone / "tales.txt", range(41))
    else:
        for card in Path("corpora").glob("*/corpus.json"):
            card.write_text("{")
    words = {"changed": "not the text that this was specified for", "damaged": "is damaged"}[harm]
    assert main(["grade", "letters"]) == 1
    assert words in capsys.readouterr().err
    assert Path("runs/letters/exam.json").read_bytes() == before
    # What it costs in whole numbers cannot be measured either, and is before anything is written.
    assert main(["quantise", "letters", "--out", "small.safetensors"]) == 1
    assert not Path("small.safetensors").exists()
    # Another text needs only its words.
    _, said = asked(capsys, "grade letters --text one.txt --json")
    assert words in said


def test_one_document_has_no_interval(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    section = asked(capsys, "grade letters --text one.txt --json")[0]["grade"]["sections"]["one"]
    assert (section["low"], section["high"]) == (None, None)
    assert main(["grade", "letters", "--text", "one.txt"]) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("one "))
    assert line.split() == ["one", "1", f"{section['characters']}", f"{section['bits']:.3f}"]
    assert main("compare letters --text one.txt --report side".split()) == 0
    assert f"has {section['bits']:.3f} bits per character." in Path("side/report.html").read_text()
    assert "inf" not in capsys.readouterr().out
    for files in ("--valid one.txt --unseen kept.txt", "--valid kept.txt --unseen one.txt"):
        line = f"train gpt --task stories --text tales.txt {files} {TINY} --name single"
        assert main(line.split()) == 2
        assert "has 1 document: too few to tell models apart" in capsys.readouterr().err


def test_documents_of_one_sentence_are_graded(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stories(home / "short.txt", range(60), length=4)
    train("short", "--report --text short.txt")
    out = capsys.readouterr().out
    assert "story card, 0 stories" in out
    assert "effective context: at most " in out
    assert "Five stories" not in Path("runs/short/report.html").read_text()
    assert main("compare short learner --text short.txt --markdown".split()) == 0
    assert "*short*:" not in capsys.readouterr().out, "it had nothing to begin with"


def test_the_excerpt_is_asked_only_where_no_model_learned_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, said = asked(capsys, "compare letters learner --json")
    assert "learner learned the excerpt: all are asked what is unseen of it alone" in said
    spec = load_text("learner").card.spec.task  # type: ignore[union-attr]
    unseen = texts(spec, "unseen")  # type: ignore[arg-type]
    assert 0 < len(unseen) < 40
    for row in found:
        assert list(row["grade"]["sections"]) == ["excerpt, unseen"]
        assert row["grade"]["sections"]["excerpt, unseen"]["documents"] == len(unseen)
    own = json.loads(Path("runs/learner/exam.json").read_text())["grade"]["sections"]["unseen"]
    assert found[1]["grade"]["sections"]["excerpt, unseen"]["bits"] == pytest.approx(own["bits"])
    looks = list(read_lines(Path("runs/learner/looks.jsonl")))
    assert [look["why"] for look in looks] == ["train", "compare"]
    # Without it, and where another text is given, nothing is left out.
    found, _ = asked(capsys, "compare letters --json")
    documents = {n: s["documents"] for n, s in found[0]["grade"]["sections"].items()}
    assert documents == {"excerpt": len(list(read_documents(EXCERPT)))}
    found, _ = asked(capsys, "compare learner --text kept.txt --json")
    assert list(found[0]["grade"]["sections"]) == ["kept"]
    # Two that held out different tenths have nothing in common.
    train("other", "--fold 3")
    assert main(["compare", "learner", "other"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "learner, other learned the excerpt in different splits" in said


def test_models_are_compared_with_the_same_real_stories(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("wide", "--text wide.txt")
    narrow, wide = (one for _, one in compare(["letters", "wide"], ["odd.txt"]))
    assert not isinstance(narrow, LilliputError)
    assert not isinstance(wide, LilliputError)
    # The wide one lacks é and è alone; letters has no quotation mark that a real story could close.
    assert narrow.grade.sections["odd"].replaced == LACKING
    assert wide.grade.sections["odd"].replaced == 5
    assert narrow.grade.real == wide.grade.real
    assert wide.grade.real.closed_quotes.whole > 0
    # Whoever comes last, real are the words of all.
    again, _ = (one for _, one in compare(["wide", "letters"], ["odd.txt"]))
    assert not isinstance(again, LilliputError)
    assert again.grade.real == wide.grade.real
    assert main("compare letters wide --text odd.txt --markdown --report side".split()) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^\| letters \|.*\({LACKING} \(.* %\) replaced\)", out, re.M)
    assert re.search(r"^\| wide \|.*\(5 \(.* %\) replaced\)", out, re.M)
    assert "the nearest known one was read" in Path("side/report.html").read_text()


def test_real_stories_stand_beside_the_usual_prompts_where_one_window_is_short(home: Path) -> None:
    line = (
        "train gru --task stories --text tales.txt --width 8 --steps 3 --batch 8 --name recurrent"
    )
    assert main(line.split()) == 0
    graded = dict(compare(["letters", "recurrent"], ["odd.txt"]))
    short, usual = graded["letters"], graded["recurrent"]
    assert not isinstance(short, LilliputError)
    assert not isinstance(usual, LilliputError)
    assert (short.grade.prompt_characters, usual.grade.prompt_characters) == (32, PROMPT)
    assert str(short.grade.real.real_words) != str(usual.grade.real.real_words)
    _, card, _ = figures({"letters": short, "recurrent": usual})
    assert card.rows[-1][:2] == ["real stories", str(usual.grade.real.real_words)]


def test_files_of_one_name_are_told_apart(home: Path) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        write_stories(Path(folder) / "tales.txt", range(500, 503))
    sections = exam_of(load_text("letters"), ["a", "b"]).sections
    assert set(sections) == {"a/tales.txt", "b/tales.txt"}
