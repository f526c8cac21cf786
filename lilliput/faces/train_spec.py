"""The spec that the flags of `lilliput train` come to. Of a text it says what is made."""

import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lilliput.errors import NotFoundError, SpecError
from lilliput.faces.cli_flags import spec_of
from lilliput.faces.corpus_live import prepare, taught
from lilliput.lab.bases import Base, with_start
from lilliput.specs import (
    FAMILIES,
    ArithmeticSpec,
    GPTSpec,
    HFSpec,
    LinesSpec,
    ModelSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
)
from lilliput.specs.recipes import transfer
from lilliput.units import parse_count

TASKS: dict[str, type[Any]] = {
    "arithmetic": ArithmeticSpec,
    "lines": LinesSpec,
    "stories": StoriesSpec,
}


def spec_from(family: str, name: str, values: Any, typed: set[str], base: Base | None) -> RunSpec:
    """The spec of a run.

    Args:
        family: of ours, or `hf`.
        name: of the model of transformers to start from; empty: that of `base`, or none.
        values: of the flags.
        typed: names of the flags that were typed.
        base: what was given with --spec, --resume, --config or --start.
    """
    from lilliput.lab.sealing import sealed_task, steps_of, with_teacher

    fit_text(values, typed, base)
    kept = kept_digests(base and base.task, typed)
    told: TaskSpec = spec_of(TASKS[base.kind if base else values.task], values, **kept)
    if base is None or base.task is None:
        told = taught(told, values.teacher, typed)
    make_ready(told, typed, base, values.json)
    made = sealed_task(told)
    fit_stages(values, typed, base)
    kept = kept_digests(base and base.training, typed)
    training: TrainingSpec = spec_of(TrainingSpec, values, **kept)
    model: ModelSpec | HFSpec
    if family == "hf":
        model = _started(name, values, base)
        if base is None and "learning_rate" not in typed:
            usual = transfer(model.parameters).learning_rate
            training = replace(training, learning_rate=usual)
    else:
        model = _shape(family, made, training, values, typed, base)
    spec = RunSpec(task=made, model=model, training=training, seed=values.seed, start=values.start)
    if base and base.start_digest and base.start == values.start:
        spec = replace(spec, start_digest=base.start_digest, start_marks=base.start_marks)
    else:
        spec = with_start(spec)
    spec = with_teacher(spec)
    if not values.epochs:
        return spec
    if "steps" in typed:
        raise SpecError("--epochs and --steps both say how long to train: leave one out")
    steps = steps_of(spec, values.epochs)
    return replace(spec, training=replace(spec.training, steps=steps))


_FILES = {
    "source_digest": {"source"},
    "file_digest": {"file"},
    "text_digest": {"text", "valid", "unseen"},
    "teacher_digest": {"teacher"},
}
"""Digests, and the flags that name what they are of."""


def kept_digests(base: TaskSpec | TrainingSpec | None, typed: set[str]) -> dict[str, Any]:
    """What the files of a spec that was given held then, but of those that are typed anew."""
    return {
        name: getattr(base, name)
        for name, files in _FILES.items()
        if hasattr(base, name) and not files & typed
    }


def fit_stages(values: Any, typed: set[str], base: Base | None) -> None:
    """Of the stages that a start brings only the last is left, in which its training ended, where
    the steps have no room for those before it; says so."""
    stages = values.stages
    room = sum(stage.steps for stage in stages[:-1]) < values.steps
    if base is None or not base.start or "stages" in typed or room:
        return
    values.stages = stages[-1:]
    print(
        f"lilliput: the {len(stages)} stages of {base.start} do not fit into {values.steps:,}"
        " steps: its last one holds for all; --stage says another",
        file=sys.stderr,
    )


def fit_text(values: Any, typed: set[str], base: Base | None) -> None:
    """A text that is typed takes the place of all that a start has learned from, its validation and
    unseen parts too."""
    if base and base.start and isinstance(base.task, StoriesSpec) and "text" in typed:
        for part in {"valid", "unseen"} - typed:
            setattr(values, part, ())


def make_ready(task: TaskSpec, typed: set[str], base: Base | None, quiet: bool) -> None:
    """Makes the corpus of a text ready; of other tasks there is nothing to make.

    Raises:
        NotFoundError: a file of it is not here; of a start's own text that is said.
    """
    try:
        prepare(task, quiet)
    except NotFoundError:
        if not (base and base.start and isinstance(task, StoriesSpec)):
            raise
        parts = {"text": task.text, "valid": task.valid, "unseen": task.unseen}
        names = [name for part, named in parts.items() if part not in typed for name in named]
        gone = [name for name in names if not (name.startswith("hf:") or Path(name).exists())]
        if not gone:
            raise
        raise NotFoundError(
            f"{base.start} learned from {', '.join(names)}, and {gone[0]} is not here: give a text"
            " with --text FILES, and with --valid and --unseen where those parts are files of"
            " their own"
        ) from None


def _started(name: str, values: Any, base: Base | None) -> HFSpec:
    """The model of transformers that training starts from; of a spec that was given it is the one
    that was meant there, whatever lies under its name now."""
    from lilliput.lab.sealing import sealed_model

    if values.params:
        raise SpecError(
            "--params solves for the shape of a family, and a model of transformers has its own:"
            " leave it out, or drop blocks of it with --every"
        )
    kept = base.model if base and isinstance(base.model, HFSpec) else None
    if kept is None:
        try:
            return sealed_model(spec_of(HFSpec, values, name=name))
        except NotFoundError as error:
            raise NotFoundError(f"{error}{_runs_from(name)}") from None
    if name not in ("", kept.name):
        raise SpecError(f"the spec starts from hf:{kept.name}, not from hf:{name}; leave one out")
    parameters = kept.parameters if values.every == kept.every else 0
    return sealed_model(
        spec_of(HFSpec, values, name=kept.name, digest=kept.digest, parameters=parameters)
    )


def _runs_from(name: str) -> str:
    """`; runs/A began with it and has kept it`, to end a message on a model that is gone."""
    from lilliput.lab.bases import runs_that_kept

    runs = runs_that_kept(name)
    if not runs:
        return ""
    more = f" (so have {', '.join(map(str, runs[1:3]))})" if runs[1:] else ""
    return (
        f"; {runs[0]} began with it and has kept it{more}: go on there, or see its grade, with"
        f" `lilliput train --resume {runs[0]}`"
    )


def _shape(
    family: str,
    task: TaskSpec,
    training: TrainingSpec,
    values: Any,
    typed: set[str],
    base: Base | None,
) -> ModelSpec:
    from lilliput.lab.job import line_length_of, shape_of

    cls = FAMILIES[family]
    if values.params:
        fixed = {f.name: getattr(values, f.name) for f in fields(cls) if f.name in typed}
        return shape_of(task, training, family, parse_count(values.params), fixed)
    model = spec_of(cls, values)
    # A spec that was given has its own, unless another format is asked for.
    if "line_length" not in typed and ("format" in typed or base is None):
        lines = line_length_of(task, family)
        if lines and isinstance(model, GPTSpec):
            return replace(model, line_length=lines["line_length"])
    return model
