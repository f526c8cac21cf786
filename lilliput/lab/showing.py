"""What models there are to show: the zoo, and the runs and searches of this folder, with scores.

Reads cards, exams and ledgers; loads no network, so that it takes neither torch nor numpy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lilliput.errors import LilliputError
from lilliput.files import read_json, read_lines
from lilliput.lab.verbs import RUNS, SEARCHES
from lilliput.models.modelfile import read_card
from lilliput.specs import ArithmeticSpec, LinesSpec, RunSpec, StoriesSpec, TaskSpec, from_dict
from lilliput.specs.codec import digest
from lilliput.units import score_words
from lilliput.zoo import Entry, entries, path_of, shape_words

On = Literal["unseen", "validation", "typical", "all", ""]
"""What a score was found on: unseen, or else validation; typical, the median of fresh seeds; all
problems, none of them unseen."""
_SIGNS = {"-": "−", "*": "×", "/": "÷"}


@dataclass(frozen=True)
class Score:
    """Right answers as a fraction, or minus bits per character; its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return score_words(self.value, self.low, self.high)


@dataclass(frozen=True)
class Shown:
    """One point of the frontier; those of one group were asked the same questions."""

    name: str
    """As `load` takes it."""
    path: Path | None
    """Its model file; None: it was not kept, and only its score is known."""
    task: TaskSpec
    family: str
    shape: str
    parameters: int
    format: str
    numbers: str = "float32"
    bytes: int = 0
    on: On = ""
    score: Score | None = None
    validation: Score | None = None
    marks: dict[str, str] = field(default_factory=dict)
    """What must be said wherever it is shown, such as leaked: yes."""
    frontier: bool = False
    """No model of its family and group is as small and as good."""

    @property
    def group(self) -> str:
        """A name for the questions that it was asked."""
        task = self.task
        if isinstance(task, LinesSpec):
            return f"{task.file_digest}-{task.fold}"
        if isinstance(task, StoriesSpec):
            return f"{task.text_digest}-{task.fold}"
        return digest(_questions(task))

    @property
    def words(self) -> str:
        """What it does: `+ − × ÷ of 0–89`."""
        task = self.task
        if isinstance(task, LinesSpec):
            return f"questions of {Path(task.file).name}"
        if isinstance(task, StoriesSpec):
            names = ", ".join(Path(name).name for name in task.text) or "the excerpt"
            return f"stories of {names}"
        signs = " ".join(_SIGNS.get(sign, sign) for sign in task.operations)
        other = "" if task.rounding == "float" else f", rounded {task.rounding}"
        return f"{signs} of {task.operands.replace('-', '–')}{other}"


def _questions(task: ArithmeticSpec) -> ArithmeticSpec:
    """The task without what changes neither its questions nor their answers and sections."""
    asked = ("operations", "operands", "held_out", "decimals", "rounding", "fold")
    return ArithmeticSpec(**{name: getattr(task, name) for name in asked})


def shown() -> tuple[list[Shown], list[str]]:
    """All models there are to show, by group and size; and what could not be read, and why."""
    found: list[Shown] = []
    trouble: list[str] = []
    for source in (*_of_zoo(), *_of_runs(), *_of_searches()):
        if isinstance(source, Shown):
            found.append(source)
        else:
            trouble.append(source)
    found.sort(key=lambda one: (one.task.kind, one.words, one.group, one.parameters))
    return [replace(one, frontier=_leads(one, found)) for one in found], trouble


def _leads(one: Shown, found: Sequence[Shown]) -> bool:
    if one.score is None or one.on == "typical":
        return False
    best = one.score.value
    return not any(
        other.score is not None
        and other.on != "typical"
        and (other.group, other.family) == (one.group, one.family)
        and other.parameters <= one.parameters
        and (-other.score.value, other.parameters) < (-best, one.parameters)
        for other in found
    )


def _of_zoo() -> Iterator[Shown | str]:
    for entry in entries():
        try:
            yield _of_entry(entry)
        except LilliputError as error:
            yield str(error)


def _of_entry(entry: Entry) -> Shown:
    one = _of_file(f"zoo:{entry.name}", path_of(entry.name))
    everything = entry.unseen_interval[0] == entry.unseen_interval[1]
    valid, unseen = (
        Score(right / total, *ends)
        for (right, total), ends in (
            (entry.valid, entry.valid_interval),
            (entry.unseen, entry.unseen_interval),
        )
    )
    on: On = "all" if everything else "unseen"
    return replace(one, on=on, score=unseen, validation=None if everything else valid)


