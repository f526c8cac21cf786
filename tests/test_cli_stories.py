"""The verbs of text with real models: learned in seconds, graded, compared, searched for."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from text_toys import write_stories

from lilliput.faces.cli import main
from lilliput.faces.report import write_run_report
from lilliput.files import read_lines
from lilliput.lab.load import load, load_answerer, load_text
from lilliput.lab.telling import TextModel

TEXT = "--task stories --text stories.txt".split()
TINY = (
    "--steps 120 --batch 8 --block 64 --evaluate-every 40 --layers 1 --width 16 --heads 2"
).split()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two runs on made-up stories: by characters, and by pieces."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    write_stories(folder / "stories.txt", range(100))
    assert main(["train", "gpt", *TEXT, *TINY, "--name", "letters"]) == 0
    pieces = ["--vocabulary", "256", "--block", "64", "--steps", "60"]
    assert (
        main(["train", "gru", *TEXT, *TINY[:8], *pieces, "--width", "16", "--name", "pieces"]) == 0
    )
    yield folder
    os.chdir(before)


def test_train_shows_bits_and_loss_graphs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["train", "gpt", *TEXT, *TINY, "--seed", "1", "--report", "--name", "told"]
    assert main(line) == 0
    out = capsys.readouterr().out
    steps = re.findall(r"^step (\d+) of 120: loss [\d.]+, validation [\d.]+ bits \[", out, re.M)
    assert steps == ["40", "80", "120"]
    assert re.search(r"^training +[▁-█]{3} [\d.]+ to [\d.]+ bits per character$", out, re.M)
    assert re.search(r"^validation +[▁-█]{3} [\d.]+ to [\d.]+ bits per character$", out, re.M)
    assert re.search(r"^unseen +\d+ +[\d,]+ +[\d.]+ \[[\d.]+, [\d.]+\]", out, re.M)
    assert "unigram baseline (frequencies of characters)" in out
    assert "effective context: " in out
    assert re.search(
        r"^speed: [\d,]+ characters/s \([\d,]+ to [\d,]+\), [\d,]+ pieces/s; .* median of 5 runs",
        out,
        re.M,
    )
    page = (home / "runs/told/report.html").read_text()
    assert "bits per character" in page
    assert "Five stories" in page
    assert re.search(
        r"validation [\d.]+ \[[^]]*\], unseen [\d.]+ \[[^]]*\] bits per character<", page
    )
    assert "total failure" not in page + out
    assert re.search(
        r"Speed: [\d,]+ characters/s \(.* on 1 thread, behind a prompt of \d+ pieces\.", page
    )
    assert (home / "runs/told/charts/validation.png").exists()
    assert (home / "runs/told/charts/context.svg").exists()
    exam = json.loads((home / "runs/told/exam.json").read_text())
    assert exam["grade"]["sections"]["unseen"]["bits"] < exam["unigram"]
    # Had frequencies alone cost as little, it would have learned nothing.
    exam["unigram"] = exam["grade"]["sections"]["valid"]["bits"]
    (home / "runs/told/exam.json").write_text(json.dumps(exam))
    assert ">total failure: " in write_run_report(home / "runs/told").read_text()


def test_fewer_pieces_than_were_asked_for_are_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "gru", *TEXT, *TINY[:8], "--steps", "2", "--width", "8", "--json"]
    assert main([*line, "--vocabulary", "4096", "--name", "few"]) == 0
    found = capsys.readouterr()
    said = re.search(r"^lilliput: the vocabulary has (\d+) pieces, not 4,096: ", found.err, re.M)
    assert said is not None
    model = load_text("few")
    assert len(model.reader.vocabulary) == int(said[1]) < 256
    assert json.loads(found.out)["parameters"] == model.parameters
    assert main([*line, "--vocabulary", "0", "--name", "all"]) == 0
    assert "pieces, not" not in capsys.readouterr().err


def test_models_of_text_and_of_questions_are_told_apart(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(load("letters"), TextModel)
    assert load_text("letters")("Tom").startswith("Tom")
    assert main(["calc", "1 + 1", "--model", "letters"]) == 2
    assert "letters tells stories and answers no questions" in capsys.readouterr().err
    assert main(["tell", "Tom", "--model", "zoo:addition-368"]) == 2
    assert "answers questions and tells no stories" in capsys.readouterr().err
    assert load_answerer("zoo:addition-368")("1 + 1") == "2.00"


def test_grade_of_a_model_of_text(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "runs/pieces", "--json"]) == 0
    graded = json.loads(capsys.readouterr().out)
    sections = graded["grade"]["sections"]
    assert set(sections) == {"valid", "unseen"}
    assert sections["unseen"]["low"] < sections["unseen"]["bits"] < sections["unseen"]["high"]
    assert graded["grade"]["context"]["characters_a_piece"] > 1.5
    kept = json.loads((home / "runs/pieces/exam.json").read_text())
    assert len(kept.pop("file_digest")) == 64
    assert kept == graded
    write_stories(home / "others.txt", range(200, 212))
    looks = list(read_lines(home / "runs/pieces/looks.jsonl"))
    assert [look["why"] for look in looks] == ["train", "grade"]
    unseen = graded["grade"]["sections"]["unseen"]
    assert all((look["bits"], look["characters"]) == (unseen["bits"], unseen["characters"])
               for look in looks)  # fmt: skip
    assert main(["grade", "runs/pieces", "--text", "others.txt", "--json"]) == 0
    assert len(list(read_lines(home / "runs/pieces/looks.jsonl"))) == 2, "nothing of unseen"
    assert set(json.loads(capsys.readouterr().out)["grade"]["sections"]) == {"others"}
    assert main(["grade", "runs/pieces", "--sections", "unseen"]) == 2
    assert "its exam has no sections" in capsys.readouterr().err


def test_without_its_text_it_is_asked_the_excerpt(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = (home / "runs/letters/model.safetensors").read_bytes()
    (tmp_path / "alone.safetensors").write_bytes(model)
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "alone.safetensors", "--json"]) == 0
    graded = json.loads(capsys.readouterr().out)
    assert set(graded["grade"]["sections"]) == {"excerpt"}
    assert graded["unigram"] is None


def test_compare_side_by_side(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "evil.pt").write_bytes(b"\x80")
    line = ["compare", "letters", "runs/pieces", "none", "evil.pt", "--text", "stories.txt"]
    assert main([*line, "--markdown", "--report", "side"]) == 2
    found = capsys.readouterr()
    assert re.search(r"^lilliput: no model 'none'", found.err, re.M)
    assert re.search(r"^lilliput: evil\.pt is a bare pickle", found.err, re.M)
    for number, name in enumerate(["letters", "runs/pieces"], 1):
        parts = re.findall(rf"^{number} of 4, (.*): {name}$", found.err, re.M)
        assert parts[0] == "bits per character"
        assert parts[-1] == "speed"
    header = found.out.split("\n")[0]
    assert header.startswith("| model | family | parameters | bytes | bits per character, stories")
    for row in ("letters \\| gpt", "pieces \\| gru"):
        assert re.search(rf"^\| {row} \| [\d,]+ \| [\d.]+ kB \| [\d.]+ \\\[", found.out, re.M)
    for name in ("letters", "pieces", "real stories"):
        assert re.search(rf"^\| {name} \| [\d.]+ % .*%.*%.*%", found.out, re.M)
    assert re.search(r"^\| unigram \| .* \| [34]\.\d{3} \|", found.out, re.M)
    assert found.out.count("\n**") == 5
    assert found.out.count("\n*letters*: ") == 5
    assert (home / "side/compare.md").read_text() == found.out
    page = (home / "side/report.html").read_text()
    assert "2 models of text, side by side" in page
    assert "<script" in page
    assert main([*line[:3], "--text", "stories.txt"]) == 0
    table = capsys.readouterr().out
    assert "characters/s" in table
    assert re.search(r"names of the\s", table)
    assert "median of 5 runs (slowest to fastest) on 1 thread" in table


def test_quantise_says_what_it_costs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantise", "letters", "--out", "small.safetensors", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for cost in found["costs"]:
        assert cost["before"] < 0
        assert abs(cost["before"] - cost["after"]) < 0.05
    assert main(["quantise", "letters", "--numbers", "int16"]) == 0
    out = capsys.readouterr().out
    assert "letters-int16.safetensors" in out
    assert re.search(
        r"^unseen: [\d.]+ bits before, [\d.]+ bits after: -?0.000\d bits lost$", out, re.M
    )
    assert main(["quantise", "letters-int16.safetensors"]) == 2
    assert "is in int16 already" in capsys.readouterr().err
    assert main(["quantise", "letters", "--numbers", "int4"]) == 2


def test_find_the_smallest_storyteller(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        "find stories --text stories.txt --pass 4.1 --families gpt mingru --steps 96 --batch 8"
        " --block 64 --smallest 1200 --largest 2400 --rungs 1 --seeds 0 --workers 1"
        " --budget 400-steps --folder search"
    ).split()
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "Smallest confirmed model that passes 4.1 bits per character: " in out
    assert re.search(r"validation [\d.]+ bits, unseen [\d.]+ bits \[", out)
    assert "try it: lilliput tell 'Once upon a time' --model search/models/trial-" in out
    page = (home / "search/report.html").read_text()
    assert "at most 4.1 bits per character" in page
    assert re.search(r"Triangle: [^.]* better than the unigram\.", page)
    assert re.search(r"<nav.*>Exam</a>.*</nav>", page)
    assert "confirming on unseen documents" in out
    for words in ("heat map", "constant answer", "unseen problems", "Validation score"):
        assert words not in page.split('<script type="application/json"')[0] + out
    assert (home / "search/charts/frontier.png").exists()
    assert main(["find", "stories", "--text", "stories.txt", "--pass", "70%"]) == 2
    assert "write bits: 1.327" in " ".join(capsys.readouterr().err.split())


def test_a_memory_gru_says_how_long_it_remembers_and_keeps_names_in_mind(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = "--width 16 --heads 2 --leash 0.95 --no-tied --report".split()
    assert main(["train", "memory-gru", *TEXT, *TINY[:8], *shape, "--name", "memory"]) == 0
    out = capsys.readouterr().out
    radii = re.findall(r"spectral radius, (\w+) (\d\.\d{3})", out)
    assert [name for name, _ in radii] == ["reset", "update", "new", "writer"]
    assert all(float(radius) <= 0.951 for _, radius in radii)
    assert (
        "How long it remembers: spectral radius" in (home / "runs/memory/report.html").read_text()
    )
    assert main(["grade", "memory", "--anchors", "--json"]) == 0
    assert "names_kept" in json.loads(capsys.readouterr().out)["grade"]["card"]
    assert main(["tell", "Tom", "--anchors", "--model", "letters"]) == 2
    assert "anchors are kept by a memory-gru; letters is a gpt" in capsys.readouterr().err
