"""The gru family against torch.nn.GRU on the same weights."""

import pytest
import torch
from models_specs import IDS_BT, T, V, assert_close, lively

from lilliput.specs import GRUSpec


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("tied", [True, False])
def test_equals_torch_gru_with_its_gradients(layers: int, tied: bool) -> None:
    spec = GRUSpec(layers=layers, width=6, embedding=0 if tied else 4, tied=tied)
    ours = lively(spec)
    theirs = torch.nn.GRU(spec.embedding_width, 6, layers, batch_first=True)
    weights = {
        name.removeprefix("gru."): parameter.detach().clone()
        for name, parameter in ours.named_parameters()
        if name.startswith("gru.")
    }
    theirs.load_state_dict(weights)
    head = ours.embedding if tied else ours.head
    expected = theirs(ours.embedding[IDS_BT])[0] @ head.T
    actual = ours(IDS_BT)
    assert_close(actual, expected)
    grads = torch.autograd.grad(actual.square().sum(), list(ours.gru.parameters()))
    expected_grads = torch.autograd.grad(expected.square().sum(), list(theirs.parameters()))
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        assert_close(grad, expected_grad)


def test_reads_on_beyond_its_context() -> None:
    model = lively(GRUSpec(width=5))
    long_BT = torch.cat((IDS_BT, IDS_BT), dim=1)
    assert model(long_BT).shape == (3, 2 * T, V)
