"""The page's files, and what lab has for it: models, problems, news of runs."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from report_search import record, write_run, write_search

from lilliput.engine.flat import of_file
from lilliput.faces.cli import main
from lilliput.faces.web.site import POLICY, Site
from lilliput.files import append_line, write_json
from lilliput.lab import showing
from lilliput.lab.problems import squares
from lilliput.lab.showing import Score, shown
from lilliput.lab.watching import Watch
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    LinesSpec,
    RunSpec,
    StoriesSpec,
    TrainingSpec,
    to_dict,
)
from lilliput.specs.recipes import training_of
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.zoo import entries, path_of

SPEC = RunSpec(
    task=ArithmeticSpec(operands="0-9"),
    model=GPTSpec(layers=2, width=8, heads=2),
    training=TrainingSpec(steps=1_000),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_pages_hold_no_script_and_no_style_of_their_own() -> None:
    files = Site(live=True).fixed
    pages = {name: text.decode() for name, text in files.items() if name.endswith(".html")}
    assert set(pages) == {"index.html", "model.html", "compare.html", "runs.html"}
    for text in pages.values():
        assert f'http-equiv="Content-Security-Policy" content="{POLICY}"' in text
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text)
        assert not re.search(r"https?://", text)
        assert not re.search(r"\{\w+\}", text), "a place was left unfilled"
        for name in re.findall(r'(?:src|href)="([^"#:?]+)[?"]', text):
            assert name in files


def test_scripts_load_only_the_pages_own_and_write_no_html() -> None:
    files = Site(live=True).fixed
    for name, content in files.items():
        if name.endswith(".js"):
            text = content.decode()
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text)
            assert not re.search(r"\beval\(|new Function", text)
            assert set(re.findall(r'from "\./([^"]+)"', text)) <= set(files)
            assert set(re.findall(r"https?://\S+?(?=\")", text)) <= {"http://www.w3.org/2000/svg"}


def test_out_writes_the_same_pages_as_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--out", "site"]) == 0
    assert "put it on any web server" in capsys.readouterr().out
    written = {str(p.relative_to("site")) for p in Path("site").rglob("*") if p.is_file()}
    data = json.loads(Path("site/models.json").read_text())
    assert not data["live"]
    for one in data["models"]:
        name = one["name"].removeprefix("zoo:")
        assert Path("site", one["weights"]).read_bytes() == of_file(path_of(name))
        assert one["kind"] == "stories" or one["problems"] in written
    assert "runs.html" not in written
    assert "runs.html" not in Path("site/index.html").read_text()
    assert Path("site/worker.js").read_bytes() == Site(live=True).content("worker.js")
    assert main(["serve", "--out", "site"]) == 0, "what serve wrote may be written again"


def test_out_writes_over_nothing_else(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/index.html").write_text("mine")
    assert main(["serve", "--out", "mine"]) == 2
    assert "mine holds something else" in capsys.readouterr().err
    assert Path("mine/index.html").read_text() == "mine"
    Path("file").write_text("mine")
    assert main(["serve", "--out", "file"]) == 2


def test_zoo_models_have_the_scores_of_the_zoo() -> None:
    found, trouble = shown()
    assert not trouble
    assert {one.name for one in found} == {f"zoo:{entry.name}" for entry in entries()}
    by_name = {one.name.removeprefix("zoo:"): one for one in found}
    for entry in entries():
        one = by_name[entry.name]
        assert one.parameters == entry.parameters
        assert one.score == Score(entry.unseen[0] / entry.unseen[1], *entry.unseen_interval)
        assert (one.on == "all") == (entry.unseen_interval[0] == entry.unseen_interval[1])
    assert showing.first(found) == {"arithmetic": "zoo:worked-10k", "stories": "zoo:stories-211k"}
    # 11,712 parameters that know less than 9,648 do are no frontier.
    assert by_name["worked-10k"].frontier
    assert not by_name["arithmetic-12k"].frontier
    assert by_name["worked-10k"].group == by_name["arithmetic-12k"].group
    assert by_name["worked-10k"].group != by_name["tables-1400"].group


def test_runs_have_the_score_of_their_exam_or_of_their_last_validation(home: Path) -> None:
    run = Path("runs/mine")
    run.mkdir(parents=True)
    shutil.copy(path_of("addition-368"), run / "model.safetensors")
    append_line(run / "metrics.jsonl", record(SPEC, 500))
    append_line(run / "metrics.jsonl", last := record(SPEC, 1000))

    def mine() -> showing.Shown:
        return next(one for one in shown()[0] if one.name == "runs/mine")

    validation = Score(last["right"] / last["total"], last["low"], last["high"])
    assert (mine().on, mine().score) == ("validation", validation)
    overall = {"right": 60, "total": 80, "low": 0.6, "high": 0.8}
    write_json(run / "exam.json", {"grade": {"sections": {"unseen": {"overall": overall}}}})
    assert (mine().on, mine().score) == ("unseen", Score(0.75, 0.6, 0.8))
    assert mine().validation == validation
    write_json(run / "exam.json", {"grade": {"sections": {"unseen": {"bits": 1.5}}}})
    assert mine().score == Score(-1.5, -1.5, -1.5)
    (run / "exam.json").write_text("{")
    found, trouble = shown()
    assert "runs/mine" not in {one.name for one in found}
    assert "exam.json is damaged" in trouble[0]


def test_a_search_shows_its_sizes_and_what_is_typical(home: Path) -> None:
    write_search(Path("searches/one"), 104)
    found = [one for one in shown()[0] if one.name.startswith("searches/one/")]
    assert {one.family for one in found} == {"gpt", "gru"}
    assert {"unseen", "validation", "typical"} <= {one.on for one in found}
    assert all(one.path is None for one in found), "no model file was kept here"
    for family in ("gpt", "gru"):
        best = [one for one in found if one.family == family and one.frontier]
        assert [one.parameters for one in best] == sorted({one.parameters for one in best})
        assert len(best) > 2
        scores = [one.score.value for one in best if one.score]
        assert scores == sorted(scores)
    data = json.loads(Site(live=True).content("models.json") or b"")
    rows = [row for row in data["models"] if row["name"].startswith("searches/one/")]
    assert {row["weights"] for row in rows} == {""}
    Path("searches/one/ledger.sqlite").write_bytes(b"no ledger" * 1_000)
    assert "ledger.sqlite" in shown()[1][0]


def test_groups_are_of_the_same_questions() -> None:
    def group(task: ArithmeticSpec | LinesSpec | StoriesSpec) -> str:
        return showing.Shown("x", None, task, "gpt", "2 × 4", 1, "plain").group

    one = ArithmeticSpec(operands="0-89")
    assert group(one) == group(ArithmeticSpec(format="plain", weights=(1, 2, 3, 4)))
    others = [
        ArithmeticSpec(fold=3),
        ArithmeticSpec(rounding="half-up"),
        ArithmeticSpec(decimals=1),
    ]
    others += [ArithmeticSpec(operations="+"), ArithmeticSpec(held_out="none")]
    assert len({group(task) for task in [one, *others]}) == 6
    assert group(LinesSpec(file="a", file_digest="1")) == group(
        LinesSpec(file="b", file_digest="1")
    )
    assert group(StoriesSpec(text_digest="1")) != group(StoriesSpec(text_digest="2"))


def test_squares_are_the_problems_of_the_exam() -> None:
    task = ArithmeticSpec(operands="0-39", held_out="43-44")
    known = Arithmetic(task)
    letters = {"s": "seen", "v": "valid", "u": "unseen", "b": "beyond"}
    listed: dict[str, dict[str, str]] = {name: {} for name in letters.values()}
    for square in squares(task):
        assert square.operands == (*range(40), 43, 44)
        for left, row, answers in zip(
            square.operands, square.sections, square.answers, strict=True
        ):
            for right, letter, answer in zip(square.operands, row, answers, strict=True):
                if letter == ".":
                    assert (square.operation, right, answer) == ("/", 0, "")
                else:
                    listed[letters[letter]][f"{left} {square.operation} {right}"] = answer
    for name, problems in listed.items():
        assert problems == {p.question: p.answer for p in known.section(name)}  # type: ignore[arg-type]


def test_a_space_too_large_to_draw_has_no_squares() -> None:
    assert squares(ArithmeticSpec(operands="0-999")) == []


def test_news_of_runs_come_once_and_whole(home: Path) -> None:
    watch = Watch(Path("runs"))
    assert list(watch.news()) == []
    write_run(Path("runs/one"), SPEC)
    first = list(watch.news())
    assert [(news.name, news.anew, news.finished, news.bits) for news in first] == [
        ("one", True, False, False)
    ]
    line = record(SPEC, 500)
    assert first[0].points[0] == (500, line["loss"], line["right"] / line["total"])
    assert list(watch.news()) == []
    metrics = Path("runs/one/metrics.jsonl")
    text = json.dumps({**line, "step": 1_500})
    with metrics.open("a") as file:
        file.write(text[:20])
    assert [news.points for news in watch.news()] in ([], [[]]), "half a line is no point"
    with metrics.open("a") as file:
        file.write(text[20:] + "\n" + "damaged\n")
    (news,) = watch.news()
    assert [point[0] for point in news.points] == [1_500]
    (metrics.with_name("model.safetensors")).write_bytes(b"")
    assert [(news.finished, news.points) for news in watch.news()] == [(True, [])]
    metrics.write_text(text + "\n")
    (news,) = watch.news()
    assert (news.anew, len(news.points)) == (True, 1)


def test_news_of_text_are_bits(home: Path) -> None:
    training = replace(training_of("stories"), batch=2, block=8, steps=10)
    spec = RunSpec(task=StoriesSpec(), model=SPEC.model, training=training)
    write_json(Path("runs/tale/spec.json"), to_dict(spec))
    # 10 steps of 16 pieces at ln 2 nats a piece are 160 bits, on 320 characters.
    row = {"step": 10, "loss": 0.6931471805599453, "right": -300, "total": 100, "characters": 320}
    append_line(Path("runs/tale/metrics.jsonl"), row)
    Path("runs/broken").mkdir()
    Path("runs/broken/spec.json").write_text("{")
    (news,) = Watch(Path("runs")).news()
    assert news.bits
    assert news.points == [(10, pytest.approx(0.5), 3.0)]
