"""Verbs of text: the exam of a model of text, and models side by side on the same text."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, LilliputError, NotFoundError
from lilliput.exam.card import words_of
from lilliput.lab.load import keep_exam, load_text, record_look, resolve
from lilliput.lab.telling import TextModel
from lilliput.specs import StoriesSpec, to_dict
from lilliput.tasks.documents import EXCERPT, Progress, files_of, read_documents
from lilliput.tasks.names import corpus_words

if TYPE_CHECKING:
    from lilliput.exam.story import StoryGrade

ENOUGH = 20_000
"""Documents of the text to learn from whose words are taken for real ones."""


@dataclass(frozen=True)
class TextGraded:
    """An exam of a model of text."""

    model: TextModel
    grade: "StoryGrade"
    unigram: float | None
    """Bits per character of one that knows frequencies alone: on validation, those of the text that
    the model learned from; on other files, their own. None where its text is not at hand."""
    seconds: float
    spectrum: dict[str, float] = field(default_factory=dict)
    """Of a memory-gru: how long it can remember (models.spectrum)."""
    unkept: str = ""
    """Why exam.json could not be written; empty: it was, or was not asked for."""
    num_looks: int = 0
    """How often this model was asked unseen, this time included; 0: not now, or not recorded."""

    def to_dict(self) -> dict[str, Any]:
        card = self.model.card
        return {
            "format": 1,
            "model": self.model.name,
            "family": self.model.family,
            "digest": card.spec.digest if card else None,
            "spec": to_dict(card.spec) if card else None,
            "parameters": self.model.parameters,
            "bytes": self.model.bytes,
            "marks": self.model.marks,
            "unigram": self.unigram,
            "spectrum": self.spectrum,
            "grade": self.grade.to_dict(),
            "seconds": round(self.seconds, 2),
        }


def grade_text(
    name: str,
    text: Sequence[str] = (),
    anchors: bool = False,
    why: str = "grade",
    progress: Progress = lambda what, share: None,
) -> TextGraded:
    """The exam of a model of text; that of its own text is kept beside a run's model.

    Args:
        text: files or folders that it is asked; empty: what its own text kept for the exam, or,
            where that is not at hand, the excerpt that comes with the package.
        anchors: keep names in mind (memory-gru).
        why: what the look at unseen is for, as its record says.
        progress: is told what comes next, and which share of the exam is over.

    Raises:
        SpecError, NotFoundError, FileError: the model or a text cannot be had.
    """
    from lilliput.exam.story import grade_stories

    progress("loading", 0.0)
    model = load_text(name)
    if anchors:
        model = model.anchored()
    started = time.perf_counter()
    sections, words, unigram = exam_of(model, text)
    grade = grade_stories(model.reader, sections, words, progress=progress)
    spectrum = _spectrum(model, list(sections.values())[-1][0])
    graded = TextGraded(model, grade, unigram, time.perf_counter() - started, spectrum)
    if text or model.card is None:
        return graded
    path = resolve(name)
    if not anchors:
        graded = replace(graded, unkept=keep_exam(path, graded.to_dict()))
    unseen = grade.sections.get("unseen")
    if unseen is None:
        return graded
    try:
        looks = record_look(path, why, bits=unseen.bits, characters=unseen.characters)
    except FileError as error:
        return replace(graded, unkept=graded.unkept or str(error))
    return replace(graded, num_looks=looks)


def _spectrum(model: TextModel, document: str) -> dict[str, float]:
    """Spectral radii of a memory-gru, and how alike its states are along a document."""
    import torch

    from lilliput.models.memory_gru import MemoryGRU
    from lilliput.models.spectrum import likeness, spectral_radii

    network = model.reader.network
    if not isinstance(network, MemoryGRU):
        return {}
    ids_BT = torch.tensor([model.reader.vocabulary.encode(document)])
    alike = likeness(network, ids_BT)
    found = {f"spectral radius, {name}": r for name, r in spectral_radii(network).items()}
    return found | {"likeness, hidden": alike.hidden, "likeness, memory": alike.memory}


def exam_of(
    model: TextModel, text: Sequence[str] = ()
) -> tuple[dict[str, list[str]], frozenset[str], float | None]:
    """What a model is asked: documents by section, the real words, and the unigram's bits."""
    words, unigram, sections = corpus_words(), None, dict[str, list[str]]()
    if model.card is not None and isinstance(model.card.spec.task, StoriesSpec):
        try:
            own = _own(model.card.spec.task)
        except (NotFoundError, FileError):
            own = None
        if own is not None:
            sections, words, unigram = own
    if text:
        sections = read_sections(text)
        unigram = frequency_bits(document for part in sections.values() for document in part)
    elif not sections:
        sections = {"excerpt": list(read_documents(EXCERPT))}
    return {n: _known(model, d) for n, d in sections.items()}, words, unigram


def read_sections(text: Sequence[str]) -> dict[str, list[str]]:
    """Documents of files, by the files' names."""
    return {path.stem: list(read_documents(path)) for path in files_of(text)}


def frequency_bits(documents: Iterable[str]) -> float:
    """Bits per character where each character is foretold from how often it is in these very
    documents: the fewest that frequencies alone can cost."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(document)
    total = counts.total()
    return sum(n * math.log2(total / n) for n in counts.values()) / max(total, 1)


def _own(spec: StoriesSpec) -> tuple[dict[str, list[str]], frozenset[str], float]:
    from lilliput.tasks.corpus import ASKED, texts
    from lilliput.tasks.stories import unigram_bits
    from lilliput.tasks.task import task_of

    sections = {name: list(texts(spec, name, ASKED)) for name in ("valid", "unseen")}
    words = words_of(texts(spec, "seen", ENOUGH))
    if not spec.text:
        # So few documents have too few words.
        words |= corpus_words()
    return sections, words, unigram_bits(task_of(spec))


def _known(model: TextModel, documents: Sequence[str]) -> list[str]:
    """Documents as a vocabulary of characters can write them; the exam says what it costs to read
    the nearest known character in an unknown one's place."""
    return [model.mapped(document) for document in documents]


def compare(
    names: Sequence[str],
    text: Sequence[str] = (),
    progress: Progress = lambda what, share: None,
) -> Iterator[tuple[str, TextGraded | LilliputError]]:
    """Models of any kind on the same text, one after another; what cannot be had says why.

    Args:
        text: files or folders; empty: the excerpt that comes with the package, on which every
            model is asked alike.
        progress: is told who is asked what, and which share of all exams is over.
    """
    asked = list(text) or [str(EXCERPT)]
    for number, name in enumerate(names):

        def show(what: str, share: float, done: int = number, name: str = name) -> None:
            progress(f"{done + 1} of {len(names)}, {what}: {name}", (done + share) / len(names))

        try:
            yield name, grade_text(name, asked, progress=show)
        except LilliputError as error:
            yield name, error
