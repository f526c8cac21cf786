"""The storytellers of the zoo beside those that others published, and what was to be reached.

    python -m bench stories
    STORIES=FOLDER python -m bench stories

A folder with TinyStories' test files (stories-test-v1.txt, stories-test-v2.txt) and, in weights/,
the published models measures all again on those files together. Without one the scores are those on
record, and only what int8 costs is measured, on the package's excerpt, from which none has learned.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from lilliput.errors import UserError
from lilliput.exam.story import grade_sections
from lilliput.lab.load import load_text
from lilliput.lab.quantising import quantise
from lilliput.tasks.documents import EXCERPT, read_sections
from lilliput.zoo import Entry, entries

TEXTS = ("stories-test-v1.txt", "stories-test-v2.txt")
PUBLISHED = {
    "tinystoriespuregru.pt": (211_147, 1.327),
    "tinystoriesgru-0.2M.pt": (201_507, 1.351),
    "tinystoriesgru-0.2M-int8.pt": (201_507, 1.357),
    "stories260K.bin": (260_032, 0.996),
}
"""Files of others' models, their parameters, and their bits per character on TEXTS together, as
measured here on 2026-11-25 (LOG.md)."""
THEIRS, LARGER = tuple(PUBLISHED)[:3], "stories260K.bin"
INT8_LOSS = 0.0065
"""Bits that the published 0.2M model loses by int8: of unrounded scores."""


class Row(NamedTuple):
    """One line of the table."""

    what: str
    found: float
    reach: float
    """The most bits per character that are wanted."""
    beside: str
    """The published figure."""
    parameters: int = 0
    most: int = 0
    """Parameters that are allowed; 0: the line is of no size."""
    digits: int = 3

    def __str__(self) -> str:
        missed = self.found > self.reach or self.parameters > self.most
        size = f", {self.parameters:,} parameters (at most {self.most:,})" if self.most else ""
        number, wanted = (f"{one:.{self.digits}f}" for one in (self.found, self.reach))
        end = ": MISSED" if missed else ""
        return f"   {self.what}{size}: {number} (reach: {wanted}; published: {self.beside}){end}"


def recorded(entry: Entry) -> float:
    """Bits per character of both test files together, as the zoo has it."""
    bits, characters = entry.unseen
    return -bits / characters


def rows(
    bits: Mapping[str, float], published: Mapping[str, float], lost: float, theirs_lost: float
) -> Iterator[Row]:
    """The table.

    Args:
        bits: per character, of the zoo's models by name.
        published: the same of others' files.
        lost: by stories-211k in int8.
        theirs_lost: by the published model.
    """
    size = {entry.name: entry.parameters for entry in entries()}
    gru, attention, int8 = (published[name] for name in THEIRS)
    most = PUBLISHED[THEIRS[0]][0]
    best = bits["stories-211k"]
    three = f"{gru:.3f}, {attention:.3f}, in int8 {int8:.3f}"
    own = (size["stories-211k"], most)
    yield Row("stories-211k", best, 1.10, three, *own)
    yield Row("stories-211k in int8", best + lost, 1.10, three, *own)
    larger, its = PUBLISHED[LARGER][0], published[LARGER]
    yield Row("stories-211k beside stories260K", best, 1.04, f"{its:.3f} at {larger:,}", *own)
    yield Row(
        "their quality smaller, stories-60k",
        bits["stories-60k"],
        PUBLISHED[THEIRS[0]][1],
        f"{gru:.3f} at {most:,}",
        size["stories-60k"],
        60_000,
    )
    yield Row(
        "their architecture trained our way, memory-gru-210k",
        bits["memory-gru-210k"],
        1.22,
        f"{gru:.3f}, with attention {attention:.3f}",
        size["memory-gru-210k"],
        most,
    )
    what = f"lost by int8, stories-211k, at most half of {INT8_LOSS}"
    yield Row(what, lost, INT8_LOSS / 2, f"{theirs_lost:.4f}", digits=4)


def measured(name: str, sections: Mapping[str, Sequence[str]]) -> float:
    """Bits per character of a model on all sections together."""
    graded = grade_sections(load_text(name).reader, sections)
    return list(graded.values())[-1].bits


def in_int8(name: str, sections: Mapping[str, Sequence[str]]) -> float:
    """The same of a model of ours, once it is in int8."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "int8.safetensors"
        quantise(name, "int8", small, measure=False)
        return measured(str(small), sections)


def main() -> None:
    torch.set_num_threads(1)
    folder = os.environ.get("STORIES", "")
    told = {entry.name: entry for entry in entries() if entry.format == "stories"}
    published = {name: bits for name, (_, bits) in PUBLISHED.items()}
    if folder:
        texts = [Path(folder) / name for name in TEXTS]
        for path in texts:
            if not path.is_file():
                raise UserError(f"STORIES names a folder without {path.name}: {folder}")
        sections = read_sections([str(path) for path in texts])
        bits = {name: measured(f"zoo:{name}", sections) for name in told}
        for name in published:
            path = Path(folder) / "weights" / name
            if path.is_file():
                published[name] = measured(str(path), sections)
            else:
                print(f"   {path} is not there: its score is the one on record")
        before = bits["stories-211k"]
        print(f"   bits per character on {' and '.join(TEXTS)} together, measured now:")
    else:
        sections = read_sections([str(EXCERPT)])
        bits = {name: recorded(entry) for name, entry in told.items()}
        before = measured("zoo:stories-211k", sections)
        print(
            "   bits per character on TinyStories' test files together, as zoo.toml has them"
            " (STORIES=FOLDER measures them again); int8 on the package's excerpt, now:"
        )
    lost = in_int8("zoo:stories-211k", sections) - before
    theirs = published[THEIRS[2]] - published[THEIRS[1]] if folder else INT8_LOSS
    for row in rows(bits, published, lost, theirs):
        print(row, flush=True)
    print(
        "   decoding (reach: 5 x the published way) and a training step (reach: 3 x):"
        " `python -m bench memory_gru` times them, and mingru beside memory-gru (reach: a third of"
        " its training time, or LOG.md says why not)"
    )
