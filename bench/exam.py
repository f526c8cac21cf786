"""The exam of all 32,310 problems, 100,000 parameters, one core: in batches, and one at a time.

One at a time is measured on a sample and scaled up, stated as such.
"""

import torch

from bench.timing import in_turn
from lilliput.exam.decode import answerer
from lilliput.models.build import build
from lilliput.models.size import solve_shape
from lilliput.specs import ArithmeticSpec
from lilliput.tasks.arithmetic import Arithmetic

SAMPLE = 200
"""Problems that are decoded one at a time."""


def main() -> None:
    torch.set_num_threads(1)
    task = Arithmetic(ArithmeticSpec(format="padded"))
    spec = solve_shape("gpt", 100_000, len(task.vocabulary), task.context)
    model = build(spec, len(task.vocabulary), task.context).eval()
    # First weights write no end mark in time, so every answer is as long as it can be.
    problems = [p for name in ("seen", "valid", "unseen") for p in task.section(name)]
    prompts = [task.format.prompt(problem.question) for problem in problems]
    together = answerer(model, task.vocabulary, task.context)
    alone = answerer(model, task.vocabulary, task.context, batch=1)
    step = len(prompts) // SAMPLE
    whole, part = in_turn(
        lambda: together(prompts), lambda: alone(prompts[::step][:SAMPLE]), repeats=3
    )
    scaled = part.median * len(prompts) / SAMPLE
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"   all {len(prompts):,} problems, gpt of {size:,} parameters, one thread: {whole}")
    print(
        f"   one at a time: {scaled:.0f} s (from {SAMPLE} of them), {scaled / whole.median:.0f} x"
    )
