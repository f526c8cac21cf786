"""The recurrence of the memory-gru family over a window, with its gradient by hand.

    r, z  = sigmoid(a_rz + W_rz h + U_rz M)     gates; a: what the input adds, known before
    n     = tanh(a_n + U_n M + r * (W_n h + b_n))
    h     = (1 - z) n + z h
    p     = sigmoid(w . h + b)                       priority: one number a row
    M     = (1 - p) M + p tanh(C h + b_c)

T steps, B batch, H hidden units, G = 3H (reset, update, new: PyTorch's order). Knows no model.

Only what depends on the step before is done step by step, in place, in memory set aside for a
piece of the window; the weights' gradients are one product a piece. Through autograd a step takes
some thirty small tensors forward and more backward. The gradients take the place of what was kept
for them, so a graph can be gone back through once; torch refuses a second time.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

_PIECE = 16 * 2**20
"""Bytes of the largest piece of memory. What is under 32 MiB the C library keeps and hands out
again; each larger one comes from the system page by page (63 MB: 60 ms against 10 ms)."""


class Weights(NamedTuple):
    """What the recurrence needs of a model."""

    hidden_GH: Tensor
    """W."""
    memory_GH: Tensor
    """U."""
    new_H: Tensor
    """b_n."""
    writer_HH: Tensor
    """C."""
    writer_H: Tensor
    """b_c."""
    priority_H: Tensor
    """w."""
    priority_1: Tensor
    """b."""


def piece_of(batch: int, width: int, itemsize: int) -> int:
    """Steps in a piece of the window."""
    return max(1, _PIECE // (batch * 4 * width * itemsize))


def recur(
    a_TBG: Tensor, offset_TG: Tensor, weights: Weights, h_BH: Tensor, m_BH: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden states and memories after each step, (T, B, H) both, and the last of both by
    themselves (B, H), whose gradient is then no stack of zeros.

    Args:
        a_TBG: what the input adds to the gates' sums.
        offset_TG: what is added alike in all rows of the batch.
        h_BH, m_BH: hidden state and memory before the first step.
    """
    with torch.autocast(a_TBG.device.type, enabled=False):
        dtype = weights.hidden_GH.dtype
        states: tuple[Tensor, Tensor, Tensor, Tensor]
        states = _Recurrence.apply(  # type: ignore[no-untyped-call]
            a_TBG.to(dtype), offset_TG.to(dtype), h_BH, m_BH, *weights
        )
    return states


