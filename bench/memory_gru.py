"""memory-gru against the published way: a training step of the 0.2M models (a loop of GRUCell and
autograd over the steps), of mingru beside them, and decoding at 2.5M (attention for the whole
window at each character).

Both of a pair hold the same weights and are timed by turns, on one thread.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.timing import in_turn
from lilliput.baselines.tinystoriesgru import from_state_dict
from lilliput.models.build import build
from lilliput.models.size import solve_shape

V, WINDOW, BATCH = 98, 256, 128
CHARACTERS = 32
"""Decoded in a run, after a whole window."""


def main() -> None:
    torch.set_num_threads(1)
    for width, heads in ((124, 0), (96, 6)):
        theirs = Published(V, width, WINDOW, heads)
        ours = from_state_dict(theirs.state_dict())
        size = sum(parameter.numel() for parameter in ours.parameters())
        one, other = in_turn(_step(ours), _step(theirs), repeats=3)
        print(
            f"   training step of {size:,} parameters ({heads} heads), {BATCH} x {WINDOW}: {one},"
            f" published loop {other}, {other.median / one.median:.1f} x (reach: 3 x)"
        )
    pure = build(solve_shape("memory-gru", 201_507, V, WINDOW), V, WINDOW)
    minimal = build(solve_shape("mingru", 201_507, V, WINDOW), V, WINDOW)
    one, other = in_turn(_step(minimal), _step(pure), repeats=3)
    print(
        f"   training step of mingru, as many parameters: {one}, memory-gru without attention"
        f" {other}, {other.median / one.median:.1f} x"
    )
    theirs = Published(V, 384, WINDOW, 6)
    ours = from_state_dict(theirs.state_dict())
    size = sum(parameter.numel() for parameter in ours.parameters())
    one, other = in_turn(_ours(ours), _theirs(theirs))
    print(
        f"   decoding with {size:,} parameters, a whole window read: {CHARACTERS / one.median:.0f}"
        f" characters/s, published way {CHARACTERS / other.median:.0f},"
        f" {other.median / one.median:.1f} x (reach: 5 x)"
    )


class Published(nn.Module):
    """Attention over token and position embeddings, or positions in the cell's input; the names
    are those of its state dict."""

    def __init__(self, vocabulary_size: int, width: int, window: int, heads: int) -> None:
        super().__init__()
        self.token_emb = nn.Embedding(vocabulary_size, width)
        self.pos_emb = nn.Embedding(window, width)
        if heads:
            self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.gru_cell = nn.GRUCell((3 if heads else 2) * width, width)
        self.priority_gate = nn.Linear(width, 1)
        self.memory_writer = nn.Linear(width, width)
        self.ln_f = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary_size)
        if heads:
            self.register_buffer("tril", torch.ones(window, window).tril())

    def forward(self, ids_BT: Tensor) -> Tensor:
        inputs = self.inputs(ids_BT)
        hidden = memory = torch.zeros(len(ids_BT), self.gru_cell.hidden_size)
        outputs = []
        for t in range(ids_BT.shape[1]):
            hidden, memory = self.step([x[:, t] for x in inputs], hidden, memory)
            outputs.append(hidden)
        logits: Tensor = self.head(self.ln_f(torch.stack(outputs, 1)))
        return logits

    def next(self, ids_BT: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits after the last character of a window."""
        hidden, memory = self.step([x[:, -1] for x in self.inputs(ids_BT)], hidden, memory)
        return self.head(self.ln_f(hidden)), hidden, memory

    def inputs(self, ids_BT: Tensor) -> list[Tensor]:
        length = ids_BT.shape[1]
        x_BTE = self.token_emb(ids_BT)
        placed_BTE = x_BTE + self.pos_emb.weight[:length]
        if not hasattr(self, "attn"):
            return [placed_BTE]
        mask_TT = torch.ones(length, length).triu(1) > 0
        context_BTE, _ = self.attn(
            placed_BTE, placed_BTE, placed_BTE, attn_mask=mask_TT, need_weights=False
        )
        return [x_BTE, context_BTE]

    def step(self, inputs: list[Tensor], hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.gru_cell(torch.cat([*inputs, memory], 1), hidden)
        priority = torch.sigmoid(self.priority_gate(hidden))
        written = torch.tanh(self.memory_writer(hidden))
        return hidden, (1 - priority) * memory + priority * written


def _step(model: nn.Module):  # type: ignore[no-untyped-def]
    ids_BT = torch.randint(0, V, (BATCH, WINDOW + 1), generator=torch.Generator().manual_seed(1))

    def run() -> None:
        logits_BTV = model(ids_BT[:, :-1])
        F.cross_entropy(logits_BTV.flatten(0, 1), ids_BT[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]
        model.zero_grad()

    return run


def _ours(model: Any):  # type: ignore[no-untyped-def]
    ids_BT = torch.randint(0, V, (1, WINDOW + CHARACTERS))

    with torch.no_grad():
        _, read = model.extend(ids_BT[:, :WINDOW], model.begin(1))

    @torch.no_grad()
    def run() -> None:
        state = read
        for t in range(WINDOW, WINDOW + CHARACTERS):
            _, state = model.extend(ids_BT[:, t : t + 1], state)

    return run


def _theirs(model: Any):  # type: ignore[no-untyped-def]
    """Hidden state and memory go on; attention is worked out for the window each time."""
    ids_BT = torch.randint(0, V, (1, WINDOW + CHARACTERS))

    @torch.no_grad()
    def run() -> None:
        hidden = memory = torch.zeros(1, 384)
        for t in range(WINDOW, WINDOW + CHARACTERS):
            _, hidden, memory = model.next(ids_BT[:, t + 1 - WINDOW : t + 1], hidden, memory)

    return run
