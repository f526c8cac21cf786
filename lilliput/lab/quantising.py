"""A model in whole numbers: its file, and what the loss of precision costs, measured."""

from dataclasses import dataclass, replace
from pathlib import Path

from lilliput.errors import SpecError
from lilliput.lab.answering import Model
from lilliput.lab.load import load, resolve
from lilliput.lab.telling import of_file
from lilliput.specs import StoriesSpec


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

    Args:
        measure: else only the file is written, and nothing is returned.

    Raises:
        SpecError: unknown numbers, or a model that is not ours or is in whole numbers already.
    """
    from lilliput.models import modelfile
    from lilliput.models.quantise import check_numbers

    check_numbers(numbers)
    path = resolve(name)
    network, card = modelfile.load(path)
    if card.numbers != "float32":
        raise SpecError(f"{name} is in {card.numbers} already; give the model that it was made of")
    modelfile.save(out, network, replace(card, numbers=numbers))
    if not measure:
        return []
    before, after = _scores(name, path), _scores(str(out), out)
    return [Cost(section, before[section], after[section]) for section in before]


def _scores(name: str, path: Path) -> dict[str, float]:
    from lilliput.models.modelfile import read_card

    if isinstance(read_card(path).spec.task, StoriesSpec):
        from lilliput.exam.story import grade_sections
        from lilliput.lab.stories import exam_of

        model = of_file(name, path)
        sections = grade_sections(model.reader, exam_of(model)[0])
        return {section: -found.bits for section, found in sections.items()}
    from lilliput.lab.verbs import grade

    asked = load(name)
    assert isinstance(asked, Model)
    graded = grade(name, ("valid", "unseen"), keep=False).grade.sections
    return {section: found.overall.score for section, found in graded.items()}