def _of_file(name: str, path: Path) -> Shown:
    card = read_card(path)
    return Shown(
        name,
        path,
        card.spec.task,
        card.spec.model.kind,
        shape_words(card.spec.model),
        card.parameters,
        card.format["kind"],
        card.numbers,
        path.stat().st_size,
        marks=card.marks,
    )


def _of_runs() -> Iterator[Shown | str]:
    """Finished runs, with the scores of their exam, or of their last validation."""
    for path in sorted(RUNS.glob("*/model.safetensors")):
        try:
            one = _of_file(str(path.parent), path)
            validation = _last_validation(path.with_name("metrics.jsonl"))
            yield _scored(one, validation, _unseen(path.with_name("exam.json")))
        except (LilliputError, OSError) as error:
            yield str(error)


def _scored(one: Shown, validation: Score | None, unseen: Score | None) -> Shown:
    everything = validation is not None and validation.low == validation.high
    if everything:
        return replace(one, on="all", score=validation)
    score = unseen or validation
    on: On = "unseen" if unseen else "validation" if validation else ""
    return replace(one, on=on, score=score, validation=validation)


def _last_validation(metrics: Path) -> Score | None:
    *_, last = None, *read_lines(metrics)
    if last is None:
        return None
    return Score(last["right"] / last["total"], last["low"], last["high"])


def _unseen(exam: Path) -> Score | None:
    if not exam.exists():
        return None
    try:
        grade = read_json(exam)["grade"]
        section = grade["sections"].get("unseen")
        if section is None:
            return None
        if "bits" in section:
            bits = section["bits"]
            low, high = section.get("low"), section.get("high")
            # One document has no interval.
            ends = (-bits, -bits) if low is None or high is None else (-high, -low)
            return Score(-bits, *ends)
        overall = section["overall"]
        return Score(overall["right"] / overall["total"], overall["low"], overall["high"])
    except (KeyError, TypeError, AttributeError):
        return None


def _of_searches() -> Iterator[Shown | str]:
    """Every size of the searches here: its confirmed run, else its best validation; and what is
    typical of it."""
    for ledger in sorted(SEARCHES.glob("*/ledger.sqlite")):
        from lilliput.search.find import read_result

        try:
            result = read_result(ledger.parent)
        except LilliputError as error:
            yield str(error)
            continue
        for family in result.families:
            for size in family.sizes:
                yield from _of_size(ledger.parent, size)


def _of_size(folder: Path, size: Any) -> Iterator[Shown]:
    spec = from_dict(RunSpec, size.trial.spec)
    path = folder / "models" / f"trial-{size.trial.number}" / "model.safetensors"
    name = f"{folder}/models/trial-{size.trial.number}"
    task = spec.task
    one = Shown(
        name,
        path if path.exists() else None,
        task,
        spec.model.kind,
        shape_words(spec.model),
        size.parameters,
        task.format if isinstance(task, ArithmeticSpec) else task.kind,
        bytes=path.stat().st_size if path.exists() else 0,
        marks={"leaked": "yes"} if getattr(task, "leaked", False) else {},
    )
    asked = size.unseen if size.confirmed else None
    validation, unseen = (
        Score(e.right / e.total, e.low, e.high) if e else None for e in (size.validation, asked)
    )
    yield _scored(one, validation, unseen)
    if size.typical is not None:
        spread = Score(size.typical, min(size.typical_scores), max(size.typical_scores))
        yield replace(one, path=None, on="typical", score=spread)


def as_dict(one: Shown) -> dict[str, Any]:
    """JSON-ready, scores as numbers and in words."""
    data = {name: value for name, value in asdict(one).items() if name not in ("path", "task")}
    data |= {"kind": one.task.kind, "group": one.group, "words": one.words}
    data["score_words"] = str(one.score) if one.score else ""
    data["validation_words"] = str(one.validation) if one.validation else ""
    return data


def first(found: Sequence[Shown]) -> dict[str, str]:
    """The model of each kind of task that a visitor meets first: the best of its zoo's."""
    chosen: dict[str, Shown] = {}
    for one in found:
        if one.path is None:
            continue
        before = chosen.get(one.task.kind)
        if before is None or _rank(one) > _rank(before):
            chosen[one.task.kind] = one
    return {kind: one.name for kind, one in chosen.items()}


def _rank(one: Shown) -> tuple[bool, int, float]:
    """The zoo's before others; wider questions before narrower ones; then by score."""
    return one.name.startswith("zoo:"), _width(one.task), one.score.value if one.score else -9.0


def _width(task: TaskSpec) -> int:
    """Problems, or about as many."""
    if not isinstance(task, ArithmeticSpec):
        return 0
    low, high = task.operand_range
    return len(task.operations) * (high + 1 - low) ** 2
