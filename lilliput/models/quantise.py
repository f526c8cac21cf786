"""Weights in int8 or int16: each row of a matrix with a scale of its own. Knows no file.

Vectors (gains, biases) stay in float32: they are few, and what they multiply is not.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from lilliput.errors import SpecError, nearest

LARGEST = {"int8": 127, "int16": 32_767}
"""The largest whole number of each kind; the scale maps a row's largest weight to it."""
KINDS = {"int8": torch.int8, "int16": torch.int16}
SCALE = ".scale"
"""Ends the name of a row's scales."""


def check_numbers(numbers: str) -> None:
    """Raises SpecError where a model cannot be brought to such numbers."""
    if numbers == "float32":
        raise SpecError("float32 is what a model has before; numbers must be int8 or int16")
    if numbers not in KINDS:
        raise SpecError(f"unknown numbers {numbers!r}" + nearest(numbers, KINDS))


def pack(tensors: Mapping[str, Tensor], numbers: str) -> dict[str, Tensor]:
    """The tensors of a model, its matrices as whole numbers with a scale a row."""
    if numbers == "float32":
        return dict(tensors)
    packed = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2:
            packed[name] = tensor
            continue
        whole_RC, scale_R = to_whole(tensor, numbers)
        packed[name], packed[name + SCALE] = whole_RC, scale_R
    return packed


def to_whole(weight_RC: Tensor, numbers: str) -> tuple[Tensor, Tensor]:
    """Whole numbers (as `weight_RC`), and what each row of them is multiplied by (R)."""
    largest = LARGEST[numbers]
    most_R = weight_RC.flatten(1).abs().amax(dim=1)
    # A row of zeros needs some scale.
    scale_R = torch.where(most_R > 0, most_R / largest, torch.ones_like(most_R))
    shape = (-1,) + (1,) * (weight_RC.ndim - 1)
    whole_RC = (weight_RC / scale_R.view(shape)).round().clamp(-largest, largest)
    return whole_RC.to(KINDS[numbers]), scale_R


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in float32, as close as their whole numbers are."""
    found = {}
    for name, tensor in tensors.items():
        if name.endswith(SCALE):
            continue
        scale_R = tensors.get(name + SCALE)
        if scale_R is not None:
            tensor = tensor.float() * scale_R.view((-1,) + (1,) * (tensor.ndim - 1))
        found[name] = tensor
    return found
