"""A batch in parts that a machine's memory can hold. Knows no task and no file.

The sum of what the parts lose is what the batch loses, so a step comes out the same but for
rounding. Where a batch is cut depends on the model and the batch alone, never on the machine: a run
ends with the same weights wherever it goes on. B rows, T characters, S positions with a loss.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lilliput.errors import SpecError
from lilliput.training.batches import Chunk
from lilliput.units import format_bytes

PART = 4 << 30
"""Bytes of activations that go through the model together, at most; one row always goes whole."""
_STATE = 16
"""Bytes a parameter: itself, its gradient, and the two moments of AdamW."""
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def place_bytes(model: nn.Module, loops: int, num_symbols: int) -> int:
    """What one position of one row takes until its gradient is known: what enters and what leaves
    each matrix, and the logits twice more (their softmax, its gradient). Of our families that is
    half to twice what torch keeps, with dropout two and a half times.

    Args:
        loops: how often the blocks are gone through.
        num_symbols: numbers of the vocabulary.
    """
    sides = sum(sum(parameter.shape) for parameter in model.parameters() if parameter.ndim == 2)
    return 4 * (loops * sides + 2 * num_symbols)


def in_parts(chunks: Sequence[Chunk], a_place: int) -> Iterator[Chunk]:
    """The chunks of a batch, those above `PART` cut into as few even ones as keep below it.

    Args:
        a_place: see `place_bytes`.
    """
    for chunk in chunks:
        number = min(-(-chunk.ids_BT.size * a_place // PART), len(chunk.ids_BT))
        if number <= 1:
            yield chunk
            continue
        rows = np.array_split(np.arange(len(chunk.ids_BT)), number)
        yield from (Chunk(chunk.ids_BT[r], chunk.targets_BS[r], chunk.first) for r in rows)


def check_room(model: nn.Module, length: int, a_place: int, device: torch.device) -> None:
    """Raises SpecError where a device has no room for one row: the system would end the program
    without a word.

    Args:
        length: characters of the row.
        a_place: see `place_bytes`.
    """
    room = memory_of(device)
    needed = length * a_place + _STATE * sum(p.numel() for p in model.parameters())
    if room and needed > room:
        where = "this machine" if device.type == "cpu" else device
        raise SpecError(
            f"to train this model on one row of {length:,} characters or pieces takes about"
            f" {format_bytes(needed)} of memory, and {where} has {format_bytes(room)}: choose a"
            " smaller --block, or a smaller model"
        )


def memory_of(device: torch.device) -> int:
    """Bytes of memory that a device has, whoever uses them; 0: nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
    try:
        return min(whole, int(_CGROUP.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return whole
