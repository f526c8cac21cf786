"""A run folder: one training of one spec on disk, that goes on wherever it was killed.

    spec.json            the spec; its digest names the run
    metrics.jsonl        one Record a line, appended
    resume.safetensors   weights, optimizer state and all else that the rest depends on
    start.safetensors    the model of others that training started from, where it did
    answers.json         what its teacher answers, where that is learned
    model.safetensors    the model, when training is over
    lock.sqlite          held by the process that trains it
    exam.json            its grade, and looks.jsonl every look at unseen (lab/load.py writes both)

Every file is written whole or not at all. Knows no search and no face.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from lilliput.errors import FileError, UserError
from lilliput.files import append_line, write_atomically, write_json
from lilliput.lock import take
from lilliput.models import modelfile
from lilliput.models.card import Card
from lilliput.specs import HFSpec, RunSpec, to_dict
from lilliput.tasks.task import Task
from lilliput.tasks.vocabulary import Vocabulary
from lilliput.training.answers import keep_answers
from lilliput.training.begin import begin
from lilliput.training.kept import read_spec
from lilliput.training.loop import Training
from lilliput.training.record import Record

_SAVE_EVERY = 20.0
"""Seconds of training that a kill may cost at most."""
_MOMENT_EVERY = 10
"""Steps between two moments."""


class Moment(NamedTuple):
    """Where a training stands."""

    step: int
    loss: float
    """Mean nats a learned character since the last validation."""
    characters_per_second: float
    record: Record | None
    """A validation, where there was one just now."""


def card_of(training: Training, model: nn.Module) -> Card:
    """What the model file says of the model that a training made."""
    task = training.task
    ours = isinstance(training.vocabulary, Vocabulary)
    return Card(
        spec=training.spec,
        characters=task.vocabulary.characters if ours else "",
        merges=[list(pair) for pair in task.vocabulary.merges] if ours else [],
        end=task.vocabulary.end,
        context=training.context,
        format=task.format.to_dict(),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        marks=training.spec.marks,
        outside=training.outside,
    )


_CHOOSE = " with --name (of find: --folder)"


def holds(folder: Path, spec: RunSpec) -> bool:
    """Whether a run's folder is there already, finished or not.

    Raises:
        UserError: another run's is.
        FileError: its spec is damaged.
    """
    if not (folder / "spec.json").exists():
        return False
    there = read_spec(folder)
    if there.digest == spec.digest:
        return True
    if isinstance(there.model, HFSpec) and there == _with_digest_of(spec, there.model):
        raise UserError(
            f"{there.model.name} holds other weights (or another config or tokenizer) than when the"
            f" run in {folder} began: go on from those, which it kept, with `lilliput train"
            f" --resume {folder}`, or train from the new ones in another folder{_CHOOSE}"
        )
    raise UserError(f"{folder} holds another run; choose another folder{_CHOOSE}")


def _with_digest_of(spec: RunSpec, model: HFSpec) -> RunSpec:
    """The spec as if its model of transformers had the content of another."""
    if not isinstance(spec.model, HFSpec):
        return spec
    same = replace(spec.model, digest=model.digest, parameters=model.parameters)
    return replace(spec, model=same)


def is_over(folder: Path, spec: RunSpec) -> bool:
    """Whether a run's folder holds its finished model; errors as of `holds`."""
    return holds(folder, spec) and (folder / "model.safetensors").exists()


def run(
    spec: RunSpec,
    task: Task,
    folder: Path,
    device: torch.device,
    teacher: Path | None = None,
    may_go_on: Callable[[int], bool] = lambda step: True,
    began: Callable[[], None] = lambda: None,
) -> Iterator[Moment]:
    """Trains in `folder`, or goes on there; a run that is over is not trained again. Nobody else
    trains it meanwhile.

    Ctrl-C is taken at the next step: the state is saved, then KeyboardInterrupt is raised.

    Args:
        teacher: the model file of the spec's teacher, where it has one.
        may_go_on: asked before each step, with the number of those that were done; where it says
            no, the state is saved and the run is left as it is.
        began: called once, when nothing is left that could refuse the run.

    Raises:
        UserError: the folder holds another run, or another process is at it.
        FileError: it holds a damaged one, or cannot be written.
    """
    if is_over(folder, spec):
        return
    # What cannot begin leaves no folder behind.
    begun = begin(spec, task, folder / "start.safetensors")
    answers = folder / "answers.json"
    training = Training(spec, task, device, begun, teacher, answers)
    busy = UserError(
        f"another process is training the run in {folder}; wait for it or stop it, or choose"
        f" another folder{_CHOOSE}"
    )
    with closing(take(folder, busy)):
        # Between the look and the lock it may have been begun or finished.
        if is_over(folder, spec):
            return
        if not holds(folder, spec):
            write_json(folder / "spec.json", to_dict(spec))
        began()
        if teacher is not None and spec.training.teacher_answers:
            keep_answers(spec, teacher, answers)
        if begun.outside and not (folder / "start.safetensors").exists():
            # So that the run goes on where what it was copied from is no longer there.
            _keep(folder / "start.safetensors", training, training.finish())
        yield from _train(training, folder, may_go_on)


def _train(training: Training, folder: Path, may_go_on: Callable[[int], bool]) -> Iterator[Moment]:
    """Trains from what the folder has kept to the end, or as long as it may."""
    resume = folder / "resume.safetensors"
    if resume.exists():
        try:
            training.restore(resume.read_bytes())
        except FileError as error:
            raise FileError(f"{resume}: {error}; delete it to train from the beginning") from None
    saved = time.monotonic()
    with _interruptions() as interrupted:
        while not training.done:
            if not may_go_on(training.step):
                write_atomically(resume, training.state())
                return
            training.one_step()
            record = None
            if training.at_record:
                record = training.record()
                append_line(folder / "metrics.jsonl", asdict(record))
            late = time.monotonic() - saved > _SAVE_EVERY
            stopped = interrupted.is_set()
            if record or late or stopped:
                write_atomically(resume, training.state())
                saved = time.monotonic()
            if record or stopped or training.step % _MOMENT_EVERY == 0:
                speed = training.characters / max(training.seconds, 1e-9)
                loss = record.loss if record else training.mean_loss
                yield Moment(training.step, loss, speed, record)
            if stopped:
                raise KeyboardInterrupt
    _keep(folder / "model.safetensors", training, training.finish())


def _keep(path: Path, training: Training, model: nn.Module) -> None:
    modelfile.save(path, model, card_of(training, model))


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Ctrl-C sets an event instead of breaking a step in two; only in the main thread."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
