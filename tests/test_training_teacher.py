"""Distillation: the teacher's part of the loss by hand, exact resume, and what cannot teach."""

from dataclasses import replace
from pathlib import Path

import baselines_hf
import hf_toys
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from text_toys import stories_spec
from trained_toys import train

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.faces import cli
from lilliput.lab.job import advance
from lilliput.lab.sealing import sealed_model, sealed_training, teacher_path, with_teacher
from lilliput.models import modelfile
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    GRUSpec,
    HFSpec,
    RunSpec,
    TrainingSpec,
    from_dict,
    to_dict,
)
from lilliput.tasks.task import task_of
from lilliput.training.batches import IGNORED, Batches
from lilliput.training.loop import Training
from lilliput.training.teacher import _check_writing

TASK = ArithmeticSpec(operands="0-9", operations="+", format="plain")
TRAINING = TrainingSpec(steps=100, batch=32, evaluate_every=100, warmup=5)
TEACHER = RunSpec(task=TASK, model=GPTSpec(width=16, heads=2, layers=1), training=TRAINING)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(TEACHER, tmp_path_factory.mktemp("runs") / "teacher")


def student(teacher: Path, **fields: object) -> RunSpec:
    usual = {"steps": 30, "evaluate_every": 10, "teacher": str(teacher)}
    training = replace(TRAINING, **{**usual, **fields})  # type: ignore[arg-type]
    return RunSpec(task=TASK, model=GRUSpec(width=12), training=sealed_training(training))


def begun(spec: RunSpec) -> Training:
    return Training(spec, task_of(spec.task), teacher=teacher_path(spec.training))


def test_the_loss_by_hand(teacher: Path) -> None:
    spec = student(teacher, teacher_share=0.25, teacher_temperature=3.0)
    training = begun(spec)
    master = training._teacher
    assert master is not None
    chunk = Batches(task_of(TASK), spec.training, 0).batch(0)[0]  # type: ignore[arg-type]
    loss, nats = training.loss(chunk)
    network = modelfile.load(teacher / "model.safetensors")[0]
    ids_BT = torch.from_numpy(chunk.ids_BT)
    with torch.no_grad():
        own = training.model(ids_BT, chunk.first)
        p_BSV = torch.softmax(network(ids_BT, chunk.first) / 3, dim=-1)
        q_BSV = torch.softmax(own / 3, dim=-1)
        kl_BS = (p_BSV * (p_BSV / q_BSV).log()).sum(dim=-1)
        learned_BS = torch.from_numpy(np.ascontiguousarray(chunk.targets_BS)) != IGNORED
    assert not learned_BS.all(), "rows differ in length, so some of their ends are not learned"
    wanted = 0.75 * nats + 0.25 * 9 * kl_BS[learned_BS].sum()
    assert torch.allclose(loss, wanted, rtol=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in master.network.parameters())
    assert all(p.grad is not None for p in training.model.parameters())
    # A teacher that is the student has nothing to teach.
    training._teacher = replace(master, network=training.model)
    alone, nats = training.loss(chunk)
    assert torch.allclose(alone, 0.75 * nats, rtol=1e-5)
    training._teacher = None
    assert [part.item() for part in training.loss(chunk)] == [nats.item()] * 2


def apart(spec: RunSpec, teacher: Path) -> float:
    """Nats that a trained student's likelihoods lack of its teacher's, where both had to learn."""
    training = begun(spec)
    while not training.done:
        training.one_step()
    network = modelfile.load(teacher / "model.safetensors")[0]
    rows = Batches(task_of(TASK), TRAINING, 1).batch(0)[0]  # type: ignore[arg-type]
    ids_BT = torch.from_numpy(rows.ids_BT)
    with torch.no_grad():
        own, its = (m(ids_BT, rows.first).log_softmax(-1) for m in (training.model, network))
    learned_BS = torch.from_numpy(np.ascontiguousarray(rows.targets_BS)) != IGNORED
    return float(F.kl_div(own, its, log_target=True, reduction="none").sum(-1)[learned_BS].mean())


def test_a_taught_student_comes_nearer_to_its_teacher(tmp_path: Path) -> None:
    """Of a teacher of few steps, which is unsure and often wrong; the text leads elsewhere."""
    unsure = replace(TEACHER, training=replace(TRAINING, steps=40, evaluate_every=40))
    teacher = train(unsure, tmp_path / "unsure")
    usual = {"teacher_share": 1.0, "teacher_temperature": 1.0}
    taught = student(teacher, steps=500, evaluate_every=500, **usual)
    plain = {"teacher": "", "teacher_share": 0.5, "teacher_temperature": 2.0, "teacher_digest": ""}
    untaught = replace(taught, training=replace(taught.training, **plain))  # type: ignore[arg-type]
    assert apart(taught, teacher) < 0.5 * apart(untaught, teacher)


def test_slices_of_a_taught_training_are_exact(teacher: Path) -> None:
    spec = student(teacher, layout="stream", loss="all", block=16)
    other = replace(
        TEACHER, training=replace(TRAINING, layout="stream", loss="all", block=16, steps=5)
    )
    path = train(other, teacher.parent / "streamed")
    plain = replace(spec.training, teacher=str(path), teacher_digest="")
    spec = replace(spec, training=sealed_training(plain))
    whole = advance(spec, None, 30)
    state = None
    for steps in (7, 8, 15):
        part = advance(spec, state, steps)
        state = part.state
    assert _same(part.state, whole.state)
    assert part.validation == whole.validation


def _same(one: bytes, other: bytes) -> bool:
    """Two states but for the seconds that they took."""
    import safetensors.torch

    first, second = safetensors.torch.load(one), safetensors.torch.load(other)
    first["numbers"][1] = second["numbers"][1] = 0.0
    return all(torch.equal(first[name], second[name]) for name in first)


