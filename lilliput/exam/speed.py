"""How fast a model writes, one text at a time. Knows no task."""

import time
from dataclasses import dataclass
from statistics import median

import torch

from lilliput.exam.reader import Reader

RUNS = 5
"""Runs after one that is not counted."""
PIECES = 200
"""Pieces written in a run."""


@dataclass(frozen=True)
class Speed:
    """Greedy decoding in PyTorch, end marks written over: every run writes as many pieces.

    The median of the runs, and between which speeds all of them were: on a machine that does other
    work they may be far apart.
    """

    pieces_per_second: float
    characters_per_second: float
    slowest: float
    """Characters a second of the slowest run."""
    fastest: float
    """Characters a second of the fastest run."""
    prompt_pieces: int
    """Read before the clock starts."""
    threads: int
    runs: int


@torch.inference_mode()
def speed_of(reader: Reader, prompt: str, pieces: int = PIECES) -> Speed:
    """Times `pieces` greedy pieces behind a prompt; where the window is short, fewer."""
    device = next(reader.network.parameters()).device
    ids = [*reader.start, *reader.vocabulary.encode(prompt)]
    if reader.room:
        pieces = max(1, min(pieces, reader.room - len(ids)))
    prompt_BT = torch.tensor([ids], device=device)
    times: list[float] = []
    written = ""
    for _ in range(RUNS + 1):
        begin, extend = reader.network.begin, reader.network.extend
        logits_BV, state = extend(prompt_BT, begin(1))  # type: ignore[operator]
        out: list[int] = []
        started = time.perf_counter()
        for _ in range(pieces):
            logits_BV[:, list(reader.ends)] = -torch.inf
            chosen_B = logits_BV.argmax(dim=-1)
            out.append(int(chosen_B))
            logits_BV, state = extend(chosen_B[:, None], state)  # type: ignore[operator]
        times.append(time.perf_counter() - started)
        written = reader.vocabulary.decode(out)
    # The first run warms up.
    counted = times[1:]
    return Speed(
        pieces_per_second=pieces / median(counted),
        characters_per_second=len(written) / median(counted),
        slowest=len(written) / max(counted),
        fastest=len(written) / min(counted),
        prompt_pieces=len(ids),
        threads=torch.get_num_threads(),
        runs=len(counted),
    )
