"""Spectral radii, the leash that bounds them, and how alike a memory-gru's states are."""

import pytest
import torch
from models_specs import IDS_BT, assert_close, lively

from lilliput.models.spectrum import (
    leash,
    likeness,
    recurrent_matrices,
    spectral_radii,
    spectral_radius,
)
from lilliput.specs import ArithmeticSpec, GPTSpec, MemoryGRUSpec, RunSpec, TrainingSpec
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training


def test_leash_bounds_the_radius_and_nothing_else() -> None:
    model = lively(MemoryGRUSpec(width=20, leash=0.95))
    with torch.no_grad():
        model.writer.mul_(0.1)
    before = {name: matrix.clone() for name, matrix in recurrent_matrices(model).items()}
    others = {n: p.clone() for n, p in model.named_parameters()}
    leash(model)
    radii = spectral_radii(model)
    for name, matrix in recurrent_matrices(model).items():
        radius = spectral_radius(before[name])
        assert radius > 0.95 or name == "writer"
        assert radii[name] == pytest.approx(min(radius, 0.95), rel=1e-5)
        assert_close(matrix, before[name] * min(1.0, 0.95 / radius), 1e-5)
    for name, parameter in model.named_parameters():
        if name != "cell_hidden":
            assert torch.equal(parameter, others[name])


def test_leash_holds_what_is_hardly_above_it() -> None:
    """The cheap bound, which spares the eigenvalues, is never under the radius."""
    model = lively(MemoryGRUSpec(width=20, leash=0.95))
    with torch.no_grad():
        for matrix in recurrent_matrices(model).values():
            matrix.mul_(0.951 / spectral_radius(matrix))
    leash(model)
    assert list(spectral_radii(model).values()) == pytest.approx([0.95] * 4, rel=1e-5)


def test_leash_leaves_models_without_one_alone() -> None:
    for spec in (MemoryGRUSpec(width=20), GPTSpec()):
        model = lively(spec)
        before = [p.clone() for p in model.parameters()]
        leash(model)
        assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))


def test_training_keeps_to_the_leash() -> None:
    spec = RunSpec(
        task=ArithmeticSpec(format="padded"),
        model=MemoryGRUSpec(width=12, leash=0.5),
        training=TrainingSpec(batch=32, steps=3),
    )
    training = Training(spec, task_of(spec.task))
    assert max(spectral_radii(training.model).values()) > 0.6
    training.one_step()
    assert max(spectral_radii(training.model).values()) == pytest.approx(0.5, rel=1e-4)


def test_radius_is_that_of_a_turn_and_a_stretch() -> None:
    # Eigenvalues 0.6 +- 0.8i: no power iteration of real numbers finds them.
    turn = torch.tensor([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 0.3]])
    assert spectral_radius(turn) == pytest.approx(1.0, rel=1e-6)


def test_likeness_of_a_state_that_never_changes_is_one() -> None:
    model = lively(MemoryGRUSpec(width=6, positions="none"))
    still = likeness(model, IDS_BT[:, :1].expand(3, 200))
    assert still.hidden > 0.95
    assert still.memory > 0.95
    moving = likeness(model, IDS_BT)
    assert moving.hidden < still.hidden
