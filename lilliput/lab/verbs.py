"""The verbs: train, grade, find, sample, data, verify. They join the rooms; faces only call them.

Nothing heavy is imported before it is needed: `lilliput --help` costs no torch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, SpecError
from lilliput.exam.sampling import Sampling
from lilliput.lab.answering import Model
from lilliput.lab.load import keep_exam, load_answerer
from lilliput.specs import (
    ArithmeticSpec,
    LinesSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
    to_dict,
)
from lilliput.specs.search import SearchSpec
from lilliput.tasks.splits import Problem, Section

if TYPE_CHECKING:
    from lilliput.exam.grade import Grade
    from lilliput.search.result import Snapshot
    from lilliput.training.run import Moment

SECTIONS: tuple[Section, ...] = ("seen", "valid", "unseen", "beyond")
RUNS = Path("runs")
SEARCHES = Path("searches")


def sealed(task: TaskSpec) -> TaskSpec:
    """The spec with the digest of the file that it reads, so that its name is that content's."""
    from lilliput.tasks.lines import read_text, text_digest

    if isinstance(task, LinesSpec) and not task.file_digest:
        return replace(task, file_digest=text_digest(read_text(task.file)))
    if isinstance(task, StoriesSpec) and not task.text_digest:
        from lilliput.tasks.corpus import text_digest as digest_of_text

        return replace(task, text_digest=digest_of_text(task))
    if isinstance(task, ArithmeticSpec) and task.source and not task.source_digest:
        return replace(task, source_digest=text_digest(read_text(task.source)))
    return task


def run_folder(spec: RunSpec, name: str = "") -> Path:
    """Where a run lives: `runs/gpt-14928-0a1b2c3d`, or under a name of its own."""
    from lilliput.lab.job import count

    return RUNS / (name or f"{spec.model.kind}-{count(spec)}-{spec.digest[:8]}")


def train(spec: RunSpec, folder: Path, device: str = "cpu") -> "Iterator[Moment]":
    """Trains a spec in a folder, or goes on there. The same spec is not trained twice."""
    import torch

    from lilliput.tasks.task import task_of
    from lilliput.training.device import choose_device
    from lilliput.training.run import run

    # Threads cost tiny models more than they bring; many runs share the cores instead.
    torch.set_num_threads(1)
    yield from run(spec, task_of(spec.task), folder, choose_device(device))


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


def grade(name: str, sections: Sequence[Section] = SECTIONS, keep: bool = True) -> Graded:
    """Asks a model whole sections of its task's exam.

    Args:
        keep: write exam.json beside the model file, where that is a run's or a search's.
    """
    import time

    from lilliput.exam.grade import grade as grade_task
    from lilliput.exam.heatmap import heat_maps

    model = load_answerer(name)
    started = time.perf_counter()
    graded, answers = grade_task(model.task, model.answerer, sections)
    maps = heat_maps(answers) if isinstance(model.card.spec.task, ArithmeticSpec) else []
    result = Graded(model, graded, tuple(maps), time.perf_counter() - started)
    return replace(result, unkept=keep_exam(model.path, result.to_dict())) if keep else result


def find(
    search: SearchSpec,
    task: TaskSpec,
    training: TrainingSpec,
    folder: Path,
    shape: Mapping[str, Any] | None = None,
) -> "Iterator[Snapshot]":
    """Searches in a folder, or goes on there; the last snapshot has the result. Afterwards every
    confirmed size lies in `folder/models` with its exam."""
    from lilliput.lab.job import job_of
    from lilliput.search.find import find as find_smallest

    snapshot = None
    for snapshot in find_smallest(search, job_of(sealed(task), training, shape), folder):
        yield snapshot
    assert snapshot is not None
    assert snapshot.result is not None
    for family in snapshot.result.families:
        for size in family.sizes:
            if size.confirmed:
                keep_trial(folder, size.trial.number, size.trial.spec)


