"""How fast a model writes or answers, one text at a time. Knows no task."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from lilliput.engine.binding import Text
from lilliput.exam.decoded import Decoded
from lilliput.exam.reader import Reader
from lilliput.specs.sampling import GREEDY

RUNS = 5
"""Runs after one that is not counted."""
PIECES = 200
"""Pieces written in a run."""


@dataclass(frozen=True)
class Speed:
    """Greedy decoding, end marks written over: every run writes as many pieces.

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
    by: str = "PyTorch"
    """What decodes: `PyTorch` or the `engine`."""


def answers_a_second(
    answer: Callable[[Sequence[str]], object], questions: Sequence[str], seconds: float = 1.0
) -> float:
    """Questions that are answered in a second of one core, one at a time, to three digits: the
    median of `RUNS` runs.

    Args:
        seconds: of processor time, of each run; one answer at least is waited for.
    """
    rates = []
    for _ in range(RUNS):
        asked, begun, took = 0, time.process_time(), 0.0
        while took < seconds or not asked:
            answer([questions[asked % len(questions)]])
            asked += 1
            took = time.process_time() - begun
        rates.append(asked / max(took, 1e-9))
    return float(f"{median(rates):.3g}")


@torch.inference_mode()
def speed_of(reader: Reader, prompt: str, pieces: int = PIECES) -> Speed:
    """Times `pieces` greedy pieces behind a prompt; where the window is short, fewer."""
    ids = [*reader.start, *reader.vocabulary.encode(prompt)]
    if reader.room:
        pieces = max(1, min(pieces, reader.room - len(ids)))
    network = reader.network
    by_engine = isinstance(network, Decoded)
    times: list[float] = []
    written = ""
    for _ in range(RUNS + 1):
        if isinstance(network, Decoded):
            seconds, out = _by_engine(network.engine.begin(), ids, pieces, reader.ends)
        else:
            seconds, out = _by_pytorch(reader, ids, pieces)
        times.append(seconds)
        written = reader.vocabulary.decode(out)
    # The first run warms up.
    counted = times[1:]
    return Speed(
        pieces_per_second=pieces / median(counted),
        characters_per_second=len(written) / median(counted),
        slowest=len(written) / max(counted),
        fastest=len(written) / min(counted),
        prompt_pieces=len(ids),
        threads=1 if by_engine else torch.get_num_threads(),
        runs=len(counted),
        by="engine" if by_engine else "PyTorch",
    )


def _by_pytorch(reader: Reader, ids: Sequence[int], pieces: int) -> tuple[float, list[int]]:
    """Seconds, and the pieces that were written behind those that were read before."""
    begin, extend = reader.network.begin, reader.network.extend
    device = next(reader.network.parameters()).device
    prompt_BT = torch.tensor([ids], device=device)
    logits_BV, state = extend(prompt_BT, begin(1))  # type: ignore[operator]
    out: list[int] = []
    started = time.perf_counter()
    for _ in range(pieces):
        logits_BV[:, list(reader.ends)] = -torch.inf
        chosen_B = logits_BV.argmax(dim=-1)
        out.append(int(chosen_B))
        logits_BV, state = extend(chosen_B[:, None], state)  # type: ignore[operator]
    return time.perf_counter() - started, out


def _by_engine(
    text: Text, ids: Sequence[int], pieces: int, ends: Sequence[int]
) -> tuple[float, list[int]]:
    """As `_by_pytorch`."""
    text.read(ids)
    out: list[int] = []
    started = time.perf_counter()
    for _ in range(pieces):
        (chosen,) = text.write(1, GREEDY)
        if chosen in ends:
            logits = list(text.logits())
            chosen = max((n for n in range(len(logits)) if n not in ends), key=logits.__getitem__)
        out.append(chosen)
        text.read([chosen])
    return time.perf_counter() - started, out
