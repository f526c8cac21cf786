"""Dropout is a function of seed and step; a training may start from weights that are there."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from baselines_nanogpt import ARITHMETIC, WINDOW, write

from lilliput.baselines import nanogpt
from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.lab.bases import LEARNED_OTHER, START_LEAKED, base_of, with_start
from lilliput.lab.nanogpt import UNKNOWN
from lilliput.models import modelfile
from lilliput.models.attention import SHORT, attend
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec, LinesSpec, RunSpec, TrainingSpec
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training
from lilliput.training.run import card_of, run
from lilliput.training.start import path_of, take_over

CPU = torch.device("cpu")
TINY = RunSpec(
    task=ArithmeticSpec(operands="0-9", operations="+"),
    model=GPTSpec(width=16, heads=2, layers=2, positions="learned"),
    training=TrainingSpec(steps=8, batch=32, evaluate_every=4, warmup=2, dropout=0.3),
)


def made(spec: RunSpec, steps: int, state: bytes | None = None) -> Training:
    training = Training(spec, task_of(spec.task))
    if state is not None:
        training.restore(state)
    while training.step < steps:
        training.one_step()
    return training


def weights(training: Training) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def test_dropout_goes_on_as_if_never_stopped() -> None:
    """Whatever torch's own generator did in between; and it is left as it was."""
    torch.manual_seed(1)
    whole = weights(made(TINY, 8))
    before = torch.get_rng_state()
    half = made(TINY, 4).state()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(weights(made(TINY, 8, half)), whole)
    assert not torch.equal(weights(made(replace(TINY, seed=1), 8)), whole)
    dry = replace(TINY, training=replace(TINY.training, dropout=0.0))
    assert not torch.equal(weights(made(dry, 8)), whole)


def test_each_step_drops_others_and_an_exam_drops_none() -> None:
    training = made(TINY, 1)
    chunk = training._lessons().batch(0)[0]
    losses = []
    for step, seed in ((5, 0), (5, 0), (6, 0), (5, 1)):
        training.step, training.spec = step, replace(TINY, seed=seed)
        with training._dropping(), torch.no_grad():
            losses.append(float(training.loss(chunk)[1]))
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3
    with torch.no_grad():
        outside = {float(training.loss(chunk)[1]) for _ in range(3)}
    assert len(outside) == 1
    assert outside.isdisjoint(losses)


def test_dropout_leaves_the_mean_and_zeroes_its_part() -> None:
    training = made(TINY, 0)
    ids_BT = torch.arange(6).repeat(400, 1)
    model = training.model
    with torch.no_grad(), model.dropping(0.3):  # type: ignore[operator]
        torch.manual_seed(0)
        dropped_BTE = model._embed(ids_BT, 0)  # type: ignore[operator]
    with torch.no_grad():
        kept_BTE = model._embed(ids_BT, 0)  # type: ignore[operator]
    assert float((dropped_BTE == 0).float().mean()) == pytest.approx(0.3, abs=0.02)
    scaled = dropped_BTE[dropped_BTE != 0] * 0.7
    torch.testing.assert_close(scaled, kept_BTE[dropped_BTE != 0])


@pytest.mark.parametrize("length", [8, SHORT + 8])
def test_attention_weights_are_dropped(length: int) -> None:
    """Of values that are all one, what is found is the sum of the weights that are left."""
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(2, 60, length, 4, generator=generator) for _ in range(2))
    torch.manual_seed(0)
    found = attend(q, k, torch.ones_like(q), 0.5)
    assert float(found.mean()) == pytest.approx(1.0, abs=0.05)
    assert float((found == 0).float().mean()) > 0.01
    torch.testing.assert_close(attend(q, k, torch.ones_like(q)), torch.ones_like(found))


