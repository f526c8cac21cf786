"""A batch in parts: the same step, in less memory; and what no machine has room for is refused."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.models.build import build
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    GRUSpec,
    MemoryGRUSpec,
    MinGRUSpec,
    ModelSpec,
    RunSpec,
    TrainingSpec,
)
from lilliput.specs.nanogpt import read_config
from lilliput.tasks.task import task_of
from lilliput.training import parts
from lilliput.training.batches import Chunk
from lilliput.training.loop import Training
from lilliput.training.loss import loss_of
from lilliput.training.run import run
from lilliput.units import format_bytes

CPU = torch.device("cpu")
SPEC = RunSpec(
    task=ArithmeticSpec(operands="0-9", operations="+", format="padded"),
    model=GPTSpec(width=16, heads=2, layers=1),
    training=TrainingSpec(steps=4, batch=37, evaluate_every=4, warmup=1),
)


def stepped(spec: RunSpec) -> tuple[Training, list[int]]:
    """A training after two steps, and the rows that went through the model together."""
    training, rows = Training(spec, task_of(spec.task)), []
    loss = training.loss

    def counted(chunk: Chunk) -> tuple[Tensor, Tensor]:
        rows.append(len(chunk.ids_BT))
        return loss(chunk)

    training.loss = counted  # type: ignore[method-assign]
    training.one_step()
    training.one_step()
    return training, rows


@pytest.mark.parametrize("layout", ["problems", "stream"])
def test_a_step_in_parts_is_the_same_step(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(SPEC, training=replace(SPEC.training, layout=layout, block=9))  # type: ignore[arg-type]
    whole, rows = stepped(spec)
    assert rows == [37, 37]
    monkeypatch.setattr(parts, "PART", 10 * 9 * whole._a_place)
    cut, rows = stepped(spec)
    assert sum(rows) == 74
    assert max(rows) <= 13
    assert cut.mean_loss == pytest.approx(whole.mean_loss, rel=1e-6)
    for one, other in zip(whole.model.parameters(), cut.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_a_row_goes_whole_and_a_small_batch_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ids_BT = np.arange(12).reshape(3, 4)
    chunk = Chunk(ids_BT, ids_BT[:, 1:], 1)
    assert next(parts.in_parts([chunk], 100)) is chunk
    monkeypatch.setattr(parts, "PART", 1)
    cut = list(parts.in_parts([chunk], 100))
    assert [part.ids_BT.tolist() for part in cut] == [[row] for row in ids_BT.tolist()]
    assert [part.targets_BS.tolist() for part in cut] == [[row] for row in ids_BT[:, 1:].tolist()]


FAMILIES: list[tuple[ModelSpec, float]] = [
    (GPTSpec(layers=2, width=64, heads=4), 0.0),
    (GPTSpec(layers=1, loops=3, width=64, heads=4), 0.0),
    (GPTSpec(layers=2, width=64, heads=4), 0.2),
    (GRUSpec(width=64), 0.0),
    (MemoryGRUSpec(width=64), 0.0),
    (MemoryGRUSpec(width=64, attention="query", heads=4), 0.0),
    (MinGRUSpec(width=64), 0.0),
]


@pytest.mark.parametrize(("spec", "dropout"), FAMILIES)
def test_what_a_place_takes_is_near_what_torch_keeps(spec: ModelSpec, dropout: float) -> None:
    model = build(spec, 100, 129, seed=0)
    ids_BT = torch.zeros(2, 129, dtype=torch.long)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        model.dropping(dropout) if dropout else nullcontext(),  # type: ignore[operator]
    ):
        loss_of(model, ids_BT[:, :-1], ids_BT[:, 1:], 0)
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    held = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    said = 2 * 128 * parts.place_bytes(model, getattr(spec, "loops", 1), 100)
    assert 0.4 < held / said < 2.6


def test_nanogpts_own_settings_go_through_in_parts() -> None:
    """config/train_gpt2.py: 480 rows of 1,024, of which a part holds a few."""
    text = "max_iters = 600000\ngradient_accumulation_steps = 5 * 8\n"
    spec, training = read_config(text, "train_gpt2.py")[:2]
    with torch.device("meta"):
        model = build(replace(spec, layers=1), 18, 1024, seed=0)
    a_place = 12 * parts.place_bytes(model, 1, 18)
    ids_BT = np.zeros((training.batch, training.block), dtype=np.int64)
    cut = list(parts.in_parts([Chunk(ids_BT, ids_BT, 0)], a_place))
    assert training.batch == 480
    assert {len(part.ids_BT) for part in cut} <= {5, 6, 7}


def test_a_row_that_no_machine_has_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = parts.memory_of(CPU)
    assert room > 1 << 28
    monkeypatch.setattr(parts, "memory_of", lambda device: 1_000)
    words = r"one row of \d+ characters or pieces takes about .* this machine has 1.0 kB: choose a"
    with pytest.raises(SpecError, match=words):
        next(run(SPEC, task_of(SPEC.task), tmp_path / "run", CPU))
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(parts, "memory_of", lambda device: 0)
    assert Training(SPEC, task_of(SPEC.task)).context
    assert format_bytes(25_000_000_000) == "25.00 GB"
