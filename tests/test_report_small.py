"""What is said of spaces asked whole, of leaked models, and of intervals that are not of 95 %."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_pages import Page
from report_search import SMALL, write_search

from lilliput.faces import charts, found, report, report_search, report_tables
from lilliput.search.job import Evidence
from lilliput.search.result import Snapshot
from lilliput.search.trial import Look
from lilliput.specs import ArithmeticSpec, RunSpec, TaskSpec

LEAKED = replace(SMALL, source="lines.txt", leaked=True)


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_MAKE_BUNDLE", "print('var vegaEmbed;')")
    monkeypatch.setattr(charts, "render", lambda spec: ("<svg></svg>", b""))


def whole(*_: Any, **__: Any) -> Evidence:
    return Evidence(390, 390, 1.0, 1.0)


def snapshot(search: report_search.Search) -> Snapshot:
    return Snapshot(
        "finished", search.spec, search.trials, frozenset(), 1.0, 1, (), search.result
    )  # fmt: skip


def searched(folder: Path, task: TaskSpec) -> tuple[report_search.Search, str, str]:
    """A search, what its page says and what the command line says."""
    write_search(folder, 44, task)
    search = report_search.read_search(folder)
    page = Page(report.write_report(folder).read_text())
    said = found.answer(snapshot(search), folder, search.levels)
    return search, page.words.replace("\u00a0", " "), said


def test_what_was_trained_on_is_never_called_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("report_search.ask", whole)
    search, page, said = searched(tmp_path, ArithmeticSpec(operands="0-9"))
    sentence = "100.0 % of all 390 problems, all trained on"
    assert sentence in page
    assert sentence in said
    for words in (page, said):
        assert "never trained on" not in words
        assert "unseen 100" not in words
        assert "validation 100" not in words
        assert "--ten-fold" in words
    for rows in (report_tables.sizes_table(search), report_tables.trials_table(search)):
        assert "unseen" not in rows
    table = found.to_dict(search.result)
    assert table["winner"]["unseen"] is None
    assert table["winner"]["all_trained_on"]


def test_a_leaked_model_is_marked_wherever_it_is_shown(tmp_path: Path) -> None:
    search, page, said = searched(tmp_path, LEAKED)
    assert search.result.winner is not None
    assert f"{search.result.winner.parameters:,} parameters, *leaked*: validation" in page
    assert f"{search.result.winner.parameters:,} parameters, *leaked*: validation" in said
    assert report_tables.trials_table(search).count("*leaked*") == len(search.trials)
    assert found.to_dict(search.result)["winner"]["marks"] == {"leaked": "yes"}
    assert json.dumps(found.to_dict(search.result))


def test_the_width_of_an_interval_is_named(tmp_path: Path) -> None:
    search, _, _ = searched(tmp_path, SMALL)
    winner = search.result.winner
    assert winner is not None
    assert " at " not in found.size_words(winner, search.levels)
    wide = found.levels_of([Look(1, 0, winner.trial.number, 2.241402727604947)])
    assert "] at 97.5 %, " in found.size_words(winner, wide)
    assert found.to_dict(search.result, wide)["winner"]["unseen"]["level"] == pytest.approx(0.975)
    assert "] at 97.5 %" in found.answer(snapshot(search), tmp_path, wide)


def test_what_a_search_says_of_its_end(tmp_path: Path) -> None:
    search, page, said = searched(tmp_path, SMALL)
    shot = snapshot(search)
    # Above the constant's score, but not by more than chance: not the same as no better.
    assert "not shown to be better than the best constant answer" in said
    assert "not shown to be better than the best constant answer" in page
    again = "the budget ended it before all was decided; run it again to go on"
    larger = "the budget ended it before all was decided; run it with a larger --budget to go on"
    for spec, words in (
        (replace(search.spec, steps=0, seconds=600.0), again),
        # Steps are counted over all sittings: the same command trains nothing more.
        (replace(search.spec, steps=1_000, seconds=0.0), larger),
    ):
        assert words in found.answer(replace(shot, spec=spec), tmp_path, search.levels).split("\n")
    assert f"report: {tmp_path / 'report.html'}; ledger: {tmp_path / 'ledger.json'}" in said
    (tmp_path / "report.html").unlink()
    assert "report" not in found.answer(shot, tmp_path, search.levels)


def test_the_question_to_try_is_one_of_the_task(tmp_path: Path) -> None:
    _, _, said = searched(tmp_path, SMALL)
    line = next(line for line in said.splitlines() if line.startswith("try it: "))
    question = line.split("'")[1]
    left, operation, right = question.split()
    assert operation in SMALL.operations
    assert max(int(left), int(right)) < 40
    run = RunSpec(task=replace(SMALL, operations="*", operands="50-60", held_out="none"))
    assert " * " in found._question(run)
