"""From transfer to scratch: a small GPT-2 as the baseline, students of it, and ours below."""

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import baselines_hf
import hf_toys
import huggingface_hub
import pytest
from report_pages import Page
from search_toys import kill_soon, started, trials_of
from test_search_find import exported
from test_transfer_refused import tokenizer_of

from lilliput.errors import LedgerError
from lilliput.faces import cli
from lilliput.faces.find_start import descent_of
from lilliput.lab.starting import Descent, _students, model_of, starting, train_baseline
from lilliput.models import modelfile
from lilliput.search.find import find
from lilliput.search.pool import SerialExecutor
from lilliput.specs import ArithmeticSpec, HFSpec, RunSpec, TrainingSpec
from lilliput.specs.search import SearchSpec

TASK = "--operands 0-9 --operations + --batch 32".split()
RATES = "--optimizer muon --muon-learning-rate 4e-2 --learning-rate 1e-2 --warmup 20".split()
SEARCH = "--smallest 1500 --largest 3k --rungs 1 --seeds 0 --workers 1 --pass 20%".split()
FIND = ["find", "arithmetic", "--start", "hf:toy", *TASK, *RATES, *SEARCH]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "toy"
    baselines_hf.save(folder, hf_toys.pretrained(width=32), hf_toys.bpe())
    return folder


