"""Training of the baby GPT (10.7M parameters): its published way against ours, characters/s, on the
same stream of arithmetic, by turns, on one thread.

A step of the published 64 rows takes a minute on such a machine, so one of 8 is timed, and the
update of the weights apart from it: 64 rows take eight times the rest, and one update.
"""

import functools
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.optim import Optimizer

from bench.published_nanogpt import PublishedTraining
from bench.timing import in_turn
from lilliput.specs import ArithmeticSpec, RunSpec, TrainingSpec
from lilliput.specs.recipes import baby_model, baby_training
from lilliput.tasks.task import task_of
from lilliput.training.batches import Batches
from lilliput.training.device import half_precision
from lilliput.training.loop import Training

ROWS, BLOCK, PARTS = 8, 256, 8
REPEATS = 3
TASK = ArithmeticSpec(format="plain")


def main() -> None:
    torch.set_num_threads(1)
    preset = replace(baby_training(), batch=ROWS)
    # What our defaults are on a stream: Muon, no dropout, bfloat16 where it pays.
    ours = replace(TrainingSpec(), batch=ROWS, layout="stream", block=BLOCK, loss="all")
    reach = " (reach: 4 x with bfloat16 units)"
    for words, training in (("its settings in our loop", preset), ("our defaults", ours)):
        run = Training(RunSpec(task=TASK, model=baby_model(), training=training), task_of(TASK))
        one, other = _speeds(run, published())
        size = sum(parameter.numel() for parameter in run.model.parameters())
        half = half_precision(training, size, torch.device("cpu"))
        print(
            f"   {words} ({training.optimizer}, {'bfloat16' if half else 'float32'}, dropout"
            f" {training.dropout:g}): {one:,.0f} characters/s, published way {other:,.0f},"
            f" {one / other:.2f} x{reach if training is ours else ''}",
            flush=True,
        )
    _problems()


def _speeds(run: Training, theirs: PublishedTraining) -> tuple[float, float]:
    """Characters a second in steps of PARTS x ROWS rows, ours and theirs."""
    steps = in_turn(run.one_step, theirs.one_step, repeats=REPEATS)
    for model in (run.model, theirs.model):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 1e-3)
    updates = in_turn(
        lambda: _update(run.optimizers), lambda: _update([theirs.optimizer]), repeats=REPEATS
    )
    one, other = (
        PARTS * ROWS * BLOCK / (PARTS * (step.median - update.median) + update.median)
        for step, update in zip(steps, updates, strict=True)
    )
    return one, other


def _update(optimizers: Sequence[Optimizer]) -> None:
    for optimizer in optimizers:
        optimizer.step()


def _problems() -> None:
    """Our defaults as they are: a problem a row, padded, of which the answer is learned."""
    task, usual = ArithmeticSpec(), TrainingSpec()
    run = Training(RunSpec(task=task, model=baby_model(), training=usual), task_of(task))
    theirs = published()
    one, other = in_turn(run.one_step, theirs.one_step, repeats=REPEATS)
    lines = len(Batches(task_of(TASK), usual, 0).problems)
    their_problems = ROWS * BLOCK * lines / len(_stream()) / other.median
    print(
        f"   a problem a row, as our defaults have it: {usual.batch / one.median:,.1f} problems/s,"
        f" published way {their_problems:,.1f}, {usual.batch / one.median / their_problems:.1f} x"
    )


@functools.cache
def _stream() -> torch.Tensor:
    """The training lines as one stream of numbers of characters."""
    batches = Batches(task_of(TASK), replace(baby_training(), batch=1), 0)
    assert batches._stream is not None
    return torch.from_numpy(batches._stream[0].astype("int64"))


def published(rows: int = ROWS, device: str = "cpu") -> PublishedTraining:
    """nanoGPT's training on the same stream."""
    torch.manual_seed(0)
    return PublishedTraining(_stream(), len(task_of(TASK).vocabulary), rows, BLOCK, device)
