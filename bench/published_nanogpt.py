"""nanoGPT's way to train its baby GPT, in plain PyTorch: dropout, AdamW, one batch of random blocks
after the other; on a CPU in float32, on a GPU compiled, in bfloat16, the update in one kernel. To
be timed beside ours; knows nothing of Lilliput.

B rows, T characters, E width, N heads, V characters of the vocabulary.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_1 = nn.LayerNorm(width, bias=False)
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x_BTE: Tensor) -> Tensor:
        parts = self.qkv(self.norm_1(x_BTE)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        found = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, is_causal=True)
        x_BTE = x_BTE + F.dropout(self.out(found.transpose(1, 2).flatten(2)), self.dropout)
        up = F.gelu(self.up(self.norm_2(x_BTE)))
        return x_BTE + F.dropout(self.down(up), self.dropout)


class BabyGPT(nn.Module):
    """6 layers, 6 heads, width 384, as `config/train_shakespeare_char.py` has it."""

    def __init__(self, vocabulary_size: int, window: int = 256, layers: int = 6) -> None:
        super().__init__()
        width, heads, self.dropout = 384, 6, 0.2
        self.characters = nn.Embedding(vocabulary_size, width)
        self.positions = nn.Embedding(window, width)
        self.blocks = nn.ModuleList(Block(width, heads, self.dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                added = name.endswith(("out.weight", "down.weight"))
                std = 0.02 / math.sqrt(2 * layers) if added else 0.02
                nn.init.normal_(parameter, std=std)

    def forward(self, ids_BT: Tensor) -> Tensor:
        x_BTE = self.characters(ids_BT) + self.positions.weight[: ids_BT.shape[1]]
        x_BTE = F.dropout(x_BTE, self.dropout)
        for block in self.blocks:
            x_BTE = block(x_BTE)
        return F.linear(self.norm(x_BTE), self.characters.weight)


class PublishedTraining:
    """Its loop, a step at a time, without validations, log and checkpoints."""

    def __init__(
        self, stream_N: Tensor, vocabulary_size: int, batch: int, block: int, device: str = "cpu"
    ) -> None:
        self.stream_N, self.batch, self.block = stream_N, batch, block
        self.device, self.on_gpu = device, device == "cuda"
        self.model = BabyGPT(vocabulary_size, block).to(device)
        self._logits = torch.compile(self.model) if self.on_gpu else self.model
        matrices = [p for p in self.model.parameters() if p.ndim >= 2]
        vectors = [p for p in self.model.parameters() if p.ndim < 2]
        groups = [
            {"params": matrices, "weight_decay": 0.1},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=self.on_gpu)

    def one_step(self) -> None:
        begin_B = torch.randint(len(self.stream_N) - self.block, (self.batch,)).tolist()
        ids_BT, next_BT = (
            self._there(torch.stack([self.stream_N[at : at + self.block] for at in places]))
            for places in (begin_B, [at + 1 for at in begin_B])
        )
        with torch.autocast(self.device, torch.bfloat16, enabled=self.on_gpu):
            loss = F.cross_entropy(self._logits(ids_BT).flatten(0, 1), next_BT.flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _there(self, tensor: Tensor) -> Tensor:
        if self.on_gpu:
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor
