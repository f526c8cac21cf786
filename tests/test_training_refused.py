"""What training refuses: options that would do nothing, numbers that are none; and mined rows."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.exam.forced import forced_right
from lilliput.faces.stages import read_stage
from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, Stage, TrainingSpec
from lilliput.specs.search import SearchSpec
from lilliput.tasks.table import Table
from lilliput.tasks.task import task_of
from lilliput.training.batches import Batches
from lilliput.training.loop import Training

TASK = ArithmeticSpec(operands="0-39", held_out="none")
STAGE = Stage(steps=1, operands="0-9")


def batches(task: ArithmeticSpec = TASK, **fields: object) -> Batches:
    return Batches(task_of(task), TrainingSpec(**{"batch": 100, **fields}), 0)  # type: ignore[arg-type]


def operations(source: Batches, number: int, mined: np.ndarray) -> Counter[str]:
    rows = (row for chunk in source.batch(number, mined) for row in chunk.ids_BT.tolist())
    return Counter(source.task.vocabulary.decode(row)[2] for row in rows)


def test_mined_rows_displace_no_operation() -> None:
    source = batches(replace(TASK, weights=(1.0, 1.0, 1.0, 1.0)), mining=0.5)
    quotient = next(n for n, p in enumerate(source.problems) if p.group == "/")
    counts = sum((operations(source, n, np.array([quotient])) for n in range(8)), Counter[str]())
    assert counts["/"] > 400
    assert min(counts[operation] for operation in "+-*") > 60


def test_mined_rows_belong_to_the_stage() -> None:
    stages = (Stage(steps=1, operations="+"), Stage(steps=1, operations="+/"))
    source = batches(stages=stages, mining=1.0)
    quotient = next(n for n, p in enumerate(source.problems) if p.group == "/")
    plus = next(n for n, p in enumerate(source.problems) if p.group == "+")
    assert operations(source, 0, np.array([quotient])) == {"+": 100}
    assert operations(source, 0, np.array([plus, quotient])) == {"+": 100}
    assert operations(source, 1, np.array([quotient])) == {"/": 100}


@pytest.mark.parametrize(
    ("fields", "flag"),
    [({"mining": 0.5}, "--mining"), ({"stages": (STAGE,)}, "--stage"),
     ({"problems": 5}, "--problems")],
)  # fmt: skip
def test_fresh_problems_of_a_large_space_cannot_be_chosen(
    fields: dict[str, object], flag: str
) -> None:
    large = ArithmeticSpec(operands="0-9999")
    assert batches(large, serve="fresh").batch(0)
    with pytest.raises(SpecError, match=flag):
        batches(large, serve="fresh", **fields)
    assert batches(serve="fresh", **fields).batch(0, np.array([0]))


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"mining": 0.5}, "mining"), ({"stages": (STAGE,)}, "stage"), ({"serve": "fresh"}, "serve")],
)
def test_a_stream_has_no_problems_to_choose(fields: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=f"{words}.* needs problems as rows"):
        TrainingSpec(layout="stream", **fields)  # type: ignore[arg-type]


def test_a_stream_has_no_weights() -> None:
    with pytest.raises(SpecError, match="--weights needs problems as rows"):
        batches(replace(TASK, weights=(1.0, 2.0, 1.0, 1.0)), layout="stream", block=16)


def test_weights_that_leave_nothing_are_refused() -> None:
    with pytest.raises(SpecError, match="leave no training problem"):
        batches(stages=(Stage(steps=1, operands="0-0", operations="+/", weights=(0, 1)),)).batch(0)


@pytest.mark.parametrize("name", ["weight_decay", "clip", "learning_rate", "mining", "average"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(name: str, value: float) -> None:
    with pytest.raises(SpecError, match=name):
        TrainingSpec(**{name: value})  # type: ignore[arg-type]


def test_other_numbers_are_finite_too() -> None:
    for make in (
        lambda: SearchSpec(seconds=float("nan")),
        lambda: GPTSpec(rotary_base=float("nan")),
        lambda: GPTSpec(rotary_base=0.0),
        lambda: Stage(steps=1, weights=(float("nan"), 1.0)),
        lambda: ArithmeticSpec(operations="+-", weights=(float("inf"), 1.0)),
    ):
        with pytest.raises(SpecError):
            make()


def test_a_stage_names_its_operations_and_as_many_weights() -> None:
    assert read_stage("100 +- 3,1").weights == (3.0, 1.0)
    with pytest.raises(SpecError, match="one number of 0 or more for each of '\\+-'"):
        read_stage("100 +- 3,1,2")
    with pytest.raises(SpecError, match="cannot read 'x' in the stage '100 x'"):
        read_stage("100 x")


def test_the_loss_leaves_the_device_before_it_grows() -> None:
    """MPS has no float64."""

    class Single(Tensor):
        def double(self) -> Tensor:  # type: ignore[override]
            raise TypeError("no float64 here")

        def to(self, *given: object) -> Tensor:  # type: ignore[override]
            return self.as_subclass(Tensor)  # type: ignore[arg-type]

    spec = RunSpec(task=TASK, model=GPTSpec(width=8, heads=1, layers=1))
    training = Training(spec, task_of(TASK))
    loss = training._loss
    training._loss = lambda *given: tuple(nats.as_subclass(Single) for nats in loss(*given))  # type: ignore[method-assign,assignment,return-value]
    training.one_step()
    assert training.mean_loss > 0


class Sizes(torch.nn.Module):
    """Notes how many characters it is given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.rows: list[int] = []
        self.characters: list[int] = []

    def forward(self, ids_BT: Tensor, first: int) -> Tensor:
        self.rows.append(len(ids_BT))
        self.characters.append(ids_BT.numel())
        return torch.nn.functional.one_hot(ids_BT[:, first:] * 0, 2)


def test_the_bound_on_memory_holds_whatever_the_lengths() -> None:
    length_N = np.array([5] * 400 + [900] * 100 + [40_000] + [7] * 9_000)
    table = Table(np.zeros((len(length_N), 40_000), np.uint16), np.full(len(length_N), 2), length_N)
    model = Sizes()
    assert forced_right(model, table, 2).all()
    assert sum(model.rows) == len(length_N)
    assert all(
        characters <= 32_768 or rows == 1
        for rows, characters in zip(model.rows, model.characters, strict=True)
    )
    assert len(model.rows) < 10
