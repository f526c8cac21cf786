"""What is to be shipped, what it is asked before it is called checked, and what left."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import NamedTuple

from lilliput.errors import LilliputError, SpecError
from lilliput.files import cannot_write, write_atomically
from lilliput.lab.answering import Model, longest_answer
from lilliput.lab.modelcard import MARK, ModelCard
from lilliput.lab.telling import TextModel
from lilliput.lab.words import not_read_words
from lilliput.models.card import Card
from lilliput.specs.sampling import GREEDY

GOLDEN = "Once upon a time"
"""What story tellers are checked with, where they know its characters."""
PIECES = 100
"""Of a story that is compared."""
QUESTIONS = 20
"""Of the validation problems that a calculator is checked with."""
_SHOWN = 40
"""Characters of a text that differs."""
THEN = "; make room or choose another --out"


@dataclass(frozen=True)
class Shipped:
    """What left."""

    file: Path
    """A file, or a folder."""
    bytes: int
    checked: int
    """Texts that it was asked, and said as `like` does; 0: it was not run."""
    why_not: str = ""
    notes: tuple[str, ...] = ()
    """What else must be said of it."""
    like: str = "the model"
    """Who says the same."""

    @property
    def words(self) -> str:
        """`checked: 20 texts as the model says them`, or `built, not run: ` and why."""
        if not self.checked:
            return f"built, not run: {self.why_not}"
        one = self.checked == 1
        return (
            f"checked: {self.checked} text{'' if one else 's'} as {self.like} says"
            f" {'it' if one else 'them'}"
        )


@dataclass(frozen=True)
class Job:
    """A model on its way."""

    model: Model | TextModel
    path: Path
    """Its file, in the numbers that leave."""
    card: Card
    words: ModelCard
    out: Path
    target: str = ""


class Continuations(NamedTuple):
    """What a model that knows no formats is asked: prompts, and how they go on."""

    prompts: list[str]
    expected: list[str]
    """Without the end mark."""
    most: int
    """Pieces at most, the end mark among them; 0: prompt and answer together have as many as the
    model's context, which the form itself must say."""


def golden(job: Job) -> dict[str, str]:
    """Lines, and what must be said to each: PyTorch's greedy texts, or the integer engine's."""
    model = job.model
    exact = job.card.numbers == "float32"
    if isinstance(model, TextModel):
        prompt = model.mapped(GOLDEN)
        return {prompt: prompt + "".join(_told(model, prompt))} if exact else says(model, [prompt])
    questions = _questions(model)
    if not exact:
        return says(model, questions)
    answers = model.answers_of_pytorch(questions, not_read_words)
    return {q: line(model, q, a) for q, a in zip(questions, answers, strict=True)}


def says(model: Model | TextModel, lines: Sequence[str]) -> dict[str, str]:
    """Lines, and what a model says to each greedily, by the engine where that is built."""
    if isinstance(model, TextModel):
        told = [model.tell(line, sampling=GREEDY, pieces=PIECES) for line in lines]
        return {line: line + "".join(pieces) for line, pieces in zip(lines, told, strict=True)}
    answers = model.said(lines)
    return {q: line(model, q, a) for q, a in zip(lines, answers, strict=True)}


def continuations(job: Job) -> Continuations:
    """What must be said by a form that works in floats: PyTorch's greedy texts, of the weights as
    their whole numbers say where they are some."""
    model = job.model
    if isinstance(model, TextModel):
        prompts = [model.mapped(GOLDEN)]
        return Continuations(prompts, ["".join(_told(model, prompts[0]))], PIECES)
    prompts = [model.prompt(question)[0] for question in _questions(model)]
    expected = [text.removesuffix(job.card.end) for text in model.pytorch(prompts)]
    return Continuations(prompts, expected, longest_answer(model.task))


def _questions(model: Model) -> list[str]:
    return [problem.question for problem in model.task.exam("valid")[:QUESTIONS]]


