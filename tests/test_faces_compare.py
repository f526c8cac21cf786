"""Models side by side: nothing is cut, names are told apart, and no more is claimed than is so."""

import html
import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graded_toys import graded
from hypothesis import given
from hypothesis import strategies as st
from report_pages import Page

from lilliput.faces import chart_compare, charts, text
from lilliput.faces.report_compare import write_comparison
from lilliput.faces.side_by_side import labels
from lilliput.faces.text_compare import (
    fewest_words,
    figures,
    markdown,
    print_comparison,
    told,
)
from lilliput.lab.stories import TextGraded

NAMES = (
    "zoo:stories-211k",
    "runs/aa/model.safetensors",
    "runs/bb/model.safetensors",
    "weights/tinystoriesgru-0.2M-int8.pt",
    "weights/model_q15.bin",
    "stories260K.bin",
    "hf:roneneldan/TinyStories-1M",
)


@pytest.fixture
def seven() -> dict[str, TextGraded]:
    return {name: graded(name, [1.0 + n, 1.25 + n, 1.1 + n]) for n, name in enumerate(NAMES)}


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "render", lambda spec: ("<svg></svg>", b""))


@pytest.mark.parametrize("width", [160, 120, 80, 60])
def test_no_figure_is_cut(
    width: int,
    seven: dict[str, TextGraded],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "_WIDE", width)
    print_comparison(seven)
    out = capsys.readouterr().out
    parts = figures(seven)
    notes = [part.note for part in parts if part.note]
    lines = [line for line in out.splitlines() if line not in notes]
    assert len(lines) == len(out.splitlines()) - len(notes)
    assert max(map(len, lines)) <= width
    for part in parts:
        assert [row[0] for row in part.rows[: len(seven)]] == list(labels(seven).values())
        for row in part.rows:
            for cell in filter(None, row[1:]):
                for words in cell.split("\n"):
                    assert any(re.search(rf"(^| ){re.escape(words)}( |$)", line) for line in lines)
        for words in " ".join(part.header).split():
            assert words in out
    if width >= 80:
        for label in labels(seven).values():
            starts = [line for line in lines if line.startswith(f"{label} ")]
            assert len(starts) >= len(parts)
            assert any(" 211,008" in line for line in starts)
    assert re.search(r"^real stories .* 95\.3 % \[87\.1, 98\.4\]$", out, re.M)
    (unigram,) = [line for line in lines if line.startswith("unigram")]
    assert unigram.split() == ["unigram", "4.386"]


PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "model.pt"]), min_size=1, max_size=4).map("/".join),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(PATHS)
def test_names_are_told_apart(names: list[str]) -> None:
    called = labels(names)
    assert list(called) == names
    assert len(set(called.values())) == len(names)
    for name, label in called.items():
        assert f"/{name}".endswith(f"/{label}")
        # No more of the path than is needed.
        _, _, shorter = label.partition("/")
        others = [f"/{other}" for other in names if other != name]
        assert not shorter or any(other.endswith(f"/{shorter}") for other in others)


def test_names_of_the_zoo_and_of_the_hub_stay_whole() -> None:
    assert labels(["zoo:x", "hf:someone/x", "runs/x", "other/x"]) == {
        "zoo:x": "zoo:x",
        "hf:someone/x": "hf:someone/x",
        "runs/x": "runs/x",
        "other/x": "other/x",
    }


def test_the_best_is_named_only_where_the_documents_tell_it_apart() -> None:
    hard_D = np.array([0.6, 0.9, 1.2, 1.5, 1.8])
    slip_D = np.array([0.01, 0.02, 0.01, 0.02, 0.01])
    # The documents differ far more than the models, so the intervals overlap; each document is
    # nevertheless cheaper for one of them.
    pair = {"b": graded("b", hard_D + slip_D), "a": graded("a", hard_D)}
    assert pair["a"].grade.sections["tales"].high > pair["b"].grade.sections["tales"].low
    words = fewest_words(pair)
    assert words.startswith("a has the fewest bits per character, 1.200 [")
    assert re.search(r"; the next, b, has 0\.014 \[0\.00\d, 0\.0\d\d\] more\.$", words)
    # Now the one, now the other is cheaper.
    pair["b"] = graded("b", hard_D + np.array([0.3, -0.3, 0.2, -0.2, 0.1]))
    assert "but cannot be told from the next, b, which has 0.020 [-0." in fewest_words(pair)
    pair["b"] = graded("b", hard_D)
    assert "cannot be told" in fewest_words(pair)
    for page in (fewest_words(pair), markdown(pair)):
        assert "the best" not in page


def test_one_model_and_one_document() -> None:
    assert fewest_words({"a": graded()}) == "a has 1.200 [0.952, 1.448] bits per character."
    pair = {"a": graded("a", [1.5]), "b": graded("b", [1.75])}
    assert fewest_words(pair) == (
        "a has the fewest bits per character, 1.500; the next, b, has 0.250 more on this one"
        " document."
    )
    spec = chart_compare.bits_chart(pair)
    assert [row["low"] for row in spec["datasets"]["rows"]] == [1.5, 1.75]


