"""torch's Muon, with the matrices of one shape updated together, on a CPU small ones in float32:
a step asks for as many operations as there are shapes, not matrices. Knows no model.

torch iterates in bfloat16. On a CPU without units for it that takes 40 times as long (one core with
AVX2, torch 2.13: 10.4 ms against 0.24 for a matrix of 48 x 144, 4.2 s against 0.17 for one of
384 x 1536), which is most of a step; with units it pays for large matrices alone.

L matrices of one shape, R rows, C columns.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon

_SMALL = 64
"""Rows or columns up to which a CPU iterates in float32, so that a small net's numbers do not
depend on the processor's units. With units too that is faster (one core of an EPYC, two matrices of
48 x 144: 0.21 ms against 0.30) or a small part of a step (four of 64 x 172: 0.74 against 0.42), but
no longer above (four of 96 x 256: 2.2 against 0.77)."""


def has_half_units(device: torch.device) -> bool:
    """Whether products in bfloat16 are not slower there than in float32."""
    if device.type != "cpu":
        return True
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


class StackedMuon(Muon):
    """The same updates as torch's, up to what bfloat16 rounds off; its state is the same."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates every matrix that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault(matrix.shape, []).append(matrix)
            for matrices in alike.values():
                self._update(matrices, group)

    def _update(self, matrices: list[Tensor], group: dict[str, Any]) -> None:
        momentum, rate = group["momentum"], float(group["lr"])
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]
        buffers = [self._buffer(matrix) for matrix in matrices]
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        update_LRC = torch.stack(torch._foreach_lerp(gradients, buffers, momentum))
        rows, columns = matrices[0].shape
        update_LRC = orthogonal(
            update_LRC.to(_type_for(matrices[0])), group["ns_coefficients"], group["ns_steps"]
        ).to(matrices[0].dtype)
        torch._foreach_mul_(matrices, 1 - rate * group["weight_decay"])
        scale = math.sqrt(max(1, rows / columns))
        torch._foreach_add_(matrices, update_LRC.unbind(), alpha=-rate * scale)

    def _buffer(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def _type_for(matrix: Tensor) -> torch.dtype:
    small = matrix.device.type == "cpu" and min(matrix.shape) <= _SMALL
    return torch.float32 if small or not has_half_units(matrix.device) else torch.bfloat16


def orthogonal(x_LRC: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """Matrices with singular values near 1 (Newton-Schulz, kellerjordan.github.io/posts/muon)."""
    a, b, c = coefficients
    tall = x_LRC.shape[1] > x_LRC.shape[2]
    x = x_LRC.mT if tall else x_LRC
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
