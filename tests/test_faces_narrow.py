"""Tables in windows of 80 and of 60 columns: what a number means and the number stay whole."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from report_search import SMALL, write_search

from lilliput.exam.grade import Grade, SectionGrade, Tally
from lilliput.faces import find_live, report_search, text
from lilliput.lab.verbs import Graded
from lilliput.search.result import Snapshot

ERRORS = {"last place": 1200, "digit count": 800, "sign": 33, "malformed": 12, "no end mark": 3}


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> Graded:
    """A grade of four operations with long counts."""
    tally = Tally(12_345, 123_456, 0.0912, 0.1089, ERRORS)
    sections = {
        name: SectionGrade(cast(Any, name), tally, dict.fromkeys("+-*/", tally), 0.1, False, 5.0)
        for name in ("seen", "valid", "unseen", "beyond")
    }
    monkeypatch.setattr(text, "model_words", lambda graded: "gpt")
    made = Graded(cast(Any, None), Grade(sections, None), (), 1.0)
    object.__setattr__(made, "model", type("Model", (), {"name": "runs/[/x] :cat:"}))
    return made


@pytest.mark.parametrize("width", [120, 80, 60])
def test_the_exam_is_whole(
    width: int,
    graded: Graded,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "_WIDE", width)
    text.print_grade(graded)
    out = capsys.readouterr().out
    assert out.startswith("runs/[/x] :cat:: gpt\n"), "a name is no markup"
    table, _, words = out.partition("\n\n")[2].partition("\n\n")
    assert max(map(len, table.splitlines())) <= width
    assert re.search(r"^section +right +total +score \[95 %\]", table, re.M)
    numbers = r" +12,345 +123,456 +10\.0 % \[9\.1, 10\.9\]"
    for name in ("seen", "valid", "unseen", "beyond"):
        assert re.search(rf"^{name} +all{numbers}", table, re.M)
    for operation in "+-*/":
        assert len(re.findall(rf"^ +{re.escape(operation)}{numbers}", table, re.M)) == 4
    # The kinds of error: beside where they have room, else below.
    assert ("1,200 last" in table) == (width > 60)
    assert ("seen, wrong: 1,200 last place, 800 digit count" in words) == (width == 60)


def snapshot(folder: Path) -> Snapshot:
    write_search(folder, 44, SMALL)
    search = report_search.read_search(folder)
    return Snapshot(
        "finished", search.spec, search.trials, frozenset(), 1.0, 1, (), search.result
    )  # fmt: skip


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


@pytest.mark.parametrize("width", [120, 80, 60])
def test_the_sizes_of_a_search_are_whole(
    width: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "_WIDE", width)
    made = snapshot(tmp_path)
    text.console().print(find_live.size_table(made))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    seen = " ".join(" ".join(lines).split())
    for word in ("family", "parameters", "pass", "state", "unseen"):
        assert word in seen
    for trial in made.trials:
        assert f" {trial.parameters:,} " in seen
    assert re.search(r" \d+ of \d+ +(passes|failed|waiting)", seen)


def test_unseen_stands_beside_validation_when_a_search_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = snapshot(tmp_path)
    text.console().print(find_live.size_table(made))
    header, _, *rows = [cells(line) for line in capsys.readouterr().out.splitlines()]
    assert header[3:5] == ["best validation [95 %]", "unseen"]
    assert made.result is not None
    winner = made.result.winner
    assert winner is not None
    assert winner.unseen is not None
    (row,) = [row for row in rows if row[:2] == [winner.family, f"{winner.parameters:,}"]]
    assert row[3].startswith(f"{100 * winner.validation.score:.1f} % [")
    assert row[4].startswith(f"{100 * winner.unseen.score:.1f} % [")
    assert len(row) == len(header)
    # Seeds are counted as the answer counts them, not the trials of a size.
    for family in made.result.families:
        for size in family.sizes:
            (row,) = [row for row in rows if row[:2] == [size.family, f"{size.parameters:,}"]]
            assert f"{size.passed} of {size.tried}" in row
    # While it runs nothing is asked of unseen, and there is no column for it.
    running = Snapshot("training", made.spec, made.trials, frozenset(), 1.0, 1)
    text.console().print(find_live.size_table(running))
    assert "unseen" not in capsys.readouterr().out
