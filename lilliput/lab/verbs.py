"""The verbs train and find, and the exam of models that answer questions; other verbs have files of
their own. They join the rooms; faces only call them.

Nothing heavy is imported before it is needed: `lilliput --help` costs no torch.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, SpecError
from lilliput.files import write_atomically
from lilliput.lab.answering import Model
from lilliput.lab.bases import with_start
from lilliput.lab.load import keep_exam, load_answerer, record_look
from lilliput.lab.sealing import (
    kept_answers,
    sealed_model,
    sealed_task,
    teacher_path,
    with_teacher,
)
from lilliput.lab.slow_exam import slowly
from lilliput.lab.starting import FAMILY, HOME, Descent, is_trained, starting
from lilliput.specs import (
    ArithmeticSpec,
    HFSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
    to_dict,
)
from lilliput.specs.search import SearchSpec
from lilliput.tasks.splits import Section

if TYPE_CHECKING:
    from lilliput.exam.grade import Answer, Grade
    from lilliput.search.result import Snapshot
    from lilliput.search.trial import Trial
    from lilliput.tasks.corpus import Corpus
    from lilliput.tasks.documents import Progress
    from lilliput.training.run import Moment

SECTIONS: tuple[Section, ...] = ("seen", "valid", "unseen", "beyond")
RUNS = Path("runs")
SEARCHES = Path("searches")


def sealed_run(spec: RunSpec) -> RunSpec:
    """The spec with the digests of all that it names, so that its own is that content's.

    Raises:
        SpecError, NotFoundError, FileError: as of `train`.
    """
    if isinstance(spec.task, StoriesSpec) and not spec.task.text_digest:
        prepare(spec.task, lambda what, share: None)
    model = sealed_model(spec.model) if isinstance(spec.model, HFSpec) else spec.model
    return with_teacher(with_start(replace(spec, task=sealed_task(spec.task), model=model)))


def prepare(task: StoriesSpec, progress: "Progress") -> "Corpus":
    """Makes the corpus of a text ready, which may take minutes, and says how far it is.

    Raises:
        NotFoundError, FileError, SpecError: the text cannot be had; see tasks.corpus.
    """
    from lilliput.tasks.corpus import fetch, open_corpus

    fetch(task, progress)
    return open_corpus(task, progress)


def run_folder(spec: RunSpec, name: str = "") -> Path:
    """Where a run lives: `runs/gpt-14928-0a1b2c3d`, or under a name of its own."""
    from lilliput.lab.job import count

    return RUNS / (name or f"{spec.model.kind}-{count(spec)}-{spec.digest[:8]}")


def train(
    spec: RunSpec, folder: Path, device: str = "cpu", began: Callable[[], None] = lambda: None
) -> "Iterator[Moment]":
    """Trains a spec in a folder, or goes on there, step by step as the iterator is consumed; at its
    end the folder holds the model. The same spec is not trained twice.

    >>> import lilliput
    >>> spec = lilliput.RunSpec(
    ...     task=lilliput.ArithmeticSpec(operations="+"),
    ...     model=lilliput.GPTSpec(layers=1, width=8, heads=1),
    ...     training=lilliput.TrainingSpec(steps=20, batch=32, evaluate_every=20),
    ... )
    >>> for moment in lilliput.train(spec, Path("runs/mine")):
    ...     if moment.record:
    ...         print(moment.step, moment.record.total)
    20 808
    >>> lilliput.load("runs/mine")
    <Model runs/mine: gpt, 888 parameters>

    Args:
        folder: that of a new run, or of one that was stopped.
        device: `cpu`, `cuda` or `mps`.
        began: called once, when nothing is left that could refuse the run; see training.run.

    Raises:
        SpecError, NotFoundError, FileError: its text, its teacher or the model that it starts from
            cannot be had or does not fit, or the folder holds another run.
    """
    import torch

    from lilliput.tasks.task import task_of
    from lilliput.training.device import choose_device
    from lilliput.training.run import run

    # Threads cost tiny models more than they bring; many runs share the cores instead.
    torch.set_num_threads(1)
    spec = sealed_run(spec)
    teacher = teacher_path(spec.training)
    where = choose_device(device)
    yield from run(spec, task_of(spec.task), folder, where, teacher, began=began)


@dataclass(frozen=True)
class Graded:
    """An exam of a model."""

    model: Model
    grade: "Grade"
    maps: tuple[Any, ...]
    """exam.heatmap.HeatMap of each operation."""
    seconds: float
    unkept: str = ""
    """Why exam.json could not be written; empty: it was, or was not asked for."""
    num_looks: int = 0
    """How often this model was asked unseen, this time included; 0: not now, or not recorded."""
    answers: "Sequence[Answer]" = ()
    """All that it said, section by section."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": 1,
            "model": self.model.name,
            "digest": self.model.card.spec.digest,
            "parameters": self.model.card.parameters,
            "marks": self.model.card.marks,
            "spec": to_dict(self.model.card.spec),
            "grade": self.grade.to_dict(),
            "maps": [asdict(map_) for map_ in self.maps],
            "seconds": round(self.seconds, 2),
        }


