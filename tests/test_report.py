"""Laws of the report: it says what the ledger says, loads nothing, and no text becomes HTML."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import altair
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_pages import Page
from report_search import SEARCH, SMALL, made_up_job, write_run, write_search

from lilliput.errors import FileError, LedgerError, NotFoundError
from lilliput.faces import charts, report, report_maps, report_page, report_search, report_tables
from lilliput.search.find import _identity
from lilliput.search.job import Evidence
from lilliput.search.ledger import Ledger
from lilliput.search.trial import Look
from lilliput.specs import GPTSpec, RunSpec

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{BUNDLE}}\"'&"


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vega takes two seconds to pack and is the same in every page."""
    monkeypatch.setattr(report, "_MAKE_BUNDLE", "print('var vegaEmbed;')")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search of 200 trials, with its report."""
    folder = tmp_path_factory.mktemp("search")
    write_search(folder, 200)
    report.write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(searched: Path) -> Page:
    return Page((searched / "report.html").read_bytes().decode())


def test_a_search_of_200_trials_stays_under_3_mb(searched: Path) -> None:
    assert (searched / "report.html").stat().st_size < 3_000_000


def test_the_page_runs_only_scripts_that_its_policy_names(page: Page) -> None:
    policy = next(a for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy["content"]).split(";"))
    run = [text for attributes, text in page.scripts if "type" not in attributes]
    named = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run}
    assert set(rules["script-src"].split()) == {f"'sha256-{name}'" for name in named}
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"


def test_nothing_in_the_page_is_loaded_from_elsewhere(page: Page) -> None:
    loads = [
        (tag, name, value)
        for tag, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset")
    ]
    assert loads
    assert all(str(value).startswith(("data:image/png;", "#")) for _, _, value in loads)
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    # Vega is there whole, with the interpreter that the policy makes necessary.
    assert any("vegaEmbed" in text and len(text) > 500_000 for _, text in page.scripts)


def test_the_table_of_trials_is_the_ledger(searched: Path, page: Page) -> None:
    search = report_search.read_search(searched)
    header = next(row for row in page.rows if row and row[0][1] == "trial")
    names = [text for _, text in header]
    start = page.rows.index(header) + 1
    rows = page.rows[start : start + len(search.trials)]
    looks = {look.trial: look for look in search.looks}
    assert len(search.trials) == 200
    for trial, row in zip(search.trials, rows, strict=True):
        said = dict(zip(names, row, strict=True))
        assert trial.last is not None
        assert said["trial"][1] == str(trial.number)
        assert said["parameters"][1] == f"{trial.parameters:,}"
        assert said["spec"][1] == trial.spec.digest
        order = said["validation"][0]["data-order"]
        assert float(str(order)) == pytest.approx(trial.last.score, rel=1e-5)
        assert f"{100 * trial.last.low:.1f}" in said["validation"][1]
        look = looks.get(trial.number)
        assert bool(said["unseen"][1]) == (look is not None)
        if look is not None:
            verdict = "confirmed" if look.confirms(search.spec.pass_mark) else "refused on unseen"
            assert said["state"][1] == verdict


def test_unseen_has_the_last_word_on_a_trial(searched: Path) -> None:
    search = report_search.read_search(searched)
    trial = next(t for t in search.trials if t.passes(0.7))
    refused = Look(1, 0, trial.number, 1.96, Evidence(60, 100, 0.5, 0.69))
    assert "refused on unseen" in report_tables.state_words(trial, refused, 0.7)
    assert "passes on validation" in report_tables.state_words(trial, None, 0.7)


def test_the_winner_stands_on_top_with_its_evidence(searched: Path, page: Page) -> None:
    winner = report_search.read_search(searched).result.winner
    assert winner is not None
    assert winner.unseen is not None
    top = page.words.replace("\u00a0", " ").split("Score against size")[0]
    assert f"{winner.parameters:,} parameters" in top
    assert f"unseen {100 * winner.unseen.score:.1f} % [{100 * winner.unseen.low:.1f}, " in top


def test_the_frontier_shows_possible_and_typical_of_every_size(searched: Path, page: Page) -> None:
    search = report_search.read_search(searched)
    data = page.data["specs"]["frontier"]["datasets"]
    points = {(p["family"], p["parameters"], p["kind"]): p for p in data["points"]}
    assert len(data["trials"]) == 200
    num_typical = 0
    for size in (size for family in search.result.families for size in family.sizes):
        kind = charts.CONFIRMED if size.confirmed else charts.VALIDATED
        seen = size.unseen if size.confirmed else size.validation
        assert seen is not None
        possible = points[size.family, size.parameters, kind]
        shown = [possible[name] for name in ("score", "low", "high")]
        assert shown == pytest.approx([seen.score, seen.low, seen.high], abs=6e-5)
        typical = points.get((size.family, size.parameters, charts.TYPICAL))
        assert (typical is None) == (size.typical is None)
        if typical is not None:
            num_typical += 1
            assert typical["score"] == pytest.approx(size.typical, abs=6e-5)
    assert num_typical >= 3
    lost = {(f.name, f.fails_totally.parameters) for f in search.result.families if f.fails_totally}
    assert len(lost) == 2
    assert lost == {key[:2] for key in points if key[2] == charts.FAILURE}
    marks = {mark["name"]: mark["score"] for mark in data["marks"]}
    assert marks == {"pass mark 70 %": 0.7, "best constant answer": 0.06}


def test_learning_curves_hold_every_validation(searched: Path, page: Page) -> None:
    rows = page.data["specs"]["learning-curves"]["datasets"]["rows"]
    drawn = {(row["trial"], row["step"]): row["score"] for row in rows}
    for trial in report_search.read_search(searched).trials:
        for point in trial.points:
            shown = drawn[trial.number, point.step]
            assert shown == pytest.approx(point.validation.score, abs=6e-5)
    assert all(
        one["step"] < other["step"]
        for one, other in pairwise(rows)
        if one["trial"] == other["trial"]
    )


def test_charts_lie_beside_the_page_as_svg_and_png(searched: Path) -> None:
    names = {path.stem for path in (searched / "charts").iterdir()}
    operations = ("addition", "subtraction", "multiplication", "division")
    assert {"frontier", "learning-curves"} <= names
    assert {f"heat-map-gpt-{operation}" for operation in operations} <= names
    for name in names:
        svg = (searched / "charts" / f"{name}.svg").read_text()
        assert svg.startswith("<svg")
        assert (searched / "charts" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        if name.startswith("heat-map"):
            # One picture, not a mark a problem.
            assert svg.count("<image") == 1
            assert svg.count("<path") < 50


def test_charts_are_valid_vega_lite(searched: Path) -> None:
    search = report_search.read_search(searched)
    heat = report_maps.chart_of(report_maps.Map("*", 0, ("10", ".1")), (1, 1))
    rows = [{"trial": 0, "family": "gpt", "parameters": 9, "step": 5, "loss": 1.0, "text": ""}]
    loss = charts.curves(rows, by_family=None, y="loss", title="loss")
    banded = [{**rows[0], "score": 0.5, "low": 0.4, "high": 0.6}]
    score = charts.curves(banded, by_family=None, y="score", title="score")
    for spec in (report_search.frontier(search), report_search.curves(search), heat, loss, score):
        # Rows are ours, and thousands; the schema says nothing of them.
        altair.Chart.from_dict({**spec, "datasets": {}})


@pytest.mark.usefixtures("no_bundle")
def test_text_never_becomes_html(tmp_path: Path) -> None:
    write_search(tmp_path, 44)
    search = report_search.read_search(tmp_path)
    home = tmp_path / "models" / f"trial-{search.shown[0].trial.number}"
    exam = json.loads((home / "exam.json").read_text())
    exam["grade"]["verdict"] = EVIL
    for section in exam["grade"]["sections"].values():
        section["overall"]["errors"] = {EVIL: 3}
        section["groups"][EVIL] = section["overall"]
    exam["maps"].append({**exam["maps"][0], "operation": EVIL})
    (home / "exam.json").write_text(json.dumps(exam))
    evil = replace(search.trials[0], number=len(search.trials), inner={EVIL: EVIL})
    with Ledger(tmp_path, spec_type=RunSpec) as ledger:
        ledger.record([evil], [])
    made = Page(report.write_report(tmp_path).read_text())
    assert [a for t, a in made.tags if t == "script"] == [
        {"type": "application/json", "id": "data"}, {}, {},
    ]  # fmt: skip
    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in made.tags)
    assert made.words.count(EVIL) >= 4
    assert "vegaEmbed" in made.scripts[1][1]
    assert made.data["specs"].keys() == {"frontier", "learning-curves"}


@given(st.text())
def test_data_for_scripts_cannot_end_its_script(words: str) -> None:
    spec = {"description": words + EVIL}
    made = Page(report_page.page(words, report_page.text(words), {"c": spec}, {}, "bundle"))
    assert made.data["specs"]["c"] == spec
    assert len(made.scripts) == 3


@pytest.mark.usefixtures("no_bundle")
def test_a_search_that_found_nothing_says_how_near_it_came(tmp_path: Path) -> None:
    write_search(tmp_path, 8)
    made = Page(report.write_report(tmp_path).read_text())
    assert "No model passes 70 %. The best:" in made.words.replace("\u00a0", " ")
    assert "Drawn when a model is confirmed" in made.words


@pytest.mark.usefixtures("no_bundle")
def test_a_run_has_its_curve_its_grade_and_its_maps(tmp_path: Path) -> None:
    task = replace(SMALL, source="lines.txt", leaked=True)
    spec = RunSpec(task=replace(SMALL, operations="+*"), model=GPTSpec(), seed=3)
    write_run(tmp_path, spec)
    made = Page(report.write_run_report(tmp_path).read_text())
    rows = made.data["specs"]["validation"]["datasets"]["rows"]
    assert [row["step"] for row in rows] == list(range(500, spec.training.steps + 1, 500))
    assert all(0 < row["low"] < row["score"] < row["high"] for row in rows)
    assert made.data["specs"]["loss"]["datasets"]["rows"] == rows
    assert made.data["maps"].keys() == {"heat-map-addition", "heat-map-multiplication"}
    exam = json.loads((tmp_path / "exam.json").read_text())
    assert made.data["maps"]["heat-map-addition"]["rows"] == exam["maps"][0]["rows"]
    unseen = exam["grade"]["sections"]["unseen"]["overall"]
    assert f"{100 * unseen['right'] / unseen['total']:.1f}" in made.words
    assert "leaked:" not in made.words
    (tmp_path / "exam.json").unlink()
    write = (tmp_path / "spec.json").read_text().replace('"source": ""', '"source": "lines.txt"')
    (tmp_path / "spec.json").write_text(write.replace('"leaked": false', '"leaked": true'))
    leaked = Page(report.write_run_report(tmp_path).read_text())
    assert task.leaked
    assert "leaked:" in leaked.words
    assert "Not graded yet" in leaked.words


@pytest.mark.usefixtures("no_bundle")
def test_what_is_no_search_and_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=re.escape(f"{tmp_path} is no run: it has no spec.json")):
        report.write_run_report(tmp_path)
    with pytest.raises(NotFoundError, match=r"no ledger in .*; `lilliput find` makes one"):
        report.write_report(tmp_path)
    Ledger(tmp_path, _identity(SEARCH, made_up_job(SMALL)), RunSpec).close()
    with pytest.raises(LedgerError, match="has no trial yet; run `lilliput find` again"):
        report.write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()
