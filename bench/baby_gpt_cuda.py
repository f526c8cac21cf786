"""Training of the baby GPT on a GPU: nanoGPT's compiled way against ours, characters/s, 64 rows of
256 a step, by turns. Where there is no GPU it says so and measures nothing.
"""

from dataclasses import replace
from functools import partial

import torch

from bench.baby_gpt import BLOCK, TASK, published
from bench.published_nanogpt import PublishedTraining
from bench.timing import in_turn
from lilliput.specs import RunSpec, TrainingSpec
from lilliput.specs.recipes import baby_model, baby_training
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training

ROWS, STEPS, REPEATS = 64, 100, 5


def main() -> None:
    if not torch.cuda.is_available():
        print("   no CUDA device here: not measured (reach: 0.9 x nanoGPT's compiled speed)")
        return
    print(f"   {torch.cuda.get_device_name()}, torch {torch.__version__}")
    torch.set_float32_matmul_precision("high")
    preset = replace(baby_training(), compile=True)
    ours = TrainingSpec(layout="stream", block=BLOCK, batch=ROWS, loss="all", compile=True)
    for words, training in (("its settings in our loop", preset), ("our defaults", ours)):
        spec = RunSpec(task=TASK, model=baby_model(), training=training)
        run = Training(spec, task_of(TASK), torch.device("cuda"))
        theirs = published(ROWS, "cuda")
        one, other = in_turn(partial(_steps, run), partial(_steps, theirs), repeats=REPEATS)
        characters = STEPS * ROWS * BLOCK
        print(
            f"   {words} ({training.optimizer}, dropout {training.dropout:g}, compiled):"
            f" {characters / one.median:,.0f} characters/s, nanoGPT's compiled way"
            f" {characters / other.median:,.0f}, {other.median / one.median:.2f} x (reach: 0.9 x)",
            flush=True,
        )


def _steps(training: Training | PublishedTraining) -> None:
    for _ in range(STEPS):
        training.one_step()
    torch.cuda.synchronize()
