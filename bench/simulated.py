"""Families that exist only as curves: a noisy threshold in size, drawn anew for every search.

At the best inner hyper-parameters a seed that is able ends at a score that rises by `slope` a rung;
`threshold` is the smallest rung at which that score passes: its interval is above the mark. Other
seeds stay on a plateau well below. Curves are sigmoids in the logarithm of the steps; larger sizes
and better hyper-parameters are faster. Exams are binomial, drawn anew at every look, which is
harder than a real exam whose questions stay.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lilliput.search.job import Evidence, Job, Progress, Range
from lilliput.search.ladder import ladder
from lilliput.specs.search import SearchSpec
from lilliput.units import Z95, wilson

QUESTIONS = 3_200
HALF_WIDTH = 0.016
"""Of the 95 % interval of so many questions at 70 %: a score that just passes is this far above."""
NUM_STEPS = 6_400
SPACE = {"a": Range(-1.0, 1.0, log=False), "b": Range(-1.0, 1.0, log=False)}


@dataclass(frozen=True)
class Nature:
    """What is true of one simulated family."""

    sizes: tuple[int, ...]
    mark: float
    threshold: int
    """The smallest rung at which an able seed passes on average, at the best recipe."""
    margin: float
    """How far above a score that just passes it ends there."""
    slope: float
    """What a rung adds to the score."""
    able: float
    """Share of the seeds that can pass at all."""
    best: tuple[float, float]
    """The best inner hyper-parameters."""
    loss: float
    """Score lost at distance one from them."""
    slower: float
    """Logarithm of the factor on the time at distance one from them."""
    half: float
    """Part of the training after which half of the last score is reached, at the threshold."""
    steepness: float
    seed: int


@dataclass(frozen=True)
class SimSpec:
    """One simulated training."""

    size: int
    a: float
    b: float
    seed: int


def draw_nature(spec: SearchSpec, seed: int, able: float | None = None) -> Nature:
    """A family at random; `able` fixes the share of seeds that can pass."""
    chance = random.Random(f"nature {seed}")
    sizes = ladder(spec)
    slope = chance.uniform(0.015, 0.05)
    share = chance.uniform(0.1, 1.0)
    return Nature(
        sizes,
        spec.pass_mark,
        threshold=chance.randrange(1, len(sizes) - 1),
        margin=chance.uniform(0.0, slope),
        slope=slope,
        able=share if able is None else able,
        best=(max(-1, min(1, chance.gauss(0, 0.4))), max(-1, min(1, chance.gauss(0, 0.4)))),
        loss=chance.uniform(0.01, 0.04),
        slower=chance.uniform(0.3, 1.0),
        half=chance.uniform(0.08, 0.3),
        steepness=chance.uniform(1.5, 3.0),
        seed=seed,
    )


def true_score(nature: Nature, spec: SimSpec, step: int) -> float:
    """What an endless exam would say."""
    chance = random.Random(f"{nature.seed} {spec.size} {spec.seed} {spec.a:.9f} {spec.b:.9f}")
    rung = nature.sizes.index(spec.size)
    distance = (spec.a - nature.best[0]) ** 2 + (spec.b - nature.best[1]) ** 2
    last = nature.mark + HALF_WIDTH + nature.margin
    last += (
        nature.slope * (rung - nature.threshold) + chance.gauss(0, 0.008) - nature.loss * distance
    )
    if chance.random() >= nature.able:
        last *= chance.uniform(0.3, 0.85)
    last = min(0.995, max(0.01, last))
    half = nature.half * 2 ** (-0.15 * (rung - nature.threshold))
    usual = 1 + half**nature.steepness
    half *= math.exp(nature.slower * distance + chance.gauss(0, 0.25))
    part = min(step, NUM_STEPS) / NUM_STEPS
    return float(min(0.995, last * usual / (1 + (half / part) ** nature.steepness)))


def ask(score: float, key: str, z: float = Z95) -> Evidence:
    """An exam of `QUESTIONS` questions, the binomial taken as normal."""
    error = math.sqrt(score * (1 - score) * QUESTIONS)
    right = round(score * QUESTIONS + error * random.Random(key).gauss(0, 1))
    right = max(0, min(QUESTIONS, right))
    interval = wilson(right, QUESTIONS, z)
    return Evidence(right, QUESTIONS, interval.low, interval.high)


def advance(nature: Nature, spec: SimSpec, state: bytes | None, steps: int) -> Progress:
    step = int(state or 0) + steps
    score = true_score(nature, spec, step)
    validation = ask(score, f"validation {nature.seed} {spec} {step}")
    return Progress(str(step).encode(), step, step >= NUM_STEPS, validation, 0.0, 0.0)


def ask_unseen(nature: Nature, spec: SimSpec, state: bytes, z: float) -> Evidence:
    return ask(true_score(nature, spec, int(state)), f"unseen {nature.seed} {spec} {state!r}", z)


def propose_spec(family: str, size: int, inner: Mapping[str, Any], seed: int) -> SimSpec:
    return SimSpec(size, inner.get("a", 0.0), inner.get("b", 0.0), seed)


def count(spec: SimSpec) -> int:
    return spec.size


def num_steps(spec: SimSpec) -> int:
    return NUM_STEPS


def simulated_job(nature: Nature) -> Job:
    return Job(
        partial(advance, nature),
        partial(ask_unseen, nature),
        propose_spec,
        count,
        num_steps,
        SPACE,
        floor=0.05,
        key=f"simulated {nature.seed}",
        spec_type=SimSpec,
    )
