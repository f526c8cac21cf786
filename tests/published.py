"""tinystoriesgru's model as it was published, a loop over steps, with weights drawn at random."""

import torch
from torch import Tensor, nn


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
        batch, length = ids_BT.shape
        x_BTE = self.token_emb(ids_BT)
        placed_BTE = x_BTE + self.pos_emb.weight[:length]
        inputs = [placed_BTE]
        if hasattr(self, "attn"):
            mask_TT = torch.ones(length, length).triu(1) > 0
            context_BTE, _ = self.attn(placed_BTE, placed_BTE, placed_BTE, attn_mask=mask_TT)
            inputs = [x_BTE, context_BTE]
        hidden = memory = x_BTE.new_zeros(batch, self.gru_cell.hidden_size)
        outputs = []
        for t in range(length):
            hidden = self.gru_cell(torch.cat([*(x[:, t] for x in inputs), memory], 1), hidden)
            priority = torch.sigmoid(self.priority_gate(hidden))
            written = torch.tanh(self.memory_writer(hidden))
            memory = (1 - priority) * memory + priority * written
            outputs.append(hidden)
        return self.head(self.ln_f(torch.stack(outputs, 1)))

    def lively(self, seed: int) -> "Published":
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
        return self
