"""Verbs of text: the exam of a model of text, and models side by side on the same text."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.exam.card import words_of
from lilliput.lab.load import keep_exam, load_text, record_look, resolve
from lilliput.lab.telling import TextModel
from lilliput.specs import StoriesSpec, to_dict
from lilliput.tasks.documents import EXCERPT, Progress, read_documents, read_sections
from lilliput.tasks.names import corpus_words
from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import mapped

if TYPE_CHECKING:
    from lilliput.exam.story import StoryGrade

ENOUGH = 20_000
"""Documents of the text to learn from whose words are taken for real ones."""
UNSEEN = "excerpt, unseen"
"""What of the excerpt is asked where a model learned it."""


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
    remark: str = ""
    """What must be said of the text that it was asked: that its own is not at hand, or that it
    learned a part of it; empty: nothing."""

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


@dataclass(frozen=True)
class Asked:
    """What a model of text is asked."""

    sections: dict[str, list[str]]
    """Documents as they are written, by name."""
    words: frozenset[str]
    """Those that count as real ones."""
    unigram: float | None
    remark: str = ""
    """See TextGraded."""


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
        SpecError, NotFoundError: the model or a text cannot be had.
        FileError: as those, or its own text has changed, or its corpus is damaged.
    """
    progress("loading", 0.0)
    model = load_text(name)
    if anchors:
        model = model.anchored()
    started = time.perf_counter()
    asked = exam_of(model, text)
    graded = _graded(model, asked, started, progress)
    # The excerpt's grade must not take the place of that of its own text.
    if text or model.card is None or asked.remark:
        return graded
    if not anchors:
        graded = replace(graded, unkept=keep_exam(resolve(name), graded.to_dict()))
    return _looked(graded, "unseen", why)


def _graded(model: TextModel, asked: Asked, started: float, progress: Progress) -> TextGraded:
    from lilliput.exam.story import grade_stories

    reader, sections = model.reader, asked.sections
    grade = grade_stories(reader, sections, asked.words, alone=model.alone, progress=progress)
    spectrum = _spectrum(model, list(sections.values())[-1][0])
    seconds = time.perf_counter() - started
    return TextGraded(model, grade, asked.unigram, seconds, spectrum, remark=asked.remark)


def _looked(graded: TextGraded, section: str, why: str) -> TextGraded:
    """Records that a section, which is unseen or a part of it, was asked."""
    found = graded.grade.sections[section]
    path = resolve(graded.model.name)
    try:
        looks = record_look(path, why, bits=found.bits, characters=found.characters)
    except FileError as error:
        return replace(graded, unkept=graded.unkept or str(error))
    return replace(graded, num_looks=looks)


def _spectrum(model: TextModel, document: str) -> dict[str, float]:
    """Spectral radii of a memory-gru, and how alike its states are along a document."""
    import torch

    from lilliput.models.memory_gru import MemoryGRU
    from lilliput.models.spectrum import figures

    network = model.reader.network
    if not isinstance(network, MemoryGRU):
        return {}
    ids_BT = torch.tensor([model.reader.vocabulary.encode(model.reader.mapped(document))])
    return figures(network, ids_BT)


def exam_of(model: TextModel, text: Sequence[str] = ()) -> Asked:
    """What a model is asked.

    Args:
        text: see `grade_text`.

    Raises:
        NotFoundError, FileError: see `grade_text`; of its own text only where that is asked.
    """
    if text:
        words, _, remark = _words(model)
        sections = read_sections(text)
        return Asked(sections, words, _unigram(sections), remark)
    remark, spec = "", _learned(model)
    if spec is not None:
        try:
            own = {name: _kept(spec, name) for name in ("valid", "unseen")}
            return Asked(own, *_own_words(spec))
        except NotFoundError as error:
            then = "it is asked the package's excerpt in place of its own text, and the grade is"
            remark = _remark(model, error, f"{then} not kept")
    return Asked({"excerpt": list(read_documents(EXCERPT))}, corpus_words(), None, remark)


def _words(model: TextModel) -> tuple[frozenset[str], float | None, str]:
    """Words that count as real ones where a model is asked another text than its own, the unigram's
    bits, and what must be said where its own is not at hand."""
    if (spec := _learned(model)) is None:
        return corpus_words(), None, ""
    try:
        return *_own_words(spec), ""
    except (NotFoundError, FileError) as error:
        # An exam on another text needs no more of its own than the words; a zoo model's is nowhere.
        then = "real words are counted without those of its own text"
        zoo = model.name.startswith("zoo:")
        return corpus_words(), None, "" if zoo else _remark(model, error, then)


