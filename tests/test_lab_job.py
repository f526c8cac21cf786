"""Laws of a task as the search sees it: what is validated is what is asked and kept."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lilliput.exam import grade
from lilliput.exam.decode import Answerer
from lilliput.lab.job import advance, ask_unseen
from lilliput.lab.verbs import grade_problems as graded_run
from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, TrainingSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.splits import Problem
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training, Validation
from lilliput.training.run import run

SPEC = RunSpec(
    task=ArithmeticSpec(operands="0-99", operations="+", format="padded"),
    model=GPTSpec(width=8, heads=1, layers=1),
    training=TrainingSpec(steps=12, batch=8, evaluate_every=2, warmup=1),
)


def with_training(**fields: object) -> RunSpec:
    return replace(SPEC, training=replace(SPEC.training, **fields))  # type: ignore[arg-type]


def test_unseen_is_asked_with_the_given_quantile(monkeypatch: pytest.MonkeyPatch) -> None:
    state = advance(SPEC, None, 2).state
    task = task_of(SPEC.task)
    asked = []

    def half_right(task_: object, problems: list, answerer: object) -> list:  # type: ignore[type-arg]
        asked.extend(problems)
        return [grade.Answer(p, "?", bool(n % 2)) for n, p in enumerate(problems)]

    monkeypatch.setattr(grade, "ask", half_right)
    seen = {z: ask_unseen(SPEC, state, z) for z in (1.0, 3.0)}
    unseen = task.section("unseen")
    assert asked == [*unseen, *unseen]
    assert seen[1.0].total == len(unseen)
    assert seen[1.0].right == len(unseen) // 2 == seen[1.0].operations["+"][0]
    for z, evidence in seen.items():
        marks = [bool(n % 2) for n in range(len(unseen))]
        expected = grade.interval_of(unseen, marks, task.exhaustive, z)
        assert (evidence.low, evidence.high) == (expected.low, expected.high)
    assert seen[3.0].low < seen[1.0].low


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("steps", [100, 3])
def test_the_weights_that_would_be_kept_are_judged(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Whether patience has ended the training or a slice ends where it may pass."""
    judged = []
    validation = Training.validation

    def spied(training: Training) -> Validation:
        judged.append(weights(training.graded).clone())
        return validation(training)

    monkeypatch.setattr(Training, "validation", spied)
    spec = with_training(patience=2, steps=400)
    progress = advance(spec, None, steps)
    assert progress.done == (steps == 100)
    training = Training(spec, task_of(spec.task))
    training.restore(progress.state)
    latest = weights(training.model)
    kept = weights(training.finish())
    assert judged[-1].equal(kept)
    assert not kept.equal(latest)


def test_slices_with_patience_train_as_one_piece() -> None:
    spec = with_training(patience=3)
    whole = advance(spec, None, 8)
    state, step = None, 0
    while step < whole.step:
        part = advance(spec, state, 3 if step < 6 else 2)
        state, step = part.state, part.step
    one, other = (Training(spec, task_of(spec.task)) for _ in range(2))
    one.restore(whole.state)
    assert state is not None
    other.restore(state)
    for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert a.equal(b)


def test_a_diverged_training_is_over_with_nothing_right() -> None:
    spec = with_training(learning_rate=9.0, muon_learning_rate=9.0, clip=0.0)
    state = advance(spec, None, 2).state
    damaged = Training(spec, task_of(spec.task))
    damaged.restore(state)
    for parameter in damaged.model.parameters():
        parameter.data.fill_(math.nan)
    progress = advance(spec, damaged.state(), 6)
    assert progress.done
    assert progress.step == 4
    assert progress.validation.right == progress.validation.low == 0
    assert progress.validation.total > 0
    assert math.isnan(progress.train_loss)


def test_what_reads_blocks_stops_at_the_longest_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of a stream that forgets the end mark would else fill its block of 256."""
    spec = with_training(layout="stream", block=256, steps=2, evaluate_every=2)
    task = task_of(spec.task)
    assert isinstance(task, Arithmetic)
    longest = len("198") + 1
    lengths = []
    ask = grade.ask

    def spied(task_: Arithmetic, problems: list[Problem], answer: Answerer) -> list[grade.Answer]:
        answers = ask(task_, problems, answer)
        lengths.append(max(len(row.text) for row in answers))
        return answers

    monkeypatch.setattr(grade, "ask", spied)
    ask_unseen(spec, advance(spec, None, 2).state, 1.96)
    for _ in run(spec, task, tmp_path / "run", torch.device("cpu")):
        pass
    of_run = graded_run(str(tmp_path / "run"), ["unseen"], keep=False)
    assert of_run.grade.sections["unseen"].overall.errors, "it has learned nothing in two steps"
    assert lengths == [longest, longest]
    drawn = of_run.model.answer(["7 + 8"], temperature=9.0)
    assert max(map(len, drawn)) <= longest
