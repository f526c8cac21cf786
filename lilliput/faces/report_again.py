"""How to make each number again: the commands that a search or a run came from.

Knows the command line's spelling of specs; a search's budget is not in its ledger.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from lilliput.faces.report_page import Html, join, note, tag
from lilliput.faces.stages import write_stage
from lilliput.lab.job import SPACE
from lilliput.lab.starting import as_asked
from lilliput.search.trial import TAUGHT, Trial
from lilliput.specs import (
    ArithmeticSpec,
    LinesSpec,
    RunSpec,
    TaskSpec,
    TrainingSpec,
    digest,
    to_dict,
)
from lilliput.specs.recipes import search_of, training_of, transfer
from lilliput.specs.search import SearchSpec

FLAGS = {"pass_mark": "pass", "width": "slices"}
"""Fields of a search whose flags have other names (a test reads them with the command line)."""


def find_command(spec: SearchSpec, trials: Sequence[Trial], key: str) -> tuple[str, bool]:
    """`lilliput find …` with every flag that is not at its default, but for budget and folder.

    Returns:
        The command, and whether it is surely the one: its task and training have the digest that
        the ledger is kept under.
    """
    named, _, rest = key.partition(" ")
    fixed = json.loads(rest or "{}")
    # Of a search that goes down from another model, those of our families say what was typed.
    taught = [trial for trial in trials if trial.taught]
    shown = [trial for trial in taught if trial.spec.model.kind != "hf"] or taught
    run = shown[0].spec
    bases = [trial.spec.training for trial in shown if not trial.inner.keys() - {TAUGHT}]
    # What the proposer chose hides what the search was given; then the defaults are tried.
    recipe = training_of(run.task.kind)
    usual = {name: getattr(recipe, name) for name in SPACE}
    training = bases[0] if bases else replace(run.training, **usual)
    if "start" in fixed:
        # Its teacher is the baseline, whose likelihoods are left out where they do not fit.
        share = training.teacher_share or recipe.teacher_share
        training = replace(training, **as_asked(share, training.teacher_temperature))
    sure = digest(RunSpec(task=run.task, training=training)) == named
    told = _flags(training, recipe)
    if "start" in fixed:
        # What was typed holds for the baseline too, and may be usual for one of the two.
        first = trials[0].spec
        usually = transfer(first.model.parameters)
        typed = _changed(training, recipe) | _changed(first.training, usually)
        typed -= {"teacher", "teacher_answers"}
        told = [word for name in sorted(typed) for word in _flag(name, getattr(training, name))]
    words = ["lilliput", "find", run.task.kind]
    given = replace(spec, seconds=600.0, steps=0, workers=0)
    words += _flags(given, search_of(run.task.kind), FLAGS)
    words += [*_task_flags(run.task), *told]
    for name, value in fixed.items():
        words += [] if name.endswith("_digest") else _flag(name, value)
    return shlex.join(words), sure


def _changed(training: TrainingSpec, usual: TrainingSpec) -> set[str]:
    """Fields of a training that are not as usual."""
    names = (field.name for field in fields(training))
    return {name for name in names if getattr(training, name) != getattr(usual, name)}


def _flags(spec: Any, usual: Any, names: Mapping[str, str] = {}) -> list[str]:
    """Fields that are not as usual, as flags."""
    words: list[str] = []
    for field in fields(spec):
        value = getattr(spec, field.name)
        # Digests are of what files hold; they are found again from the files.
        if field.name == "kind" or field.name.endswith("_digest"):
            continue
        if value != getattr(usual, field.name):
            words += _flag(names.get(field.name, field.name), value)
    return words


def _task_flags(task: TaskSpec) -> list[str]:
    if isinstance(task, LinesSpec):
        return ["--file", task.file, *_flags(task, LinesSpec(file=task.file))]
    if isinstance(task, ArithmeticSpec):
        # What is held out unless told otherwise depends on the operands.
        operands = (
            [] if task.operands == ArithmeticSpec().operands else ["--operands", task.operands]
        )
        return [*operands, *_flags(task, ArithmeticSpec(operands=task.operands))]
    return _flags(task, type(task)())


def _flag(name: str, value: Any) -> list[str]:
    dashed = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{dashed}" if value else f"--no-{dashed}"]
    if name == "pass":
        return ["--pass", f"{-value:g}" if value < 0 else f"{100 * value:g}%"]
    if name == "stages":
        return [word for stage in value for word in ("--stage", write_stage(stage))]
    if isinstance(value, tuple):
        return [f"--{dashed}", *map(str, value)]
    return [f"--{dashed}", str(value)]


def spec_words(spec: RunSpec, name: str) -> Html:
    """A spec in full, to be saved and trained again."""
    text = json.dumps(to_dict(spec), indent=1)
    return tag("details", join(tag("summary", f"{name}: the whole spec"), tag("pre", text)))


def commands(*lines: tuple[str, str]) -> Html:
    """Commands with a word on what each makes."""
    return join(*(join(note(words), tag("pre", tag("code", command))) for words, command in lines))
