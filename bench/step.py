"""A step of the training loop against the bare PyTorch step of the same model and batch."""

import torch
import torch.nn.functional as F

from bench.timing import in_turn
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec, ModelSpec, RunSpec, TrainingSpec
from lilliput.tasks.stories import Stories
from lilliput.tasks.task import task_of
from lilliput.training.batches import IGNORED, Batches
from lilliput.training.loop import Training
from lilliput.training.optimizer import optimizers_of

STEPS = 20
MODELS: tuple[ModelSpec, ...] = (GPTSpec(width=16, heads=4), GPTSpec(width=24), GRUSpec(width=48))


def main() -> None:
    torch.set_num_threads(1)
    for model in MODELS:
        task = ArithmeticSpec(format="padded")
        spec = RunSpec(task=task, model=model, training=TrainingSpec(batch=256))
        ours, bare = in_turn(_ours(spec), _bare(spec))
        training = Training(spec, task_of(task))
        size = sum(parameter.numel() for parameter in training.model.parameters())
        one, other = (1e3 * taken.median / STEPS for taken in (ours, bare))
        print(
            f"   {model.kind} of {size:,} parameters, 256 rows: {one:.1f} ms a step,"
            f" bare {other:.1f} ms, {one / other:.2f} x (reach: 1.5 x)"
        )


def _ours(spec: RunSpec):  # type: ignore[no-untyped-def]
    training = Training(spec, task_of(spec.task))

    def run() -> None:
        for _ in range(STEPS):
            training.one_step()

    return run


def _bare(spec: RunSpec):  # type: ignore[no-untyped-def]
    """Forward, loss, backward, clipping and the same optimizers, on batches that are at hand."""
    training = Training(spec, task_of(spec.task))
    model = training.model
    optimizers = optimizers_of(model, spec.training)
    assert not isinstance(training.task, Stories)
    batches = Batches(training.task, spec.training, spec.seed)
    chunks = [batches.batch(number)[0] for number in range(STEPS)]
    tensors = [
        (torch.from_numpy(c.ids_BT), torch.from_numpy(c.targets_BS.copy()), c.first) for c in chunks
    ]

    def run() -> None:
        for ids_BT, targets_BS, first in tensors:
            logits_BSV = model(ids_BT, first)
            loss = F.cross_entropy(
                logits_BSV.flatten(0, 1), targets_BS.flatten(), ignore_index=IGNORED
            )
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

    return run
