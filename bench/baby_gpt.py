"""Training of the baby GPT (10.7M parameters): its published way against ours, characters/s, on the
same stream of arithmetic, by turns, on one thread. Rows are fewer than the published 64, so that a
run takes seconds: characters/s hardly depend on it."""

import functools
from dataclasses import replace

import torch

from bench.published_nanogpt import PublishedTraining
from bench.timing import in_turn
from lilliput.specs import ArithmeticSpec, RunSpec, TrainingSpec
from lilliput.specs.recipes import baby_model, baby_training
from lilliput.tasks.task import task_of
from lilliput.training.batches import Batches
from lilliput.training.device import half_precision
from lilliput.training.loop import Training

ROWS, BLOCK = 8, 256
REPEATS = 3


def main() -> None:
    torch.set_num_threads(1)
    task = ArithmeticSpec(format="plain")
    preset = replace(baby_training(), batch=ROWS)
    usual = TrainingSpec()
    # What our defaults are on a stream: Muon, no dropout, bfloat16 where it pays.
    ours = replace(usual, batch=ROWS, layout="stream", block=BLOCK, loss="all")
    for words, training in (("its settings in our loop", preset), ("our defaults", ours)):
        run = Training(RunSpec(task=task, model=baby_model(), training=training), task_of(task))
        theirs = _published(task)
        one, other = in_turn(run.one_step, theirs.one_step, repeats=REPEATS)
        size = sum(parameter.numel() for parameter in run.model.parameters())
        half = half_precision(training, size, torch.device("cpu"))
        ours_s, theirs_s = (ROWS * BLOCK / taken.median for taken in (one, other))
        print(
            f"   {words} ({'bfloat16' if half else 'float32'}, dropout {training.dropout:g}):"
            f" {ours_s:,.0f} characters/s, published way {theirs_s:,.0f}, {ours_s / theirs_s:.2f} x"
            " (reach: 4 x for our defaults with bfloat16 units)"
        )
    _problems(usual)


def _problems(usual: TrainingSpec) -> None:
    """Our defaults as they are: a problem a row, padded, of which the answer is learned."""
    task = ArithmeticSpec()
    run = Training(RunSpec(task=task, model=baby_model(), training=usual), task_of(task))
    theirs = _published(replace(task, format="plain"))
    one, other = in_turn(run.one_step, theirs.one_step, repeats=REPEATS)
    read = run.characters / run.step
    characters, published = read / one.median, ROWS * BLOCK / other.median
    line = len(Batches(task_of(replace(task, format="plain")), usual, 0).problems)
    stream = len(_stream(replace(task, format="plain")))
    problems, others = usual.batch / one.median, published * line / stream
    print(
        f"   a problem a row, as our defaults have it: {characters:,.0f} characters/s,"
        f" {characters / published:.2f} x; {problems:,.0f} problems/s, published way"
        f" {others:,.0f}, {problems / others:.1f} x"
    )


@functools.cache
def _stream(task: ArithmeticSpec) -> torch.Tensor:
    """The training lines as one stream of numbers of characters."""
    batches = Batches(task_of(task), replace(baby_training(), batch=1), 0)
    assert batches._stream is not None
    return torch.from_numpy(batches._stream[0].astype("int64"))


def _published(task: ArithmeticSpec) -> PublishedTraining:
    torch.manual_seed(0)
    return PublishedTraining(_stream(task), len(task_of(task).vocabulary), ROWS, BLOCK)
