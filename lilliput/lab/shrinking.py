"""A search that goes down from a trained gpt: each size is that model cut down and trained on. What
passes is trained from nothing too, in the same shape, to be compared with."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lilliput.errors import SpecError
from lilliput.lab.bases import with_start
from lilliput.lab.job import SPACE, count, job_of, recipe, sizes_of
from lilliput.models.cuts import CUTS, cut, least_of, moves
from lilliput.search.job import Choice, Job, Range
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
    if not isinstance(model, GPTSpec):
        raise SpecError(f"{name} is a {model.kind}; only a gpt can be cut down")
    return with_start(RunSpec(task=task, model=model, training=training, start=name))


def shrinking(parent: RunSpec, answers: Path | None = None) -> Job:
    """The job of finding the smallest model that passes among those cut out of another.

    Args:
        answers: as of `job_of`.
    """
    made = job_of(parent.task, parent.training, answers=answers)
    space: dict[str, Range | Choice] = {**SPACE, "cut": Choice(kinds_of(parent))}
    space["learning_rate"] = Range(5e-4, 4e-3)
    space["muon_learning_rate"] = Range(1e-3, 8e-3)
    of = {"shrink": parent.start, "shrink_digest": parent.start_digest}
    key = f"{made.key} {json.dumps(of)}"
    propose, cut_of = partial(propose_cut, parent), partial(cut_from_parent, parent)
    return replace(made, propose_spec=propose, cut_of=cut_of, space=space, key=key)


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
    smallest = least_of(parent.model, *sizes_of(parent.task, parent.training))
    usual = search_of(parent.task.kind)
    return replace(usual, families=("gpt",), smallest=smallest, largest=count(parent), rungs=4)