def _remark(model: TextModel, error: LilliputError, then: str) -> str:
    """Why a text could not be had, without what to do about it, and what is done in its place."""
    return f"{model.name}: {str(error).partition(';')[0]}; {then}"


def _unigram(sections: Mapping[str, Sequence[str]]) -> float:
    from lilliput.exam.bits import frequency_bits

    return frequency_bits(chain.from_iterable(sections.values()))


def _learned(model: TextModel) -> StoriesSpec | None:
    """The text that a model of ours learned."""
    task = model.card.spec.task if model.card else None
    return task if isinstance(task, StoriesSpec) else None


def _kept(spec: StoriesSpec, section: Section) -> list[str]:
    """Documents of a section as they are written: the corpus has those of files that were kept for
    it in the characters of the text to learn from."""
    from lilliput.tasks.corpus import ASKED, kept_files, open_corpus, texts

    documents = list(texts(spec, section, ASKED))
    if not (corpus := open_corpus(spec)).replaced:
        return documents
    known = corpus.vocabulary.known
    written = {
        mapped(document, known): document
        for path in kept_files(spec, section)
        for document in read_documents(path)
    }
    return [written.get(document, document) for document in documents]


def _own_words(spec: StoriesSpec) -> tuple[frozenset[str], float]:
    """The words of the text that was learned, and the unigram's bits."""
    from lilliput.tasks.corpus import texts
    from lilliput.tasks.stories import unigram_bits
    from lilliput.tasks.task import task_of

    words = words_of(texts(spec, "seen", ENOUGH))
    if not spec.text:
        # So few documents have too few words.
        words |= corpus_words()
    return words, unigram_bits(task_of(spec))


def compare_texts(
    models: Mapping[str, TextModel | LilliputError],
    text: Sequence[str] = (),
    progress: Progress = lambda what, share: None,
) -> Iterator[tuple[str, TextGraded | LilliputError]]:
    """Models of any kind on the same text, one after another, all with the same real words; what
    cannot be had says why.

    Args:
        models: by their names; an error where there is none.
        text: files or folders; empty: the excerpt that comes with the package, and of that, where
            some of the models learned it, only the documents that none of them has seen.
        progress: is told who is asked what, and which share of all exams is over.

    Raises:
        NotFoundError, FileError: the text cannot be had.
        SpecError: the models learned the whole excerpt between them.
    """
    sections = read_sections(text) if text else {"excerpt": list(read_documents(EXCERPT))}
    words, learners = corpus_words(), set[str]()
    found: list[tuple[str, tuple[TextModel, str] | LilliputError]] = []
    for name, model in models.items():
        if isinstance(model, LilliputError):
            found.append((name, model))
            continue
        try:
            own, _, remark = _words(model)
            spec = _learned(model)
            if not text and spec is not None and not spec.text:
                sections = {UNSEEN: _unseen(spec, *sections.values())}
                learners.add(name)
                remark = f"{name} learned the excerpt: all are asked what is unseen of it alone"
        except LilliputError as error:
            found.append((name, error))
        else:
            words |= own
            found.append((name, (model, remark)))
    if not all(sections.values()):
        raise SpecError(
            f"{', '.join(sorted(learners))} learned the excerpt in different splits: none of its"
            " documents is unseen by all; give other text with --text"
        )
    unigram = _unigram(sections)
    for number, (name, one) in enumerate(found):
        if isinstance(one, LilliputError):
            yield name, one
            continue

        def show(what: str, share: float, done: int = number, name: str = name) -> None:
            progress(f"{done + 1} of {len(found)}, {what}: {name}", (done + share) / len(found))

        try:
            asked, remark = one
            started = time.perf_counter()
            graded = _graded(asked, Asked(sections, words, unigram, remark), started, show)
            yield name, _looked(graded, UNSEEN, "compare") if name in learners else graded
        except LilliputError as error:
            yield name, error


def _unseen(spec: StoriesSpec, documents: Sequence[str]) -> list[str]:
    """Those of the excerpt's documents that a model that learned the excerpt has not seen."""
    from lilliput.tasks.corpus import texts

    unseen = set(texts(spec, "unseen"))
    return [document for document in documents if document in unseen]
