"""A search that cuts a trained model down: its sizes, what they begin with, and its command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from report_pages import Page
from search_toys import trials_of

from lilliput.errors import SpecError, UserError
from lilliput.faces.cli import main
from lilliput.lab import cut_words
from lilliput.lab.bases import with_start
from lilliput.lab.job import count
from lilliput.lab.shrinking import (
    as_given,
    kinds_of,
    parent_of,
    propose_cut,
    search_from,
    shrinking,
)
from lilliput.models import cuts, modelfile
from lilliput.models.shrink import shrink
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec, RunSpec, TrainingSpec
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training
from lilliput.training.start import path_of, take_over

SHAPE = GPTSpec(layers=2, width=8, heads=2, hidden=12)
TASK = ArithmeticSpec(operands="0-9", operations="+")
RECIPE = TrainingSpec(steps=4, batch=8, evaluate_every=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `runs/large` is."""
    folder = tmp_path_factory.mktemp("shrinking")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        command = "train gpt --operands 0-9 --operations + --layers 2 --width 8 --heads 2"
        rest = "--hidden 12 --steps 4 --batch 8 --evaluate-every 4 --name large"
        assert main([*command.split(), *rest.split()]) == 0
    return folder


@pytest.fixture
def parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    monkeypatch.chdir(folder)
    return parent_of("runs/large", SHAPE, TASK, RECIPE)


