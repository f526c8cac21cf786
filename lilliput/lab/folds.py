"""Ten-fold cross-validation: how well a recipe generalises where a tenth is too few to grade on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lilliput.lab.verbs import grade_problems, train
from lilliput.specs import RunSpec
from lilliput.units import Interval, clustered_wilson, student

FOLDS = 10


@dataclass(frozen=True)
class Fold:
    """One of ten runs of a recipe, each with another tenth of the problems unseen."""

    number: int
    right: int
    total: int
    """Of its unseen tenth."""


def ten_fold(spec: RunSpec, folder: Path, device: str = "cpu") -> Iterator[Fold]:
    """Trains a spec ten times, in `folder/fold-0` to `fold-9`, and grades each on its unseen tenth.
    Stopped and asked again, it goes on; together the ten have asked every problem once."""
    for number in range(FOLDS):
        here = replace(spec, task=replace(spec.task, fold=number))
        for _ in train(here, folder / f"fold-{number}", device):
            pass
        graded = grade_problems(str(folder / f"fold-{number}"), ["unseen"], why="train --ten-fold")
        tally = graded.grade.sections["unseen"].overall
        yield Fold(number, tally.right, tally.total)


def pooled(folds: list[Fold]) -> Interval:
    """Score over all folds; its interval takes the problems of a fold as one cluster, since they
    were answered by one model, and Student's t, since there are so few."""
    pairs = [(fold.right, fold.total) for fold in folds]
    return clustered_wilson(pairs, student(len(pairs) - 1))
