"""PyTorch's archives (.pt) of others: weights and plain values; nothing in them is executed."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from lilliput.errors import FileError

REMEDY = "copy it again from where it came"
"""What to do about a file that is damaged."""


def open_archive(path: Path, instead: str) -> dict[Any, Any]:
    """The dictionary in an archive.

    Args:
        instead: what to do where it holds more than weights and plain values.

    Raises:
        FileError: it could run code, is damaged, or holds something else.
    """
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        raise FileError(
            f"{path} holds more than weights and settings: opening it could run code, so it is not"
            f" opened; {instead}"
        ) from None
    except Exception:
        # Whatever odd bytes do to the reader: an archive cut short, impossible sizes.
        raise FileError(f"{path} is cut short or damaged; {REMEDY}") from None
    if not isinstance(loaded, dict):
        raise FileError(f"{path} holds a {type(loaded).__name__}, and not weights by their names")
    return loaded
