"""The parts that blocks are made of: matrices, norms, fixed position tables, their first numbers.

I in, O out, R rank, E width, H head size, T positions. Knows no family.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Matrix(nn.Module):
    """x W^T + b, with W (O, I) whole or, with a rank below both sizes, left (O, R) right (R, I)."""

    def __init__(self, num_in: int, num_out: int, *, rank: int, bias: bool) -> None:
        super().__init__()
        self.low_rank = 0 < rank < min(num_in, num_out)
        if self.low_rank:
            self.right = nn.Parameter(torch.empty(rank, num_in))
            self.left = nn.Parameter(torch.empty(num_out, rank))
        else:
            self.weight = nn.Parameter(torch.empty(num_out, num_in))
        self.bias = nn.Parameter(torch.zeros(num_out)) if bias else None

    def forward(self, x_I: Tensor) -> Tensor:
        if self.low_rank:
            return F.linear(F.linear(x_I, self.right), self.left, self.bias)
        return F.linear(x_I, self.weight, self.bias)

    def split(self, x_I: Tensor, y_I: Tensor, row: int) -> tuple[Tensor, Tensor]:
        """Rows up to `row` of the matrix times x, and the rows from there on times y."""
        first_bias, rest_bias = (None, None) if self.bias is None else split_at(self.bias, row)
        if self.low_rank:
            first, rest = split_at(self.left, row)
            x_I, y_I = F.linear(x_I, self.right), F.linear(y_I, self.right)
        else:
            first, rest = split_at(self.weight, row)
        return F.linear(x_I, first, first_bias), F.linear(y_I, rest, rest_bias)

    def initialise(self, generator: torch.Generator, scale: float = 1.0) -> None:
        """W gets entries of variance scale^2 / I, so that it keeps (or scales) its input's size."""
        if self.low_rank:
            rank, num_in = self.right.shape
            self.right.normal_(0.0, num_in**-0.5, generator=generator)
            self.left.normal_(0.0, scale * rank**-0.5, generator=generator)
        else:
            self.weight.normal_(0.0, scale * self.weight.shape[1] ** -0.5, generator=generator)


def split_at(x: Tensor, row: int) -> tuple[Tensor, Tensor]:
    return x[:row], x[row:]


class RMSNorm(nn.Module):
    """x / rms(x) * gain (Zhang and Sennrich 2019), with Llama's epsilon."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x_E: Tensor) -> Tensor:
        if x_E.device.type == "cpu" and x_E.dtype in (torch.float32, torch.float64):
            scaled_E: Tensor
            scaled_E = _RMSNorm.apply(x_E, self.weight, 1e-6)  # type: ignore[no-untyped-call]
            return scaled_E
        return F.rms_norm(x_E, self.weight.shape, self.weight, 1e-6)


class _RMSNorm(torch.autograd.Function):
    """torch's own is put together from parts on a CPU; this takes half its time and memory."""

    @staticmethod
    def forward(ctx: Any, x_E: Tensor, gain_E: Tensor, epsilon: float) -> Tensor:
        norm_1 = torch.linalg.vector_norm(x_E, dim=-1, keepdim=True)
        inverse_1 = norm_1.square_().div_(x_E.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x_E, gain_E, inverse_1)
        return torch.mul(x_E, inverse_1).mul_(gain_E)

    @staticmethod
    def backward(ctx: Any, grad_E: Tensor) -> tuple[Tensor, Tensor, None]:
        x_E, gain_E, inverse_1 = ctx.saved_tensors
        width = x_E.shape[-1]
        product_RE = (grad_E * x_E).reshape(-1, width)
        along_1 = (product_RE @ gain_E).view(inverse_1.shape)
        grad_x_E = (grad_E * gain_E).mul_(inverse_1)
        grad_x_E.addcmul_(x_E, along_1.mul_(inverse_1.pow(3)).div_(-width))
        return grad_x_E, inverse_1.reshape(-1) @ product_RE, None


class LayerNorm(nn.Module):
    """Mean 0, variance 1, times gain plus, if wanted, bias; GPT-2's epsilon."""

    def __init__(self, width: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x_E: Tensor) -> Tensor:
        return F.layer_norm(x_E, self.weight.shape, self.weight, self.bias, 1e-5)


def sinusoidal_table(num_positions: int, width: int) -> Tensor:
    """Sines and cosines by turns (Vaswani et al. 2017, 3.5), scaled to rows of length one: as long
    as an embedding's rows at first."""
    position_T1 = torch.arange(num_positions, dtype=torch.float64)[:, None]
    even_E = torch.arange(0, width, 2, dtype=torch.float64)
    angle_TE = position_T1 * torch.exp(even_E * (-math.log(10_000.0) / width))
    table_TE = torch.stack((angle_TE.sin(), angle_TE.cos()), dim=2).flatten(1)[:, :width]
    return (table_TE * math.sqrt(2 / width)).float()


def line_table(num_positions: int, width: int, length: int) -> Tensor:
    """Sines and cosines (T, E) of the place in a line of `length` characters: all its harmonics,
    then periods of 2, 4, 8, … lines; rows of about length one, as an embedding's are."""
    periods = [length / n for n in range(1, length // 2 + 1)]
    periods += [length * 2.0**n for n in range(1, width)]
    position_T1 = torch.arange(num_positions, dtype=torch.float64)[:, None]
    angle_TE = position_T1 * (2 * math.pi / torch.tensor(periods[: (width + 1) // 2]))
    table_TE: Tensor = torch.stack((angle_TE.sin(), angle_TE.cos()), dim=2).flatten(1)[:, :width]
    return (table_TE * math.sqrt(2 / width)).float()


def rotary_tables(
    num_positions: int, head_size: int, base: float, period: int = 0
) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, H) of the rotary angles, the head in halves as Llama's weights in
    transformers have it; the sines of the first half are negative, see `rotate`.

    Args:
        period: characters of a line; the first angles are then odd multiples of a turn a line, so
            that one place of every line is told from the others; the last but one turns once in
            six lines, and the last not at all. 0: a ladder from `base`.
    """
    num_angles = head_size // 2
    if period:
        turn = 2 * math.pi / period
        turns = [turn * (2 * n + 1) for n in range(max(1, num_angles - 2))] + [turn / 6, 0.0]
        frequency = torch.tensor(turns[:num_angles])
    else:
        frequency = 1.0 / base ** (torch.arange(0, head_size, 2, dtype=torch.float32) / head_size)
    angle = torch.arange(num_positions, dtype=torch.float32)[:, None] * frequency
    return torch.cat((angle.cos(),) * 2, dim=1), torch.cat((-angle.sin(), angle.sin()), dim=1)
