"""A model file's network, ready to be asked. Knows no task."""

from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.engine.binding import OVERFLOWS
from lilliput.errors import FileError
from lilliput.models.card import Card
from lilliput.models.modelfile import load

if TYPE_CHECKING:
    from torch import nn

_TRIED = 256
"""Pieces of the vocabulary, the first, that are looked at: all of a calculator's. Of a model of
transformers one, for each takes a while."""


def network_of(path: Path, card: Card) -> "nn.Module":
    """The network in `path`, whose card this is.

    Raises:
        NotFoundError, FileError: as modelfile.load; or its weights are NaN or overflow: it would
            be asked in vain.
    """
    import torch

    network = load(path)[0].eval()
    count = 1 if card.outside else min(_TRIED, len(card.vocabulary))
    pieces_B1 = torch.arange(count)[:, None]
    with torch.inference_mode():
        logits_BV, _ = network.extend(pieces_B1, network.begin(len(pieces_B1)))  # type: ignore[operator]
    # A norm makes nothing of what is infinite when squared, so that logits alone would not tell.
    squares = (parameter.detach().square().sum() for parameter in network.parameters())
    if not (logits_BV.isfinite().all() and all(map(torch.isfinite, squares))):
        raise FileError(f"{path} {OVERFLOWS}")
    return network
