"""The card that goes with a shipped model, and what is somebody's and must not be written over."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ship_toys import at_home

from lilliput.engine.binding import library
from lilliput.errors import LilliputError, NotFoundError
from lilliput.faces.cli import main
from lilliput.lab.modelcard import MARK, NO_SCORE, model_card
from lilliput.lab.shipped import same
from lilliput.models.modelfile import read_card
from lilliput.zoo import path_of

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with at_home(tmp_path_factory.mktemp("home")) as folder:
        assert main(["grade", "sums"]) == 0
        yield folder


def ship(*words: str) -> int:
    return main(["ship", *words])


def test_the_zoos_grades_go_along(home: Path) -> None:
    assert ship("zoo:addition-368", "--as", "safetensors", "--out", "zoo.safetensors") == 0
    card = Path("zoo.safetensors.md").read_text()
    for words in (
        MARK,
        "# addition-368: a calculator of 368 parameters",
        "96.4 % [94.5, 97.7] (95 % interval; 779 right of 808)",
        "4 trained, this is seed 24 (validation by seed: 6: 89.9 %; 14: 45.2 %",
        "lilliput train gpt --layers 2 --width 4 --heads 1 --hidden 7",
        "368, matrices in float32",
        "checked: 20 texts as the model says them",
    ):
        assert words in card
    spec = json.loads(card.split("```json\n")[1].split("```")[0])
    assert spec["model"]["width"] == 4


def test_what_was_trained_on_whole_has_no_unseen_problem(home: Path) -> None:
    assert ship("zoo:tables-1400", "--as", "safetensors", "--out", "tables.safetensors") == 0
    card = Path("tables.safetensors.md").read_text()
    assert "| grade, all problems, all trained on | 100.0 % (390 right of 390) |" in card
    assert "unseen" not in card.split("```json")[0]


def test_a_story_tellers_grade_is_in_bits(home: Path) -> None:
    assert ship("zoo:stories-60k", "--as", "safetensors", "--out", "tales.safetensors") == 0
    assert (
        "1.308 bits [1.282, 1.335] (95 % interval; 219,075 characters)"
        in Path("tales.safetensors.md").read_text()
    )


def test_a_runs_exam_goes_along_and_an_exam_of_another_model_does_not(home: Path) -> None:
    assert ship("sums", "--as", "c", "--out", "sums.c", "--numbers", "int8") == 0
    head = Path("sums.c").read_text().split("*/")[0]
    exam = json.loads(Path("runs/sums/exam.json").read_text())
    unseen = exam["grade"]["sections"]["unseen"]["overall"]
    assert f"{unseen['right']:,} right of {unseen['total']:,}" in head
    assert "graded in float32; in int8 it was not graded again" in " ".join(
        head.replace("*", " ").split()
    )
    assert "this is seed 0; how many others were trained is not recorded" in head
    Path("runs/sums/exam.json").rename("exam.json")
    again = ("sums", "--as", "safetensors", "--out", "sums.safetensors")
    assert ship(*again) == 0
    assert NO_SCORE in Path("sums.safetensors.md").read_text()
    for wrong in ({**exam, "digest": "another"}, {}, {**exam, "grade": None}):
        Path("runs/sums/exam.json").write_text(json.dumps(wrong))
        assert ship(*again) == 0
        assert NO_SCORE in Path("sums.safetensors.md").read_text()
    Path("exam.json").rename("runs/sums/exam.json")


def test_a_page_and_a_program_have_it_too(home: Path) -> None:
    assert ship("zoo:addition-368", "--as", "wasm", "--out", "add.html") == 0
    assert "96.4 % [94.5, 97.7]" in Path("add.html").read_text("utf-16")
    assert ship("zoo:addition-368", "--out", "add") == 0
    assert ship("zoo:addition-368", "--as", "c", "--out", "add.c") == 0
    for card in ("add.html.md", "add.md", "add.c.md"):
        text = Path(card).read_text()
        assert "96.4 % [94.5, 97.7]" in text
        assert '"width": 4' in text, "the whole spec"
        ran = card != "add.html.md" or shutil.which("node")
        assert ("checked: 20 texts as the model says them" in text) == bool(ran)


def test_a_model_file_in_other_numbers_is_what_it_is_called(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("zoo:addition-368", "--as", "safetensors", "--numbers", "int8", "--out", "small.st")
    assert ship(*line) == 0
    assert "small.st, 4.0 kB, checked: 20 texts as the model says them" in capsys.readouterr().out
    assert read_card(Path("small.st")).numbers == "int8"
    card = Path("small.st.md").read_text()
    assert "368, matrices in int8" in card
    assert "graded in | float32; in int8 it was not graded again" in card


def test_a_model_file_whose_questions_are_gone_is_copied_and_not_called_checked(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(_: object) -> dict[str, str]:
        raise NotFoundError("no file 'questions.tsv'")

    monkeypatch.setattr("lilliput.lab.ship.golden", gone)
    assert (
        ship("zoo:addition-368", "--as", "safetensors", "--numbers", "int8", "--out", "q.st") == 0
    )
    assert "built, not run: no file 'questions.tsv'" in capsys.readouterr().out
    assert read_card(Path("q.st")).numbers == "int8"


def test_a_model_file_that_says_something_else_is_not_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lilliput.lab.ship.golden", lambda job: {"1 + 1": "1 + 1 = 3.00"})
    assert ship("zoo:addition-368", "--as", "safetensors", "--out", "other.st") == 1
    assert "the model file says" in capsys.readouterr().err
    assert not Path("other.st").exists()


@pytest.mark.parametrize("form", ["hf", "mcu"])
def test_a_folder_of_somebodys_is_left_alone(
    home: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine").mkdir()
    Path("mine/README.md").write_text("# My thesis\n")
    assert ship("zoo:addition-368", "--as", form, "--out", "mine") == 2
    assert "mine is there already and was not made by `lilliput ship`" in capsys.readouterr().err
    assert [file.name for file in Path("mine").iterdir()] == ["README.md"]
    shutil.rmtree("mine")


def test_a_folder_of_ours_and_an_empty_one_are_written(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """But nothing in it is lost that the new one does not have."""
    pytest.importorskip("transformers")
    Path("folder").mkdir()
    for _ in range(2):
        assert ship("zoo:tables-1400", "--as", "hf", "--out", "folder") == 0
    Path("folder/mine.txt").write_text("my own")
    capsys.readouterr()
    for form in ("hf", "mcu"):
        assert ship("zoo:tables-1400", "--as", form, "--out", "folder") == 2
        assert "folder has files that would be lost (" in capsys.readouterr().err
    assert Path("folder/mine.txt").read_text() == "my own"
    assert Path("folder/config.json").is_file()
    assert not [file for file in Path().iterdir() if file.name.startswith(".folder")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("zoo:addition-368 --as safetensors --out taken", "taken.md is there already and was not"),
        ("zoo:addition-368 --as c --out runs", "runs is a folder; give a file in it"),
        ("zoo:addition-368 --as hf --out taken.md", "taken.md is a file, and a folder is to be"),
        ("sums --as c --out runs/sums/model.safetensors", "is the model itself"),
        ("zoo:addition-368 --as onx", "did you mean 'onnx'?"),
        (
            "zoo:addition-368 --as mcu --target aarch64-macos",
            "--as mcu is compiled by the Makefile",
        ),
        ("zoo:addition-368 --as c --target aarch64-macos", "--as c is for every machine"),
        ("zoo:addition-368 --numbers int4", "no numbers 'int4'; did you mean 'int"),
        ("zoo:addition-368 --numbers int4", "known: float32, int16, int8"),
        ("zoo:addition-368 --as c --out notes.txt", "notes.txt is there already and was not made"),
    ],
)
def test_nothing_of_anybodys_is_written_over(
    home: Path, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken.md").write_text("mine")
    Path("notes.txt").write_text("mine")
    before = Path("runs/sums/model.safetensors").read_bytes()
    assert ship(*line.split()) == 2
    assert words in capsys.readouterr().err
    assert Path("taken.md").read_text() == Path("notes.txt").read_text() == "mine"
    assert Path("runs/sums/model.safetensors").read_bytes() == before


def test_what_was_shipped_before_is_replaced(home: Path) -> None:
    for model in ("zoo:addition-368", "sums"):
        assert ship(model, "--as", "c", "--out", "again.c") == 0
    assert "# sums: a calculator" in Path("again.c.md").read_text()


def test_a_file_that_left_its_exam_behind_is_not_called_never_examined(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ship("zoo:addition-368", "--as", "safetensors", "--out", "one.st") == 0
    small = ("--numbers", "int8", "--out", "two.st")
    assert ship("one.st", "--as", "safetensors", *small) == 0
    assert ship("two.st", "--as", "c", "--out", "two.c") == 0
    for card in ("two.st.md", "two.c.md"):
        assert f"| grade | {NO_SCORE} |" in Path(card).read_text()
    assert ship("two.st", "--numbers", "float32", "--as", "c", "--out", "three.c") == 2
    assert "is in int8, and what that rounded off is gone" in capsys.readouterr().err


def test_what_a_file_says_of_itself_stays_a_text_in_the_card() -> None:
    path = path_of("addition-368")
    marks = {"leaked": "*/ yes|\n<script>alert(1)</script>\n# Title", "<b>": "\x1b[2J"}
    card = model_card("a<i>", path, replace(read_card(path), marks=marks))
    text = card.markdown("checked")
    assert "| leaked | */ yes\\| &lt;script&gt;alert(1)&lt;/script&gt; # Title |" in text
    assert "# a&lt;i&gt;: a calculator" in text
    assert not {"<script>", "<b>", "\x1b"} & set(re.findall(r"<\w+>|\x1b", text))
    assert "leaked      */ yes| <script>" in card.text(), "a comment of C needs no more"


@pytest.mark.parametrize(
    ("said", "wanted", "words"),
    [
        (["a", "b" * 9_000], ["a", "b" * 8_999 + "c"], "says '…"),
        ("1 = 2\n3 = 4\n", "1 = 2\n3 = 5\n", "says '3 = 4'; the model: '3 = 5'"),
        ({"q": "x"}, {"q": "y"}, "says 'x'; the model: 'y'"),
        ("1 = 2\n", "1 = 2\n3 = 5\n", "says nothing; the model: '3 = 5'"),
    ],
)
def test_of_texts_that_differ_the_first_is_shown(said: object, wanted: object, words: str) -> None:
    with pytest.raises(LilliputError) as refused:
        same("the chip", said, wanted)
    assert words.strip("'…") in str(refused.value)
    assert len(str(refused.value)) < 240


@pytest.mark.parametrize("form", ["c", "safetensors", "wasm", "mcu", "hf"])
def test_where_nothing_can_be_written_that_is_said(
    home: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if form == "hf":
        pytest.importorskip("transformers")
    Path("file").write_text("no folder")
    assert ship("zoo:addition-368", "--as", form, "--out", "file/made") == 1
    said = capsys.readouterr().err
    assert said.startswith("lilliput: cannot write file/made")
    assert "make room or choose another --out" in said
