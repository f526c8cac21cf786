"""Where a trial of a search that cuts a model down is shown, it is said what was cut."""

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from report_pages import Page
from report_search import SMALL, advance, ask, ask_unseen

from lilliput.faces import bought, charts, find_live, found, report_search, report_tables, text
from lilliput.faces.report_page import Html
from lilliput.lab import showing
from lilliput.lab.shrinking import search_from, shrinking
from lilliput.search.find import find
from lilliput.search.job import Evidence, Known, Progress
from lilliput.search.pool import SerialExecutor
from lilliput.search.result import Snapshot
from lilliput.search.trial import CUT_DOWN
from lilliput.specs import GPTSpec, RunSpec, TrainingSpec

PARENT = RunSpec(
    task=SMALL,
    model=GPTSpec(layers=2, width=32, heads=4, hidden=96),
    training=TrainingSpec(steps=2_000),
    start="runs/large",
    start_digest="0" * 64,
    start_marks=("taught",),
)


def advance_worse(spec: RunSpec, state: bytes | None, steps: int) -> Progress:
    """What is trained from nothing comes only so far in the same steps."""
    made = advance(spec, state, steps)
    return made if spec.start else replace(made, validation=ask(spec, made.step // 4, "v"))


def as_given() -> Known:
    """Of the model that is cut down, as it is: it passes."""
    given = replace(advance(PARENT, None, 2_000), step=0, train_loss=math.nan, metrics=())
    return Known("gpt", 0, PARENT, given, "given")


@dataclass(frozen=True)
class Searched:
    snapshot: Snapshot
    folder: Path
    lines: str
    """As a search that is not on a terminal is told."""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("cut") / "searches" / "a"
    job = replace(shrinking(PARENT), advance=advance_worse, ask_unseen=ask_unseen, floor=0.06)
    # Without choices all cuts are the first kind, of neurons.
    job = replace(job, known=as_given, space={})
    search = replace(search_from(PARENT), seconds=0.0, steps=10**9, seeds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        told: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: told.append(" ".join(map(str, words))))
        *_, snapshot = find_live.as_lines(find(search, job, folder, SerialExecutor()), fresh=True)
    return Searched(snapshot, folder, "\n".join(told))


def cut_sizes(searched: Searched) -> dict[int, str]:
    """What was cut at each passing size, by its parameters."""
    trials = searched.snapshot.trials
    pairs = [(t, twin) for twin in trials for t in trials if twin.is_twin_of(t, CUT_DOWN)]
    return {
        t.parameters: f"neurons 96 to {t.spec.model.hidden}" for t, w in pairs if w.from_nothing
    }


def test_lines_and_answer_say_it(searched: Searched) -> None:
    passing = cut_sizes(searched)
    assert passing
    for parameters, cut in passing.items():
        shape = f"gpt, 2 layers × 32, {parameters:,} parameters"
        assert f"{shape}, *taught*, cut down ({cut}), step" in searched.lines
        assert f"{shape}, from nothing, step" in searched.lines
    assert re.search(
        r"trial 0: .* parameters, \*taught\*, as given, validation .*passes", searched.lines
    )
    # Nobody trains it on uncut: it passes as it is.
    assert "not cut down" not in searched.lines
    assert not re.search("from nothing.*passes", searched.lines)
    said = found.answer(searched.snapshot, searched.folder)
    assert re.search(r"Smallest confirmed .*\*taught\*, cut down \(neurons 96 to \d+\): ", said)
    assert "What cutting down bought:\n  parameters   what was cut" in said
    assert searched.snapshot.result is not None
    assert bought.sentence(searched.snapshot.result.gains) in said


@pytest.mark.parametrize("width", [120, 80, 60])
def test_the_table_of_sizes_has_a_row_for_each_way(
    searched: Searched,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "_WIDE", width)
    text.console().print(find_live.size_table(searched.snapshot))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    seen = " ".join(" ".join(lines).split())
    assert ("cut down" in seen) == (width == 120)
    for parameters in cut_sizes(searched):
        (first, second) = [line for line in lines if f" {parameters:,} " in line]
        if width == 120:
            assert re.search(r" neurons 96 to .* passes", first)
            assert re.search(r" from nothing .* for comparison", second)
    assert len(re.findall("neurons", seen)) >= 3


def test_the_page_has_it_in_each_table_and_in_the_chart(searched: Searched) -> None:
    search = report_search.read_search(searched.folder)
    sizes, trials = report_tables.sizes_table(search), report_tables.trials_table(search)
    rows = [[words for _, words in row] for row in page_of(trials).rows]
    place = rows[0].index("cut down")
    for trial, row in zip(search.trials, rows[1:], strict=True):
        if trial.from_nothing:
            assert row[place] == "from nothing"
            assert {"for comparison", "2,000 of 2,000"} <= set(row)
        else:
            told = "as given" if trial.given else "neurons 96 to"
            assert row[place].startswith(told) or trial.inner.get("cut", "neurons") != "neurons"
    passing = cut_sizes(searched)
    shown = [[words for _, words in row] for row in page_of(sizes).rows]
    assert shown[0][2] == "cut down"
    assert set(passing.values()) <= {row[2] for row in shown}
    chart = report_search.frontier(search)
    points = chart["datasets"]["points"]
    beside = {p["parameters"]: p for p in points if p["kind"] == charts.BESIDE}
    assert beside.keys() == passing.keys()
    assert {p["family"] for p in points} == {"gpt, cut down, *taught*", "gpt, from nothing"}
    assert {p["cut"] for p in chart["datasets"]["cuts"]} == {"neurons"}
    assert passing.keys() <= {p["parameters"] for p in chart["datasets"]["cuts"]}
    assert charts.render(chart)[0].count(">neurons<") == len(chart["datasets"]["cuts"])


def test_what_it_bought_has_both_scores_or_says_that_one_was_not_tried(searched: Searched) -> None:
    assert searched.snapshot.result is not None
    gains = searched.snapshot.result.gains
    page = page_of(bought.sections(gains))
    rows = [[words for _, words in row] for row in page.rows]
    assert rows[0][-3:] == ["from nothing", "cut down", "difference [95 %]"]
    score = r"\d+\.\d % \[\d+\.\d, \d+\.\d\]"
    passing = cut_sizes(searched)
    both = 0
    for name, cut, _, steps, without, having, difference in rows[1:]:
        parameters = int(name.removeprefix("gpt ").replace(",", ""))
        assert re.fullmatch(score, having)
        if parameters in passing:
            both += 1
            assert (cut, steps) == (passing[parameters], "2,000 of 2,000")
            assert re.fullmatch(score, without)
            assert re.fullmatch(r"\+\d+\.\d points \[.*\]", difference)
        else:
            assert (without, difference) == ("not tried", "tried one way")
    assert both == len(passing) < len(rows) - 1
    assert bought.places(gains) == {"shrink": "Cutting down"}
    table = json.loads(json.dumps(found.to_dict(searched.snapshot.result)))
    assert table["teacher"] == []
    assert [row["without"] == [] for row in table["shrink"]] == [
        row["difference"] is None for row in table["shrink"]
    ]
    assert table["winner"]["cut"].keys() == {"neurons"}


def test_the_page_of_models_says_it_too(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "SEARCHES", searched.folder.parent)
    shapes = {one.shape for one in showing._of_searches() if not isinstance(one, str)}
    assert any("cut down (neurons 96 to" in shape for shape in shapes)
    assert not any("from nothing" in shape for shape in shapes)


def test_nothing_passes_that_was_trained_from_nothing(
    searched: Searched, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = next(trial for trial in searched.snapshot.trials if trial.from_nothing)
    high = replace(twin.points[-1], validation=Evidence(95, 100, 0.9, 0.97))
    snapshot = replace(searched.snapshot, trials=[replace(twin, points=[high])], phase="training")
    list(find_live.as_lines(iter([snapshot]), fresh=True))
    out = capsys.readouterr().out
    assert "from nothing, step 2,000 of 2,000, validation 95.0 % [90.0, 97.0]\n" in out


def page_of(part: Html) -> Page:
    return Page(str(part))