def _told(model: TextModel, prompt: str) -> Iterator[str]:
    from lilliput.exam.telling import tell

    return tell(model.reader, prompt, sampling=GREEDY, pieces=PIECES)


def line(model: Model, question: str, answer: str) -> str:
    """A question and its answer, as a program prints them."""
    return f"{question}{between(model)}{answer}"


def between(model: Model | TextModel) -> str:
    """What is written between a question and its answer."""
    if isinstance(model, TextModel):
        return ""
    return "\t" if model.task.format.kind == "lines" else " = "


def check_out(out: Path, source: Path, folder: bool) -> None:
    """Raises SpecError where something of somebody's would be written over: what is there is
    replaced only where the card of an earlier `ship` lies in it or beside it.

    Args:
        source: the model's own file.
        folder: whether a folder is to be written.
    """
    if out.exists() and not folder and out.is_dir():
        raise SpecError(f"{out} is a folder; give a file in it: --out {out / 'model'}")
    if out.exists() and folder and not out.is_dir():
        raise SpecError(f"{out} is a file, and a folder is to be written; choose another --out")
    if out.exists() and os.path.samefile(out, source):
        raise SpecError(f"{out} is the model itself; choose another --out")
    card = out / "README.md" if folder else card_beside(out)
    empty = folder and (not out.exists() or not any(out.iterdir()))
    ours = card.is_file() and MARK in card.read_text(encoding="utf-8", errors="replace")
    taken = [out] if folder and not empty else []
    if not folder:
        # Somebody's card first: with it gone, the file would look like nobody's.
        taken = [path for path in (card, out) if path.is_file()]
    if taken and not ours:
        there = taken[0]
        raise SpecError(
            f"{there} is there already and was not made by `lilliput ship`; choose another --out"
        )


def card_beside(out: Path) -> Path:
    """Where the card of a single file goes."""
    return out.with_name(out.name + ".md")


def write_card(job: Job, shipped: Shipped) -> Shipped:
    """Puts the card beside a file that cannot hold it."""
    text = job.words.markdown(shipped.words)
    write_atomically(card_beside(job.out), text.encode(), then=THEN)
    return shipped


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `out` once nothing has failed.

    Raises:
        FileError: it cannot be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise cannot_write(out, error, THEN) from None
    old = made.with_name(made.name + ".old")
    try:
        yield made
        made.chmod(0o755)
        if out.exists():
            _check_files(out, made)
            out.rename(old)
        made.rename(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.rename(out)
        raise cannot_write(out, error, THEN) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)


def _check_files(out: Path, made: Path) -> None:
    """Raises SpecError where a folder has files that the new one would not bring back."""
    others = sorted({file.name for file in out.iterdir()} - {file.name for file in made.iterdir()})
    if others:
        raise SpecError(
            f"{out} has files that would be lost ({', '.join(others[:3])}); take them away, or"
            " choose another --out"
        )


def same(who: str, said: object, wanted: object) -> None:
    """Raises LilliputError where what was made says something else than the model."""
    if said == wanted:
        return
    one, other = next(
        (pair for pair in zip_longest(_texts(said), _texts(wanted)) if pair[0] != pair[1]), ("", "")
    )
    pairs = zip(one or "", other or "", strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, alike - _SHOWN // 2)
    raise LilliputError(
        f"{who} says {_part(one, start)}; the model: {_part(other, start)}; it was not written:"
        " please report it, with this model"
    )


def _texts(said: object) -> list[str]:
    """What was said, text by text."""
    if isinstance(said, Mapping):
        return [str(text) for text in said.values()]
    return [str(text) for text in said] if isinstance(said, list) else str(said).splitlines()


def _part(text: str | None, start: int) -> str:
    """A text from a place on, as a line has room for it."""
    if text is None:
        return "nothing"
    before, after = "…" * (start > 0), "…" * (len(text) > start + _SHOWN)
    return f"{before}{text[start : start + _SHOWN]!r}{after}"


def folder_size(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
