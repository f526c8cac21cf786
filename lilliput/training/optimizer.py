"""Optimizers of a run: PyTorch's Muon on the matrices inside the model, its AdamW on the rest."""

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from lilliput.specs.training import TrainingSpec
from lilliput.training.muon import StackedMuon

_OUTSIDE = ("embed", "positions", "head", "convolution", "wte", "wpe")
"""Tables of characters and positions: rows that are looked up, so no matrices to Muon; nor is a
convolution, which multiplies each channel by itself. A recurrent cell's gates are one matrix. The
last two are GPT-2's names of its tables."""


def optimizers_of(model: nn.Module, training: TrainingSpec) -> list[Optimizer]:
    """One optimizer, or Muon and AdamW; their learning rates are peaks (`set_rates`)."""
    matrices, tables, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim < 2:
            vectors.append(parameter)
        elif any(part in name for part in _OUTSIDE):
            tables.append(parameter)
        else:
            matrices.append(parameter)
    optimizers: list[Optimizer] = []
    if training.optimizer == "muon" and matrices:
        optimizers.append(
            StackedMuon(
                matrices,
                lr=training.muon_learning_rate,
                weight_decay=training.weight_decay,
            )
        )
        matrices = []
    groups = [
        {"params": matrices + tables, "weight_decay": training.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizers.append(
        AdamW(
            [group for group in groups if group["params"]],
            lr=training.learning_rate,
            betas=(0.9, training.beta2),
            fused=True,
        )
    )
    return optimizers


def set_rates(optimizers: list[Optimizer], training: TrainingSpec, step: int) -> None:
    """Sets every learning rate to its peak times the schedule's factor at `step`."""
    factor = training.schedule(step)
    for optimizer in optimizers:
        peak = (
            training.muon_learning_rate if isinstance(optimizer, Muon) else training.learning_rate
        )
        for group in optimizer.param_groups:
            group["lr"] = peak * factor


def tensors_of(optimizers: list[Optimizer]) -> dict[str, Tensor]:
    """The whole state as named tensors: `0.3.momentum_buffer` is optimizer 0's, parameter 3's."""
    tensors = {}
    for number, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"{number}.{index}.{name}"] = value
    return tensors


def load_tensors(optimizers: list[Optimizer], tensors: dict[str, Tensor]) -> None:
    """Restores what `tensors_of` gave."""
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            owner, index, key = name.split(".", 2)
            if int(owner) == number:
                state.setdefault(int(index), {})[key] = value.clone()
        data = optimizer.state_dict()
        data["state"] = state
        optimizer.load_state_dict(data)


def clip(model: nn.Module, largest: float) -> None:
    if largest:
        torch.nn.utils.clip_grad_norm_(model.parameters(), largest, foreach=True)