def keep_trial(folder: Path, number: int, spec: RunSpec) -> Path:
    """Writes the model of a search's trial to `folder/models/NAME/`, graded; done once."""
    from lilliput.models import modelfile
    from lilliput.search.ledger import Ledger
    from lilliput.tasks.task import task_of
    from lilliput.training.loop import Training
    from lilliput.training.run import card_of

    home = folder / "models" / f"trial-{number}"
    path = home / "model.safetensors"
    if not path.exists():
        training = Training(spec, task_of(spec.task))
        with Ledger(folder, write=False) as ledger:
            state = ledger.state(number)
        assert state is not None, f"trial {number} was never trained"
        training.restore(state)
        modelfile.save(path, training.finish(), card_of(training))
    if not (home / "exam.json").exists():
        unkept = _grade_any(path, spec)
        if unkept:
            raise FileError(unkept)
    return path


def _grade_any(path: Path, spec: RunSpec) -> str:
    """Grades a model file; why its exam could not be kept, or nothing."""
    if not isinstance(spec.task, StoriesSpec):
        return grade(str(path)).unkept
    from lilliput.lab.stories import grade_text

    return grade_text(str(path)).unkept


def sample(
    name: str,
    *,
    lines: int = 10,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
) -> Iterator[str]:
    """Lines that a model writes when it runs on freely, one at a time.

    A model that was trained on answers alone has not learned to ask: its questions are drawn from
    the task and it goes on from there.
    """
    import random

    from lilliput.exam.decode import sample as sample_text
    from lilliput.tasks.arithmetic import Arithmetic

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    if lines < 0:
        raise SpecError(f"lines must be 0 or more; got {lines}")
    model = load_answerer(name)
    generator = random.Random(seed)
    asks_itself = bool(model.start)
    for number in range(lines):
        prompt = model.start
        if not asks_itself:
            if isinstance(model.task, Arithmetic):
                problem = next(model.task.draw(generator))
            else:
                problem = generator.choice(model.task.section("seen"))
            prompt = model.task.format.prompt(problem.question)
        pieces = sample_text(
            model.network,
            model.vocabulary,
            prompt,
            limit=model.card.context,
            sampling=sampling,
            seed=generator.randrange(2**31) + number,
        )
        yield readable(model, prompt.removeprefix(model.start) + "".join(pieces))


def readable(model: Model, text: str) -> str:
    """What a model wrote, as a line `12 + 24 = 36.00` where its format can be read back."""
    body = text.rstrip(model.card.end)
    question, equals, answer = body.partition("=")
    if not equals or model.task.format.kind in ("plain", "lines"):
        return body
    operation = next((symbol for symbol in "+-*/" if symbol in question), "")
    left, _, right = question.partition(operation) if operation else ("", "", "")
    if not (left.isdigit() and right.isdigit()):
        return body
    read = model.task.format.read(operation, answer)
    return f"{int(left)} {operation} {int(right)} = {answer if read is None else read}"


def data(task: ArithmeticSpec, lines: int = 0, seed: int = 0, section: str = "") -> Iterator[str]:
    """Lines of TinyMath's form, for other tools.

    Args:
        lines: how many, drawn with replacement; 0: every problem once, in a random order.
        section: only problems of this section; empty: all but the held-out range.
    """
    import random

    from lilliput.tasks.arithmetic import ENUMERABLE, Arithmetic

    arithmetic = Arithmetic(task)
    generator = random.Random(seed)
    if section and section not in SECTIONS:
        raise SpecError(f"no section {section!r}; choose one of {', '.join(SECTIONS)}")
    if lines < 0:
        raise SpecError(f"lines must be 0 or more; got {lines}")
    chosen: Section | None = section or None
    problems: Iterable[Problem]
    if lines:
        if chosen and not arithmetic.section(chosen):
            raise SpecError(f"this task has no problem in {section!r}")
        problems = islice(arithmetic.draw(generator, chosen), lines)
    elif arithmetic.num_problems > ENUMERABLE:
        raise SpecError(
            f"{arithmetic.num_problems:,} problems are too many to write; say how many: --lines"
        )
    else:
        names: list[Section] = ["seen"] if arithmetic.exhaustive else ["seen", "valid", "unseen"]
        listed = [p for name in ([chosen] if chosen else names) for p in arithmetic.section(name)]
        if not listed:
            raise SpecError(f"this task has no problem in {section!r}")
        generator.shuffle(listed)
        problems = listed
    for problem in problems:
        yield f"{problem.question} = {problem.answer}"
