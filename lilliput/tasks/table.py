"""Problems as rows of numbers, of characters or of tokens, ready for a model; knows no model.

Shapes: N problems, T numbers of the longest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lilliput.specs.task import ProblemsSpec
from lilliput.tasks.splits import Problem
from lilliput.tasks.task import Problems, task_of, to_learn
from lilliput.tasks.tokens import AnyVocabulary


@dataclass(frozen=True)
class Table:
    """N problems, written out and padded with end marks."""

    ids_NT: NDArray[np.uint16] | NDArray[np.uint32]
    asked_N: NDArray[np.int64]
    """Numbers before the answer begins."""
    length_N: NDArray[np.int64]
    """Numbers in all, end mark included."""

    def rows(self, rows_B: NDArray[np.int64]) -> "Table":
        """Some of the problems, trimmed to the longest of them."""
        length_B = self.length_N[rows_B]
        ids_BT = self.ids_NT[rows_B, : length_B.max(initial=0)]
        return Table(ids_BT, self.asked_N[rows_B], length_B)

    def __len__(self) -> int:
        return len(self.ids_NT)


@lru_cache(maxsize=8)
def learn_table(
    spec: ProblemsSpec, vocabulary: AnyVocabulary, start: str
) -> tuple[list[Problem], Table]:
    """The training problems of a task, written out once however many runs learn from them."""
    task = task_of(spec)
    problems = to_learn(task)
    return problems, table_of(task, vocabulary, problems, start)


@lru_cache(maxsize=8)
def valid_table(
    spec: ProblemsSpec, vocabulary: AnyVocabulary, start: str
) -> tuple[list[Problem], Table]:
    """The validation problems of a task, written out once."""
    task = task_of(spec)
    problems = task.section("valid")
    return problems, table_of(task, vocabulary, problems, start)


def table_of(
    task: Problems, vocabulary: AnyVocabulary, problems: Sequence[Problem], start: str = ""
) -> Table:
    """Writes problems as `task.format` does, each after `start`.

    Question and answer are made numbers one by one: a model that is asked has seen the question's
    alone, and no token may reach over from one to the other.
    """
    style = task.format
    asked = [vocabulary.encode(start + style.prompt(problem.question)) for problem in problems]
    rows = [
        prompt + vocabulary.encode(style.completion(problem.question, problem.answer))
        for prompt, problem in zip(asked, problems, strict=True)
    ]
    kind = np.uint16 if len(vocabulary) <= 1 << 16 else np.uint32
    ids_NT = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=kind)
    for number, row in enumerate(rows):
        ids_NT[number, : len(row)] = row
    asked_N = np.array([len(prompt) for prompt in asked], dtype=np.int64)
    return Table(ids_NT, asked_N, np.array([len(row) for row in rows], dtype=np.int64))