def test_stories_are_taught_and_a_window_too_short_is_refused(tmp_path: Path) -> None:
    task = stories_spec(tmp_path)
    training = TrainingSpec(
        steps=2, batch=4, layout="stream", block=32, loss="all", evaluate_every=2
    )
    spec = RunSpec(task=task, model=GPTSpec(width=16, heads=2), training=training)
    train(spec, tmp_path / "teller")
    taught = sealed_training(replace(training, teacher=str(tmp_path / "teller")))
    heir = RunSpec(task=task, model=GRUSpec(width=12), training=taught)
    pupil = begun(heir)
    pupil.one_step()
    assert pupil.mean_loss > 0
    longer = replace(heir, training=replace(taught, block=48))
    with pytest.raises(SpecError, match=r"reads 32 .* at once, and the student learns from 48"):
        begun(longer)
    pieces = replace(task, vocabulary=256)
    with pytest.raises(SpecError, match=r"characters against \d+ pieces"):
        begun(replace(heir, task=pieces))


def test_one_command_and_its_marks(
    teacher: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = (
        "train gru --width 12 --operands 0-9 --operations + --format plain --steps 10"
        " --evaluate-every 10"
    )
    assert cli.main([*words.split(), "--teacher", str(teacher), "--name", "heir"]) == 0
    assert "*taught*" in capsys.readouterr().out
    card = modelfile.read_card(tmp_path / "runs" / "heir" / "model.safetensors")
    assert card.marks == {"taught": "yes"}
    assert len(card.spec.training.teacher_digest) == 64
    assert from_dict(RunSpec, to_dict(card.spec)) == card.spec
    assert (
        card.spec.digest
        != replace(card.spec, training=replace(card.spec.training, teacher_digest="0" * 64)).digest
    )


def test_a_teacher_that_does_not_fit(teacher: Path, tmp_path: Path) -> None:
    fits = student(teacher)
    begun(fits)
    for change, words in {
        ("operations", "+-"): "has another exam",
        ("operands", "0-20"): "has another exam",
        ("fold", 3): "has another exam",
        ("decimals", 1): "has another exam",
        ("format", "padded"): "another vocabulary than the student: ' ' is only in one",
    }.items():
        task = replace(TASK, **{change[0]: change[1]})  # type: ignore[arg-type]
        with pytest.raises(SpecError, match=words):
            begun(replace(fits, task=task))
    with pytest.raises(SpecError, match="was trained with --layout problems --loss answer"):
        begun(replace(fits, training=replace(fits.training, loss="all")))
    network, card = modelfile.load(teacher / "model.safetensors")
    with pytest.raises(SpecError, match="writes in another format"):
        _check_writing(fits, task_of(TASK), replace(card, format={"kind": "reversed"}))
    modelfile.save(tmp_path / "leaked.safetensors", network, replace(card, marks={"leaked": "yes"}))
    with pytest.raises(SpecError, match=r"of its own exam \(leaked\)"):
        begun(student(tmp_path / "leaked.safetensors"))
    changed = replace(fits.training, teacher=str(tmp_path / "leaked.safetensors"))
    with pytest.raises(FileError, match="has changed since this run was specified"):
        begun(replace(fits, training=changed))
    with pytest.raises(NotFoundError, match="no model"):
        student(tmp_path / "none")
    with pytest.raises(SpecError, match="has not learned the task that it is to teach"):
        sealed_training(TrainingSpec(teacher="hf:distilgpt2"))
    for fields in ({"teacher_share": 0.0}, {"teacher_share": 1.5}, {"teacher_temperature": 0.0}):
        with pytest.raises(SpecError, match="teacher_"):
            TrainingSpec(teacher="x", **fields)
    with pytest.raises(SpecError, match="a teacher; write --teacher MODEL"):
        TrainingSpec(teacher_share=0.7)


@pytest.mark.parametrize("answers", [False, True])
def test_a_teacher_of_another_task(teacher: Path, tmp_path: Path, answers: bool) -> None:
    network, card = modelfile.load(teacher / "model.safetensors")
    stream = replace(card.spec.training, layout="stream", loss="all")
    told = replace(card.spec, task=stories_spec(tmp_path), training=stream)
    path = tmp_path / "tales.safetensors"
    modelfile.save(path, network, replace(card, spec=told))
    words = "has learned stories, and what it is to teach is arithmetic: give a teacher of the same"
    spec = student(path, teacher_answers=answers)
    for share in (0.5, 0.0) if answers else (0.5,):
        training = replace(spec.training, teacher_share=share, teacher_digest="")
        with pytest.raises(SpecError, match=words):
            with_teacher(replace(spec, training=training))


def test_a_model_of_transformers_teaches_its_own_kind_alone(tmp_path: Path) -> None:
    """A student of every second block learns from the whole; a family of ours has other numbers."""
    baselines_hf.save(tmp_path / "toy", hf_toys.gpt2(), hf_toys.bpe())
    training = TrainingSpec(steps=2, batch=8, optimizer="adamw", evaluate_every=2)
    whole = RunSpec(
        task=TASK, model=sealed_model(HFSpec(name=str(tmp_path / "toy"))), training=training
    )
    train(whole, tmp_path / "whole")
    taught = sealed_training(replace(training, teacher=str(tmp_path / "whole")))
    half = sealed_model(HFSpec(name=str(tmp_path / "whole"), every=2))
    pupil = begun(RunSpec(task=TASK, model=half, training=taught))
    pupil.one_step()
    assert pupil.mean_loss > 0
    with pytest.raises(LilliputError, match="a tokenizer of 300 tokens against 15 characters"):
        begun(RunSpec(task=TASK, model=GRUSpec(width=12), training=taught))
