"""Small texts and readers for the tests of text."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lilliput.exam.reader import Reader
from lilliput.specs import StoriesSpec
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary

WORDS = (
    "the a little big red blue cat dog bird girl boy Tom Lily ran sat saw found lost ball tree box"
    " park happy sad and then but was had went said"
).split()


def story(number: int, length: int = 60) -> str:
    """A document of its own: words drawn from its number."""
    chance = random.Random(f"story {number}")
    words = [chance.choice(WORDS) for _ in range(length)]
    return " ".join(words).capitalize() + "."


def write_stories(path: Path, numbers: Sequence[int], length: int = 60) -> Path:
    path.write_text("\n<|endoftext|>\n".join(story(n, length) for n in numbers), encoding="utf-8")
    return path


def stories_spec(folder: Path, number: int = 60, **fields: object) -> StoriesSpec:
    path = write_stories(folder / "stories.txt", range(number))
    return StoriesSpec(text=(str(path),), **fields)  # type: ignore[arg-type]


class Table(nn.Module):
    """A network that foretells each piece from the one before it, by a table of logits."""

    def __init__(self, logits_VV: Tensor) -> None:
        super().__init__()
        self.logits_VV = nn.Parameter(logits_VV)

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        return self.logits_VV[ids_BT][:, first:]

    def begin(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, 1)

    def extend(self, ids_BT: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits_VV[ids_BT[:, -1]].clone(), state

    def pick(self, state: Tensor, rows_B: Tensor) -> Tensor:
        return state[rows_B]


VOCABULARY = Vocabulary(END_OF_TEXT + "abcdefg ")


def table_reader(logits_VV: Tensor, window: int = 0, start: tuple[int, ...] = (0,)) -> Reader:
    return Reader(Table(logits_VV), VOCABULARY, window, start, (0,))


def uniform_reader(window: int = 0, start: tuple[int, ...] = (0,)) -> Reader:
    return table_reader(torch.zeros(len(VOCABULARY), len(VOCABULARY)), window, start)


UNIFORM_BITS = math.log2(len(VOCABULARY))
