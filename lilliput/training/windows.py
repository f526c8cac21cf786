"""Batch number n of a text as a pure function of (text, training, seed, n). Knows no model.

Shapes: N numbers of the text, R rows an epoch, B rows, T pieces.
"""

import numpy as np
from numpy.typing import NDArray

from lilliput.errors import SpecError
from lilliput.specs.training import TrainingSpec
from lilliput.tasks.stories import Stories
from lilliput.training.batches import Chunk


class Windows:
    """The text as rows of `block` pieces; each epoch is cut at another place and shuffled anew, and
    every row comes once in it. Documents follow one another with an end mark between."""

    def __init__(self, task: Stories, training: TrainingSpec, seed: int) -> None:
        self.training, self.seed = training, seed
        self.tokens_N = task.tokens("seen").tokens_N
        # One row less than there is room for, so that the cut may be anywhere.
        self.num_rows = (len(self.tokens_N) - 1) // training.block - 1
        if self.num_rows < 1:
            raise SpecError(
                f"the text to learn from has {len(self.tokens_N):,} pieces; a block of"
                f" {training.block} needs more: give more text, or a smaller --block"
            )
        self._order: tuple[int, NDArray[np.int64], int] | None = None

    def batch(self, number: int, mined: None = None) -> list[Chunk]:
        """Batch `number`, from 0."""
        size = self.training.batch
        epochs, within = np.divmod(np.arange(number * size, (number + 1) * size), self.num_rows)
        begin_B = np.empty(size, dtype=np.int64)
        for epoch in np.unique(epochs):
            order_R, cut = self._epoch(int(epoch))
            here = epochs == epoch
            begin_B[here] = order_R[within[here]] * self.training.block + cut
        places_BT = begin_B[:, None] + np.arange(self.training.block + 1)
        ids_BT = self.tokens_N[places_BT].astype(np.int64)
        return [Chunk(ids_BT[:, :-1], ids_BT[:, 1:], 0)]

    def _epoch(self, epoch: int) -> tuple[NDArray[np.int64], int]:
        """The order of an epoch's rows, and where the text is first cut."""
        if self._order is None or self._order[0] != epoch:
            generator = np.random.default_rng([self.seed, 5, epoch])
            cut = int(generator.integers(self.training.block))
            self._order = (epoch, generator.permutation(self.num_rows), cut)
        return self._order[1], self._order[2]