def step(a_BG: Tensor, weights: Weights, h_BH: Tensor, m_BH: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden state and memory after one step, without the memory that a gradient needs."""
    with torch.autocast(a_BG.device.type, enabled=False):
        return _step(a_BG.to(weights.hidden_GH.dtype), weights, h_BH, m_BH)


def _step(a_BG: Tensor, weights: Weights, h_BH: Tensor, m_BH: Tensor) -> tuple[Tensor, Tensor]:
    width = h_BH.shape[1]
    a_rz, a_n = torch.split(torch.addmm(a_BG, m_BH, weights.memory_GH.t()), [2 * width, width], 1)
    w_rz, w_n = torch.split(torch.mm(h_BH, weights.hidden_GH.t()), [2 * width, width], 1)
    r, z = (a_rz + w_rz).sigmoid_().chunk(2, 1)
    h_BH = torch.lerp(torch.addcmul(a_n, r, w_n + weights.new_H).tanh_(), h_BH, z)
    p_B1 = torch.addmv(weights.priority_1, h_BH, weights.priority_H).sigmoid_()[:, None]
    written_BH = torch.addmm(weights.writer_H, h_BH, weights.writer_HH.t()).tanh_()
    return h_BH, torch.lerp(m_BH, written_BH, p_B1)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a_TBG: Tensor,
        offset_TG: Tensor,
        h_BH: Tensor,
        m_BH: Tensor,
        hidden_GH: Tensor,
        memory_GH: Tensor,
        new_H: Tensor,
        writer_HH: Tensor,
        writer_H: Tensor,
        priority_H: Tensor,
        priority_1: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        steps, batch, _ = a_TBG.shape
        width = h_BH.shape[1]
        # The sums of a step side by side: reset, update, new, and the hidden state's part of new.
        gates_TB4H = a_TBG.new_empty(steps, batch, 4 * width)
        written_TBH = a_TBG.new_empty(steps, batch, width)
        p_TB = a_TBG.new_empty(steps, batch)
        h_TBH = a_TBG.new_empty(steps + 1, batch, width)
        m_TBH = a_TBG.new_empty(steps + 1, batch, width)
        h_TBH[0], m_TBH[0] = h_BH, m_BH
        w_rz, w_n = hidden_GH[: 2 * width].t(), hidden_GH[2 * width :].t()
        u, c = memory_GH.t(), writer_HH.t()
        b_p = priority_1.expand(batch)
        hs, ms = h_TBH.unbind(), m_TBH.unbind()
        views = zip(
            a_TBG.unbind(),
            offset_TG.unbind(),
            gates_TB4H[..., : 3 * width].unbind(),
            gates_TB4H[..., : 2 * width].unbind(),
            gates_TB4H[..., :width].unbind(),
            gates_TB4H[..., width : 2 * width].unbind(),
            gates_TB4H[..., 2 * width : 3 * width].unbind(),
            gates_TB4H[..., 3 * width :].unbind(),
            written_TBH.unbind(),
            p_TB.unbind(),
            p_TB[..., None].unbind(),
            strict=True,
        )
        for t, (a, offset, rzn, rz, r, z, n, wn, written, p, p_1) in enumerate(views):
            h, m = hs[t], ms[t]
            torch.add(a, offset, out=rzn)
            torch.addmm(rzn, m, u, out=rzn)
            torch.addmm(rz, h, w_rz, out=rz)
            torch.addmm(new_H, h, w_n, out=wn)
            rz.sigmoid_()
            n.addcmul_(r, wn).tanh_()
            torch.lerp(n, h, z, out=hs[t + 1])
            h = hs[t + 1]
            torch.addmm(writer_H, h, c, out=written)
            written.tanh_()
            torch.addmv(b_p, h, priority_H, out=p)
            p.sigmoid_()
            torch.lerp(m, written, p_1, out=ms[t + 1])
        ctx.save_for_backward(
            gates_TB4H,
            written_TBH,
            p_TB,
            h_TBH,
            m_TBH,
            hidden_GH,
            memory_GH,
            writer_HH,
            priority_H,
        )
        ctx.set_materialize_grads(False)
        return h_TBH[1:], m_TBH[1:], hs[steps].clone(), ms[steps].clone()

    @staticmethod
    def backward(
        ctx: Any,
        grad_h_TBH: Tensor | None,
        grad_m_TBH: Tensor | None,
        grad_h_BH: Tensor | None,
        grad_m_BH: Tensor | None,
    ) -> tuple[Tensor, ...]:
        gates_TB4H, written_TBH, p_TB, h_TBH, m_TBH, w_GH, u_GH, c_HH, priority_H = (
            ctx.saved_tensors
        )
        steps, batch, width = written_TBH.shape
        w_rz, w_n = w_GH[: 2 * width], w_GH[2 * width :]
        zeros_BH = h_TBH.new_zeros(batch, width)
        dh = zeros_BH.clone() if grad_h_BH is None else grad_h_BH.clone()
        dm = zeros_BH.clone() if grad_m_BH is None else grad_m_BH.clone()
        one, other = torch.empty_like(dh), torch.empty_like(dh)
        ones_H, d_sum_B = h_TBH.new_ones(width), h_TBH.new_empty(batch)
        hs, ms = h_TBH.unbind(), m_TBH.unbind()
        grad_hs = None if grad_h_TBH is None else grad_h_TBH.unbind()
        grad_ms = None if grad_m_TBH is None else grad_m_TBH.unbind()
        views = list(
            zip(
                *(part.unbind() for part in gates_TB4H.split(width, dim=2)),
                gates_TB4H[..., : 3 * width].unbind(),
                gates_TB4H[..., : 2 * width].unbind(),
                written_TBH.unbind(),
                p_TB.unbind(),
                p_TB[..., None].unbind(),
                strict=True,
            )
        )
        sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
        tanh_backward = torch.ops.aten.tanh_backward.grad_input
        for t in range(steps - 1, -1, -1):
            # Each sum's gradient takes the place of what its activation gave.
            r, z, n, wn, rzn, rz, written, p, p_1 = views[t]
            if grad_ms is not None:
                dm.add_(grad_ms[t])
            if grad_hs is not None:
                dh.add_(grad_hs[t])
            # M = m + p (written - m)
            torch.sub(written, ms[t], out=one)
            torch.mv(one.mul_(dm), ones_H, out=d_sum_B)
            torch.mul(dm, p_1, out=one)
            dm.sub_(one)
            tanh_backward(one, written, grad_input=written)
            sigmoid_backward(d_sum_B, p, grad_input=p)
            torch.addmm(dh, written, c_HH, out=dh)
            dh.addr_(p, priority_H)
            # h = n + z (h before - n), so z (1 - z) (h before - n) = (1 - z) (h - n).
            torch.mul(dh, z, out=other)
            dh.sub_(other)
            torch.sub(hs[t + 1], n, out=one)
            torch.mul(one, dh, out=z)
            tanh_backward(dh, n, grad_input=n)
            torch.mul(n, wn, out=one)
            torch.mul(n, r, out=wn)
            sigmoid_backward(one, r, grad_input=r)
            torch.addmm(dm, rzn, u_GH, out=dm)
            torch.addmm(other, rz, w_rz, out=dh)
            torch.addmm(dh, wn, w_n, out=dh)
        rows = steps * batch
        d_R4H, d_written_RH = gates_TB4H.view(rows, -1), written_TBH.view(rows, width)
        before_RH, after_RH = h_TBH[:-1].view(rows, width), h_TBH[1:].view(rows, width)
        d_GH = torch.empty_like(w_GH)
        torch.mm(d_R4H[:, : 2 * width].t(), before_RH, out=d_GH[: 2 * width])
        torch.mm(d_R4H[:, 3 * width :].t(), before_RH, out=d_GH[2 * width :])
        # A sum over the batch, as a product: three times as fast.
        d_T4H = torch.bmm(h_TBH.new_ones(steps, 1, batch), gates_TB4H)[:, 0]
        return (
            gates_TB4H[..., : 3 * width],
            d_T4H[:, : 3 * width],
            dh,
            dm,
            d_GH,
            d_R4H[:, : 3 * width].t() @ m_TBH[:-1].view(rows, width),
            d_T4H[:, 3 * width :].sum(0),
            d_written_RH.t() @ after_RH,
            d_written_RH.sum(0),
            p_TB.view(rows) @ after_RH,
            p_TB.sum().view(1),
        )