def grade_problems(
    name: str,
    sections: Sequence[Section] = SECTIONS,
    keep: bool = True,
    why: str = "grade",
    progress: "Progress" = lambda what, share: None,
) -> Graded:
    """Asks a model whole sections of its task's exam.

    Args:
        keep: write exam.json beside the model file, where that is a run's or a search's. A look at
            unseen is recorded there in any case.
        why: what the look is for, as its record says.
        progress: of an exam that takes long: is told what is asked, and which share is over.
    """
    from lilliput.exam.grade import grade as grade_task
    from lilliput.exam.heatmap import heat_maps

    model = load_answerer(name)
    started = time.perf_counter()
    total = sum(len(model.task.exam(section)) for section in sections)
    answerer = model.telling(slowly(total, progress))
    graded, answers = grade_task(model.task, answerer, sections)
    maps = heat_maps(answers) if isinstance(model.card.spec.task, ArithmeticSpec) else []
    seconds = time.perf_counter() - started
    result = Graded(model, graded, tuple(maps), seconds, answers=answers)
    if keep:
        result = replace(result, unkept=keep_exam(model.path, result.to_dict()))
    unseen = graded.sections.get("unseen")
    if unseen is None or unseen.exhaustive:
        return result
    try:
        looks = record_look(model.path, why, right=unseen.overall.right, total=unseen.overall.total)
    except FileError as error:
        return replace(result, unkept=result.unkept or str(error))
    return replace(result, num_looks=looks)


def find(
    search: SearchSpec,
    task: TaskSpec,
    training: TrainingSpec,
    folder: Path,
    shape: Mapping[str, Any] | None = None,
    parent: RunSpec | None = None,
    descent: Descent | None = None,
    began: float | None = None,
) -> "Iterator[Snapshot]":
    """Searches in a folder, or goes on there; the last snapshot has the result. Afterwards every
    confirmed size lies in `folder/models` with its exam.

    >>> import lilliput
    >>> small = lilliput.SearchSpec(smallest=300, largest=300, steps=2, seeds=0, workers=1)
    >>> task = lilliput.ArithmeticSpec(operands="0-9", operations="+")
    >>> few = lilliput.TrainingSpec(steps=2, batch=8, evaluate_every=2)
    >>> for snapshot in lilliput.find(small, task, few, Path("searches/mine")):
    ...     pass
    >>> snapshot.result.steps, snapshot.result.winner
    (2, None)

    Args:
        parent: a run that starts from a trained gpt (lab.shrinking), which is then cut down to
            each size; None: every size is trained from nothing.
        descent: of a search that goes down from a model of transformers (lab.starting), whose
            baseline is trained; `training` is then the descent's.
        began: time.monotonic() when the budget began to be spent; None: now.

    Raises:
        SpecError: a field of `shape` that none of the families has, a teacher that does not fit, or
            the family hf without a model to start from.
    """
    from lilliput.lab.job import check_shape, job_of
    from lilliput.lab.shrinking import shrinking
    from lilliput.search.find import find as find_smallest

    began = time.monotonic() if began is None else began
    check_shape(shape or {}, search.families)
    if descent:
        job = starting(descent, search, folder, shape or {})
    elif FAMILY in search.families:
        raise SpecError("the family hf goes down from a model: write --start hf:NAME")
    else:
        task = sealed_task(task)
        taught = with_teacher(RunSpec(task=task, training=training))
        answers = kept_answers(taught, folder / "answers.json")
        if parent:
            parent = replace(parent, task=task, training=taught.training)
            job = shrinking(parent, answers, search.largest)
        else:
            job = job_of(task, taught.training, shape, answers)
    snapshot = None
    for snapshot in find_smallest(search, job, folder, began=began):
        yield snapshot
    assert snapshot is not None
    assert snapshot.result is not None
    for family in snapshot.result.families:
        for size in family.sizes:
            if size.confirmed:
                keep_trial(folder, size.trial)


def keep_trial(folder: Path, trial: "Trial") -> Path:
    """Writes the model of a search's trial to `folder/models/NAME/`, graded; done once.

    Raises:
        NotFoundError, FileError: it is the model that is cut down, which is gone or has changed.
    """
    from lilliput.models import modelfile
    from lilliput.search.ledger import Ledger
    from lilliput.tasks.task import task_of
    from lilliput.training.kept import read_spec
    from lilliput.training.loop import Training
    from lilliput.training.run import card_of
    from lilliput.training.start import start_of

    number, spec = trial.number, trial.spec
    home = folder / "models" / f"trial-{number}"
    path = home / "model.safetensors"
    baseline = folder / HOME
    if trial.given and not path.exists():
        write_atomically(path, start_of(spec).read_bytes())
    if not path.exists() and is_trained(folder) and read_spec(baseline) == spec:
        write_atomically(path, (baseline / "model.safetensors").read_bytes())
    if not path.exists():
        training = Training(spec, task_of(spec.task))
        with Ledger(folder, write=False) as ledger:
            state = ledger.state(number)
        assert state is not None, f"trial {number} was never trained"
        training.restore(state)
        model = training.finish()
        modelfile.save(path, model, card_of(training, model))
    if not (home / "exam.json").exists():
        from lilliput.lab.grading import grade

        graded = grade(str(path), why="find")
        assert not isinstance(graded, list), "a model file is no text of expressions"
        if graded.unkept:
            raise FileError(graded.unkept)
    return path
