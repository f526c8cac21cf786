"""Laws of learning text: every row once an epoch, resume is exact, a score is minus the bits."""

import math
from dataclasses import replace
from itertools import combinations, pairwise
from operator import eq
from pathlib import Path

import numpy as np
import pytest
import torch
from text_toys import stories_spec

from lilliput.errors import SpecError
from lilliput.exam.bits import bits_of
from lilliput.lab.job import advance, ask_unseen, floor, job_of
from lilliput.search.find import find
from lilliput.search.pool import SerialExecutor
from lilliput.specs import GPTSpec, GRUSpec, RunSpec, StoriesSpec, TrainingSpec
from lilliput.specs.recipes import training_of
from lilliput.specs.search import SearchSpec
from lilliput.tasks.corpus import texts
from lilliput.tasks.stories import Stories
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training
from lilliput.training.windows import Windows

QUICK = replace(training_of("stories"), steps=24, batch=8, block=32, evaluate_every=8, warmup=4)


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_spec(folder: Path, **fields: object) -> RunSpec:
    task = stories_spec(folder, **fields)
    return RunSpec(task=task, model=GPTSpec(layers=1, width=16, heads=2), training=QUICK)


def test_every_row_comes_once_an_epoch_and_each_epoch_is_cut_anew(tmp_path: Path) -> None:
    task = Stories(stories_spec(tmp_path))
    windows = Windows(task, QUICK, seed=3)
    tokens = np.asarray(task.tokens("seen").tokens_N)
    steps = math.ceil(windows.num_rows / QUICK.batch)
    rows = [row for n in range(steps) for row in windows.batch(n)[0].ids_BT]
    first = rows[: windows.num_rows]
    cut = Windows(task, QUICK, seed=3)._epoch(0)[1]
    whole = tokens[cut : cut + windows.num_rows * QUICK.block].reshape(-1, QUICK.block)
    assert sorted(map(bytes, map(np.ascontiguousarray, first))) == sorted(
        bytes(row.astype(np.int64)) for row in whole
    )
    assert windows._epoch(1)[1] != cut


