"""The models of one job in one table, with those of others."""

import json
import math
from dataclasses import replace

import pytest

import lilliput.zoo
from lilliput.errors import FileError
from lilliput.faces import report_beside, results
from lilliput.faces.cli import main
from lilliput.models.size import count_parameters
from lilliput.specs import ArithmeticSpec, LinesSpec
from lilliput.specs.recipes import baby_model
from lilliput.units import wilson
from lilliput.zoo import baselines, entries

JOB = "arithmetic 0-89"


def test_every_model_of_the_job_has_a_row() -> None:
    rows = results.rows(JOB)
    own = [f"zoo:{entry.name}" for entry in entries() if entry.task == JOB]
    names = [row[0].removesuffix(", *leaked*") for row in rows]
    assert sorted(names) == sorted(own + [other.name for other in baselines()])
    sizes = [int(row[1].replace(",", "")) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(row) == len(results.HEADER) for row in rows)
    speeds = {row[0]: row[results.HEADER.index("answers/s")] for row in rows}
    for name in own:
        assert float(speeds[name].replace(",", "")) > 100
    assert speeds["TinyMath's baby GPT, trained again as published, *leaked*"] == "not measured"


def test_what_is_published_is_what_can_be_worked_out_of_it() -> None:
    """The interval from the counts, the size from the shape."""
    (theirs,) = [other for other in baselines() if other.name == "TinyMath's baby GPT"]
    assert theirs.parameters == count_parameters(baby_model(), 18, 256)
    assert theirs.bytes == 4 * theirs.parameters
    for mine, right in zip(theirs.interval, wilson(*theirs.score)[1:], strict=True):
        assert math.isclose(mine, right, abs_tol=5e-5)
    (row,) = [row for row in results.rows(JOB) if row[0].startswith("TinyMath's baby GPT, *")]
    assert row[0].endswith(", *leaked*")
    assert row[3] == "77.2 % [69.1, 83.8] of 123 lines that it wrote itself"


def test_a_score_that_nobody_published_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(baselines()[0], score=(0, 0), asked="", beyond=(1, 8), leaked=False)
    monkeypatch.setattr(results, "baselines", lambda: (other,))
    row = results.rows(JOB)[0]
    assert row[0] == other.name
    assert row[3:5] == ["none published", "12.5 %"]


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "--results"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(JOB)
    for words in ("77.2 %", "zoo:worked-10k", "36 h 00 min", results.sources(JOB)[0]):
        assert words in out
    assert main(["zoo", "--results", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[JOB]
    assert [list(row.values()) for row in found] == results.rows(JOB)


def test_the_report_of_the_same_job_has_it() -> None:
    section = report_beside.others(ArithmeticSpec())
    assert section.count("<tr>") == len(results.rows(JOB)) + 1
    for other in (
        ArithmeticSpec(operations="+"),
        ArithmeticSpec(operands="0-9"),
        LinesSpec(file="questions.tsv"),
    ):
        assert report_beside.others(other) == ""


def test_a_damaged_row_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    baselines.cache_clear()
    rows = {lilliput.zoo.BASELINES: {"odd": {"task": JOB}}}
    monkeypatch.setattr(lilliput.zoo, "_read", lambda: rows)
    with pytest.raises(FileError, match=r"zoo.toml is damaged: odd: .*parameters"):
        baselines()
    baselines.cache_clear()
