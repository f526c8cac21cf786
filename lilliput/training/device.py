"""Which device trains, and whether its numbers can be trusted; knows no task."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lilliput.errors import DeviceError, SpecError
from lilliput.models.build import build
from lilliput.specs.model import GPTSpec
from lilliput.specs.training import TrainingSpec
from lilliput.training.muon import has_half_units

PAYS_FROM = 1_000_000
"""Parameters from which bfloat16 is surely faster than float32 (measured on cores with AMX, and on
those with AVX-512 alone, where it is 1.7 times as fast on problems and 1.3 times on text)."""
_AGREES = 1e-3
"""Largest relative difference of a gradient between a device and the CPU, both in float32."""


def choose_device(name: str) -> torch.device:
    """`cpu`, `cuda`, `mps`, or `auto`: the first of CUDA, MPS, CPU that is there.

    Raises:
        SpecError: no such device, or it is not here.
        DeviceError: it calculates wrongly (see llama2.c issue 461 for a case).
    """
    here = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if here[kind])
    kind = name.partition(":")[0]
    if not here.get(kind, False):
        known = ", ".join(["auto", *(kind for kind, there in here.items() if there)])
        raise SpecError(f"no device {name!r} here; choose one of: {known}")
    device = torch.device(name)
    if kind != "cpu":
        check_device(device)
    return device


def check_device(device: torch.device) -> None:
    """Takes one step of a tiny model there and on the CPU; raises DeviceError if they differ."""
    ids_BT = torch.arange(24).reshape(2, 12) % 7
    gradients = []
    for where in (torch.device("cpu"), device):
        model = build(GPTSpec(width=16, heads=2), 7, 16, seed=1).to(where)
        logits = model(ids_BT.to(where))
        torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), ids_BT.to(where)[:, 1:].flatten()
        ).backward()  # type: ignore[no-untyped-call]
        gradients.append(
            torch.cat([p.grad.flatten().cpu() for p in model.parameters() if p.grad is not None])
        )
    apart = float((gradients[0] - gradients[1]).norm() / gradients[0].norm())
    if not apart < _AGREES:
        raise DeviceError(
            f"{device} calculates wrongly: its gradient is {apart:.2g} away from the CPU's;"
            " write --device cpu"
        )


def half_precision(training: TrainingSpec, num_parameters: int, device: torch.device) -> bool:
    """Whether the step runs in bfloat16: where asked for, or where it pays."""
    if training.precision != "auto":
        return training.precision == "bfloat16"
    if num_parameters < PAYS_FROM:
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and has_half_units(device)


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """The array there; of a GPU only the copy waits, not the program."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
