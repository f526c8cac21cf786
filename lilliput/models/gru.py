"""The recurrent family: stacked gated recurrent units (Cho et al. 2014), equal to torch.nn.GRU.

B batch, T positions, S positions asked for (the last ones), L layers, E embedding, H hidden units,
V characters of the vocabulary. Knows no task and no training.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.specs.model import GRUSpec


class GRU(nn.Module):
    """Embedding, recurrent layers, output matrix; the hidden state is all that it remembers, so
    that a text may be longer than the context it was trained on."""

    def __init__(self, spec: GRUSpec, vocabulary_size: int, context: int) -> None:
        super().__init__()
        self.spec, self.vocabulary_size, self.context = spec, vocabulary_size, context
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, spec.embedding_width))
        # Made without memory first: its own first numbers would come from the global generator.
        self.gru = nn.GRU(
            spec.embedding_width, spec.width, spec.layers, batch_first=True, device="meta"
        ).to_empty(device="cpu")
        if not spec.tied:
            self.head = nn.Parameter(torch.empty(vocabulary_size, spec.width))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """First numbers: matrices keep their input's size; the tied embedding is smaller, since it
        multiplies the hidden state as well."""
        self.embedding.normal_(0.0, 0.5 if self.spec.tied else 1.0, generator=generator)
        for name, parameter in self.gru.named_parameters():
            if name.startswith("weight"):
                parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)
            else:
                parameter.zero_()
        if not self.spec.tied:
            self.head.normal_(0.0, self.spec.width**-0.5, generator=generator)

    @property
    def window(self) -> int:
        """No limit: it reads on and on."""
        return 0

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on."""
        out_BTH, _ = self.gru(F.embedding(ids_BT, self.embedding))
        return self._logits(out_BTH[:, first:])

    def begin(self, batch_size: int) -> Tensor:
        """The hidden states (L, B, H) before the first character: zeros."""
        return self.embedding.new_zeros(self.spec.layers, batch_size, self.spec.width)

    def extend(self, ids_BT: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Reads on: logits (B, V) after the last character, and the hidden states (L, B, H)."""
        out_BTH, state = self.gru(F.embedding(ids_BT, self.embedding), state)
        return self._logits(out_BTH[:, -1]), state

    def pick(self, state: Tensor, rows_B: Tensor) -> Tensor:
        """The hidden states of some of the rows, in the order of their numbers in `rows_B`."""
        return state[:, rows_B]

    def _logits(self, out_BSH: Tensor) -> Tensor:
        return F.linear(out_BSH, self.embedding if self.spec.tied else self.head)
