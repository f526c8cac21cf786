"""How long a memory-gru can remember, from its recurrent matrices: spectral radii, the leash that
bounds them after a training step, and how alike its states are from one character to the next.

A matrix of spectral radius r scales what it is applied to by r a step in the long run (Pascanu et
al. 2013, arXiv 1211.5063). H hidden units, B batch, T positions. Knows no task and no training.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.models.memory_gru import MemoryGRU

_DOUBLINGS = 6
"""Squarings of a matrix in `_at_most`: its 64th power tells the radius to within some percent."""


class Likeness(NamedTuple):
    """Mean cosine similarity of states one character apart; 1: nothing changes."""

    hidden: float
    memory: float


def recurrent_matrices(model: MemoryGRU) -> dict[str, Tensor]:
    """The matrices (H, H) that a state is multiplied by: views, not copies."""
    reset, update, new = model.cell_hidden.chunk(3)
    return {"reset": reset, "update": update, "new": new, "writer": model.writer}


@torch.no_grad()
def spectral_radius(matrix_HH: Tensor) -> float:
    """Largest absolute value of an eigenvalue."""
    values: Tensor = torch.linalg.eigvals(matrix_HH.detach().double().cpu())
    return float(values.abs().max())


def spectral_radii(model: MemoryGRU) -> dict[str, float]:
    """Of the gates' matrices (reset, update, new) and of the memory writer."""
    return {name: spectral_radius(matrix) for name, matrix in recurrent_matrices(model).items()}


@torch.no_grad()
def leash(model: nn.Module) -> None:
    """Scales each recurrent matrix whose spectral radius is above the spec's leash down to it; does
    nothing to a model without one."""
    if not isinstance(model, MemoryGRU) or not model.spec.leash:
        return
    for matrix_HH in recurrent_matrices(model).values():
        # Eigenvalues take milliseconds; a bound that needs a few products mostly does.
        if _at_most(matrix_HH) > model.spec.leash:
            radius = spectral_radius(matrix_HH)
            if radius > model.spec.leash:
                matrix_HH.mul_(model.spec.leash / radius)


@torch.no_grad()
def likeness(model: MemoryGRU, ids_BT: Tensor) -> Likeness:
    """Of the states after each character of some text (two characters or more) as it is read on."""
    state, hidden, memories = model.begin(len(ids_BT)), [], []
    for t in range(ids_BT.shape[1]):
        _, state = model.extend(ids_BT[:, t : t + 1], state)
        hidden.append(state.hidden_BH)
        memories.append(state.memory_BH)
    return Likeness(_mean_likeness(hidden), _mean_likeness(memories))


def _mean_likeness(states: list[Tensor]) -> float:
    x_TBH = torch.stack(states)
    return float(F.cosine_similarity(x_TBH[1:], x_TBH[:-1], dim=2).mean())


def _at_most(matrix_HH: Tensor) -> float:
    """A bound of the spectral radius: the k-th root of the norm of the k-th power (Gelfand)."""
    power_HH, log_scale = matrix_HH, 0.0
    for _ in range(_DOUBLINGS):
        # Scaled to a norm of one each time, so that no power overflows or vanishes.
        norm = power_HH.norm()
        if not norm > 0:
            return 0.0
        power_HH = power_HH / norm
        log_scale = 2 * (log_scale + float(norm.log()))
        power_HH = power_HH @ power_HH
    return float(torch.exp((power_HH.norm().log() + log_scale) / 2**_DOUBLINGS))


def figures(model: MemoryGRU, ids_BT: Tensor) -> dict[str, float]:
    """Radii, and how alike the states are along texts, by what an exam calls them."""
    alike = likeness(model, ids_BT)
    found = {f"spectral radius, {name}": r for name, r in spectral_radii(model).items()}
    return found | {"likeness, hidden": alike.hidden, "likeness, memory": alike.memory}
