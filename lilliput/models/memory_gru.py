"""The memory-gru family: one GRU cell, a gated memory beside it, attention over the embeddings.

    h = GRU([x, context, M], h)      context: what attention finds, where the spec has attention
    p = sigmoid(w . h + b)           priority, one number
    M = (1 - p) M + p tanh(C h + c)
    logits = head(layer norm(h))

B batch, T positions, S positions asked for (the last ones), P positions in the window, E embedding,
H hidden units, G = 3H (reset, update, new: PyTorch's order), N heads, K head size, V characters.
Knows no task and no training. Source: tinystoriesgru (Kavya Mali, 2025), whose published weights
give the published logits here.

What reads a character by its number alone is the same for all its places: where a text has more
characters than the vocabulary, the embedding times a matrix is worked out once and looked up.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.errors import SpecError
from lilliput.models.attention import attend, to_heads
from lilliput.models.layers import LayerNorm, Matrix
from lilliput.models.recurrence import Weights, piece_of, recur
from lilliput.specs.model import MemoryGRUSpec


@dataclass(frozen=True)
class MemoryState:
    """All that is remembered of a text; at most the last window of what was read."""

    hidden_BH: Tensor
    memory_BH: Tensor
    ids_BP: Tensor
    """The window's characters, where they are read again (attention `full`, or positions alone)."""
    keys_NBPK: Tensor
    """Of the window's characters, without their positions, which slide."""
    values_NBPK: Tensor
    """Likewise; for `sigmoid` the hidden states."""
    places: tuple[Tensor, ...]
    """Queries, keys and values of the positions (N, 1, P, K), which add to the characters'."""
    end: int
    """Keys and values are filled up to here; the window is the last of them."""
    length: int
    """Characters in the window."""


