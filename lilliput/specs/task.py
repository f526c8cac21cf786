"""What is to be learned, as data: which problems, how they are written, which are held out."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from lilliput.errors import SpecError
from lilliput.specs.choices import check_choices

OPERATIONS = "+-*/"
Format = Literal["plain", "reversed", "padded", "worked"]
Rounding = Literal["float", "half-up", "half-even"]


def parse_range(text: str) -> tuple[int, int]:
    """`0-89` as (0, 89), both ends included."""
    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text)
    if not match:
        raise SpecError(f"cannot read {text!r} as a range; write two whole numbers, such as 0-89")
    low, high = int(match[1]), int(match[2])
    if low > high:
        raise SpecError(f"impossible range {text!r}: {low} is above {high}; write {high}-{low}")
    return low, high


def check_operations(operations: str) -> None:
    """Raises SpecError unless `operations` is a choice of + - * /, each once."""
    unknown = [symbol for symbol in operations if symbol not in OPERATIONS]
    if unknown or not operations or len(set(operations)) < len(operations):
        raise SpecError(f"operations {operations!r} must be some of {OPERATIONS!r}, each once")


def check_weights(weights: tuple[float, ...], operations: str) -> None:
    """Raises SpecError unless there is one weight an operation (or none at all).

    Args:
        operations: empty where they are not known yet.
    """
    wrong_number = operations and len(weights) != len(operations)
    wrong_value = not all(0 <= weight < math.inf for weight in weights) or sum(weights) <= 0
    if weights and (wrong_number or wrong_value):
        raise SpecError(
            f"weights {weights} must be one number of 0 or more for each of"
            f" {operations or 'the operations'!r}, and one of them above 0"
        )


def check_decimals(decimals: int) -> None:
    """Raises SpecError unless a quotient can be written at so many places."""
    if not 0 <= decimals <= 6:
        raise SpecError(f"decimals must be from 0 to 6; got {decimals}")


def _check_fold(fold: int) -> None:
    if not -1 <= fold <= 9:
        raise SpecError(f"fold must be from 0 to 9, or -1 for the usual split; got {fold}")


@dataclass(frozen=True, kw_only=True)
class ArithmeticSpec:
    """Sums, differences, products and quotients of whole numbers."""

    kind: Literal["arithmetic"] = "arithmetic"
    operations: str = OPERATIONS
    """Which operations, as their symbols."""
    weights: tuple[float, ...] = ()
    """How often each operation is trained on, in the order of `operations`; empty: equally."""
    operands: str = "0-89"
    """The range both operands come from, ends included (TinyMath: 0-89)."""
    held_out: str = "auto"
    """A range that is never trained on (section `beyond`): `90-99`, `none`, or `auto`, which is
    90-99 where the operands are 0-89 and none elsewhere."""
    decimals: int = 2
    """Decimal places of a quotient (TinyMath: 2)."""
    rounding: Rounding = "float"
    """`float` rounds the binary quotient as Python's format does (TinyMath), `half-up` as schools
    do, `half-even` as banks do."""
    format: Format = "padded"
    """How a problem is written: `plain` (27 / 86 = 0.31), `reversed` (answers with the least
    significant digit first), `padded` (the same, numbers at a fixed width), `worked` (the working
    before the answer)."""
    reverse: str = "+-*"
    """Operations whose answers are turned round in the formats `reversed` and `padded`."""
    fold: int = -1
    """Which tenth of the problems is `unseen` (0-9); the tenth before it is validation. -1: the
    last, but in a space of under 1,000 problems all are trained on and all are asked."""
    source: str = ""
    """A file of lines such as `27 / 86 = 0.31` to train on; empty: problems are generated."""
    source_digest: str = ""
    """sha256 of that file, so that the spec names its content; filled in when it is first read."""
    leaked: bool = False
    """Keep lines of `source` that belong to validation, unseen or beyond. Marked in every table."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_operations(self.operations)
        check_weights(self.weights, self.operations)
        low, high = parse_range(self.operands)
        if self.held_out == "auto":
            # Resolved here so that one meaning has one digest.
            resolved = "90-99" if (low, high) == (0, 89) else "none"
            object.__setattr__(self, "held_out", resolved)
        if self.held_out_range is not None:
            start, end = self.held_out_range
            if start <= low and end >= high:
                raise SpecError(f"held-out range {self.held_out} leaves nothing of {self.operands}")
        if self.operations == "/" and high == 0:
            raise SpecError("operands 0-0 with '/' leave no problem: division by zero is excluded")
        check_decimals(self.decimals)
        if any(symbol not in OPERATIONS for symbol in self.reverse):
            raise SpecError(f"reverse {self.reverse!r} must be some of {OPERATIONS!r}")
        _check_fold(self.fold)
        if self.leaked and not self.source:
            raise SpecError("leaked has no meaning without a source file; leave it out")

    @property
    def operand_range(self) -> tuple[int, int]:
        return parse_range(self.operands)

    @property
    def held_out_range(self) -> tuple[int, int] | None:
        return None if self.held_out == "none" else parse_range(self.held_out)

    @property
    def learned_ranges(self) -> tuple[tuple[int, int], ...]:
        """What of `operands` is not held out, as ranges with both ends included; never nothing.

        >>> ArithmeticSpec(operands="0-99", held_out="40-49").learned_ranges
        ((0, 39), (50, 99))
        """
        low, high = self.operand_range
        if self.held_out_range is None:
            return ((low, high),)
        start, end = self.held_out_range
        parts = ((low, min(high, start - 1)), (max(low, end + 1), high))
        return tuple((first, last) for first, last in parts if first <= last)


