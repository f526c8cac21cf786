"""Muon for a CPU without bfloat16 units: torch's, with its iteration in float32. Knows no model.

There torch's takes 40 times as long (one core of an AVX2 machine, torch 2.13: 10.4 ms against 0.24
for a matrix of 48 x 144, 4.2 s against 0.17 for one of 384 x 1536), which is most of a step.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon


def has_half_units(device: torch.device) -> bool:
    """Whether products in bfloat16 are not slower there than in float32."""
    if device.type != "cpu":
        return True
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


class Float32Muon(Muon):
    """The same updates as torch's, up to what bfloat16 rounds off; its state is the same."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates every matrix that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            momentum, rate = group["momentum"], float(group["lr"])
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
                update = orthogonal(
                    matrix.grad.lerp(buffer, momentum), group["ns_coefficients"], group["ns_steps"]
                )
                matrix.mul_(1 - rate * group["weight_decay"])
                rows, columns = matrix.shape
                matrix.add_(update, alpha=-rate * math.sqrt(max(1, rows / columns)))


def orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """The matrix with singular values near 1 (Newton-Schulz, kellerjordan.github.io/posts/muon)."""
    a, b, c = coefficients
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x
