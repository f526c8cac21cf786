"""What the exam.json beside a model says of it: the score of each section, with its interval."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lilliput.errors import FileError
from lilliput.files import read_json
from lilliput.units import ends, score_words


@dataclass(frozen=True)
class Score:
    """Right answers as a fraction, or minus bits per character; its 95 % interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """What one document says has no interval: both of its ends are the score.

        Raises:
            ValueError: the score is no finite number.
        """
        if not math.isfinite(self.value):
            raise ValueError(f"a score of {self.value}")
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            object.__setattr__(self, "low", self.value)
            object.__setattr__(self, "high", self.value)

    def __str__(self) -> str:
        return score_words(self.value, self.low, self.high)


@dataclass(frozen=True)
class Part:
    """What one section of an exam found."""

    score: Score
    counted: str
    """What was asked: `779 right of 808`, or `219,075 characters`."""

    @property
    def of_all(self) -> bool:
        """Whether all problems of the space were asked, all of them trained on (or one document
        alone): there is no interval then."""
        return self.score.low == self.score.high


@dataclass(frozen=True)
class Exam:
    parts: Mapping[str, Part]
    """By section."""
    verdict: str


def read_exam(model: Path, digest: str) -> Exam | None:
    """The exam beside a model file; None: there is none, or it is another model's.

    Args:
        digest: the one of the model's spec.

    Raises:
        FileError: it cannot be read.
    """
    path = model.with_name("exam.json")
    if model.name != "model.safetensors" or not path.is_file():
        return None
    exam = read_json(path)
    try:
        if exam.get("digest") != digest:
            return None
        grade = exam["grade"]
        parts = {name: _part(section) for name, section in grade["sections"].items()}
        return Exam(parts, grade.get("verdict") or "")
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        raise FileError(
            f"{path} is damaged: it is no exam; delete it, and `lilliput grade` makes it again"
        ) from None


def _part(section: Mapping[str, Any]) -> Part:
    if "bits" in section:
        of_bits = ends(section)
        score = Score(-section["bits"], -of_bits["high"], -of_bits["low"])
        return Part(score, f"{section['characters']:,} characters")
    found = section.get("overall") or section
    right, total = found["right"], found["total"]
    score = Score(right / total, found["low"], found["high"])
    return Part(score, f"{right:,} right of {total:,}")