@dataclass(frozen=True, kw_only=True)
class LinesSpec:
    """A user's own task: a file of `question<TAB>answer` lines."""

    kind: Literal["lines"] = "lines"
    file: str
    """The file, UTF-8, one question and its answer a line with a tab between."""
    file_digest: str = ""
    """sha256 of that file; filled in when it is first read."""
    fold: int = -1
    """Which tenth of the questions is `unseen` (0-9); the tenth before it is validation. -1: the
    last, but with under 1,000 questions all are trained on and all are asked."""

    def __post_init__(self) -> None:
        check_choices(self)
        if not self.file:
            raise SpecError("a task of lines needs a file; write --file questions.tsv")
        _check_fold(self.fold)


ProblemsSpec = ArithmeticSpec | LinesSpec


@dataclass(frozen=True, kw_only=True)
class StoriesSpec:
    """Text to be told on: stories, or any text of the user's own, in documents."""

    kind: Literal["stories"] = "stories"
    text: tuple[str, ...] = ()
    """What is learned: files, folders of .txt files, or hf:NAME, a data set of Hugging Face such as
    hf:roneneldan/TinyStories; documents stand between lines of <|endoftext|>. A long file without
    such lines, as a book, is cut into parts, and what is kept of it are whole stretches. Empty: the
    excerpt of TinyStories that comes with the package (200 kB: for a first look only)."""
    valid: tuple[str, ...] = ()
    """Validation files; empty: a tenth of the documents of `text`."""
    unseen: tuple[str, ...] = ()
    """Test files, used for reported scores alone; empty: another tenth."""
    vocabulary: int = 0
    """Pieces of a byte-pair vocabulary (Sennrich et al. 2016), 256 to 4096; 0: characters. Where
    a training names a --teacher and not this, it is the teacher's."""
    fold: int = -1
    """Which tenth of the documents is `unseen` (0-9); the tenth before it is validation. -1: the
    last."""
    text_digest: str = ""
    """sha256 of all this text, so that the spec names its content; filled in when first read."""

    def __post_init__(self) -> None:
        check_choices(self)
        _check_fold(self.fold)
        if self.vocabulary and not 256 <= self.vocabulary <= 4096:
            raise SpecError(
                f"vocabulary must be from 256 to 4096 pieces, or 0 for characters; got"
                f" {self.vocabulary}"
            )
        if not self.text and (self.valid or self.unseen):
            raise SpecError("files kept for choices or reports need a --text to learn from")
        given = [*self.text, *self.valid, *self.unseen]
        if twice := sorted({name for name in given if given.count(name) > 1}):
            raise SpecError(f"{', '.join(twice)} named twice; text is learned or kept, not both")


TaskSpec = ProblemsSpec | StoriesSpec
