"""A search that goes down from a trained gpt: each size is that model cut down and trained on. What
passes is trained from nothing too, in the same shape, to be compared with."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lilliput.errors import SpecError
from lilliput.lab.bases import with_start
from lilliput.lab.job import SPACE, count, job_of, recipe, sizes_of
from lilliput.models.cuts import CUTS, cut, least_of, moves
from lilliput.models.size import count_parameters
from lilliput.search.job import Choice, Evidence, Job, Known, Progress, Range
from lilliput.search.trial import CUT_DOWN
from lilliput.specs import GPTSpec, HFSpec, ModelSpec, RunSpec, TaskSpec, TrainingSpec
from lilliput.specs.recipes import search_of
from lilliput.specs.search import SearchSpec

FIRST = "neurons"
"""The cut of a size's default recipe."""


def parent_of(
    name: str, model: ModelSpec | HFSpec, task: TaskSpec, training: TrainingSpec
) -> RunSpec:
    """The run that trains a model on as it is, from which smaller ones are cut.

    Raises:
        SpecError: it is no gpt.
        NotFoundError, FileError: it cannot be had or read.
    """
    gpt = _gpt(name, model)
    return with_start(RunSpec(task=task, model=gpt, training=training, start=name))


def shrinking(parent: RunSpec, answers: Path | None = None, largest: int | None = None) -> Job:
    """The job of finding the smallest model that passes among those cut out of another, which is
    graded first as it is.

    Args:
        answers: as of `job_of`.
        largest: parameters of the ladder's top; None: the other model's.
    """
    made = job_of(parent.task, parent.training, answers=answers)
    space: dict[str, Range | Choice] = {**SPACE, "cut": Choice(kinds_of(parent))}
    space["learning_rate"] = Range(5e-4, 4e-3)
    space["muon_learning_rate"] = Range(1e-3, 8e-3)
    of = {"shrink": parent.start, "shrink_digest": parent.start_digest}
    key = f"{made.key} {json.dumps(of)}"
    propose, cut_of = partial(propose_cut, parent), partial(cut_from_parent, parent)
    held = largest is None or count(parent) <= largest
    known = partial(as_given, parent) if held else None
    return replace(made, propose_spec=propose, cut_of=cut_of, space=space, key=key, known=known)


def as_given(parent: RunSpec) -> Known | None:
    """The model that is cut down as it is, with no step of training; None: it cannot take the exam
    as it is, for it has learned another format, other characters or shorter lines."""
    from lilliput.models.modelfile import read_card
    from lilliput.tasks.task import task_of
    from lilliput.training.loop import Training
    from lilliput.training.start import path_of, take_over

    task, card = task_of(parent.task), read_card(path_of(parent.start))
    merges = [list(pair) for pair in task.vocabulary.merges]
    asked = (task.vocabulary.characters, merges, task.format.to_dict())
    if (card.characters, card.merges, card.format) != asked:
        return None
    training = Training(parent, task)
    if card.context < training.context:
        return None
    take_over(training.model, parent, task.vocabulary)
    if training.averaged is not None:
        # What is graded; a first update copies.
        training.averaged.update_parameters(training.model)
    progress = Progress(
        state=training.state(),
        step=0,
        done=True,
        validation=Evidence(*training.validation()),
        train_loss=math.nan,
        seconds=0.0,
    )
    return Known("gpt", parent.seed, parent, progress, "given")


def kinds_of(parent: RunSpec) -> tuple[str, ...]:
    """The cuts that make this model smaller at all."""
    assert isinstance(parent.model, GPTSpec)
    least = {
        "heads": parent.model.heads > 1,
        "keys": parent.model.num_kv_heads > 1,
        "share": parent.model.layers > 1,
        "drop": parent.model.layers > 1,
    }
    return tuple(kind for kind in CUTS if least.get(kind, True))


def propose_cut(
    parent: RunSpec, family: str, num_parameters: int, inner: Mapping[str, Any], seed: int
) -> RunSpec:
    """The parent cut down to at most `num_parameters`, with some of the space chosen; or that shape
    trained from nothing."""
    assert family == "gpt"
    assert isinstance(parent.model, GPTSpec)
    rest = {name: value for name, value in inner.items() if name not in ("cut", CUT_DOWN)}
    sizes = sizes_of(parent.task, parent.training)
    model = cut(parent.model, inner.get("cut", FIRST), num_parameters, *sizes)
    made = replace(parent, model=model, training=recipe(parent.training, rest), seed=seed)
    if inner.get(CUT_DOWN, True):
        return made
    return replace(made, start="", start_digest="", start_marks=())


def cut_from_parent(parent: RunSpec, spec: RunSpec) -> dict[str, tuple[int, int]]:
    """What was cut out of the parent for a trial, as `Trial.cut`."""
    assert isinstance(parent.model, GPTSpec)
    assert isinstance(spec.model, GPTSpec)
    return moves(parent.model, spec.model)


def search_from(parent: RunSpec) -> SearchSpec:
    """The ladder from the model that is cut down to the least that every cut leads to."""
    assert isinstance(parent.model, GPTSpec)
    return _ladder(parent.task.kind, parent.model, *sizes_of(parent.task, parent.training))


def search_below(name: str, kind: str) -> SearchSpec:
    """The same as far as the model's file says it, on the task that it has learned, whose own files
    need not be here.

    Raises:
        SpecError: it is no gpt.
        NotFoundError, FileError: it cannot be had or read.
    """
    from lilliput.lab.load import resolve
    from lilliput.models.modelfile import read_card

    card = read_card(resolve(name))
    model = _gpt(name, card.spec.model)
    return _ladder(kind, model, len(card.characters) + len(card.merges), card.context)


def _ladder(kind: str, model: GPTSpec, vocabulary_size: int, context: int) -> SearchSpec:
    smallest = least_of(model, vocabulary_size, context)
    largest = count_parameters(model, vocabulary_size, context)
    usual = search_of(kind)
    return replace(usual, families=("gpt",), smallest=smallest, largest=largest, rungs=4)


def _gpt(name: str, model: ModelSpec | HFSpec) -> GPTSpec:
    if not isinstance(model, GPTSpec):
        raise SpecError(f"{name} is a {model.kind}; only a gpt can be cut down")
    return model
