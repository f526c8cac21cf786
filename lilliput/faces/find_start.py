"""`lilliput find --start hf:NAME`: what it starts from, and its baseline as it is trained first."""

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lilliput.errors import NotFoundError, UserError
from lilliput.faces.found import asked_words, evidence_words
from lilliput.faces.train_live import shown
from lilliput.lab.starting import HOME, Descent, evidence_of, is_trained, train_baseline
from lilliput.specs import HFSpec, RunSpec, TaskSpec, TrainingSpec
from lilliput.specs.recipes import transfer
from lilliput.specs.search import SearchSpec
from lilliput.units import pass_words


def name_of(start: str) -> str:
    """The name or folder of the model of transformers that `--start` names.

    Raises:
        UserError: it is a model of ours.
        NotFoundError: it is none at all.
    """
    family, colon, name = start.partition(":")
    if family == "hf" and colon:
        if not name:
            raise UserError("which model? write --start hf:OWNER/NAME of the Hub, or hf:FOLDER")
        return name
    if (Path(start) / "config.json").is_file():
        return start
    from lilliput.lab.load import resolve
    from lilliput.models.modelfile import read_card

    try:
        path = resolve(start)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error}; to start from a model of transformers, write --start hf:OWNER/NAME or"
            " hf:FOLDER"
        ) from None
    if path.suffix == ".safetensors" and isinstance(read_card(path).spec.model, HFSpec):
        raise UserError(f"{start} began with a model of transformers; write --start hf:{start}")
    raise UserError(
        f"{start} is no model of transformers: --shrink {start} cuts a gpt down to each size, and"
        f" --teacher {start} teaches each size what it knows"
    )


def refuse_shrink(shrink: str) -> None:
    """Raises UserError where what is to be cut down is a model of transformers, or began as one."""
    from lilliput.lab.load import resolve
    from lilliput.models.modelfile import read_card

    theirs = shrink.startswith("hf:") or (Path(shrink) / "config.json").is_file()
    if not theirs and shrink:
        path = resolve(shrink)
        theirs = path.suffix == ".safetensors" and isinstance(read_card(path).spec.model, HFSpec)
    if theirs:
        name = shrink.removeprefix("hf:")
        raise UserError(
            f"{shrink} is a model of transformers, and only a gpt of Lilliput's own can be cut"
            f" down: write --start hf:{name} in place of --shrink, which drops whole blocks of it"
            " and lets it teach smaller models"
        )


def descent_of(
    model: HFSpec, task: TaskSpec, training: TrainingSpec, typed: set[str], search: SearchSpec
) -> Descent:
    """What a search goes down from. What was typed of a training holds for the baseline and its
    students too; what was not is as `lilliput train hf:NAME` has it.

    Args:
        training: of our own families.
        typed: names of the flags that were typed.
    """
    own = {
        field.name: getattr(training, field.name)
        for field in fields(TrainingSpec)
        if field.name in typed and not field.name.startswith("teacher")
    }
    theirs = replace(transfer(model.parameters), **own)
    return Descent(RunSpec(task=task, model=model, training=theirs, seed=search.seed), training)


def train_first(
    descent: Descent,
    search: SearchSpec,
    folder: Path,
    shape: Mapping[str, Any],
    began: float,
    quiet: bool,
) -> bool:
    """Trains the baseline, shown as any training is; whether it is over, or the budget was."""
    spec = descent.baseline
    assert isinstance(spec.model, HFSpec)
    moments = train_baseline(descent, search, folder, shape, began)
    if is_trained(folder) or quiet:
        for _ in moments:
            pass
    else:
        print(
            f"first the baseline, hf:{spec.model.name}, {spec.model.parameters:,} parameters, in"
            f" {folder / HOME}; Ctrl-C stops it, the same command goes on",
            flush=True,
        )
        for _ in shown(moments, spec, quiet=False):
            pass
    return is_trained(folder)


def teaches(descent: Descent, search: SearchSpec, folder: Path, quiet: bool) -> bool:
    """Whether the trained baseline teaches what stands below it; where not, that is said."""
    found = evidence_of(descent, folder)
    if found.may_teach(search.pass_mark):
        return True
    if not quiet:
        print(
            f"the baseline is below the pass mark of {pass_words(search.pass_mark)} on"
            f" {asked_words(found)} ({evidence_words(found)}), so it teaches nothing: everything"
            " below it learns by itself; train it for longer (--steps) in another --folder",
            flush=True,
        )
    return False


def unfinished(folder: Path, spec: RunSpec, quiet: bool) -> None:
    """What is said where the budget ended before the baseline was trained."""
    if quiet:
        print('{"winner": null, "finished": false, "baseline": null}')
    else:
        print(
            f"the budget ended before the baseline was trained ({spec.training.steps:,} steps);"
            " run it again, or with a larger --budget, to go on"
        )
    sys.stdout.flush()