def test_the_ladder_goes_from_the_model_to_what_every_cut_reaches(parent: RunSpec) -> None:
    search = search_from(parent)
    assert (search.largest, search.families) == (count(parent), ("gpt",))
    job = shrinking(parent)
    for kind in kinds_of(parent):
        for size in (search.smallest, (search.smallest + search.largest) // 2, search.largest):
            spec = job.propose_spec("gpt", size, {"cut": kind, "weight_decay": 0.0}, 3)
            assert count(spec) <= size
            assert (spec.start, spec.seed) == (parent.start, 3)
            assert spec.training == replace(parent.training, weight_decay=0.0)
            assert job.cut_of is not None
            moves = job.cut_of(spec)
            # Neurons go too where a cut does not lead so far alone.
            assert moves.keys() <= {kind, "neurons"}
            assert bool(moves) == (size < search.largest)
            # From nothing it is the same but for what it begins with.
            inner = {"cut": kind, "weight_decay": 0.0, "cut_down": False}
            bare = job.propose_spec("gpt", size, inner, 3)
            assert bare == replace(spec, start="", start_digest="", start_marks=())
    assert job.propose_spec("gpt", search.largest, {}, 0).model == SHAPE


def test_each_kind_of_cut_is_told_by_what_there_was_and_is() -> None:
    have = GPTSpec(layers=4, width=16, heads=4, hidden=24)
    for want, moves in (
        ({"hidden": 9}, {"neurons": (24, 9)}),
        ({"heads": 2, "head_width": 4}, {"heads": (4, 2)}),
        ({"kv_heads": 2}, {"keys": (4, 2)}),
        ({"rank": 8}, {"rank": (16, 8)}),
        ({"layers": 2, "loops": 2}, {"share": (4, 2)}),
        ({"layers": 3, "hidden": 9}, {"neurons": (24, 9), "drop": (4, 3)}),
        ({}, {}),
    ):
        assert cuts.moves(have, replace(have, **want)) == moves
    assert cut_words.moves_words({"keys": (4, 2), "share": (4, 2)}) == (
        "key heads 4 to 2, shared layers 4 to 2"
    )
    assert cut_words._NAMES.keys() == set(cuts.CUTS)


def test_a_size_begins_with_what_was_cut_out(parent: RunSpec) -> None:
    spec = propose_cut(parent, "gpt", count(parent) - 300, {"cut": "heads"}, 0)
    assert isinstance(spec.model, GPTSpec)
    assert spec.model.heads == 1
    training = Training(spec, task_of(spec.task))
    take_over(training.model, spec, training.task.vocabulary)
    large, _ = modelfile.load(Path(parent.start))
    wanted = shrink(dict(large.named_parameters()), SHAPE, spec.model)
    for name, parameter in training.model.named_parameters():
        torch.testing.assert_close(parameter, wanted[name])


def test_the_command_goes_down_and_says_itself(parent: RunSpec, folder: Path) -> None:
    command = (
        "find arithmetic --shrink runs/large --budget 8-steps --seeds 0 --workers 1 --folder s"
    )
    assert main(command.split()) == 0
    trials = trials_of(folder / "s")
    specs = [trial.spec for trial in trials]
    assert {spec.start for spec in specs} == {parent.start}
    assert trials[0].given
    assert len({spec.model for spec in specs}) == 2
    assert [bool(trial.cut) for trial in trials] == [spec.model != SHAPE for spec in specs]
    page = Page((folder / "s" / "report.html").read_text())
    assert "--shrink" in page.words
    assert "No size was tried both ways yet: what cutting down bought is not known." in page.words
    assert ("a", {"href": "#shrink"}) in page.tags


def test_what_cannot_be_cut_down_is_said(
    parent: RunSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SpecError, match="is a gru; only a gpt can be cut down"):
        parent_of("runs/large", GRUSpec(), TASK, RECIPE)
    shrunk = ["find", "arithmetic", "--shrink", "runs/large"]
    assert main(["find", "lines", "--file", "x", "--shrink", "runs/large"]) == 2
    assert "was not trained here on lines" in capsys.readouterr().err
    assert main([*shrunk, "--heads", "1"]) == 2
    assert "runs/large has its shape: leave out --heads\n" in capsys.readouterr().err
    assert main([*shrunk, "--families", "gru"]) == 2
    assert "runs/large has its shape: leave out --families\n" in capsys.readouterr().err
    wrong = replace(parent, model=replace(SHAPE, width=4), start_digest="")
    with pytest.raises(SpecError, match="width cannot be cut"):
        with_start(wrong)


def test_what_is_cut_down_may_be_taught(parent: RunSpec, folder: Path) -> None:
    """The teacher's file is named by its content in every trial, as in any other search."""
    command = "find arithmetic --shrink runs/large --teacher runs/large --budget 4-steps --seeds 0"
    assert main([*command.split(), "--workers", "1", "--folder", "taught"]) == 0
    specs = [trial.spec for trial in trials_of(folder / "taught")]
    assert specs
    assert {spec.training.teacher_digest for spec in specs} == {parent.start_digest}


def test_the_model_is_graded_first_as_it_is_and_may_be_the_answer(
    parent: RunSpec, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is cut gets no step, and so fails."""
    low = "--pass 0.1% --workers 1 --budget 1-steps --average 0.9"
    command = f"find arithmetic --shrink zoo:tables-1400 {low} --folder given"
    assert main(command.split()) == 0
    out = capsys.readouterr().out
    words = "parameters, as given: 100.0 % of all 390 problems, all trained on"
    assert f"Smallest model that passes 0.1 %: gpt, 2 layers × 8, 1,400 {words}\n" in out
    (trial,) = trials_of(folder / "given")
    assert (trial.given, trial.step, trial.cut) == (True, 0, {})
    kept = (folder / "given" / "models" / "trial-0" / "model.safetensors").read_bytes()
    assert kept == path_of("zoo:tables-1400").read_bytes()
    assert main([*command.split(), "--json"]) == 0
    winner = json.loads(capsys.readouterr().out)["winner"]
    assert (winner["as_given"], winner["confirmed"], winner["all_trained_on"]) == (
        True,
        False,
        True,
    )


def test_a_model_that_cannot_take_the_exam_is_not_graded_as_it_is(parent: RunSpec) -> None:
    assert as_given(parent) is not None
    assert as_given(replace(parent, task=replace(TASK, format="plain"))) is None
    assert as_given(replace(parent, task=replace(TASK, operands="0-99"))) is None
    assert shrinking(parent, largest=count(parent) - 1).known is None


def test_the_ladder_is_of_the_task_as_typed(
    parent: RunSpec, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ["--format", "plain", "--budget", "1-steps", "--folder", "plain"]
    assert main(["find", "arithmetic", "--shrink", "zoo:arithmetic-12k", *plain]) == 0
    assert "ask for a larger --smallest" not in capsys.readouterr().err


def test_what_is_cut_down_does_not_compile_unless_it_is_typed(
    parent: RunSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []

    def find(search: object, task: object, training: TrainingSpec, *_: object) -> list[object]:
        found.append(training.compile)
        raise UserError("enough")

    monkeypatch.setattr("lilliput.lab.verbs.find", find)
    shrunk = ["find", "arithmetic", "--shrink", "zoo:arithmetic-12k"]
    assert (main(shrunk), main([*shrunk, "--compile"])) == (2, 2)
    assert found == [False, True]


def test_a_typed_text_takes_the_place_of_all_of_the_parents(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    shrunk = ["find", "stories", "--shrink", "zoo:stories-60k"]
    assert main(shrunk) == 2
    err = capsys.readouterr().err
    assert "zoo:stories-60k learned from stories-train.txt, stories-valid.txt" in err
    assert "stories-train.txt is not here: give a text with --text FILES" in err
    Path("mine.txt").write_text("Once upon a time.\n")
    assert main([*shrunk, "--text", "mine.txt"]) == 2
    # It was read, and nothing else was asked for.
    assert "1 document is too few" in capsys.readouterr().err
    assert main([*shrunk, "--text", "gone.txt"]) == 2
    assert "no file or folder 'gone.txt'" in capsys.readouterr().err


def test_another_shape_names_the_model_and_what_looks_for_smaller_ones(
    parent: RunSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "gpt", "--params", "5k", "--start", "zoo:arithmetic-12k"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("lilliput: zoo:arithmetic-12k has another shape than this run: write ")
    assert "`lilliput find TASK --shrink zoo:arithmetic-12k`" in err
