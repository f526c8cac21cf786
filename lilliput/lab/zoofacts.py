"""What can be said of a zoo model by looking at its file and asking it: what zoo.toml must say."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.lab.load import load
from lilliput.lab.telling import TextModel
from lilliput.specs import StoriesSpec
from lilliput.zoo import shape_words

if TYPE_CHECKING:
    from lilliput.exam.story import SectionBits


def facts(name: str) -> dict[str, Any]:
    """Fields of zoo.Entry that the file and an exam give, by name.

    Of a model of text, whose own documents do not come with the package, the bits per character on
    the package's excerpt stand for the exam; `text_facts` gives what its documents say.
    """
    model = load(name)
    return _of_text(model) if isinstance(model, TextModel) else _of_problems(name)


def text_facts(name: str) -> dict[str, Any]:
    """Scores of a model of text on the documents that its own text kept for choices and reports;
    those of several files also file by file.

    Raises:
        NotFoundError, FileError: its text is not at hand.
    """
    from lilliput.exam.story import grade_sections
    from lilliput.lab.load import load_text
    from lilliput.tasks.corpus import texts
    from lilliput.tasks.documents import read_sections

    model = load_text(name)
    assert model.card is not None
    spec = model.card.spec.task
    assert isinstance(spec, StoriesSpec)
    sections: dict[str, Sequence[str]] = {
        "valid": texts(spec, "valid"),
        "unseen": texts(spec, "unseen"),
    }
    parts = read_sections(spec.unseen)
    graded = grade_sections(model.reader, {**sections, **parts})
    ends = {n: _bits_ends(graded[n]) for n in sections}
    score = {n: [-round(found.bits * found.characters), found.characters]
             for n, found in graded.items()}  # fmt: skip
    return {
        "valid": score["valid"],
        "valid_interval": ends["valid"],
        "unseen": score["unseen"],
        "unseen_interval": ends["unseen"],
        "unseen_by_operation": {n: score[n] for n in parts},
        "beyond": [0, 0],
        "characters": round(_characters_a_piece(spec), 2),
    }


def answers_a_second(name: str) -> float:
    """As exam.speed, of unseen problems."""
    from lilliput.exam import speed
    from lilliput.lab.load import load_answerer

    model = load_answerer(name)
    questions = [problem.question for problem in model.task.exam("unseen")]
    return speed.answers_a_second(model.answer, questions)


def _bits_ends(section: "SectionBits") -> list[float]:
    """Ends of the interval of minus the bits per character, as zoo.toml has them."""
    assert section.low is not None, "a model of the zoo is asked more than one document"
    assert section.high is not None
    return [round(-section.high, 4), round(-section.low, 4)]


def _characters_a_piece(spec: StoriesSpec) -> float:
    from lilliput.tasks.task import task_of

    return task_of(spec).characters_a_piece


def _of_file(path: Path, card: Any) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "bytes": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "family": card.spec.model.kind,
        "shape": shape_words(card.spec.model),
        "format": card.format["kind"],
    }


def _of_text(model: TextModel) -> dict[str, Any]:
    from lilliput.exam.story import grade_sections
    from lilliput.lab.load import resolve
    from lilliput.tasks.documents import EXCERPT, read_documents

    excerpt = {"excerpt": list(read_documents(EXCERPT))}
    bits = grade_sections(model.reader, excerpt)["excerpt"].bits
    parameters = sum(p.numel() for p in model.reader.network.parameters())
    return {
        **_of_file(resolve(model.name), model.card),
        "parameters": parameters,
        "excerpt": round(bits, 3),
    }


def _of_problems(name: str) -> dict[str, Any]:
    from lilliput.lab.verbs import grade_problems

    graded = grade_problems(name, ("valid", "unseen", "beyond"), keep=False)
    sections = graded.grade.sections
    unseen, beyond = sections["unseen"], sections.get("beyond")
    return {
        **_of_file(graded.model.path, graded.model.card),
        "parameters": sum(p.numel() for p in graded.model.network.parameters()),
        "valid": _counts(sections["valid"]),
        "valid_interval": _ends(sections["valid"]),
        "unseen": _counts(unseen),
        "unseen_interval": _ends(unseen),
        "unseen_by_operation": {n: [t.right, t.total] for n, t in unseen.groups.items()},
        "beyond": _counts(beyond) if beyond else [0, 0],
        "characters": round(unseen.length, 2),
    }


def _ends(section: Any) -> list[float]:
    """Ends of the interval of a whole section's score, as zoo.toml has them."""
    return [round(end, 4) for end in section.overall.interval[1:]]


def _counts(section: Any) -> list[int]:
    return [section.overall.right, section.overall.total]