def test_stories_stand_under_the_prompts_that_were_given() -> None:
    others = (("Der Hund", " lief."),)
    for order in ("ab", "ba"):
        both = {"a": graded("a"), "b": graded("b", stories=others)}
        assert told({name: both[name] for name in order}) == [
            ("Tom ran.", {"a": "He fell.\n\n“Oh!” he said.", "b": "Der Hund lief."}),
            ("Once upon a time", {"a": ", a cat sat…"}),
        ]


def test_the_page_says_how_and_keeps_paragraphs(
    seven: dict[str, TextGraded], tmp_path: Path
) -> None:
    said = "interrupted: not asked to the end: zoo:x"
    source = write_comparison(tmp_path, seven, said).read_text()
    page = Page(source)
    words = " ".join(page.words.replace("\u00a0", " ").split())
    assert "median of 5 runs (slowest to fastest) on 1 thread" in words
    assert "Interrupted: not asked to the end: zoo:x." in words
    assert fewest_words(seven) in words
    assert "</b>\nHe fell.\n\n“Oh!” he said.</p>" in html.unescape(source)
    assert re.search(r"\.story \{[^}]*white-space: pre-line", source)
    rows = [[cell for _, cell in row] for row in page.rows]
    for label in labels(seven).values():
        assert sum(row[0] == label for row in rows) == 4
    (real,) = [row for row in rows if row[0] == "real stories"]
    assert real[-1] == "95.3 %[87.1, 98.4]"
    assert ["unigram", "", "4.386"] in rows
    (speed,) = [row for row in rows if row[0] == "stories260K.bin" and "837 to 2,098" in row]
    assert speed[1:5] == ["2,018", "837 to 2,098", "1,234", "54"]
    file = (tmp_path / "compare.md").read_text()
    assert file == markdown(seven, said)
    assert file.startswith(f"{said}\n\n| model | family | parameters |")
    assert "median of 5 runs (slowest to fastest) on 1 thread" in file
    assert file.count("*x/model.safetensors*") == 0
    assert file.count("*aa/model.safetensors*: He fell.<br><br>“Oh!” he said.") == 1


@given(st.lists(st.floats(0, 300), min_size=1, max_size=17))
def test_names_of_points_that_are_alike_do_not_overlap(places: list[float]) -> None:
    gap, height = 17.0, 300.0
    moved = chart_compare.spread(places, gap, height)
    order = sorted(range(len(places)), key=places.__getitem__)
    stood = [moved[number] for number in order]
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(stood))
    assert gap / 2 - 1e-6 <= stood[0]
    assert stood[-1] <= height - gap / 2 + 1e-6
    wide = [(n + 0.5) * gap for n in range(17)]
    assert chart_compare.spread(wide, gap, height) == pytest.approx(wide)


def test_each_name_stands_beside_the_chart_once() -> None:
    alike = {name: graded(name) for name in NAMES}
    rows = chart_compare.bits_chart(alike)["datasets"]["rows"]
    assert [row["name"] for row in rows] == list(labels(NAMES).values())
    assert len({row["bits"] for row in rows}) == 1
    assert len({row["beside"] for row in rows}) == len(rows)


def test_each_model_has_its_own_threads(seven: dict[str, TextGraded]) -> None:
    first = next(iter(seven))
    speed = replace(seven[first].grade.speed, threads=2)
    other = replace(seven[first], grade=replace(seven[first].grade, speed=speed))
    told = figures({**seven, first: other})[-1]
    assert "thread" not in told.note
    assert [row[-1] for row in told.rows][:2] == ["PyTorch, 2 threads", "PyTorch, 1 thread"]
    assert "on 1 thread" in figures(seven)[-1].note


def test_bits_on_several_texts_are_a_table_of_their_own(tmp_path: Path) -> None:
    one = graded()
    both = replace(one.grade.sections["tales"], replaced=12, replaced_share=0.0061)
    alone = replace(one, grade=replace(one.grade, sections={"tales": both}))
    two = replace(one, grade=replace(one.grade, sections=dict.fromkeys(["tales", "others"], both)))
    bits = "1.200[0.952, 1.448](12 (0.61 %) replaced)"
    size = ["a", "memory-gru(tinystoriesgru)", "211,008", "1.85 MB"]
    tables = [(alone, [[*size, bits, "20"]]), (two, [[*size, "20"], ["a", bits, bits]])]
    for made, wanted in tables:
        source = write_comparison(tmp_path, {"a": made}).read_text()
        rows = [[cell for _, cell in row] for row in Page(source).rows]
        assert [row for row in rows if row[0] == "a"][: len(wanted)] == wanted
        assert "<br>(12 (0.61 %) replaced)" in source
        # Each is named for those who hear the page.
        labels_of = re.findall(r'<table[^>]* aria-label="([^"]*)"', source)
        assert len(labels_of) == len(set(labels_of)) == len(wanted) + 2
