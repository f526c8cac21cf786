"""What models there are to show: the zoo, and the runs and searches of this folder, with scores.

Reads cards, exams and ledgers; loads no network, so that it takes neither torch nor numpy.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lilliput.engine.limits import over_limit
from lilliput.errors import FileError, LilliputError
from lilliput.files import read_lines
from lilliput.lab.cut_words import tail_words
from lilliput.lab.exams import Score, read_exam
from lilliput.lab.same_exam import exam_key
from lilliput.lab.verbs import RUNS, SEARCHES
from lilliput.lab.words import task_words
from lilliput.models.card import Card
from lilliput.models.modelfile import read_card
from lilliput.specs import ArithmeticSpec, RunSpec, StoriesSpec, TaskSpec, from_dict
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import ModelSpec
from lilliput.units import ends
from lilliput.zoo import Entry, entries, path_of, shape_words

On = Literal["unseen", "validation", "typical", "all", ""]
"""What a score was found on: unseen, or else validation; typical, the median of fresh seeds; all
problems, none of them unseen."""
_ODD = (
    LilliputError, OSError, sqlite3.Error, LookupError, TypeError, ValueError, AttributeError,
    ArithmeticError,
)  # fmt: skip
"""What a file that is damaged in any way can raise."""


@dataclass(frozen=True)
class Shown:
    """One point of the frontier; those of one group were asked the same questions."""

    name: str
    """As `load` takes it."""
    path: Path | None
    """Its model file; None: it was not kept, or a browser cannot run it, and only its score is
    known."""
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
        return exam_key(self.task)

    @property
    def words(self) -> str:
        """What it does: `+ − × ÷ of 0–89`."""
        return task_words(self.task)


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
    leading = _frontier(found)
    made = [replace(one, frontier=place in leading) for place, one in enumerate(found)]
    return made, [visible(words) for words in trouble]


def visible(words: str) -> str:
    """A message as visitors may read it: without the folders of this machine before its paths."""
    for folder in (Path.cwd(), Path(__file__).parents[1]):
        words = words.replace(f"{folder}{os.sep}", "")
    return words


def _frontier(found: Sequence[Shown]) -> set[int]:
    """Places of those that nothing of their family and group is as small and as good as."""
    best: dict[tuple[str, str], tuple[float, int]] = {}
    leading = set()
    scored = [
        (one.parameters, -one.score.value, place)
        for place, one in enumerate(found)
        if one.score is not None and one.on != "typical"
    ]
    for parameters, lost, place in sorted(scored):
        rivals = (found[place].group, found[place].family)
        if rivals not in best or lost < best[rivals][0]:
            best[rivals] = (lost, parameters)
        if best[rivals] == (lost, parameters):
            leading.add(place)
    return leading


def _of_zoo() -> Iterator[Shown | str]:
    for entry in entries():
        try:
            yield _of_entry(entry)
        except LilliputError as error:
            yield str(error)


def _of_entry(entry: Entry) -> Shown:
    path = path_of(entry.name)
    one = _of_file(f"zoo:{entry.name}", path, read_card(path))
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


def _of_file(name: str, path: Path, card: Card) -> Shown:
    return Shown(
        name,
        path if _decoded(card.spec.model, card.numbers) else None,
        card.spec.task,
        card.spec.model.kind,
        shape_words(card.spec.model),
        card.parameters,
        card.format["kind"],
        card.numbers,
        path.stat().st_size,
        marks={**card.spec.marks, **card.marks},
    )


def _decoded(model: ModelSpec | HFSpec, numbers: str) -> bool:
    """Whether the page's engine, which has no models of transformers, can run it."""
    return not isinstance(model, HFSpec) and not over_limit(model, numbers)


def _of_runs() -> Iterator[Shown | str]:
    """Finished runs, with the scores of their exam, or of their last validation."""
    for path in sorted(RUNS.glob("*/model.safetensors")):
        try:
            yield from _of_run(path)
        except _ODD as error:
            yield _left_out(path.parent, error)


def _of_run(path: Path) -> Iterator[Shown | str]:
    card = read_card(path)
    one = _of_file(str(path.parent), path, card)
    metrics = path.with_name("metrics.jsonl")
    validation, odd = _last_validation(metrics)
    if odd:
        yield f"{metrics} has {odd} that cannot be read, left out here"
    unseen = None
    try:
        exam = read_exam(path, card.spec.digest)
        unseen = exam.parts["unseen"].score if exam and "unseen" in exam.parts else None
    except FileError as error:
        yield str(error)
    yield _scored(one, validation, unseen)


def _left_out(folder: Path, error: Exception) -> str:
    own = isinstance(error, LilliputError | OSError)
    reason = str(error) if own else f"{type(error).__name__}: {error}"
    return reason if str(folder) in reason else f"{folder} cannot be read, left out here: {reason}"


def _scored(one: Shown, validation: Score | None, unseen: Score | None) -> Shown:
    point = validation is not None and validation.low == validation.high
    if point and not isinstance(one.task, StoriesSpec):
        return replace(one, on="all", score=validation)
    score = unseen or validation
    on: On = "unseen" if unseen else "validation" if validation else ""
    return replace(one, on=on, score=score, validation=validation)


def _last_validation(metrics: Path) -> tuple[Score | None, str]:
    """The last validation that can be read, and in words how many lines are no record."""
    last, odd = None, 0
    for line in read_lines(metrics):
        try:
            last = Score(line["right"] / line["total"], **ends(line))
        except _ODD:
            odd += 1
    return last, f"{odd} line{'s' if odd > 1 else ''}" if odd else ""


def _of_searches() -> Iterator[Shown | str]:
    """Every size of the searches here: its confirmed run, else its best validation; and what is
    typical of it."""
    for ledger in sorted(SEARCHES.glob("*/ledger.sqlite")):
        try:
            # Whole or not at all.
            yield from list(_of_search(ledger.parent))
        except _ODD as error:
            yield _left_out(ledger.parent, error)


def _of_search(folder: Path) -> Iterator[Shown]:
    from lilliput.search.find import read_result

    for family in read_result(folder).families:
        for size in family.sizes:
            yield from _of_size(folder, size)


def _of_size(folder: Path, size: Any) -> Iterator[Shown]:
    spec = from_dict(RunSpec, size.trial.spec)
    path = folder / "models" / f"trial-{size.trial.number}" / "model.safetensors"
    task = spec.task
    one = Shown(
        f"{folder}/models/trial-{size.trial.number}",
        path if path.exists() and _decoded(spec.model, "float32") else None,
        task,
        spec.model.kind,
        shape_words(spec.model) + tail_words(size.trial),
        size.parameters,
        task.format if isinstance(task, ArithmeticSpec) else task.kind,
        bytes=path.stat().st_size if path.exists() else 0,
        marks=spec.marks,
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
