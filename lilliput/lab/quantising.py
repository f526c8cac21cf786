"""A model in whole numbers: its file, and what the loss of precision costs, measured."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from lilliput.errors import SpecError
from lilliput.lab.answering import Model
from lilliput.lab.load import load, resolve
from lilliput.lab.opening import network_of
from lilliput.lab.telling import of_file
from lilliput.specs import StoriesSpec

_OTHERS = (".pt", ".pth", ".ckpt", ".bin")
"""Ends of the model files that other programs write."""
_ROOM = "; make room or choose another --out"


@dataclass(frozen=True)
class Cost:
    """One section of the exam before and after."""

    section: str
    before: float
    """Score, or minus bits per character."""
    after: float

    @property
    def lost(self) -> float:
        return self.before - self.after


def quantise(name: str, numbers: str, out: Path, *, measure: bool = True) -> list[Cost]:
    """Writes a model of ours with its matrices in int8 or int16, and measures both.

    >>> import lilliput
    >>> costs = lilliput.quantise("zoo:addition-368", "int16", Path("sums.safetensors"))
    >>> [(cost.section, round(cost.lost, 2)) for cost in costs]
    [('valid', 0.0), ('unseen', 0.0)]

    Args:
        out: a file that is not there yet.
        measure: else only the file is written, and nothing is returned.

    Raises:
        SpecError: unknown numbers, a model that is not ours or is in whole numbers already, or an
            `out` that is there.
        NotFoundError, FileError: the model or its text cannot be had, `out` cannot be written.
    """
    from lilliput.models import modelfile
    from lilliput.models.quantise import check_numbers

    check_numbers(numbers)
    path = _own(name)
    _check_out(out, path)
    card = modelfile.read_card(path)
    if card.numbers != "float32":
        raise SpecError(f"{name} is in {card.numbers} already; give the model that it was made of")
    network = network_of(path, card)
    before = _scores(name, path) if measure else {}
    modelfile.save(out, network, replace(card, numbers=numbers), then=_ROOM)
    if not measure:
        return []
    after = _scores(str(out), out)
    return [Cost(section, before[section], after[section]) for section in before]


def _own(name: str) -> Path:
    """The file of a model of ours.

    Raises:
        SpecError: another program made it.
    """
    if not name.startswith("hf:") and not (Path(name) / "config.json").is_file():
        path = resolve(name)
        if path.suffix not in _OTHERS:
            return path
    raise SpecError(
        f"{name} was made by another program; only Lilliput's own model files can be quantised:"
        " give a run, zoo:NAME or a .safetensors file that `lilliput train` wrote"
    )


def _check_out(out: Path, source: Path) -> None:
    """Raises SpecError where something would be written over."""
    if out.is_dir():
        raise SpecError(f"{out} is a folder; give a file in it: --out {out / 'small.safetensors'}")
    if out.exists():
        what = "the model itself" if os.path.samefile(out, source) else "there already"
        raise SpecError(f"{out} is {what}; choose another --out")


def _scores(name: str, path: Path) -> dict[str, float]:
    from lilliput.models.modelfile import read_card

    if isinstance(read_card(path).spec.task, StoriesSpec):
        from lilliput.exam.story import grade_sections
        from lilliput.lab.stories import exam_of

        model = of_file(name, path)
        sections = grade_sections(model.reader, exam_of(model).sections)
        return {section: -found.bits for section, found in sections.items()}
    from lilliput.lab.verbs import grade_problems

    asked = load(name)
    assert isinstance(asked, Model)
    graded = grade_problems(name, ("valid", "unseen"), keep=False).grade.sections
    return {section: found.overall.score for section, found in graded.items()}
