"""The mingru family: a minimal gated unit, whose gates see the input alone, so that a whole window
is read at once («Were RNNs all we needed?», Feng et al. 2024, arXiv 2410.01201).

    z = sigmoid(W_z x), c = g(W_c x), h = (1 - z) h + z c
    g(v) = v + 1/2 above 0, else sigmoid(v)
    block: x + out(h of convolution(norm(x))), then x + MLP(norm(x))

The block is that of the paper's language model (its appendix C): a causal convolution over four
characters, the unit, an MLP; norms as in ours. B batch, T positions, S positions asked for (the
last ones), E width, H numbers that a unit remembers, C characters that a convolution sees, M MLP
width, L layers, V characters. Knows no task and no training.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.models.layers import Matrix, RMSNorm
from lilliput.specs.model import MinGRUSpec

MinGRUState = tuple[tuple[Tensor, Tensor], ...]
"""Of each layer: what the unit remembers (B, H), and the convolution's last inputs (B, C-1, E)."""


class MinGRUBlock(nn.Module):
    def __init__(self, spec: MinGRUSpec) -> None:
        super().__init__()
        width, self.span = spec.width, spec.convolution
        self.norm_1 = RMSNorm(width)
        if spec.convolution:
            self.convolution = nn.Parameter(torch.empty(width, spec.convolution))
        # Update gate and candidate in one product.
        self.gates = Matrix(width, 2 * spec.state_width, rank=0, bias=True)
        self.out = Matrix(spec.state_width, width, rank=0, bias=False)
        self.norm_2 = RMSNorm(width)
        self.up = Matrix(width, spec.mlp_width, rank=0, bias=False)
        self.down = Matrix(spec.mlp_width, width, rank=0, bias=False)

    def forward(
        self, x_BTE: Tensor, h_BH: Tensor, seen_BCE: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The stream after the block, and what the unit and its convolution remember."""
        y_BTE = self.norm_1(x_BTE)
        if self.span:
            length = y_BTE.shape[1]
            seen_BCE = torch.cat((seen_BCE, y_BTE), dim=1)
            y_BTE = seen_BCE[:, :length] * self.convolution[:, 0]
            for place in range(1, self.span):
                y_BTE = torch.addcmul(
                    y_BTE, seen_BCE[:, place : place + length], self.convolution[:, place]
                )
            seen_BCE = seen_BCE[:, length:]
        gate_BTH, candidate_BTH = self.gates(y_BTE).chunk(2, dim=-1)
        h_BTH = scan(gate_BTH, candidate_BTH, h_BH)
        x_BTE = x_BTE + self.out(h_BTH)
        x_BTE = x_BTE + self.down(F.gelu(self.up(self.norm_2(x_BTE)), approximate="tanh"))
        return x_BTE, h_BTH[:, -1], seen_BCE


class MinGRU(nn.Module):
    def __init__(self, spec: MinGRUSpec, vocabulary_size: int, context: int) -> None:
        super().__init__()
        self.spec, self.vocabulary_size, self.context = spec, vocabulary_size, context
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, spec.width))
        self.blocks = nn.ModuleList(MinGRUBlock(spec) for _ in range(spec.layers))
        self.norm = RMSNorm(spec.width)
        if not spec.tied:
            self.head = nn.Parameter(torch.empty(vocabulary_size, spec.width))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """First numbers: as the gpt family's; the convolution passes its own character on, and the
        units of a layer remember for spans from two characters to the whole window."""
        spec = self.spec
        residual = (2 * spec.layers) ** -0.5
        self.embedding.normal_(0.0, spec.width**-0.5, generator=generator)
        for block in self._stack():
            if spec.convolution:
                block.convolution.normal_(0.0, 0.1, generator=generator)
                block.convolution[:, -1] += 1.0
            block.gates.initialise(generator)
            assert block.gates.bias is not None
            # Where the input says nothing z = 1 / span = 1 / (1 + e^-v), so v = -log(span - 1).
            longest = max(2.0, float(self.context))
            spans_H = torch.logspace(0, 1, spec.state_width, base=longest / 2) * 2
            block.gates.bias[: spec.state_width] = -torch.log(spans_H - 1)
            block.out.initialise(generator, residual)
            block.up.initialise(generator)
            block.down.initialise(generator, residual)
        if not spec.tied:
            self.head.normal_(0.0, spec.width**-0.5, generator=generator)

    @property
    def window(self) -> int:
        """No limit: it reads on and on."""
        return 0

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on."""
        out_BTE, _ = self._read(ids_BT, self.begin(len(ids_BT)))
        return self._logits(out_BTE[:, first:])

    def begin(self, batch_size: int) -> MinGRUState:
        """The memory of nothing read yet: zeros."""
        zeros = self.embedding.new_zeros
        num_seen = max(0, self.spec.convolution - 1)
        h_BH = zeros(batch_size, self.spec.state_width)
        return ((h_BH, zeros(batch_size, num_seen, self.spec.width)),) * self.spec.layers

    def extend(self, ids_BT: Tensor, state: MinGRUState) -> tuple[Tensor, MinGRUState]:
        """Reads on: logits (B, V) after the last character, and the memory of all read so far,
        which may be longer than the context it was trained on."""
        out_BTE, state = self._read(ids_BT, state)
        return self._logits(out_BTE[:, -1]), state

    def pick(self, state: MinGRUState, rows_B: Tensor) -> MinGRUState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        return tuple((h_BH[rows_B], seen_BCE[rows_B]) for h_BH, seen_BCE in state)

    def _stack(self) -> list[MinGRUBlock]:
        return [block for block in self.blocks if isinstance(block, MinGRUBlock)]

    def _read(self, ids_BT: Tensor, state: MinGRUState) -> tuple[Tensor, MinGRUState]:
        x_BTE = F.embedding(ids_BT, self.embedding)
        after = []
        for block, (h_BH, seen_BCE) in zip(self._stack(), state, strict=True):
            x_BTE, h_BH, seen_BCE = block(x_BTE, h_BH, seen_BCE)
            after.append((h_BH, seen_BCE))
        return x_BTE, tuple(after)

    def _logits(self, out_E: Tensor) -> Tensor:
        return F.linear(self.norm(out_E), self.embedding if self.spec.tied else self.head)


def scan(gate_BTH: Tensor, candidate_BTH: Tensor, h_BH: Tensor) -> Tensor:
    """What a unit remembers after each character (B, T, H), of the sums before its activations.

    On a CPU step by step, with one operation a step and none of the logarithms; elsewhere in
    parallel.
    """
    if gate_BTH.device.type == "cpu":
        stepped: Tensor
        stepped = _Scan.apply(  # type: ignore[no-untyped-call]
            torch.sigmoid(gate_BTH), _above_zero(candidate_BTH), h_BH
        )
        return stepped
    return parallel_scan(gate_BTH, candidate_BTH, h_BH)


def parallel_scan(gate_BTH: Tensor, candidate_BTH: Tensor, h_BH: Tensor) -> Tensor:
    """The paper's algorithm 6 and its appendix B: with a* the sum of log(1 - z) up to t,
    h_t = exp(a*_t + log(h_0 + sum over s <= t of z_s c_s / exp(a*_s))) (Heinsen, arXiv 2311.06281).
    """
    # log(1 - sigmoid(v)) = -softplus(v), log sigmoid(v) = -softplus(-v); in float32 at the least.
    wide = torch.promote_types(gate_BTH.dtype, torch.float32)
    gate_BTH, candidate_BTH = gate_BTH.to(wide), candidate_BTH.to(wide)
    log_kept_BTH = F.pad(-F.softplus(gate_BTH), (0, 0, 1, 0)).cumsum(1)
    log_c_BTH = torch.where(
        candidate_BTH >= 0,
        torch.log(F.relu(candidate_BTH) + 0.5),
        -F.softplus(-candidate_BTH),
    )
    log_added_BTH = torch.cat(
        (h_BH.to(wide).log()[:, None], log_c_BTH - F.softplus(-gate_BTH)), dim=1
    )
    return (log_kept_BTH + torch.logcumsumexp(log_added_BTH - log_kept_BTH, 1)).exp()[:, 1:]


def _above_zero(v: Tensor) -> Tensor:
    """The paper's g: its logarithm must exist."""
    return torch.where(v >= 0, v + 0.5, torch.sigmoid(v))


class _Scan(torch.autograd.Function):
    """h_t = h + z_t (c_t - h), step by step."""

    @staticmethod
    def forward(ctx: Any, z_BTH: Tensor, c_BTH: Tensor, h_BH: Tensor) -> Tensor:
        # Steps first, so that a step is one stretch of memory.
        z_TBH, c_TBH = (x.transpose(0, 1).contiguous() for x in (z_BTH, c_BTH))
        h_TBH = c_TBH.new_empty(len(c_TBH) + 1, *h_BH.shape)
        h_TBH[0] = h_BH
        steps = h_TBH.unbind()
        for t, (z, c) in enumerate(zip(z_TBH.unbind(), c_TBH.unbind(), strict=True)):
            torch.lerp(steps[t], c, z, out=steps[t + 1])
        ctx.save_for_backward(z_TBH, c_TBH, h_TBH)
        return h_TBH[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad_BTH: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_TBH, c_TBH, h_TBH = ctx.saved_tensors
        kept_TBH = 1 - z_TBH
        # The gradient of each state by all that follows from it.
        d_TBH = grad_BTH.transpose(0, 1).clone(memory_format=torch.contiguous_format)
        steps, kept = d_TBH.unbind(), kept_TBH.unbind()
        for t in range(len(steps) - 1, 0, -1):
            steps[t - 1].addcmul_(steps[t], kept[t])
        d_h_BH = steps[0] * kept[0]
        d_z_TBH = (c_TBH - h_TBH[:-1]).mul_(d_TBH)
        return d_z_TBH.transpose(0, 1), d_TBH.mul_(z_TBH).transpose(0, 1), d_h_BH
