"""What lab has to show of a folder: zoo, runs and searches, with scores, marks and what is odd."""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from report_search import record, write_search
from served import SPEC

from lilliput.faces.cli import main
from lilliput.faces.web.site import Site
from lilliput.files import append_line, write_json
from lilliput.lab import same_exam, showing
from lilliput.lab.exams import Score
from lilliput.lab.showing import shown
from lilliput.models.modelfile import read_card
from lilliput.specs import ArithmeticSpec, LinesSpec, StoriesSpec
from lilliput.zoo import entries, path_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str) -> showing.Shown:
    return next(one for one in shown()[0] if one.name == name)


def finished_run(name: str) -> Path:
    """A run's folder with a model in it."""
    run = Path("runs", name)
    run.mkdir(parents=True)
    shutil.copy(path_of("addition-368"), run / "model.safetensors")
    return run


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


def test_runs_have_the_score_of_their_exam_or_of_their_last_validation() -> None:
    run = finished_run("mine")
    append_line(run / "metrics.jsonl", record(SPEC, 500))
    append_line(run / "metrics.jsonl", last := record(SPEC, 1000))
    validation = Score(last["right"] / last["total"], last["low"], last["high"])
    mine = named("runs/mine")
    assert (mine.on, mine.score) == ("validation", validation)
    digest = read_card(run / "model.safetensors").spec.digest

    def grade(section: object) -> showing.Shown:
        exam = {"digest": digest, "grade": {"sections": {"unseen": section}}}
        write_json(run / "exam.json", exam)
        return named("runs/mine")

    mine = grade({"overall": {"right": 60, "total": 80, "low": 0.6, "high": 0.8}})
    assert (mine.on, mine.score, mine.validation) == ("unseen", Score(0.75, 0.6, 0.8), validation)
    one_document = {"bits": 1.5, "low": None, "high": None, "characters": 100}
    assert grade(one_document).score == Score(-1.5, -1.5, -1.5)
    for odd in ({}, None, [], {"overall": {"right": 1, "total": 0, "low": 0, "high": 1}}):
        assert grade(odd).score == validation
        assert "exam.json is damaged" in shown()[1][0]
    (run / "exam.json").write_text("{")
    assert named("runs/mine").score == validation
    assert "exam.json is damaged" in shown()[1][0]
    write_json(run / "exam.json", {"digest": "another", "grade": {"sections": {"unseen": {}}}})
    assert (named("runs/mine").score, shown()[1]) == (validation, [])


def test_an_odd_line_of_a_run_is_skipped_and_said() -> None:
    run, last = finished_run("mine"), record(SPEC, 500)
    append_line(run / "metrics.jsonl", last)
    for odd in ("[1]", '"x"', '{"right": 1}', '{"right": 1, "total": 0, "low": 0, "high": 0}', "{"):
        with (run / "metrics.jsonl").open("a") as file:
            file.write(odd + "\n")
    found, trouble = shown()
    assert trouble == ["runs/mine/metrics.jsonl has 4 lines that cannot be read, left out here"]
    mine = next(one for one in found if one.name == "runs/mine")
    assert mine.score == Score(last["right"] / last["total"], last["low"], last["high"])


def test_what_has_no_interval_leaves_the_list_readable() -> None:
    """The bits of a single document: its interval has no end, which JSON cannot write."""
    run = finished_run("mine")
    line = {"right": -150, "total": 100, "low": float("-inf"), "high": 0.0}
    append_line(run / "metrics.jsonl", line)
    assert named("runs/mine").score == Score(-1.5, -1.5, -1.5)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    json.loads(Site(live=True).content("models.json") or b"", parse_constant=refuse)


def test_a_search_shows_its_sizes_and_what_is_typical() -> None:
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


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM meta WHERE key = 'identity'",
        "UPDATE meta SET value = '{' WHERE key = 'identity'",
        "UPDATE meta SET value = '{}' WHERE key = 'identity'",
        "UPDATE trials SET spec = '{}x'",
        "UPDATE trials SET spec = '[]'",
        "UPDATE trials SET inner = 'x'",
        "UPDATE slices SET operations = 'x'",
        "UPDATE slices SET total = 0",
        "DROP TABLE slices",
    ],
)
def test_a_damaged_search_is_left_out_and_said(damage: str) -> None:
    write_search(Path("searches/one"), 4)
    write_search(Path("searches/two"), 4)
    with sqlite3.connect("searches/one/ledger.sqlite") as ledger:
        ledger.execute(damage)
    ledger.close()
    found, trouble = shown()
    assert len(trouble) == 1
    assert "searches/one" in trouble[0]
    searches = {one.name.split("/")[1] for one in found if one.name.startswith("searches/")}
    assert searches == {"two"}


