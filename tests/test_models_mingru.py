"""The mingru family: three ways to read a window are one, and its first memory spans."""

import pytest
import torch
from models_specs import IDS_BT, V, assert_close, lively
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.models import mingru
from lilliput.models.build import build
from lilliput.models.mingru import parallel_scan, scan
from lilliput.specs import MinGRUSpec


def drawn(scale: float, steps: int = 40) -> list[Tensor]:
    generator = torch.Generator().manual_seed(6)
    gate, candidate = (
        scale * torch.randn(3, steps, 5, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    before = torch.rand(3, 5, generator=generator, dtype=torch.float64) + 0.1
    return [x.requires_grad_() for x in (gate, candidate, before)]


def by_formula(gate: Tensor, candidate: Tensor, h: Tensor) -> Tensor:
    rows = []
    for t in range(gate.shape[1]):
        z, v = torch.sigmoid(gate[:, t]), candidate[:, t]
        h = (1 - z) * h + z * torch.where(v >= 0, v + 0.5, torch.sigmoid(v))
        rows.append(h)
    return torch.stack(rows, 1)


@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("way", [scan, parallel_scan])
def test_scans_equal_the_formula_with_its_gradients(scale: float, way: object) -> None:
    inputs = drawn(scale)
    results = []
    for one in (way, by_formula):
        h = one(*inputs)  # type: ignore[operator]
        results.append((h, *torch.autograd.grad((h.sin() * h.detach().cos()).sum(), inputs)))
    for ours, theirs in zip(*results, strict=True):
        assert_close(ours, theirs, 1e-9)


def test_scan_passes_gradcheck() -> None:
    assert torch.autograd.gradcheck(scan, drawn(1.0, steps=4))


def test_parallel_scan_begins_with_nothing() -> None:
    gate, candidate, before = drawn(1.0)
    zeros = torch.zeros_like(before)
    assert_close(parallel_scan(gate, candidate, zeros), by_formula(gate, candidate, zeros), 1e-9)


def test_parallel_scan_stands_a_long_text_in_float32() -> None:
    gate, candidate, before = (x.detach() for x in drawn(3.0, steps=2000))
    expected = by_formula(gate, candidate, before)
    assert_close(parallel_scan(gate.float(), candidate.float(), before.float()), expected.float())


def test_a_model_reads_alike_by_either_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    model = lively(MinGRUSpec(layers=2, width=6, state=5))
    stepped = model(IDS_BT)
    monkeypatch.setattr(mingru, "scan", parallel_scan)
    assert_close(model(IDS_BT), stepped)


def test_reads_on_beyond_its_context_step_by_step() -> None:
    model = lively(MinGRUSpec(width=5))
    long_BT = torch.cat((IDS_BT, IDS_BT, IDS_BT), dim=1)
    with torch.no_grad():
        whole_BTV = model(long_BT)
        state = model.begin(3)
        for t in range(long_BT.shape[1]):
            logits_BV, state = model.extend(long_BT[:, t : t + 1], state)
            assert_close(logits_BV, whole_BTV[:, t])


def test_first_units_remember_from_two_characters_to_the_window() -> None:
    model = build(MinGRUSpec(width=8), V, 256)
    for block in model.blocks:
        spans = 1 / torch.sigmoid(block.gates.bias[:8])
        assert spans[0].item() == pytest.approx(2, rel=1e-4)
        assert spans[-1].item() == pytest.approx(256, rel=1e-3)
        assert (spans.diff() > 0).all()


def test_impossible_shapes_are_refused() -> None:
    for name in ("state", "convolution", "hidden"):
        with pytest.raises(SpecError, match=f"{name} must be 0 or more; got -1"):
            MinGRUSpec(**{name: -1})
    with pytest.raises(SpecError, match="layers must be 1 or more; got 0"):
        MinGRUSpec(layers=0)
