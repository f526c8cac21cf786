"""The decoder family: blocks of attention and MLP (Radford et al. 2019; Touvron et al. 2023).

B batch, T positions, S positions asked for (the last ones), P positions remembered, E width,
N query heads, K key and value heads, H head size, M MLP width, V characters of the vocabulary.
Knows no task and no training. Its GPT-2 setting (learned positions, layer norm, GELU, bias, tied)
equals transformers' GPT2LMHeadModel, its default (rotary, RMS, SwiGLU) LlamaForCausalLM.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.errors import SpecError
from lilliput.models.attention import attend, to_heads
from lilliput.models.layers import (
    LayerNorm,
    Matrix,
    RMSNorm,
    line_table,
    rotary_tables,
    sinusoidal_table,
)
from lilliput.specs.model import GPTSpec


@dataclass(frozen=True)
class GPTState:
    """Keys and values (K, B, capacity, H) of each pass through a block; `length` are filled."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    length: int


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, spec: GPTSpec) -> None:
        super().__init__()
        self.num_heads, self.num_kv_heads = spec.heads, spec.num_kv_heads
        self.head_size, self.mlp = spec.head_size, spec.mlp
        self.dropout = 0.0
        width, hidden, kv_width = spec.width, spec.mlp_width, spec.num_kv_heads * spec.head_size
        self.q_width = spec.attention_width
        num_up = 2 * hidden if spec.mlp == "swiglu" else hidden
        self.norm_1 = make_norm(spec)
        # One matrix for queries, keys and values, one for gate and up: fewer, larger products.
        self.qkv = Matrix(width, self.q_width + 2 * kv_width, rank=spec.rank, bias=spec.bias)
        self.out = Matrix(self.q_width, width, rank=spec.rank, bias=spec.bias)
        self.norm_2 = make_norm(spec)
        self.up = Matrix(width, num_up, rank=spec.rank, bias=spec.bias)
        self.down = Matrix(hidden, width, rank=spec.rank, bias=spec.bias)

    def project(
        self, x_BTE: Tensor, first: int, rotary: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (N, B, S, H) from position `first` on; keys and values (K, B, T, H) of all."""
        batch, length, _ = x_BTE.shape
        heads, kv_heads = self.num_heads, self.num_kv_heads
        h_BTE = self.norm_1(x_BTE)
        if first:
            q, kv = self.qkv.split(h_BTE[:, first:], h_BTE, self.q_width)
            q_BSNH = q.view(batch, length - first, heads, self.head_size)
            kv_BTMH = kv.view(batch, length, 2 * kv_heads, self.head_size)
            k_BTKH, v_BTKH = torch.split(kv_BTMH, kv_heads, dim=2)
            late = None if rotary is None else (rotary[0][first:], rotary[1][first:])
            q_NBSH, k_KBTH = to_heads(q_BSNH, late), to_heads(k_BTKH, rotary)
        else:
            qkv_BTMH = self.qkv(h_BTE).view(batch, length, -1, self.head_size)
            qk_BTMH, v_BTKH = torch.split(qkv_BTMH, [heads + kv_heads, kv_heads], dim=2)
            q_NBSH, k_KBTH = torch.split(to_heads(qk_BTMH, rotary), [heads, kv_heads])
        return q_NBSH, k_KBTH, to_heads(v_BTKH, None)

    def finish(self, x_BSE: Tensor, q_NBSH: Tensor, k_KBTH: Tensor, v_KBTH: Tensor) -> Tensor:
        """The rest of the block for the last S positions, given keys and values of all T."""
        found_BSE = self.out(attend(q_NBSH, k_KBTH, v_KBTH, self.dropout))
        x_BSE = x_BSE + drop(found_BSE, self.dropout)
        up = self.up(self.norm_2(x_BSE))
        if self.mlp == "swiglu":
            gate, up = up.chunk(2, dim=-1)
            up = F.silu(gate) * up
        elif self.mlp in ("gelu", "gelu-erf"):
            up = F.gelu(up, approximate="tanh" if self.mlp == "gelu" else "none")
        else:
            up = F.relu(up)
            if self.mlp == "relu2":
                up = up * up
        return torch.add(x_BSE, drop(self.down(up), self.dropout))


class GPT(nn.Module):
    cos: Tensor
    sin: Tensor
    positions: Tensor
    places: Tensor

    def __init__(self, spec: GPTSpec, vocabulary_size: int, context: int) -> None:
        super().__init__()
        self.spec, self.vocabulary_size, self.context = spec, vocabulary_size, context
        self.dropout = 0.0
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, spec.width))
        if spec.positions == "learned":
            self.positions = nn.Parameter(torch.empty(context, spec.width))
        elif spec.positions == "sinusoidal":
            table_TE = sinusoidal_table(context, spec.width)
            self.register_buffer("positions", table_TE, persistent=False)
        elif spec.positions == "rotary":
            cos_TH, sin_TH = rotary_tables(
                context, spec.head_size, spec.rotary_base, spec.line_length
            )
            self.register_buffer("cos", cos_TH, persistent=False)
            self.register_buffer("sin", sin_TH, persistent=False)
        if spec.line_length:
            table_TE = line_table(context, spec.width, spec.line_length)
            self.register_buffer("places", table_TE, persistent=False)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.norm = make_norm(spec)
        if not spec.tied:
            self.head = nn.Parameter(torch.empty(vocabulary_size, spec.width))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """First numbers: matrices keep their input's size; what is added to the residual stream
        is scaled down by the root of how often that happens (Radford et al. 2019, 2.3)."""
        spec = self.spec
        residual = (2 * spec.layers * spec.loops) ** -0.5
        self.embedding.normal_(0.0, spec.width**-0.5, generator=generator)
        if spec.positions == "learned":
            self.positions.normal_(0.0, spec.width**-0.5, generator=generator)
        for block in self._stack()[: spec.layers]:
            block.qkv.initialise(generator)
            block.out.initialise(generator, residual)
            block.up.initialise(generator)
            block.down.initialise(generator, residual)
        if not spec.tied:
            self.head.normal_(0.0, spec.width**-0.5, generator=generator)

    @property
    def window(self) -> int:
        """Pieces of the longest text that it reads."""
        return self.context

    @contextmanager
    def dropping(self, part: float) -> Iterator[None]:
        """Within it, so large a part of the numbers is dropped, drawn from torch's generator."""
        parts: list[GPT | Block] = [self, *self._stack()]
        for module in parts:
            module.dropout = part
        try:
            yield
        finally:
            for module in parts:
                module.dropout = 0.0

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on.

        Raises:
            SpecError: the sequence is longer than the context.
        """
        x_BTE = self._embed(ids_BT, 0)
        rotary = self._rotary(0, ids_BT.shape[1])
        stack = self._stack()
        for block in stack[:-1]:
            x_BTE = block.finish(x_BTE, *block.project(x_BTE, 0, rotary))
        # Only here do the positions before `first` matter for their keys and values alone.
        last = stack[-1]
        x_BSE = last.finish(x_BTE[:, first:], *last.project(x_BTE, first, rotary))
        return self._logits(x_BSE)

    def begin(self, batch_size: int) -> GPTState:
        """The memory of nothing read yet."""
        empty = self.embedding.new_empty(self.spec.num_kv_heads, batch_size, 0, self.spec.head_size)
        passes = self.spec.layers * self.spec.loops
        return GPTState((empty,) * passes, (empty,) * passes, 0)

    def extend(self, ids_BT: Tensor, state: GPTState) -> tuple[Tensor, GPTState]:
        """Reads on: logits (B, V) after the last character, and the memory of all read so far.

        The state given is used up: its tensors may be written to.

        Raises:
            SpecError: the sequence grows longer than the context.
        """
        start, end = state.length, state.length + ids_BT.shape[1]
        x_BTE = self._embed(ids_BT, start)
        rotary = self._rotary(start, end)
        keys, values = [], []
        stack = self._stack()
        for i, block in enumerate(stack):
            first = ids_BT.shape[1] - 1 if i == len(stack) - 1 else 0
            q_NBSH, k_KBTH, v_KBTH = block.project(x_BTE, first, rotary)
            keys.append(remember(state.keys[i], k_KBTH, start, self.context))
            values.append(remember(state.values[i], v_KBTH, start, self.context))
            x_BTE = block.finish(
                x_BTE[:, first:], q_NBSH, keys[i][:, :, :end], values[i][:, :, :end]
            )
        return self._logits(x_BTE)[:, 0], GPTState(tuple(keys), tuple(values), end)

    def pick(self, state: GPTState, rows_B: Tensor) -> GPTState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        keys = tuple(key[:, rows_B] for key in state.keys)
        return GPTState(keys, tuple(value[:, rows_B] for value in state.values), state.length)

    def _stack(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)] * self.spec.loops

    def _embed(self, ids_BT: Tensor, start: int) -> Tensor:
        end = start + ids_BT.shape[1]
        if end > self.context:
            raise SpecError(
                f"{end} characters are more than this model's context of {self.context};"
                " shorten the text"
            )
        x_BTE = F.embedding(ids_BT, self.embedding)
        if self.spec.positions in ("learned", "sinusoidal"):
            x_BTE = x_BTE + self.positions[start:end]
        if self.spec.line_length:
            x_BTE = x_BTE + self.places[start:end]
        return drop(x_BTE, self.dropout)

    def _rotary(self, start: int, end: int) -> tuple[Tensor, Tensor] | None:
        if self.spec.positions != "rotary":
            return None
        return self.cos[start:end], self.sin[start:end]

    def _logits(self, x_BSE: Tensor) -> Tensor:
        return F.linear(self.norm(x_BSE), self.embedding if self.spec.tied else self.head)


def drop(x: Tensor, part: float) -> Tensor:
    """Sets a part of the numbers to zero, and makes up for it in the others."""
    return F.dropout(x, part) if part else x


def make_norm(spec: GPTSpec) -> nn.Module:
    return RMSNorm(spec.width) if spec.norm == "rms" else LayerNorm(spec.width, bias=spec.bias)


def remember(cache_KBPH: Tensor, new_KBTH: Tensor, start: int, context: int) -> Tensor:
    """The cache with the new keys or values from `start` on; grows by doubling."""
    heads, batch, capacity, size = cache_KBPH.shape
    end = start + new_KBTH.shape[2]
    if end > capacity:
        grown = new_KBTH.new_empty(heads, batch, min(context, max(end, 2 * capacity, 16)), size)
        grown[:, :, :start] = cache_KBPH[:, :, :start]
        cache_KBPH = grown
    cache_KBPH[:, :, start:end] = new_KBTH
    return cache_KBPH