def test_a_search_from_a_leaked_start_is_called_so() -> None:
    write_search(Path("searches/one"), 4)
    with sqlite3.connect("searches/one/ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT number, spec FROM trials").fetchall()
        for number, spec in rows:
            begun = {**json.loads(spec), "start": "x", "start_marks": ["leaked", "pretrained"]}
            values = (json.dumps(begun), number)
            ledger.execute("UPDATE trials SET spec = ? WHERE number = ?", values)
    ledger.close()
    marks = [one.marks for one in shown()[0] if one.name.startswith("searches/")]
    assert marks
    assert all(each == {"leaked": "yes", "pretrained": "yes"} for each in marks)


def test_a_model_of_transformers_is_listed_and_runs_nowhere_on_the_page(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    from hf_toys import published

    published(home / "theirs")
    line = f"train hf:{home}/theirs --operands 0-9 --steps 1 --evaluate-every 1 --batch 8"
    assert main([*line.split(), "--name", "foreign"]) == 0
    one = named("runs/foreign")
    assert (one.path, one.shape, one.on) == (None, "theirs", "all")
    assert one.marks["pretrained"] == "yes"
    site = Site(live=True)
    data = json.loads(site.content("models.json") or b"")
    row = next(row for row in data["models"] if row["name"] == "runs/foreign")
    assert (row["weights"], row["score_words"]) == ("", "0.0 %")
    assert str(home) not in json.dumps(data)
    capsys.readouterr()
    assert main(["serve", "--out", "site"]) == 0


def test_messages_name_no_folder_of_this_machine(home: Path) -> None:
    package = path_of("addition-368").parents[1]
    words = f"{home}/runs/x is damaged; {package}/zoo/y.safetensors too"
    assert showing.visible(words) == "runs/x is damaged; zoo/y.safetensors too"


def frontier_by_definition(found: Sequence[showing.Shown]) -> list[bool]:
    def beaten(one: showing.Shown) -> bool:
        assert one.score
        mine = (-one.score.value, one.parameters)
        return any(
            other.score is not None
            and (other.group, other.family) == (one.group, one.family)
            and other.parameters <= one.parameters
            and (-other.score.value, other.parameters) < mine
            for other in found
            if other.on != "typical"
        )

    return [one.score is not None and one.on != "typical" and not beaten(one) for one in found]


def test_the_frontier_is_what_nothing_beats_at_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(1)
    tasks = [ArithmeticSpec(operands=f"0-{high}") for high in range(300, 304)]
    found = [
        showing.Shown(
            "x",
            None,
            chance.choice(tasks),
            chance.choice(["gpt", "gru"]),
            "2 × 4",
            chance.randrange(5),
            "plain",
            on="typical" if chance.random() < 0.1 else "unseen",
            score=Score(score, score, score) if (score := chance.randrange(6)) else None,
        )
        for _ in range(400)
    ]
    digests = []
    known = same_exam.digest
    monkeypatch.setattr(same_exam, "digest", lambda spec: digests.append(spec) or known(spec))
    leading = showing._frontier(found)
    assert len(digests) <= len(tasks), "a name for the questions is worked out once for each"
    assert [place in leading for place in range(len(found))] == frontier_by_definition(found)


def test_groups_are_of_the_same_questions() -> None:
    def group(task: ArithmeticSpec | LinesSpec | StoriesSpec) -> str:
        return showing.Shown("x", None, task, "gpt", "2 × 4", 1, "plain").group

    one = ArithmeticSpec(operands="0-89")
    assert group(one) == group(ArithmeticSpec(format="plain", weights=(1, 2, 3, 4)))
    assert group(one) == group(ArithmeticSpec(operations="-+/*"))
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
