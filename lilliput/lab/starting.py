"""A search that goes down from a model of transformers: from transfer to scratch.

The model as it is, trained on the task, is the baseline: a run in the search's folder. Below it
stand students that lack blocks of it, and families of ours; each size learns with the baseline as
its teacher, where that reaches the pass mark, and without.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.lab.job import NO_TEACHER, advance, ask_unseen, count, job_of, key_of, recipe
from lilliput.lab.sealing import kept_answers, sealed_model, with_teacher
from lilliput.search.job import Evidence, Job, Known, Progress
from lilliput.search.ladder import ladder
from lilliput.specs import HFSpec, RunSpec, TrainingSpec, digest
from lilliput.specs.recipes import search_of
from lilliput.specs.search import SearchSpec

if TYPE_CHECKING:
    from lilliput.training.run import Moment

HOME = "baseline"
"""The baseline's run, in the search's folder."""
FAMILY = "hf"
TEACHER = "the baseline"
"""Named as the teacher until the search's folder is known, and in what names the search."""


def as_asked(share: float, temperature: float) -> dict[str, Any]:
    """Fields of a training whose teacher is the baseline, before it is trained."""
    asked = {"teacher_share": share, "teacher_temperature": temperature}
    return {**NO_TEACHER, **asked, "teacher": TEACHER, "teacher_answers": True}


@dataclass(frozen=True)
class Descent:
    """What a search that goes down from a model of transformers is made of."""

    baseline: RunSpec
    """The model, and how it and its students are trained."""
    training: TrainingSpec
    """How our own families are; its teacher is TEACHER, and stands for the baseline."""

    @property
    def told(self) -> dict[str, str]:
        """What tells this search from others of the same task and training."""
        model = self.baseline.model
        assert isinstance(model, HFSpec)
        return {
            "start": f"hf:{model.name}",
            "start_digest": model.digest,
            "start_training_digest": digest(self.baseline.training),
        }


def model_of(name: str, folder: Path | None) -> HFSpec:
    """The model to start from; where it is no longer there, as the search in `folder` kept it.

    Raises:
        NotFoundError, FileError: it cannot be had or read; see baselines.hf_start.
    """
    try:
        return sealed_model(HFSpec(name=name))
    except (NotFoundError, FileError):
        kept = _kept_model(folder / HOME) if folder else None
        if kept is None or kept.name != name:
            raise
        return kept


def _kept_model(home: Path) -> HFSpec | None:
    from lilliput.training.kept import read_spec

    if not (home / "start.safetensors").is_file():
        return None
    model = read_spec(home).model
    return model if isinstance(model, HFSpec) else None


def search_below(kind: str, model: HFSpec) -> SearchSpec:
    """The search that a task's kind starts from, below a model's size."""
    usual = search_of(kind)
    largest = min(usual.largest, model.parameters)
    smallest = min(usual.smallest, largest)
    return replace(usual, families=(FAMILY, "gpt"), smallest=smallest, largest=largest)


def train_baseline(
    descent: Descent,
    search: SearchSpec,
    folder: Path,
    shape: Mapping[str, Any],
    began: float,
) -> Iterator["Moment"]:
    """Trains the baseline in the search's folder, or goes on there, as long as the budget lasts.

    Args:
        began: time.monotonic() when the budget began to be spent.

    Raises:
        LedgerError: another search is at the folder.
        UserError: a size of our families has no model, the folder holds another baseline, or the
            model cannot write the task; nothing is written then.
    """
    import torch

    from lilliput.search.lock import take_folder
    from lilliput.tasks.task import task_of
    from lilliput.training.begin import begin
    from lilliput.training.run import holds, run
    from lilliput.training.teacher import check_answers

    task, home = task_of(descent.baseline.task), folder / HOME
    untaught = replace(descent.training, **NO_TEACHER)
    ours = job_of(descent.baseline.task, untaught, shape)
    for family in set(search.families) - {FAMILY}:
        for size in (ladder(search)[-1], ladder(search)[0]):
            ours.propose_spec(family, size, {}, search.seed)
    check_answers(descent.baseline)
    if not holds(home, descent.baseline):
        begin(descent.baseline, task)

    def may_go_on(step: int) -> bool:
        if search.steps:
            return step < search.steps
        return time.monotonic() - began < search.seconds

    torch.set_num_threads(1)
    with closing(take_folder(folder)):
        yield from run(descent.baseline, task, home, torch.device("cpu"), may_go_on=may_go_on)