def places(windows: Windows, epoch: int) -> list[int]:
    """Numbers of an epoch's rows in the text, in the order in which they are learned."""
    tokens, block = np.asarray(windows.tokens_N, dtype=np.int64), QUICK.block
    cut, first = windows._epoch(epoch)[1], epoch * windows.num_rows
    batches = range(first // QUICK.batch, (first + windows.num_rows - 1) // QUICK.batch + 1)
    rows = [row for n in batches for row in windows.batch(n)[0].ids_BT][first % QUICK.batch :]
    where = {bytes(tokens[cut + n * block :][:block]): n for n in range(windows.num_rows)}
    assert len(where) == windows.num_rows, "no two rows of the text are alike"
    return [where[row.tobytes()] for row in rows[: windows.num_rows]]


def test_rows_come_shuffled_and_in_another_order_each_epoch(tmp_path: Path) -> None:
    task = Stories(stories_spec(tmp_path))
    windows, other = Windows(task, QUICK, seed=3), Windows(task, QUICK, seed=4)
    orders = [places(windows, 0), places(windows, 1), places(other, 0)]
    for order in orders:
        assert sorted(order) == list(range(windows.num_rows))
        follow = sum(after == before + 1 for before, after in pairwise(order))
        assert follow < 0.1 * windows.num_rows, "rows follow one another as in the text"
        # Each batch is from all over the text: one of 8 draws spans most of it.
        batches = [order[n : n + QUICK.batch] for n in range(0, len(order) - QUICK.batch, 8)]
        spans = [max(batch) - min(batch) for batch in batches]
        assert sum(spans) / len(spans) > 0.6 * windows.num_rows
    for one, another in combinations(orders, 2):
        assert sum(map(eq, one, another)) < 0.1 * windows.num_rows


def test_a_batch_depends_on_its_number_alone(tmp_path: Path) -> None:
    task = Stories(stories_spec(tmp_path))
    onward, direct = Windows(task, QUICK, 1), Windows(task, QUICK, 1)
    for number in range(40):
        last = onward.batch(number)[0]
    alone = direct.batch(39)[0]
    assert (last.ids_BT == alone.ids_BT).all()
    assert (last.targets_BS[:, :-1] == last.ids_BT[:, 1:]).all()
    assert (Windows(task, QUICK, 2).batch(39)[0].ids_BT != alone.ids_BT).any()


@pytest.mark.parametrize("vocabulary", [0, 256])
def test_resume_is_exact(tmp_path: Path, vocabulary: int) -> None:
    spec = run_spec(tmp_path, vocabulary=vocabulary)
    task = task_of(spec.task)
    whole, broken = Training(spec, task), Training(spec, task)
    for _ in range(20):
        whole.one_step()
    for _ in range(11):
        broken.one_step()
    resumed = Training(spec, task)
    resumed.restore(broken.state())
    for _ in range(9):
        resumed.one_step()
    for name, parameter in whole.model.named_parameters():
        assert torch.equal(parameter, dict(resumed.model.named_parameters())[name]), name


def test_a_score_is_minus_the_bits_of_the_exam(tmp_path: Path) -> None:
    spec = run_spec(tmp_path)
    training = Training(spec, task_of(spec.task))
    training.one_step()
    found = training.validation()
    bits = bits_of(training.reader, list(texts(spec.task, "valid")))  # type: ignore[arg-type]
    assert -found.right / found.total == pytest.approx(bits.per_character, rel=1e-3)
    assert found.total == bits.characters_D.sum()
    mean, low, high = bits.interval()
    assert (found.low, found.high) == pytest.approx((-high, -low), rel=1e-4)
    assert found.low < -mean < found.high


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    spec = run_spec(tmp_path)
    spec = replace(spec, training=replace(QUICK, patience=1, learning_rate=0.5, steps=200))
    training = Training(spec, task_of(spec.task))
    scores = []
    while not training.done:
        training.one_step()
        if training.at_record:
            record = training.record()
            scores.append(record.right / record.total)
    assert training.step < 200
    training.finish()
    assert training.validation().right / scores[-1] == pytest.approx(
        max(scores) / scores[-1] * training.validation().total, rel=1e-3
    )


def test_what_it_learns_is_better_than_the_unigram(tmp_path: Path) -> None:
    task = stories_spec(tmp_path)
    training = replace(QUICK, steps=200)
    spec = RunSpec(task=task, model=GRUSpec(width=32), training=training)
    progress = advance(spec, None, 200)
    assert progress.validation.low > floor(task) > -5
    unseen = ask_unseen(spec, progress.state, 1.96)
    assert unseen.score == pytest.approx(progress.validation.score, abs=0.3)
    assert unseen.low < unseen.score < unseen.high < 0


def test_a_training_that_diverged_is_worse_than_any(tmp_path: Path) -> None:
    spec = run_spec(tmp_path)
    model = Training(spec, task_of(spec.task))
    model.one_step()
    with torch.no_grad():
        next(model.model.parameters()).fill_(math.nan)
    progress = advance(spec, model.state(), 4)
    assert math.isnan(progress.train_loss)
    assert progress.validation.high < floor(spec.task)


def test_the_smallest_model_of_a_text_is_found(tmp_path: Path) -> None:
    task = stories_spec(tmp_path, number=120)
    search = SearchSpec(
        families=("gpt", "gru"), smallest=600, largest=4_800, rungs=1, pass_mark=-2.6,
        steps=20 * 160, seeds=0,
    )  # fmt: skip
    training = replace(QUICK, steps=160, batch=16)
    *_, last = find(search, job_of(task, training), tmp_path / "search", SerialExecutor())
    result = last.result
    assert result is not None
    assert result.winner is not None
    assert result.winner.unseen is not None
    assert result.winner.unseen.low >= -2.6
    assert result.winner.parameters <= 4_800
    worst = min(size.validation.score for family in result.families for size in family.sizes)
    assert worst < result.winner.validation.score


def test_text_is_learned_as_a_stream(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="text is learned as a stream"):
        RunSpec(task=StoriesSpec(), training=TrainingSpec())
    with pytest.raises(SpecError, match="a block of 100000 needs more"):
        Windows(Stories(stories_spec(tmp_path)), replace(QUICK, block=100_000), 0)
