"""Batch number n as a pure function of (task, training, seed, n), and of the mined problems.

Knows no model. Shapes: N problems, B rows, T characters, S positions with a loss.
"""

import random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lilliput.errors import SpecError
from lilliput.specs.task import parse_range
from lilliput.specs.training import Stage, TrainingSpec
from lilliput.tasks.arithmetic import ENUMERABLE, Arithmetic
from lilliput.tasks.splits import Problem
from lilliput.tasks.table import Table, learn_table, table_of
from lilliput.tasks.task import Problems
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.tasks.vocabulary import END

IGNORED = -100
"""Target of a position without a loss (PyTorch's ignore_index)."""
_SHORT = 32
"""Rows up to this long are not sorted by length: padding costs less than a second pass."""
_PARTS = 4
"""Parts that a batch of long rows is cut into, each trimmed to its own longest row."""


class Chunk(NamedTuple):
    """Rows that go through the model together."""

    ids_BT: NDArray[np.int64]
    targets_BS: NDArray[np.int64]
    """The next character at positions first..T-1, or IGNORED."""
    first: int


class Batches:
    """The batches of one training. `batch(n, mined)` needs nothing but n and the mined rows."""

    def __init__(
        self,
        task: Problems,
        training: TrainingSpec,
        seed: int,
        vocabulary: AnyVocabulary | None = None,
        lessons: tuple[list[Problem], Table] | None = None,
    ) -> None:
        """
        Args:
            vocabulary: in whose numbers rows are; None: the task's own.
            lessons: problems and their rows in place of the task's training problems.
        """
        self.task, self.training, self.seed = task, training, seed
        self.vocabulary = vocabulary or task.vocabulary
        self._start = END if training.opens_with_end else ""
        self._fresh = (
            training.serve == "fresh"
            and isinstance(task, Arithmetic)
            and not task.spec.source
            and task.num_problems > ENUMERABLE
        )
        self._check()
        self.problems: list[Problem] = []
        if not self._fresh:
            own = lessons or learn_table(task.spec, self.vocabulary, self._start)
            self.problems, self.table = own
            self._choose()
        self._group_N = np.array([p.group for p in self.problems])
        self._orders: dict[tuple[int, int, int], NDArray[np.int64]] = {}
        self._pools: dict[int, list[tuple[NDArray[np.int64], float]]] = {}
        self._stream = self._make_stream() if training.layout == "stream" else None

    @property
    def num_rows(self) -> float:
        """Rows in which everything comes once: problems, or blocks of the stream; 0 where problems
        are drawn without a list."""
        if self._stream is not None:
            return len(self._stream[0]) / self.training.block
        return len(self.problems)

    def batch(self, number: int, mined: NDArray[np.int64] | None = None) -> list[Chunk]:
        """Batch `number` (from 0). `mined` are rows of `problems` to draw `mining` of it from."""
        if self._stream is not None:
            return [self._blocks(number)]
        if self._fresh:
            generator = random.Random(f"{self.seed} {number}")
            assert isinstance(self.task, Arithmetic)
            drawn = self.task.draw(generator)
            problems = [next(drawn) for _ in range(self.training.batch)]
            return self._cut(table_of(self.task, self.vocabulary, problems, self._start))
        rows_B = self._rows(number)
        if mined is not None:
            pools = self._pool(self._stage(number)[0])
            mined = np.intersect1d(mined, np.concatenate([pool for pool, _ in pools]))
        if mined is not None and len(mined):
            part = round(self.training.mining * len(rows_B))
            generator_ = np.random.default_rng([self.seed, 2, number])
            # At random places: the rows of a weighted batch come one operation after the other.
            places = generator_.choice(len(rows_B), part, replace=False)
            rows_B[places] = generator_.choice(mined, part)
        return self._cut(self.table.rows(rows_B))

    def _check(self) -> None:
        """Raises SpecError where something asked for would have no effect."""
        training = self.training
        if self._fresh:
            idle: dict[str, object] = {
                "--mining": training.mining,
                "--stage": training.stages,
                "--problems": training.problems,
                "--teacher-answers": training.teacher_answers,
            }
            if names := [name for name, value in idle.items() if value]:
                raise SpecError(
                    f"{', '.join(names)} with --serve fresh: a space of over {ENUMERABLE:,}"
                    " problems is drawn from without a list, so there are none to choose from;"
                    " leave one out"
                )
        weights: tuple[float, ...] = getattr(self.task.spec, "weights", ())
        if training.layout == "stream" and weights:
            raise SpecError("--weights needs problems as rows; a stream has none: leave one out")

    def _choose(self) -> None:
        """Leaves `training.problems` of the problems, drawn from the seed; 0: all."""
        number = self.training.problems
        if not self.problems:
            raise SpecError("there is no problem to train on")
        if 0 < number < len(self.problems):
            chosen = sorted(
                random.Random(f"{self.seed} chosen").sample(range(len(self.problems)), number)
            )
            self.problems = [self.problems[row] for row in chosen]
            self.table = self.table.rows(np.array(chosen))

    def _cut(self, table: Table) -> list[Chunk]:
        if table.length_N.max() <= _SHORT:
            return [self._chunk(table)]
        order_B = np.argsort(table.length_N, kind="stable")
        parts = np.array_split(order_B, _PARTS)
        return [self._chunk(table.rows(rows)) for rows in parts if len(rows)]

    def _chunk(self, table: Table) -> Chunk:
        ids_BT = table.ids_NT.astype(np.int64)
        position_T = np.arange(1, ids_BT.shape[1])
        learned_BT = position_T < table.length_N[:, None]
        first = 0
        if self.training.loss == "answer":
            learned_BT &= position_T >= table.asked_N[:, None]
            first = int(table.asked_N.min()) - 1
        targets_BT = np.where(learned_BT, ids_BT[:, 1:], IGNORED)
        return Chunk(ids_BT[:, :-1], targets_BT[:, first:], first)

    def _rows(self, number: int) -> NDArray[np.int64]:
        """Rows of batch `number`: the next ones of each pool's endless shuffled stream."""
        index, begun = self._stage(number)
        size = self.training.batch
        parts, taken, given = [], 0.0, 0
        count = number - begun
        pools = self._pool(index)
        for pool_number, (pool, share) in enumerate(pools):
            taken += share
            end = round(taken * size)
            quota, given = end - given, end
            key = index * 8 + pool_number
            if self.training.serve == "fresh":
                generator = np.random.default_rng([self.seed, 1, key, number])
                parts.append(generator.choice(pool, quota))
            else:
                places = np.arange(count * quota, (count + 1) * quota)
                parts.append(self._stream_of(pool, key, places))
        return np.concatenate(parts)

    def _stream_of(
        self, pool: NDArray[np.int64], key: int, places: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Elements of the endless stream in which every element comes once an epoch."""
        epochs, within = np.divmod(places, len(pool))
        out = np.empty(len(places), dtype=np.int64)
        for epoch in np.unique(epochs):
            name = (key, int(epoch), len(pool))
            if name not in self._orders:
                if len(self._orders) > 16:
                    self._orders.clear()
                generator = np.random.default_rng([self.seed, 0, key, int(epoch)])
                self._orders[name] = generator.permutation(len(pool))
            here = epochs == epoch
            out[here] = pool[self._orders[name][within[here]]]
        return out

    def _stage(self, number: int) -> tuple[int, int]:
        """Which stage batch `number` is in, and the batch at which that stage begins."""
        begun = 0
        for index, stage in enumerate(self.training.stages):
            if number < begun + stage.steps or index == len(self.training.stages) - 1:
                return index, begun
            begun += stage.steps
        return 0, 0

    def _pool(self, index: int) -> list[tuple[NDArray[np.int64], float]]:
        """Rows of a stage with their share of a batch: one pool, or one an operation."""
        if index not in self._pools:
            stages = self.training.stages
            self._pools[index] = self._make_pool(stages[index] if stages else Stage(steps=1))
        return self._pools[index]

    def _make_pool(self, stage: Stage) -> list[tuple[NDArray[np.int64], float]]:
        rows = np.arange(len(self.problems))
        groups = stage.operations or "".join(self.task.groups)
        if stage.operations:
            rows = rows[np.isin(self._group_N, list(stage.operations))]
        if stage.operands:
            low, high = parse_range(stage.operands)
            inside = [
                all(low <= int(n) <= high for n in self.problems[row].question.split()[::2])
                for row in rows
            ]
            rows = rows[inside]
        if not len(rows):
            raise SpecError(f"no training problem belongs to the stage {stage}")
        weights = stage.weights or getattr(self.task.spec, "weights", ())
        if not weights:
            return [(rows, 1.0)]
        if len(weights) != len(groups):
            raise SpecError(f"weights {weights} must be one number for each of {groups!r}")
        total = sum(weights)
        pools = [
            (rows[self._group_N[rows] == group], weight / total)
            for group, weight in zip(groups, weights, strict=True)
        ]
        pools = [(pool, share) for pool, share in pools if share and len(pool)]
        if not pools:
            raise SpecError(f"weights {weights} leave no training problem of {groups!r}")
        return pools

    def _make_stream(self) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.bool_]]:
        """All training lines one after the other, and which of its characters are answers."""
        table, skipped = self.table, len(self._start)
        order = np.arange(len(table))
        if not getattr(self.task.spec, "source", ""):
            order = np.random.default_rng([self.seed, 3]).permutation(order)
        lengths = table.length_N[order] - skipped
        stream = np.concatenate([table.ids_NT[n, skipped : table.length_N[n]] for n in order])
        place = np.arange(len(stream)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        answers = place >= np.repeat(table.asked_N[order] - skipped, lengths)
        if len(stream) <= self.training.block:
            raise SpecError(
                f"the stream has {len(stream):,} characters; a block of {self.training.block}"
                " needs more: choose a smaller block"
            )
        return stream, answers

    def _blocks(self, number: int) -> Chunk:
        assert self._stream is not None
        stream, answers = self._stream
        generator = np.random.default_rng([self.seed, 4, number])
        begin_B1 = generator.integers(
            len(stream) - self.training.block, size=(self.training.batch, 1)
        )
        places = begin_B1 + np.arange(self.training.block + 1)
        ids = stream[places].astype(np.int64)
        targets = ids[:, 1:]
        if self.training.loss == "answer":
            targets = np.where(answers[places[:, 1:]], targets, IGNORED)
        return Chunk(ids[:, :-1], targets, 0)
