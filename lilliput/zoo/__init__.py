"""The models that come with the package: zoo.toml says what each is, its file lies beside it."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from lilliput.errors import FileError, NotFoundError, nearest
from lilliput.specs import HFSpec, ModelSpec

BASELINES = "baselines"
"""The table of zoo.toml that holds no models of the package."""
_FOLDER = Path(__file__).parent
_Row = TypeVar("_Row", "Entry", "Baseline")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the zoo: a model, its verified grade, and how it was made."""

    name: str
    task: str
    """What it does, in words."""
    family: str
    shape: str
    parameters: int
    bytes: int
    digest: str
    """sha256 of the model file."""
    format: str
    valid: tuple[int, int]
    """Right and total on validation problems; of text minus the bits, and the characters, of the
    documents kept for choices."""
    valid_interval: tuple[float, float]
    """95 % interval of the score on validation problems, twins as one cluster."""
    unseen: tuple[int, int]
    unseen_interval: tuple[float, float]
    """95 % interval of the score on unseen problems, twins as one cluster."""
    unseen_by_operation: dict[str, tuple[int, int]]
    """Of text: file by file."""
    beyond: tuple[int, int]
    """Right and total in the held-out range; (0, 0) where there is none."""
    characters: float
    """Mean characters of an answer, working included; of text those of a piece."""
    seeds: tuple[tuple[int, int, int], ...]
    """Every seed of the recipe that was trained: seed, right and total on validation problems."""
    command: str
    """Makes it again."""
    machine: str
    minutes: float
    """Training time of this seed."""
    date: str
    excerpt: float = 0.0
    """Bits per character on the package's excerpt; 0: no model of text."""
    answers: float = 0.0
    """Answers a second, one at a time, in C on one core, when the line was written; 0: no model of
    problems."""


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """All models of the zoo by task, and the smallest of a task first.

    Raises:
        FileError: zoo.toml is damaged.
    """
    rows = [_row(Entry, name, row) for name, row in _read().items() if name != BASELINES]
    return tuple(sorted(rows, key=lambda entry: (entry.task, entry.parameters)))


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A model that does the same as some of the zoo, and is too large to come with the package."""

    name: str
    task: str
    parameters: int
    bytes: int
    """Of its weights in float32."""
    asked: str
    """What its score is of, in words."""
    score: tuple[int, int]
    """Right and total; (0, 0): none is known."""
    interval: tuple[float, float]
    beyond: tuple[int, int]
    """Right and total in the held-out range; (0, 0): it was not asked."""
    leaked: bool
    """It was trained on problems of its own exam."""
    machine: str
    minutes: float
    """Training time; 0: not known."""
    answers: float
    """Answers a second, one at a time, on one core; 0: not known."""
    source: str
    """Where the figures are published, or the command that makes it."""
    date: str
    """When they were read there, or made."""


@lru_cache(maxsize=1)
def baselines() -> tuple[Baseline, ...]:
    """Raises FileError where zoo.toml is damaged."""
    return tuple(_row(Baseline, name, row) for name, row in _read().get(BASELINES, {}).items())


def _read() -> dict[str, Any]:
    path = _FOLDER / "zoo.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path} is damaged: {error}; install the package again") from None


def _row(kind: type[_Row], name: str, row: dict[str, Any]) -> _Row:
    try:
        return kind(name=name, **{key: _tuples(value) for key, value in row.items()})
    except TypeError as error:
        where = f"{_FOLDER / 'zoo.toml'} is damaged"
        raise FileError(f"{where}: {name}: {error}; install the package again") from None


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def shape_words(model: ModelSpec | HFSpec) -> str:
    """`2 × 24`, and how often a model's blocks are looped; of a model of transformers its name,
    without the folders of this machine."""
    if isinstance(model, HFSpec):
        path = Path(model.name)
        return path.name if path.is_absolute() else model.name
    layers, loops = getattr(model, "layers", 1), getattr(model, "loops", 1)
    return f"{layers} × {model.width}" + (f" looped {loops} times" if loops > 1 else "")


def path_of(name: str) -> Path:
    """The file of a zoo model.

    Raises:
        NotFoundError: there is none of that name; the nearest ones are given.
    """
    path = _FOLDER / f"{name}.safetensors"
    if name not in {entry.name for entry in entries()} or not path.exists():
        raise NotFoundError(
            f"no zoo model {name!r}"
            + nearest(name, (entry.name for entry in entries()), most=3)
            + "; `lilliput zoo` lists them"
        )
    return path


def best(task: str) -> Entry:
    """The model of a task with the highest score on validation problems: a choice.

    Raises:
        NotFoundError: the zoo has none for it.
    """
    found = [entry for entry in entries() if entry.task == task]
    if not found:
        raise NotFoundError(f"the zoo has no model for {task!r}; train one, or name a file")
    return max(found, key=lambda entry: (entry.valid[0] / entry.valid[1], -entry.parameters))
