"""Laws of the optimizers: each rate has its own peak, vectors do not decay, gradients clipped."""

import pytest
import torch
from torch.optim import AdamW, Muon

from lilliput.models.build import build
from lilliput.specs import GPTSpec, TrainingSpec
from lilliput.training.muon import StackedMuon, has_half_units, orthogonal
from lilliput.training.optimizer import clip, optimizers_of, set_rates

MODEL = build(GPTSpec(width=16, heads=2, layers=1), 14, 12, seed=0)


def rates(training: TrainingSpec, step: int) -> dict[type, list[float]]:
    optimizers = optimizers_of(MODEL, training)
    set_rates(optimizers, training, step)
    return {
        Muon if isinstance(made, Muon) else AdamW: [group["lr"] for group in made.param_groups]
        for made in optimizers
    }


@pytest.mark.parametrize(("step", "factor"), [(0, 0.1), (4, 0.5), (50, 1.0), (90, 0.5), (99, 0.05)])
def test_each_optimizer_has_its_own_peak_times_the_schedule(step: int, factor: float) -> None:
    training = TrainingSpec(
        steps=100, warmup=10, decay=0.2, learning_rate=0.25, muon_learning_rate=2.0
    )
    made = rates(training, step)
    assert made[Muon] == pytest.approx([2.0 * factor])
    assert made[AdamW] == pytest.approx([0.25 * factor] * 2)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_only_matrices_and_tables_decay(name: str) -> None:
    optimizers = optimizers_of(MODEL, TrainingSpec(optimizer=name, weight_decay=0.3))  # type: ignore[arg-type]
    decays = {
        id(parameter): group["weight_decay"]
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    named = dict(MODEL.named_parameters())
    assert len(decays) == len(named)
    assert {decays[id(p)] for p in named.values() if p.ndim == 2} == {0.3}
    assert {decays[id(p)] for p in named.values() if p.ndim == 1} == {0.0}


@pytest.mark.parametrize(("largest", "norm"), [(0.5, 0.5), (0.0, 10.0), (20.0, 10.0)])
def test_a_gradient_is_clipped_to_its_largest_norm(largest: float, norm: float) -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    layer.weight.grad = torch.tensor([[6.0, 8.0]])
    clip(layer, largest)
    assert float(layer.weight.grad.norm()) == pytest.approx(norm, rel=1e-4)
    # The direction stays.
    assert layer.weight.grad[0, 0] / layer.weight.grad[0, 1] == pytest.approx(0.75)


@pytest.mark.parametrize("units", [False, True])
@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (16, 16), (66, 80)])
def test_ours_is_torchs_muon(
    shape: tuple[int, int], units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To what bfloat16 rounds off, over steps with momentum, decay and changing gradients; to the
    last bit where it iterates in bfloat16 too: large matrices, with units for it."""
    pretend(units, monkeypatch)
    generator = torch.Generator().manual_seed(0)
    first = [torch.randn(shape, generator=generator) for _ in range(3)]
    gradients = torch.randn(3, 3, *shape, generator=generator)
    made = []
    for kind in (Muon, StackedMuon):
        # The second, of another shape, lies between those that are updated together.
        matrices = [torch.nn.Parameter(m.clone()) for m in (first[0], first[1][:, :4], first[2])]
        unused = torch.nn.Parameter(first[1].clone())
        optimizer = kind([*matrices, unused], lr=0.1, weight_decay=0.3)
        for step in gradients:
            for matrix, gradient in zip(matrices, step, strict=True):
                matrix.grad = gradient[:, : matrix.shape[1]].clone()
            optimizer.step()
        assert torch.equal(unused, first[1]), "it has no gradient"
        buffers = [optimizer.state[matrix]["momentum_buffer"] for matrix in matrices]
        made.append((torch.stack([matrices[0].detach(), matrices[2].detach()]), buffers))
    (theirs, their_buffer), (ours, our_buffer) = made
    moved = float((theirs - torch.stack([first[0], first[2]])).norm())
    assert float((ours - theirs).norm()) < 0.01 * moved
    assert moved > 1
    torch.testing.assert_close(our_buffer, their_buffer)
    assert torch.equal(ours, theirs) == (units and min(shape) > 64)


def test_singular_values_go_near_one() -> None:
    generator = torch.Generator().manual_seed(1)
    matrix = torch.diag(torch.tensor([3.0, 1.0, 0.2])) @ torch.randn(2, 3, 8, generator=generator)
    values = torch.linalg.svdvals(orthogonal(matrix, (3.4445, -4.775, 2.0315), 5))
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.3


def test_a_small_nets_numbers_do_not_depend_on_units(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for units in (True, False):
        pretend(units, monkeypatch)
        assert has_half_units(torch.device("cpu")) == units
        model = build(GPTSpec(width=64, heads=2, layers=1), 14, 12, seed=0)
        for parameter in model.parameters():
            parameter.grad = torch.sin(torch.arange(parameter.numel())).view_as(parameter)
        for optimizer in optimizers_of(model, TrainingSpec()):
            optimizer.step()
        ends.append(torch.cat([parameter.flatten() for parameter in model.parameters()]))
    assert torch.equal(*ends)
    assert has_half_units(torch.device("cuda"))


def pretend(units: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: units)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
