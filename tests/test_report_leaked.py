"""A leaked model is marked in what can be seen of a chart, and in every row of a table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_pages import Page
from report_search import SMALL, write_run, write_search

from lilliput.faces import report
from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, TaskSpec, TrainingSpec


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_MAKE_BUNDLE", "print('var vegaEmbed;')")


LEAKED = replace(SMALL, source="lines.txt", leaked=True)


def seen(svg: Path) -> str:
    """The words that a chart shows; labels for screen readers, which are attributes, left out."""
    return " | ".join(re.findall(r"<text[^>]*>([^<]*)<", svg.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("task", "marked"), [(LEAKED, True), (SMALL, False)])
def test_charts_of_a_search(task: TaskSpec, marked: bool, tmp_path: Path) -> None:
    write_search(tmp_path, 44, task)
    page = Page(report.write_report(tmp_path).read_text())
    drawn = sorted((tmp_path / "charts").glob("*.svg"))
    assert {"frontier", "learning-curves"} < {path.stem for path in drawn}
    assert any(path.stem.startswith("heat-map-") for path in drawn)
    for path in drawn:
        assert ("*leaked*" in seen(path)) == marked, path.stem
    names = [row[0][1] for row in page.rows if re.match(r"(gpt|gru)\b.* [\d,]+$", row[0][1])]
    assert len(names) > 3
    assert all(("*leaked*" in name) == marked for name in names)


@pytest.mark.parametrize("marked", [True, False])
def test_charts_of_a_run(marked: bool, tmp_path: Path) -> None:
    task = ArithmeticSpec(operands="0-40", source="lines.txt" if marked else "", leaked=marked)
    write_run(tmp_path, RunSpec(task=task, model=GPTSpec(), training=TrainingSpec(steps=1_000)))
    report.write_run_report(tmp_path)
    drawn = sorted((tmp_path / "charts").glob("*.svg"))
    assert {"validation", "loss", "heat-map-addition"} < {path.stem for path in drawn}
    for path in drawn:
        assert ("*leaked*" in seen(path)) == marked, path.stem