class MemoryGRU(nn.Module):
    def __init__(self, spec: MemoryGRUSpec, vocabulary_size: int, context: int) -> None:
        super().__init__()
        self.spec, self.vocabulary_size, self.context = spec, vocabulary_size, context
        width, embedding = spec.width, spec.embedding_width
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, embedding))
        if spec.positions == "learned":
            self.positions = nn.Parameter(torch.empty(context, embedding))
        if spec.attention != "none":
            num_parts = 3 if spec.reads_context else 2
            self.qkv = Matrix(embedding, num_parts * embedding, rank=0, bias=True)
        if spec.reads_context:
            self.out = Matrix(embedding, embedding, rank=0, bias=True)
        num_inputs = embedding * (2 if spec.reads_context else 1)
        self.cell_input = nn.Parameter(torch.empty(3 * width, num_inputs))
        self.cell_memory = nn.Parameter(torch.empty(3 * width, width))
        self.cell_hidden = nn.Parameter(torch.empty(3 * width, width))
        # Two vectors, as PyTorch has: that of the hidden part of `new` is inside its reset.
        self.bias_input = nn.Parameter(torch.zeros(3 * width))
        self.bias_hidden = nn.Parameter(torch.zeros(3 * width))
        self.priority = nn.Parameter(torch.empty(width))
        self.priority_bias = nn.Parameter(torch.zeros(1))
        self.writer = nn.Parameter(torch.empty(width, width))
        self.writer_bias = nn.Parameter(torch.zeros(width))
        self.norm = LayerNorm(width, bias=True)
        if not spec.tied:
            self.head = nn.Parameter(torch.empty(vocabulary_size, width))
        self.head_bias = nn.Parameter(torch.zeros(vocabulary_size))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """First numbers: matrices keep their input's size; a tied embedding also multiplies the
        normed hidden state, whose gain makes up for that."""
        spec = self.spec
        self.embedding.normal_(0.0, 0.5 if spec.tied else 1.0, generator=generator)
        if spec.positions == "learned":
            self.positions.normal_(0.0, 0.1, generator=generator)
        if spec.attention != "none":
            self.qkv.initialise(generator)
        if spec.reads_context:
            self.out.initialise(generator)
        for matrix in (self.cell_input, self.cell_memory, self.cell_hidden, self.writer):
            matrix.normal_(0.0, matrix.shape[1] ** -0.5, generator=generator)
        self.priority.normal_(0.0, spec.width**-0.5, generator=generator)
        if spec.tied:
            self.norm.weight.fill_(2 * spec.width**-0.5)
        else:
            self.head.normal_(0.0, spec.width**-0.5, generator=generator)

    @property
    def window(self) -> int:
        """Characters of the longest text that it reads at once; 0: no limit."""
        return self.context if self.spec.windowed else 0

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on.

        Raises:
            SpecError: the sequence is longer than the context, and the model reads in windows.
        """
        batch, length = ids_BT.shape
        if self.spec.windowed and length > self.context:
            raise SpecError(
                f"{length} characters are more than this model's context of {self.context};"
                " shorten the text"
            )
        context_BTE = self._context(ids_BT) if self.spec.reads_context else None
        zeros_BH = self.cell_hidden.new_zeros(batch, self.spec.width)
        out_TBH, _, _ = self._run(ids_BT, 0, context_BTE, zeros_BH, zeros_BH)
        if self.spec.attention == "sigmoid":
            q, k = self._parts(ids_BT, 0)
            h_NBTK = to_heads(out_TBH.transpose(0, 1).unflatten(2, (self.spec.heads, -1)), None)
            return self._logits(_gated(q[:, :, first:], k, h_NBTK))
        return self._logits(out_TBH[first:]).transpose(0, 1)

    def begin(self, batch_size: int) -> MemoryState:
        """The memory of nothing read yet: zeros."""
        spec = self.spec
        zeros_BH = self.cell_hidden.new_zeros(batch_size, spec.width)
        empty = zeros_BH.new_empty(spec.heads, batch_size, 0, spec.embedding_width // spec.heads)
        values = zeros_BH.new_empty(spec.heads, batch_size, 0, spec.width // spec.heads)
        ids_BP = torch.empty(batch_size, 0, dtype=torch.long, device=zeros_BH.device)
        places: tuple[Tensor, ...] = ()
        if spec.attention in ("query", "sigmoid") and spec.positions == "learned":
            parts = self.qkv.weight.split(spec.embedding_width)
            places = tuple(self._heads(F.linear(self.positions, part)[None]) for part in parts)
        return MemoryState(
            zeros_BH, zeros_BH, ids_BP, empty, empty if spec.reads_context else values, places, 0, 0
        )

    def extend(self, ids_BT: Tensor, state: MemoryState) -> tuple[Tensor, MemoryState]:
        """Reads on: logits (B, V) after the last character, and the memory of all read so far.

        A text may be longer than the context. With attention, hidden state and memory go on and
        the window slides by one, its positions numbered from its start, as published. Without, but
        with positions, the window slides by half: its later half is read again from the start.
        """
        out_BH, start = state.hidden_BH, 0
        while start < ids_BT.shape[1]:
            room = self.context - state.length if self.spec.windowed else ids_BT.shape[1]
            if room == 0 and self.spec.attention == "none":
                half = state.ids_BP[:, self.context - self.context // 2 :]
                state = self.begin(len(ids_BT))
                _, state = self._read(half, state) if half.shape[1] else (half, state)
                continue
            end = start + max(1, room)
            out_BH, state = self._read(ids_BT[:, start:end], state)
            start = end
        return self._logits(out_BH), state

    def pick(self, state: MemoryState, rows_B: Tensor) -> MemoryState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        return replace(
            state,
            hidden_BH=state.hidden_BH[rows_B],
            memory_BH=state.memory_BH[rows_B],
            ids_BP=state.ids_BP[rows_B],
            keys_NBPK=state.keys_NBPK[:, rows_B],
            values_NBPK=state.values_NBPK[:, rows_B],
        )

    def _read(self, ids_BT: Tensor, state: MemoryState) -> tuple[Tensor, MemoryState]:
        """What the head reads after the last character (B, H); all of them fit into the window, or
        there is one and the window slides."""
        spec, num_new = self.spec, ids_BT.shape[1]
        length = min(state.length + num_new, self.context) if spec.windowed else 0
        start = max(0, length - num_new)
        keys_NBPK, values_NBPK, ids_BP = state.keys_NBPK, state.values_NBPK, state.ids_BP
        end = state.end
        if spec.windowed and spec.attention in ("none", "full"):
            ids_BP = torch.cat((ids_BP, ids_BT), dim=1)[:, -length:]
        context_BTE = q = None
        if spec.attention == "full":
            context_BTE = self._context(ids_BP)[:, start:]
        elif spec.attention != "none":
            q, k, *v = self._parts(ids_BT, None)
            keys_NBPK, end = _remember(keys_NBPK, k, state.end, self.context)
            k = keys_NBPK[:, :, end - length : end]
            if state.places:
                q = q + state.places[0][:, :, start:length]
            if spec.reads_context:
                values_NBPK, _ = _remember(values_NBPK, v[0], state.end, self.context)
                context_BTE = self._attended(
                    q, k, values_NBPK[:, :, end - length : end], state.places
                )
        out_TBH, memory_BH, hidden_BH = self._run(
            ids_BT, start, context_BTE, state.hidden_BH, state.memory_BH
        )
        out_BH = hidden_BH
        if spec.attention == "sigmoid" and q is not None:
            h_NBTK = to_heads(out_TBH.transpose(0, 1).unflatten(2, (spec.heads, -1)), None)
            values_NBPK, _ = _remember(values_NBPK, h_NBTK, state.end, self.context)
            if state.places:
                k = k + state.places[1][:, :, :length]
            out_BH = _gated(q[:, :, -1:], k, values_NBPK[:, :, end - length : end])[:, 0]
        return out_BH, MemoryState(
            hidden_BH, memory_BH, ids_BP, keys_NBPK, values_NBPK, state.places, end, length
        )

    def _context(self, ids_BT: Tensor) -> Tensor:
        """What attention finds at each place of a window."""
        context_BTE: Tensor = self.out(attend(*self._parts(ids_BT, 0)))
        return context_BTE

    def _attended(self, q: Tensor, k: Tensor, v: Tensor, places: tuple[Tensor, ...]) -> Tensor:
        if places:
            # A product with a character's and its position's sum is the sum of two products.
            length = k.shape[2]
            k, v = k + places[1][:, :, :length], v + places[2][:, :, :length]
        context_BTE: Tensor = self.out(attend(q, k, v))
        return context_BTE

    def _parts(self, ids_BT: Tensor, start: int | None) -> list[Tensor]:
        """Queries, keys and, where the cell reads the context, values (N, B, T, K) of characters at
        the positions from `start` on; None: without positions."""
        width = self.spec.embedding_width
        assert self.qkv.bias is not None
        parts = []
        for weight, bias in zip(self.qkv.weight.split(width), self.qkv.bias.split(width)):
            part_BTE = self._look_up(ids_BT, weight) + bias
            if start is not None and self.spec.positions == "learned":
                part_BTE = part_BTE + F.linear(self.positions[: ids_BT.shape[1]], weight)
            parts.append(self._heads(part_BTE))
        return parts

    def _heads(self, x_BTE: Tensor) -> Tensor:
        return to_heads(x_BTE.unflatten(2, (self.spec.heads, -1)), None)

    def _look_up(self, ids: Tensor, weight: Tensor) -> Tensor:
        """The characters' embeddings times a matrix."""
        if ids.numel() < self.vocabulary_size:
            return F.linear(F.embedding(ids, self.embedding), weight)
        return F.embedding(ids, F.linear(self.embedding, weight))

    def _run(
        self, ids_BT: Tensor, start: int, context_BTE: Tensor | None, h_BH: Tensor, m_BH: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states (T, B, H), the last memory and the last hidden state."""
        spec, width, batch = self.spec, self.spec.width, len(ids_BT)
        length, embedding = ids_BT.shape[1], spec.embedding_width
        w_GE, w_context_GE = self.cell_input[:, :embedding], self.cell_input[:, embedding:]
        offset_TG = self.bias_input + F.pad(self.bias_hidden[: 2 * width], (0, width))
        if spec.attention == "none" and spec.positions == "learned":
            places_TE = self.positions[start : start + length]
            offset_TG = offset_TG + F.linear(places_TE, w_GE)
        else:
            offset_TG = offset_TG.expand(length, -1)
        weights = Weights(
            hidden_GH=self.cell_hidden,
            memory_GH=self.cell_memory,
            new_H=self.bias_hidden[2 * width :],
            writer_HH=self.writer,
            writer_H=self.writer_bias,
            priority_H=self.priority,
            priority_1=self.priority_bias,
        )
        many = ids_BT.numel() >= self.vocabulary_size
        table_VE = F.linear(self.embedding, w_GE) if many else self.embedding
        pieces = []
        steps = piece_of(batch, width, self.cell_hidden.element_size())
        for t in range(0, length, steps):
            a_TBG = F.embedding(ids_BT[:, t : t + steps].t(), table_VE)
            if not many:
                a_TBG = F.linear(a_TBG, w_GE)
            if context_BTE is not None:
                context_TBE = context_BTE[:, t : t + steps].transpose(0, 1)
                a_TBG = a_TBG + F.linear(context_TBE, w_context_GE)
            h_TBH, m_TBH, h_BH = recur(a_TBG, offset_TG[t : t + steps], weights, h_BH, m_BH)
            m_BH = m_TBH[-1]
            pieces.append(h_TBH)
        return torch.cat(pieces) if len(pieces) > 1 else pieces[0], m_BH, h_BH

    def _logits(self, out_H: Tensor) -> Tensor:
        return F.linear(
            self.norm(out_H), self.embedding if self.spec.tied else self.head, self.head_bias
        )


def _gated(q_NBSK: Tensor, k_NBTK: Tensor, h_NBTK: Tensor) -> Tensor:
    """Hidden states so far, each by the sigmoid of query times key: (B, S, H)."""
    num_queries, num_keys = q_NBSK.shape[2], k_NBTK.shape[2]
    weights_NBST = torch.sigmoid(q_NBSK @ k_NBTK.mT * q_NBSK.shape[3] ** -0.5)
    weights_NBST = weights_NBST.tril(num_keys - num_queries)
    return (weights_NBST @ h_NBTK).permute(1, 2, 0, 3).flatten(2)


def _remember(cache_NBPK: Tensor, new_NBTK: Tensor, end: int, context: int) -> tuple[Tensor, int]:
    """The cache with what is new after its first `end` places, and its new end.

    It grows by doubling up to twice the context; when it is full, the window moves to its front,
    once in as many characters as the context has.
    """
    heads, batch, capacity, size = cache_NBPK.shape
    num_new = new_NBTK.shape[2]
    if end + num_new > capacity:
        keep = min(end, context - num_new)
        wanted = min(2 * context, max(2 * capacity, keep + num_new, 16))
        old_NBPK = cache_NBPK[:, :, end - keep : end]
        cache_NBPK = new_NBTK.new_empty(heads, batch, wanted, size)
        cache_NBPK[:, :, :keep] = old_NBPK
        end = keep
    cache_NBPK[:, :, end : end + num_new] = new_NBTK
    return cache_NBPK, end + num_new
