"""The memory-gru family: one GRU cell, a gated memory beside it, attention over the embeddings.

    h = GRU([x, context, M], h)      context: what attention finds, where the spec has attention
    p = sigmoid(w . h + b)           priority, one number
    M = (1 - p) M + p tanh(C h + c)
    logits = head(layer norm(h))

B batch, T positions, S positions asked for (the last ones), P positions in the window, A anchors,
E embedding, H hidden units, G = 3H (reset, update, new: PyTorch's order), N heads, K head size,
V characters.
Knows no task and no training. Source: tinystoriesgru (Kavya Mali, 2025), whose published weights
give the published logits here.

A character's embedding times a matrix is the same at all its places, and so is a position's. So
these products are worked out once for the whole alphabet and looked up: as good as free in training
(a window of 128 x 256 characters has 98 different ones), and while a text is written they are kept.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.errors import SpecError
from lilliput.models.attention import attend, to_heads
from lilliput.models.layers import LayerNorm, Matrix
from lilliput.models.memory_state import MemoryState, Tables
from lilliput.models.recurrence import Weights, piece_of, recur, step
from lilliput.models.window import found, gated, remember
from lilliput.specs.model import MemoryGRUSpec


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
            self.out = Matrix(embedding, embedding, rank=0, bias=False)
            self.out_bias = nn.Parameter(torch.zeros(embedding))
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
        tables = self._tables(length)
        found_BTE = None
        if self.spec.reads_context:
            q, k, v = self._parts(ids_BT, tables)
            found_BTE = attend(q, k, v)
        zeros_BH = self.cell_hidden.new_zeros(batch, self.spec.width)
        out_TBH, _, _ = self._run(ids_BT, tables, 0, found_BTE, zeros_BH, zeros_BH)
        if self.spec.attention == "sigmoid":
            q, k = self._parts(ids_BT, tables)
            return self._logits(gated(q[:, :, first:], k, self._heads(out_TBH.transpose(0, 1))))
        return self._logits(out_TBH[first:]).transpose(0, 1)

    def begin(self, batch_size: int) -> MemoryState:
        """The memory of nothing read yet: zeros."""
        spec = self.spec
        zeros_BH = self.cell_hidden.new_zeros(batch_size, spec.width)
        head_size, value_size = spec.embedding_width // spec.heads, spec.width // spec.heads
        return MemoryState(
            tables=self._tables(self.context),
            hidden_BH=zeros_BH,
            memory_BH=zeros_BH,
            ids_BP=torch.empty(batch_size, 0, dtype=torch.long, device=zeros_BH.device),
            keys_NBPK=zeros_BH.new_empty(spec.heads, batch_size, 0, head_size),
            values_NBPK=zeros_BH.new_empty(
                spec.heads, batch_size, 0, head_size if spec.reads_context else value_size
            ),
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
                zeros_BH = torch.zeros_like(state.hidden_BH)
                state = replace(
                    state, hidden_BH=zeros_BH, memory_BH=zeros_BH, ids_BP=half[:, :0], length=0
                )
                _, state = self._read(half, state) if half.shape[1] else (half, state)
                continue
            end = start + max(1, room)
            out_BH, state = self._read(ids_BT[:, start:end], state)
            start = end
        return self._logits(out_BH), state

    def pick(self, state: MemoryState, rows_B: Tensor) -> MemoryState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        return state.pick(rows_B)

    def anchor(self, ids_A: Tensor, state: MemoryState) -> MemoryState:
        """Keeps the mean embedding of some characters (a name) in mind, as published: attention
        finds it as one more place at each character that is written from now on; without attention
        a twentieth of the memory is the mean of all that is kept so.

        Raises:
            SpecError: the model has no place for it.
        """
        if self.spec.attention == "sigmoid" or self.spec.embedding_width != self.spec.width:
            raise SpecError("anchors need a memory-gru with softmax attention, or with none")
        new_B1E = self.embedding[ids_A].mean(dim=0).expand(len(state.hidden_BH), 1, -1)
        kept = [new_B1E] if state.anchors_BAE is None else [state.anchors_BAE, new_B1E]
        return replace(state, anchors_BAE=torch.cat(kept, dim=1))

    def _read(self, ids_BT: Tensor, state: MemoryState) -> tuple[Tensor, MemoryState]:
        """What the head reads after the last character (B, H); all of them fit into the window, or
        there is one and the window slides."""
        spec, tables, num_new = self.spec, state.tables, ids_BT.shape[1]
        length = min(state.length + num_new, self.context) if spec.windowed else 0
        start, end = max(0, length - num_new), state.end
        keys_NBPK, values_NBPK, ids_BP = state.keys_NBPK, state.values_NBPK, state.ids_BP
        found_BTE = q = k = None
        if spec.windowed and spec.attention in ("none", "full"):
            ids_BP = torch.cat((ids_BP, ids_BT), dim=1)[:, -length:]
        if spec.attention == "full":
            q, k, v_NBPK = self._parts(ids_BP, tables)
            found_BTE = self._found(q[:, :, start:], k, v_NBPK, state.anchors_BAE)
        elif spec.attention != "none":
            q, k, *v = self._parts(ids_BT, tables._replace(places_N1PK=[]))
            keys_NBPK, end = remember(keys_NBPK, k, state.end, self.context)
            window = slice(end - length, end)
            k = keys_NBPK[:, :, window]
            if tables.places_N1PK:
                q = q + tables.places_N1PK[0][:, :, start:length]
                k = k + tables.places_N1PK[1][:, :, :length]
            if spec.reads_context:
                values_NBPK, _ = remember(values_NBPK, v[0], state.end, self.context)
                v_NBPK = values_NBPK[:, :, window]
                if tables.places_N1PK:
                    v_NBPK = v_NBPK + tables.places_N1PK[2][:, :, :length]
                found_BTE = self._found(q, k, v_NBPK, state.anchors_BAE)
        memory_BH = state.memory_BH
        if state.anchors_BAE is not None and spec.attention == "none":
            memory_BH = 0.95 * memory_BH + 0.05 * state.anchors_BAE.mean(dim=1)
        out_TBH, memory_BH, hidden_BH = self._run(
            ids_BT, tables, start, found_BTE, state.hidden_BH, memory_BH
        )
        out_BH = hidden_BH
        if spec.attention == "sigmoid" and q is not None and k is not None:
            h_NBTK = self._heads(out_TBH.transpose(0, 1))
            values_NBPK, _ = remember(values_NBPK, h_NBTK, state.end, self.context)
            out_BH = gated(q[:, :, -1:], k, values_NBPK[:, :, end - length : end])[:, 0]
        kept = (ids_BP, keys_NBPK, values_NBPK, end, length, state.anchors_BAE)
        return out_BH, MemoryState(tables, hidden_BH, memory_BH, *kept)

    def _found(self, q: Tensor, k: Tensor, v: Tensor, anchors_BAE: Tensor | None) -> Tensor:
        """What the last positions find, among the anchors too where one asks alone."""
        if anchors_BAE is not None and q.shape[2] == 1:
            embedding = self.spec.embedding_width
            _, more_k, more_v = torch.split(self.qkv(anchors_BAE), embedding, dim=2)
            k = torch.cat((k, self._heads(more_k)), dim=2)
            v = torch.cat((v, self._heads(more_v)), dim=2)
        return found(q, k, v)

    def _tables(self, num_positions: int) -> Tables:
        spec, width, embedding = self.spec, self.spec.width, self.spec.embedding_width
        w_GE = self.cell_input[:, :embedding]
        cell_PG = (self.bias_input + F.pad(self.bias_hidden[: 2 * width], (0, width)))[None]
        places_PE = self.positions[:num_positions] if spec.positions == "learned" else None
        if places_PE is not None and spec.attention == "none":
            cell_PG = F.linear(places_PE, w_GE) + cell_PG
        parts_VE, places_N1PK = [], []
        if spec.attention != "none":
            assert self.qkv.bias is not None
            weights = torch.split(self.qkv.weight, embedding)
            biases = torch.split(self.qkv.bias, embedding)
            for w_EE, b_E in zip(weights, biases, strict=True):
                parts_VE.append(F.linear(self.embedding, w_EE, b_E))
                if places_PE is not None:
                    places_N1PK.append(self._heads(F.linear(places_PE, w_EE)[None]))
        found_GE = None
        if spec.reads_context:
            w_context_GE = self.cell_input[:, embedding:]
            found_GE = w_context_GE @ self.out.weight
            cell_PG = cell_PG + torch.mv(w_context_GE, self.out_bias)
        return Tables(F.linear(self.embedding, w_GE), cell_PG, parts_VE, places_N1PK, found_GE)

    def _parts(self, ids_BT: Tensor, tables: Tables) -> list[Tensor]:
        """Queries, keys and, where the cell reads the context, values (N, B, T, K)."""
        length = ids_BT.shape[1]
        parts = [self._heads(F.embedding(ids_BT, part_VE)) for part_VE in tables.parts_VE]
        if tables.places_N1PK:
            places = (place[:, :, :length] for place in tables.places_N1PK)
            parts = [part + place for part, place in zip(parts, places, strict=True)]
        return parts

    def _heads(self, x_BTE: Tensor) -> Tensor:
        return to_heads(x_BTE.view(*x_BTE.shape[:2], self.spec.heads, -1), None)

    def _run(
        self,
        ids_BT: Tensor,
        tables: Tables,
        start: int,
        found_BTE: Tensor | None,
        h_BH: Tensor,
        m_BH: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states (T, B, H), the last memory and the last hidden state."""
        width, length = self.spec.width, ids_BT.shape[1]
        offset_TG = tables.cell_PG[start : start + length]
        if len(tables.cell_PG) == 1:
            offset_TG = tables.cell_PG.expand(length, -1)
        weights = Weights(
            hidden_GH=self.cell_hidden,
            memory_GH=self.cell_memory,
            new_H=self.bias_hidden[2 * width :],
            writer_HH=self.writer,
            writer_H=self.writer_bias,
            priority_H=self.priority,
            priority_1=self.priority_bias,
        )
        pieces = []
        steps = piece_of(len(ids_BT), width, self.cell_hidden.element_size())
        for t in range(0, length, steps):
            a_TBG = F.embedding(ids_BT[:, t : t + steps].t(), tables.cell_VG)
            if found_BTE is not None and tables.found_GE is not None:
                found_TBE = found_BTE[:, t : t + steps].transpose(0, 1)
                a_TBG = a_TBG + F.linear(found_TBE, tables.found_GE)
            if length == 1 and not torch.is_grad_enabled():
                h_BH, m_BH = step(a_TBG[0] + offset_TG, weights, h_BH, m_BH)
                return h_BH[None], m_BH, h_BH
            h_TBH, _, h_BH, m_BH = recur(a_TBG, offset_TG[t : t + steps], weights, h_BH, m_BH)
            pieces.append(h_TBH)
        return torch.cat(pieces) if len(pieces) > 1 else pieces[0], m_BH, h_BH

    def _logits(self, out_H: Tensor) -> Tensor:
        return F.linear(
            self.norm(out_H), self.embedding if self.spec.tied else self.head, self.head_bias
        )
