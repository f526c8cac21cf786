"""The page's files, and what lab has for it: models, problems, news of runs."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from report_search import record, write_run
from served import SPEC

from lilliput.engine.flat import of_file
from lilliput.faces.cli import main
from lilliput.faces.web import site
from lilliput.faces.web.site import POLICY, Site
from lilliput.files import append_line, write_json
from lilliput.lab import watching
from lilliput.lab.problems import squares
from lilliput.lab.showing import shown
from lilliput.lab.watching import Watch
from lilliput.specs import (
    ArithmeticSpec,
    RunSpec,
    StoriesSpec,
    to_dict,
)
from lilliput.specs.recipes import training_of
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.zoo import path_of


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
    for name in ("model", "compare"):
        # Web servers that add no .html themselves are led on from the folder of that name.
        text = Path(f"site/{name}/index.html").read_text()
        assert POLICY in text
        assert f'href="../{name}.html"' in text
    assert "runs/index.html" not in written
    assert "runs.html" not in written
    assert "runs.html" not in Path("site/index.html").read_text()
    assert Path("site/worker.js").read_bytes() == Site(live=True).content("worker.js")
    assert main(["serve", "--out", "site"]) == 0, "what serve wrote may be written again"


def test_out_writes_all_or_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path("runs/mine")
    run.mkdir(parents=True)
    content = bytearray(path_of("addition-368").read_bytes())
    content[-1] ^= 1
    (run / "model.safetensors").write_bytes(content)
    assert main(["serve", "--out", "site"]) == 1
    assert "does not match its digest" in capsys.readouterr().err
    assert not Path("site").exists()


def test_a_file_is_hashed_once_for_each_time_that_it_changes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path("runs/mine")
    run.mkdir(parents=True)
    shutil.copy(path_of("addition-368"), run / "model.safetensors")
    made, hashed = Site(live=True), list[bytes]()
    known = site.hashlib.sha256
    monkeypatch.setattr(site.hashlib, "sha256", lambda data: hashed.append(data) or known(data))

    def weights() -> str:
        models = json.loads(made.content("models.json") or b"")["models"]
        return next(str(one["weights"]) for one in models if one["name"] == "runs/mine")

    before = weights()
    assert (weights(), hashed.count((run / "model.safetensors").read_bytes())) == (before, 1)
    shutil.copy(path_of("tables-1400"), run / "model.safetensors")
    assert weights() != before


@pytest.mark.parametrize("look", range(1, 5))
def test_a_file_is_given_or_not_while_the_list_of_models_changes(
    look: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of a server ask for both at once: here at one of the looks for the file."""
    listed = [one for one in shown()[0] if one.name == "zoo:addition-368"]
    monkeypatch.setattr(site, "shown", lambda: (listed, []))
    made, looks = Site(live=True), iter(range(1, 100))
    name = json.loads(made.content("models.json") or b"")["models"][0]["weights"]
    content = made.content(name)

    class Asked(str):
        def __hash__(self) -> int:
            if next(looks) == look:
                listed.clear()
                made.content("models.json")
            return str.__hash__(self)

    assert made.content(Asked(name)) in (content, None)


def test_out_writes_over_nothing_else(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/index.html").write_text("mine")
    assert main(["serve", "--out", "mine"]) == 2
    assert "mine holds something else" in capsys.readouterr().err
    assert Path("mine/index.html").read_text() == "mine"
    Path("file").write_text("mine")
    assert main(["serve", "--out", "file"]) == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--port 3", "leave --port out"),
        ("--port 8420", "leave --port out"),
        ("--host=0.0.0.0 --port 3", "leave --host and --port out"),
    ],
)
def test_files_listen_nowhere(
    home: Path, flags: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--out", "nowhere", *flags.split()]) == 2
    assert words in capsys.readouterr().err
    assert not Path("nowhere").exists()


def test_a_forward_keeps_what_was_asked_and_the_place_on_the_page() -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    script = f"""
        const location = {{ search: "?name=a", hash: "#map", replace: console.log }};
        const document = {{ getElementById: () => ({{ href: "model.html" }}) }};
        {(site.PAGES / "forward.js").read_text()}
    """
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout == "model.html?name=a#map\n"


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


def test_a_spec_is_read_again_only_when_it_changed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(Path("runs/one"), SPEC)
    Path("runs/broken").mkdir()
    Path("runs/broken/spec.json").write_text("{")
    read, known = list[Path](), watching.read_json
    monkeypatch.setattr(watching, "read_json", lambda path: read.append(path) or known(path))
    watch = Watch(Path("runs"))
    for _ in range(3):
        list(watch.news())
    assert read == [Path("runs/broken/spec.json"), Path("runs/one/spec.json")]
    write_json(Path("runs/one/spec.json"), to_dict(replace(SPEC, seed=1)))
    write_json(Path("runs/broken/spec.json"), to_dict(SPEC))
    assert [(news.name, news.anew) for news in watch.news()] == [("broken", True), ("one", True)]
    assert len(read) == 4


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