@pytest.fixture
def home(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(toy, tmp_path / "toy")
    return tmp_path


@pytest.mark.parametrize(("layers", "kept"), [(1, []), (2, [2]), (3, [2, 3]), (6, [2, 4, 6])])
def test_students_go_down_to_one_block(tmp_path: Path, layers: int, kept: list[int]) -> None:
    baselines_hf.save(tmp_path, hf_toys.gpt2(layers=layers), hf_toys.bpe())
    assert [student.every for student in _students(tmp_path).values()] == kept


def test_from_transfer_to_scratch_by_one_command(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*FIND, "--steps", "96", "--evaluate-every", "48", "--folder", "s", "--budget"]
    # The budget counts the baseline's steps, and ends in it.
    assert cli.main([*command, "50-steps"]) == 0
    assert "the budget ended before the baseline was trained (96 steps)" in capsys.readouterr().out
    assert not (home / "s" / "ledger.sqlite").exists()
    # What it was copied from need not be there any more.
    shutil.move(home / "toy", home / "away")
    assert cli.main([*command, "700-steps"]) == 0
    out = capsys.readouterr().out
    assert "first the baseline, hf:toy, 37,120 parameters, in s/baseline" in out
    assert "  baseline: hf, all blocks, 37,120 parameters, *pretrained*: " in out
    assert "What the teacher bought:" in out

    first, *rest = trials_of(home / "s")
    assert (first.purpose, first.family, first.step) == ("baseline", "hf", 96)
    spec = json.loads((home / "s" / "baseline" / "spec.json").read_text())
    assert spec["model"]["name"] == "toy"
    kept = modelfile.read_card(home / "s" / "baseline" / "model.safetensors")
    assert kept.spec == first.spec
    assert sum(trial.step for trial in (first, *rest)) <= 700
    students = [trial for trial in rest if trial.family == "hf"]
    assert {trial.spec.model.every for trial in students} == {2}
    assert {trial.spec.model.name for trial in students} == {"s/baseline"}
    ours = [trial for trial in rest if trial.family == "gpt"]
    for trials, share in ((students, 0.5), (ours, 0.0)):
        assert {trial.taught for trial in trials} == {True, False}
        for trial in trials:
            training = trial.spec.training
            wanted = ("s/baseline", True, share) if trial.taught else ("", False, 0.5)
            assert (training.teacher, training.teacher_answers, training.teacher_share) == wanted
            assert training.optimizer == "muon"
    # It owes a smallest model.
    assert cli.main([*command, "700-steps", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baseline_teaches"] is True
    assert found["winner"]
    assert found["baseline"]["parameters"] == 37_120
    assert found["baseline"]["validation"]["score"] > 0.7
    assert {row["family"] for row in found["teacher"]} == {"hf", "gpt"}
    assert len(trials_of(home / "s")) == 1 + len(rest)
    name = f"trial-{found['winner']['trial']}"
    assert cli.main(["calc", "3 + 4", "--model", f"s/models/{name}"]) == 0
    if first.number in [size["trial"] for f in found["families"] for size in f["sizes"]]:
        path = home / "s" / "models" / "trial-0" / "model.safetensors"
        assert path.read_bytes() == (home / "s" / "baseline" / "model.safetensors").read_bytes()

    page = Page((home / "s" / "report.html").read_text())
    assert "the baseline" in page.words
    points = page.data["specs"]["frontier"]["datasets"]["points"]
    assert ("hf, *pretrained*", 37_120) in {(p["family"], p["parameters"]) for p in points}
    assert {p["family"] for p in points} == {"hf, *pretrained*", "gpt"}
    # The page says how to make it again, and that is this search.
    again = next(line for line in page.words.splitlines() if "lilliput find" in line)
    assert "--optimizer muon --steps 96 --warmup 20 --start hf:toy" in again
    assert "Flags for the training recipe are missing" not in page.words


def descent(search: SearchSpec) -> Descent:
    task = ArithmeticSpec(operands="0-9", operations="+")
    rates = {"optimizer": "muon", "muon_learning_rate": 4e-2, "learning_rate": 1e-2, "steps": 48}
    training = TrainingSpec(
        **rates,  # type: ignore[arg-type]
        batch=16,
        evaluate_every=16,
        teacher="the baseline",
        teacher_answers=True,
    )
    typed = {*rates, "batch", "evaluate_every"}
    return descent_of(model_of("toy", Path("s")), task, training, typed, search)


def search_in(folder: Path, steps: int = 400) -> Iterator[object]:
    """As the command does it, but in this process alone."""
    search = SearchSpec(
        families=("hf", "gpt"),
        smallest=1_500,
        largest=3_000,
        rungs=1,
        seeds=0,
        pass_mark=0.1,
        steps=steps,
    )
    made = descent(search)
    yield from train_baseline(made, search, folder, {}, time.monotonic())
    yield from find(search, starting(made, search, folder, {}), folder, SerialExecutor())


@pytest.fixture(scope="module")
def whole(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What an unbroken search writes down."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copytree(toy, folder / "toy")
        for _ in search_in(Path("s")):
            pass
        return exported(Path("s"))


def test_broken_anywhere_it_ends_as_if_it_never_was(home: Path, whole: str) -> None:
    assert '"round": 1' in whole
    pieces = 6
    for _ in range(200):
        going = search_in(Path("s"))
        count = sum(1 for _, _ in zip(going, range(pieces), strict=False))
        going.close()  # type: ignore[attr-defined]
        if count < pieces:
            break
    assert exported(Path("s")) == whole


def test_kill_9_loses_nothing(home: Path, whole: str) -> None:
    script = home / "driver.py"
    script.write_text(
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        "from pathlib import Path\nfrom test_find_start import search_in\n"
        "for moment in search_in(Path('s')):\n    print(moment.step if hasattr(moment, 'step')"
        " else moment.phase, flush=True)\n"
    )
    chance = random.Random(0)
    for sign in ("16", "training"):
        driver = started(script, stderr=subprocess.DEVNULL)
        assert driver.stdout is not None
        for line in driver.stdout:
            if line.strip() == sign:
                break
        kill_soon(driver, chance)
    for _ in search_in(Path("s")):
        pass
    assert exported(Path("s")) == whole


def test_nobody_else_trains_it_meanwhile(home: Path) -> None:
    going = search_in(Path("s"))
    next(going)
    with pytest.raises(LedgerError, match="another search is writing s"):
        next(search_in(Path("s")))
    going.close()  # type: ignore[attr-defined]
    assert next(search_in(Path("s"))) is not None


def test_a_baseline_that_says_nothing_teaches_nothing(home: Path) -> None:
    search = SearchSpec(families=("hf", "gpt"), smallest=1_500, largest=1_500, steps=60)
    made = descent(search)
    short = made.baseline.training
    weak = Descent(
        RunSpec(
            task=made.baseline.task,
            model=made.baseline.model,
            training=TrainingSpec(steps=1, batch=short.batch, evaluate_every=1, optimizer="adamw"),
        ),
        made.training,
    )
    for _ in train_baseline(weak, search, Path("s"), {}, time.monotonic()):
        pass
    job = starting(weak, search, Path("s"), {})
    assert not job.taught
    assert job.propose_spec("gpt", 1_500, {}, 0).training.teacher == ""


def test_a_baseline_below_the_mark_teaches_nothing_and_that_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*FIND, "--steps", "48", "--evaluate-every", "24", "--folder", "s"]
    command += ["--pass", "95%", "--budget"]
    assert cli.main([*command, "200-steps"]) == 0
    out = capsys.readouterr().out
    assert "the baseline is below the pass mark of 95 % on all 100 problems (" in out
    assert "  it is below the pass mark of 95 %, so it teaches nothing" in out
    assert "the teacher is asked" not in out
    assert not (home / "s" / "answers.json").exists()
    first, *rest = trials_of(home / "s")
    assert first.last is not None
    assert 0.05 < first.last.score < 0.95, "it has learned something"
    assert rest
    assert {trial.spec.training.teacher for trial in rest} == {""}
    assert {trial.family for trial in rest} == {"hf", "gpt"}
    page = (home / "s" / "report.html").read_text()
    assert "the baseline, which teaches nothing" in page
    # The page says how to make it again, and that is this search.
    assert "Flags for the training recipe are missing" not in page
    assert cli.main([*command, "200-steps", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baseline_teaches"] is False
    assert found["teacher"] == []


def test_what_it_cannot_start_from(
    home: Path,
    toy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def said(*words: str, code: int = 2) -> str:
        assert cli.main(["find", "arithmetic", *words]) == code
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert not (home / "searches").exists()
        return err

    assert "--shrink zoo:arithmetic-12k cuts a gpt down" in said("--start", "zoo:arithmetic-12k")
    assert "write --start hf:OWNER/NAME" in said("--start", "nothing-of-that-name")
    assert "which model? write --start hf:" in said("--start", "hf:")
    both = ["--start", "hf:toy", *TASK]
    assert "leave out --teacher" in said(*both, "--teacher", "zoo:arithmetic-12k")
    said_both = said(*both, "--shrink", "zoo:arithmetic-12k")
    assert "one search starts from one model: leave out --start" in said_both
    assert "the family hf goes down from a model" in said(*TASK, "--families", "hf")
    assert "would be the right one" in said(*both, "--format", "worked")
    assert "the smallest gpt of this kind has" in said(*both, "--smallest", "9", "--largest", "10")
    assert cli.main(["find", "stories", "--start", "hf:toy"]) == 2
    assert "has a tokenizer of its own" in capsys.readouterr().err
    marks = {"eos_token": "</s>"}
    baselines_hf.save(home / "few", hf_toys.gpt2(), tokenizer_of("012345689+-=. abc", **marks))
    assert "cannot write '7', which arithmetic needs" in said("--start", "hf:few", *TASK)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "cache"))
    assert "copy the model's files" in said("--start", "hf:distilgpt2")
    (home / "toy" / "model.safetensors").unlink()
    assert "has a config.json but no weights" in said(*both, code=1)
    assert model_of(str(toy), None) == HFSpec(
        name=str(toy), digest=model_of(str(toy), None).digest, parameters=37_120
    )