@pytest.mark.parametrize("silent", ["out", "down"])
def test_what_goes_to_the_residual_stream_is_dropped(silent: str) -> None:
    """What attention adds, where the MLP is silent, and what the MLP adds, where attention is."""
    (block, *_) = made(TINY, 0).model._stack()  # type: ignore[operator]
    x_BTE = torch.randn(20, 5, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        getattr(block, silent).weight.zero_()
        parts = block.project(x_BTE, 0, None)
        assert not (block.finish(x_BTE, *parts) == x_BTE).any()
        block.dropout = 0.5
        torch.manual_seed(0)
        untouched = block.finish(x_BTE, *parts) == x_BTE
    assert float(untouched.float().mean()) == pytest.approx(0.5, abs=0.1)


STREAM = TrainingSpec(steps=4, batch=4, layout="stream", loss="all", block=WINDOW)
STILL = replace(STREAM, learning_rate=1e-12, weight_decay=0.0, optimizer="adamw")
"""Hardly moves the weights."""


def from_checkpoint(path: Path) -> RunSpec:
    model = nanogpt.read(path).spec
    task = ArithmeticSpec(format="plain", operands="0-19", held_out="none")
    spec = RunSpec(task=task, model=model, training=STREAM, start=str(path))
    return with_start(spec)


def test_nanogpts_weights_are_taken_over(tmp_path: Path) -> None:
    path = write(tmp_path)
    spec = from_checkpoint(path)
    assert (len(spec.start_digest), spec.marks) == (64, {UNKNOWN: "yes"})
    training = Training(spec, task_of(spec.task))
    network = nanogpt.network_of(nanogpt.read(path))
    moved = made(replace(spec, training=STILL), 1)
    for name, parameter in moved.model.named_parameters():
        torch.testing.assert_close(parameter, network.get_parameter(name), atol=1e-6, rtol=0)
    training.one_step()
    assert card_of(training, training.finish()).marks == {UNKNOWN: "yes"}
    # After the first step it goes on without the file.
    state = training.state()
    path.unlink()
    assert made(spec, 2, state).step == 2
    with pytest.raises(NotFoundError, match="which this run starts from, is not there"):
        made(spec, 1)


def test_rows_of_characters_that_a_start_lacks_begin_as_drawn(tmp_path: Path) -> None:
    lines = "".join(f"{a}<{b}\t{'1' if a < b else '0'}\n" for a in range(9) for b in range(9))
    (tmp_path / "less.tsv").write_text(lines)
    path = write(tmp_path / "out")
    task = LinesSpec(file=str(tmp_path / "less.tsv"))
    model = nanogpt.read(path).spec
    spec = with_start(RunSpec(task=task, model=model, training=STILL, start=str(path)))
    drawn = Training(spec, task_of(task)).model.embedding.detach().clone()  # type: ignore[union-attr]
    taken = made(spec, 1).model.embedding.detach()  # type: ignore[union-attr]
    theirs = nanogpt.read(path).weights["embedding"]
    for number, character in enumerate(task_of(task).vocabulary.characters):
        known = character in ARITHMETIC
        expected = theirs[ARITHMETIC.index(character)] if known else drawn[number]
        torch.testing.assert_close(taken[number], expected, atol=1e-6, rtol=0)
    assert {"<", "\t"} - set(ARITHMETIC) == {"<", "\t"}


@pytest.mark.parametrize("block", [WINDOW - 5, WINDOW + 5])
def test_positions_are_taken_as_far_as_both_go(tmp_path: Path, block: int) -> None:
    spec = replace(from_checkpoint(write(tmp_path)), training=replace(STILL, block=block))
    drawn = Training(spec, task_of(spec.task)).model.positions.detach().clone()
    taken, theirs = made(spec, 1).model.positions.detach(), nanogpt.read(Path(spec.start)).weights
    both = min(block, WINDOW)
    torch.testing.assert_close(taken[:both], theirs["positions"][:both], atol=1e-6, rtol=0)
    torch.testing.assert_close(taken[both:], drawn[both:], atol=1e-6, rtol=0)


def own(tmp_path: Path, spec: RunSpec) -> Path:
    path = tmp_path / "own" / "model.safetensors"
    training = made(spec, 2)
    modelfile.save(path, training.finish(), card_of(training, training.finish()))
    return path


def test_a_model_of_ours_brings_its_spec(tmp_path: Path) -> None:
    path = own(tmp_path, TINY)
    base = base_of(start=str(path))
    assert base is not None
    assert (base.model, base.task, base.training) == (TINY.model, TINY.task, TINY.training)
    spec = with_start(replace(TINY, start=str(path)))
    assert spec.start_marks == ()
    other = base_of(start=str(path), task="lines")
    assert other is not None
    assert (other.model, other.kind, other.task) == (TINY.model, "lines", None)
    assert other.training != TINY.training


def test_what_a_start_learned_of_the_exam_is_said(tmp_path: Path) -> None:
    """All 100 sums of 0-9 were learned: some are unseen where the range is 0-39."""
    path = own(tmp_path, TINY)
    wider = replace(TINY, task=ArithmeticSpec(operands="0-39", operations="+"), start=str(path))
    assert with_start(wider).start_marks == (START_LEAKED,)
    minus = replace(TINY, task=ArithmeticSpec(operands="0-9", operations="-"), start=str(path))
    assert with_start(minus).start_marks == ()
    assert LEARNED_OTHER != START_LEAKED


def test_marks_go_from_start_to_start(tmp_path: Path) -> None:
    marked = replace(TINY, start_marks=("leaked",))
    path = own(tmp_path, marked)
    assert with_start(replace(TINY, start=str(path))).start_marks == ("leaked",)


def test_a_start_that_does_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path)
    fits = from_checkpoint(path)
    wide = replace(fits, model=replace(fits.model, width=16, bias=True), start_digest="")
    with pytest.raises(SpecError, match="run: write --width 8 --no-bias; nor can it be cut"):
        with_start(wide)
    with pytest.raises(SpecError, match="it is a gpt, not a gru"):
        with_start(replace(fits, model=GRUSpec(), start_digest=""))
    strange = write(tmp_path / "text", "\u00e4\u00f6\u00fc")
    with pytest.raises(SpecError, match="nothing of what is learned here"):
        with_start(replace(fits, start=str(strange), start_digest=""))
    write(tmp_path, bias=True)
    with pytest.raises(FileError, match="has changed since this run was specified"):
        made(fits, 1)


def test_a_run_from_a_start_is_on_disk_and_goes_on(tmp_path: Path) -> None:
    spec = from_checkpoint(write(tmp_path))
    folder = tmp_path / "runs" / "on"
    moments = list(run(spec, task_of(spec.task), folder, CPU))
    assert moments[-1].step == 4
    kept, card = modelfile.load(folder / "model.safetensors")
    assert card.spec == spec
    assert card.marks == {UNKNOWN: "yes"}
    expected = weights(made(spec, 4))
    assert torch.equal(torch.cat([p.detach().flatten() for p in kept.parameters()]), expected)


def test_a_start_of_the_package_is_named_and_not_placed() -> None:
    theirs, card = modelfile.load(path_of("zoo:addition-368"))
    made_of = with_start(replace(card.spec, start="zoo:addition-368"))
    assert made_of.start == "zoo:addition-368"
    training = Training(made_of, task_of(made_of.task))
    take_over(training.model, made_of, training.task.vocabulary)
    for (_, own), (_, other) in zip(
        training.model.named_parameters(), theirs.named_parameters(), strict=True
    ):
        torch.testing.assert_close(own, other)
