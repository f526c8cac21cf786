"""Laws of training: batches are pure functions, steps what they should be, resume exact."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from lilliput.errors import FileError, LilliputError, SpecError
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec, RunSpec, Stage, TrainingSpec
from lilliput.tasks.task import task_of
from lilliput.training.batches import IGNORED, Batches
from lilliput.training.device import check_device, choose_device
from lilliput.training.loop import Training

CPU = torch.device("cpu")
TASK = ArithmeticSpec(operands="0-39", held_out="none", format="padded")
SMALL = RunSpec(
    task=ArithmeticSpec(operands="0-9", operations="+", format="padded"),
    model=GPTSpec(width=16, heads=2, layers=1),
    training=TrainingSpec(steps=60, batch=32, evaluate_every=20, warmup=5),
)


def batches(task: ArithmeticSpec = TASK, seed: int = 0, **fields: object) -> Batches:
    return Batches(task_of(task), TrainingSpec(**{"batch": 100, **fields}), seed)  # type: ignore[arg-type]


def questions(source: Batches, number: int) -> list[str]:
    """The lines of a batch, as text."""
    vocabulary = source.task.vocabulary
    return [
        vocabulary.decode(row).partition("=")[0]
        for chunk in source.batch(number)
        for row in chunk.ids_BT.tolist()
    ]


def test_batch_n_is_a_pure_function_of_spec_and_n() -> None:
    one, other = batches(), batches()
    for number in (7, 0, 300, 7):
        for a, b in zip(one.batch(number), other.batch(number), strict=True):
            assert np.array_equal(a.ids_BT, b.ids_BT)
            assert np.array_equal(a.targets_BS, b.targets_BS)
    assert questions(one, 0) != questions(one, 1)
    assert questions(one, 0) != questions(batches(seed=1), 0)


def test_an_epoch_has_every_training_problem_exactly_once() -> None:
    source = batches(batch=len(batches().problems) // 8)
    seen = [question for number in range(8) for question in questions(source, number)]
    assert len(seen) == len(set(seen))
    wanted = {p.question for p in task_of(TASK).section("seen")}
    read = {f"{int(q[:2])} {q[2]} {int(q[3:5])}" for q in seen}
    assert read <= wanted
    assert len(wanted) - len(read) < 8


def test_training_never_meets_validation_or_unseen() -> None:
    task = task_of(TASK)
    held = {p.question for name in ("valid", "unseen") for p in task.section(name)}  # type: ignore[arg-type]
    for serve in ("fixed", "fresh"):
        learned = {p.question for p in batches(serve=serve).problems}
        assert learned
        assert not learned & held


def test_weights_give_each_operation_its_share() -> None:
    source = batches(replace(TASK, weights=(0.0, 1.0, 2.0, 1.0)))
    drawn = "".join(question[2] for number in range(10) for question in questions(source, number))
    assert {op: drawn.count(op) for op in "+-*/"} == {"+": 0, "-": 250, "*": 500, "/": 250}


def test_stages_come_one_after_the_other() -> None:
    stages = (
        Stage(steps=3, operands="0-5", operations="+"),
        Stage(steps=2, operations="*/", weights=(3, 1)),
    )
    source = batches(stages=stages)
    for number in range(3):
        assert all(
            q[2] == "+" and max(int(q[:2]), int(q[3:5])) <= 5 for q in questions(source, number)
        )
    for number in (3, 4, 9):
        drawn = "".join(q[2] for q in questions(source, number))
        assert {op: drawn.count(op) for op in "+-*/"} == {"+": 0, "-": 0, "*": 75, "/": 25}


def test_a_stage_without_a_problem_is_refused() -> None:
    with pytest.raises(SpecError, match="no training problem belongs to the stage"):
        questions(batches(stages=(Stage(steps=1, operands="90-99"),)), 0)


def test_mined_problems_take_their_part_of_a_batch() -> None:
    source = batches(mining=0.25)
    wrong = np.array([3, 5])
    table = source.table.ids_NT
    rows = [tuple(row) for chunk in source.batch(0, wrong) for row in chunk.ids_BT]
    hard = {tuple(table[n][: len(rows[0])]) for n in wrong}
    assert sum(row in hard for row in rows) >= 25


def test_only_the_answer_is_learned_unless_all_is_asked_for() -> None:
    source = batches()
    chunk = source.batch(0)[0]
    for row, targets in zip(chunk.ids_BT, chunk.targets_BS, strict=True):
        text = source.task.vocabulary.decode(row)
        learned = "".join(source.task.vocabulary.decode([t]) for t in targets if t != IGNORED)
        left, operation, right = int(text[:2]), text[2], int(text[3:5])
        problem = source.task.problem(left, operation, right)  # type: ignore[union-attr]
        assert learned == source.task.format.completion(*problem[:2])
    everything = batches(loss="all").batch(0)[0]
    assert everything.first == 0
    assert (everything.targets_BS[:, :5] != IGNORED).all()


def test_a_stream_holds_the_lines_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{a} + {b} = {a + b}.00\n" for a in range(9) for b in range(9)))
    task = ArithmeticSpec(operands="0-9", source=str(path), format="plain")
    source = batches(task, layout="stream", loss="all", block=64, batch=4)
    whole = path.read_text()
    for row, targets in zip(source.batch(5)[0].ids_BT, source.batch(5)[0].targets_BS, strict=True):
        text = source.task.vocabulary.decode(row)
        assert len(text) == 64
        assert text in whole
        assert source.task.vocabulary.decode(targets) in whole
    with pytest.raises(SpecError, match="smaller block"):
        batches(task, layout="stream", loss="all", block=5000)


def test_a_large_space_is_served_fresh_without_a_list() -> None:
    task = ArithmeticSpec(operands="0-9999", format="reversed")
    source = batches(task, serve="fresh", batch=50)
    assert source.problems == []
    assert questions(source, 3) == questions(batches(task, serve="fresh", batch=50), 3)
    made = task_of(task)
    for question in questions(source, 3):
        operation = next(op for op in "+-*/" if op in question)
        left, right = question.split(operation)
        assert made.where(f"{left} {operation} {right}") == "seen"  # type: ignore[union-attr]


def test_the_schedule_by_hand() -> None:
    spec = TrainingSpec(steps=100, warmup=4, decay=0.2)
    factors = [spec.schedule(step) for step in (0, 1, 3, 4, 80, 90, 99)]
    assert factors == pytest.approx([0.25, 0.5, 1, 1, 1, 0.5, 0.05])


def test_the_loss_is_the_mean_over_what_is_learned() -> None:
    training = Training(SMALL, task_of(SMALL.task))
    chunk = Batches(task_of(SMALL.task), SMALL.training, 0).batch(0)[0]
    logits = training.model(torch.from_numpy(chunk.ids_BT), chunk.first).log_softmax(-1)
    targets = torch.from_numpy(chunk.targets_BS.copy())
    picked = logits.gather(2, targets.clamp(min=0)[:, :, None])[:, :, 0]
    by_hand = -(picked * (targets != IGNORED)).sum()
    assert torch.allclose(training.loss(chunk)[1], by_hand, rtol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"optimizer": "adamw"},
        {"average": 0.9},
        {"mining": 0.5},
        {"patience": 1, "muon_learning_rate": 0.9, "evaluate_every": 5},
        {"layout": "stream", "loss": "all", "block": 16},
        {"serve": "fresh"},
    ],
)
@pytest.mark.parametrize("model", [SMALL.model, GRUSpec(width=12)])
def test_resume_is_exact(fields: dict[str, object], model: GPTSpec | GRUSpec) -> None:
    """Broken at any step and restored from bytes: the same weights, bit for bit."""
    spec = replace(SMALL, model=model, training=replace(SMALL.training, **fields))  # type: ignore[arg-type]

    def go(training: Training, end: int) -> Training:
        while training.step < end and not training.done:
            training.one_step()
            if training.at_record:
                training.record()
        return training

    whole = go(Training(spec, task_of(spec.task)), 60)
    state = b""
    for stop in (7, 20, 33, 60):
        part = Training(spec, task_of(spec.task))
        if state:
            part.restore(state)
        state = go(part, stop).state()
    assert part.step == whole.step
    assert (whole.step < 60) == ("patience" in fields), "patience must bite"
    for a, b in zip(whole.finish().parameters(), part.finish().parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("changes", [{"model": GPTSpec(width=24, heads=2)}, {"seed": 1}])
def test_a_state_of_another_run_is_refused(changes: dict[str, Any]) -> None:
    state = Training(SMALL, task_of(SMALL.task)).state()
    other = Training(replace(SMALL, **changes), task_of(SMALL.task))
    words = "the resume file is damaged or of another run: "
    with pytest.raises(FileError, match=words) as error:
        other.restore(state)
    assert f"its spec is {SMALL.digest}, not {other.spec.digest}" in str(error.value)
    for damaged in (state[: len(state) // 2], safetensors.torch.save({"numbers": torch.zeros(7)})):
        with pytest.raises(FileError, match=words):
            other.restore(damaged)


def test_patience_keeps_the_best_weights() -> None:
    training = Training(
        replace(SMALL, training=replace(SMALL.training, patience=1)), task_of(SMALL.task)
    )
    scores = []
    while not training.done:
        training.one_step()
        if training.at_record:
            if scores:
                with torch.no_grad():
                    for parameter in training.model.parameters():
                        parameter.zero_()
            scores.append(training.record().right)
    assert training.step == 40
    assert training.validation().right == scores[1] < scores[0]
    training.finish()
    assert training.validation().right == scores[0]


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    training = Training(SMALL, task_of(SMALL.task))
    with torch.no_grad():
        next(training.model.parameters()).fill_(float("nan"))
    training.one_step()
    with pytest.raises(LilliputError, match="the loss is nan at step 1"):
        training.record()


def test_training_learns() -> None:
    training = Training(
        replace(SMALL, training=replace(SMALL.training, steps=400)), task_of(SMALL.task)
    )
    for _ in range(400):
        training.one_step()
    assert training.validation().right >= 90


def test_a_device_is_checked_and_an_absent_one_refused() -> None:
    check_device(CPU)
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(SpecError, match="no device 'cud' here; choose one of: auto, cpu"):
        choose_device("cud")