def is_trained(folder: Path) -> bool:
    return (folder / HOME / "model.safetensors").exists()


def evidence_of(descent: Descent, folder: Path) -> Evidence:
    """The validation of a baseline that is trained, by the weights that were kept."""
    from lilliput.training.kept import read_records

    records = read_records(folder / HOME)
    best = max(records, key=lambda record: record.right)
    kept = best if descent.baseline.training.patience else records[-1]
    return Evidence(kept.right, kept.total, kept.low, kept.high, kept.groups)


def starting(descent: Descent, search: SearchSpec, folder: Path, shape: Mapping[str, Any]) -> Job:
    """The job of finding the smallest model below a baseline that is trained; where that is below
    the pass mark, it teaches nothing."""
    home = folder / HOME
    baseline = descent.baseline
    students = _students(home)
    assert isinstance(baseline.model, HFSpec)
    training, theirs = descent.training, baseline.training
    asked = {name: getattr(training, name) for name in NO_TEACHER} | {"teacher": str(home)}
    untaught = replace(training, **NO_TEACHER)
    answers = None
    try:
        if evidence_of(descent, folder).may_teach(search.pass_mark):
            own = with_teacher(
                replace(baseline, model=RunSpec().model, training=replace(training, **asked))
            )
            answers = kept_answers(own, folder / "answers.json")
            training = own.training
            if students:
                first = replace(baseline, model=next(iter(students.values())))
                theirs = with_teacher(replace(first, training=replace(theirs, **asked))).training
        else:
            training = untaught
    except SpecError:
        # A baseline that answers nothing has nothing to teach, however low the mark is.
        answers, training = None, untaught
    made = job_of(baseline.task, training, shape, answers)
    ours = made.propose_spec
    starts = {baseline.model.digest: home / "start.safetensors"}
    return replace(
        made,
        advance=partial(advance, answers=answers),
        ask_unseen=partial(ask_unseen, starts=starts),
        propose_spec=partial(_propose, baseline, theirs, students, ours),
        key=key_of(baseline.task, descent.training, {**shape, **descent.told}),
        own_sizes={FAMILY: (*sorted(students), count(baseline))},
        known=partial(known, baseline, home),
    )


def _students(home: Path) -> dict[int, HFSpec]:
    """The baseline without some of its blocks, by parameters: every second one is kept, every
    fourth, ... down to one."""
    from lilliput.baselines.hf_start import start_of
    from lilliput.models.hf_parts import blocks_of

    found: dict[int, HFSpec] = {}
    try:
        number = len(blocks_of(start_of(HFSpec(name=str(home))).network.model)[1])
    except SpecError:  # no blocks that can be told apart
        return found
    every = 1
    while every < number:
        every = min(2 * every, number)
        student = sealed_model(HFSpec(name=str(home), every=every))
        found.setdefault(student.parameters, student)
    return found


def _propose(
    baseline: RunSpec,
    training: TrainingSpec,
    students: Mapping[int, HFSpec],
    ours: Any,
    family: str,
    num_parameters: int,
    inner: Mapping[str, Any],
    seed: int,
) -> RunSpec:
    """The run of a student of the baseline, or of a family of ours."""
    if family != FAMILY:
        made: RunSpec = ours(family, num_parameters, inner, seed)
        return made
    if num_parameters not in students:
        return replace(baseline, seed=seed)
    model = students[num_parameters]
    return replace(baseline, model=model, training=recipe(training, inner), seed=seed)


def known(baseline: RunSpec, home: Path) -> Known:
    """The baseline's finished run as the search's first trial."""
    from dataclasses import asdict

    from lilliput.tasks.task import task_of
    from lilliput.training.begin import begin
    from lilliput.training.kept import read_records
    from lilliput.training.loop import Training

    task, records = task_of(baseline.task), read_records(home)
    state = (home / "resume.safetensors").read_bytes()
    training = Training(baseline, task, begun=begin(baseline, task, home / "start.safetensors"))
    training.restore(state)
    training.finish()
    right, total, low, high, groups = training.validation()
    progress = Progress(
        state=state,
        step=training.step,
        done=True,
        validation=Evidence(right, total, low, high, groups),
        train_loss=records[-1].loss,
        seconds=training.seconds,
        metrics=tuple(asdict(record) for record in records),
    )
    return Known(FAMILY, baseline.seed, baseline, progress)
