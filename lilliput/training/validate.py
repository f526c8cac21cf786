"""What a model in training knows: right answers, or bits per character, on validation. Knows no
files and no search.

A score is right / total, and higher is better. Of text it is minus the bits per character: `right`
is minus the bits of all documents (rounded), `total` their characters.
"""

import math
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from lilliput.exam.bits import Bits, nats_of
from lilliput.exam.forced import forced_right
from lilliput.exam.grade import interval_of
from lilliput.exam.reader import Reader
from lilliput.specs.task import StoriesSpec
from lilliput.tasks.corpus import ASKED
from lilliput.tasks.splits import Section
from lilliput.tasks.stories import Stories
from lilliput.tasks.table import valid_table
from lilliput.tasks.task import Problems, Task, task_of
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.units import Z95

WORST = 20
"""Bits per character of a model whose loss is no number: a uniform guess among a million."""


class Validation(NamedTuple):
    """A score with its interval, on problems or documents that were never learned."""

    right: int
    total: int
    low: float
    high: float
    groups: dict[str, tuple[int, int]]
    """Right and total of each operation."""


def validate(task: Task, reader: Reader, start: str) -> Validation:
    """The score on the validation section; changes nothing."""
    if isinstance(task, Stories):
        return ask_text(task, reader, "valid")
    return _problems(task, reader, start)


def _problems(task: Problems, reader: Reader, start: str) -> Validation:
    """Right answers by teacher forcing (see exam/forced.py)."""
    vocabulary = cast(AnyVocabulary, reader.vocabulary)
    problems, table = valid_table(task.spec, vocabulary, start)
    marks = forced_right(reader.network, table, len(vocabulary)).tolist()
    groups = {
        group: (sum(of_group), len(of_group))
        for group in task.groups
        if (of_group := [m for m, p in zip(marks, problems, strict=True) if p.group == group])
    }
    interval = interval_of(problems, marks, task.exhaustive)
    return Validation(sum(marks), len(marks), interval.low, interval.high, groups)


def ask_text(task: Stories, reader: Reader, section: Section, z: float = Z95) -> Validation:
    """Bits per character of a section's documents, as a score.

    Args:
        z: quantile of the normal distribution for the interval.
    """
    ids, characters_D = _documents(task.spec, section)
    bits = Bits(nats_of(reader, ids) / np.log(2), characters_D)
    total = int(characters_D.sum())
    if not math.isfinite(bits.bits_D.sum()):
        return Validation(-WORST * total, total, -float(WORST), -float(WORST), {})
    low, high = bits.interval(z)[1:]
    return Validation(-round(bits.bits_D.sum()), total, -high, -low, {})


@lru_cache(maxsize=4)
def _documents(spec: StoriesSpec, section: Section) -> tuple[list[list[int]], NDArray[np.int64]]:
    """Numbers and characters of a section's documents, read once however often they are asked."""
    tokens = task_of(spec).tokens(section)
    numbers = tokens.sample(ASKED)
    ids = [tokens.document(number).tolist() for number in numbers]
    return ids, tokens.lengths_D[numbers].astype(np.int64)
