"""A corpus on disk: the documents of text files as numbers, split into seen, valid and unseen.

    corpora/1a2b3c4d5e6f/corpus.json     vocabulary, counts, what was left out and replaced
                         seen.tokens     one number after another, memory-mapped; an end mark before
                                         the first document and behind each
                         seen.starts     where each document begins, and where the last one ends
                         seen.lengths    characters of each document

Near-duplicates are on one side, and nothing is held in memory that grows with the text but a few
bytes a document. Knows no model.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lilliput.errors import FileError, SpecError
from lilliput.files import cannot_write
from lilliput.specs.task import StoriesSpec
from lilliput.tasks.corpus_writer import SectionWriter
from lilliput.tasks.documents import EXCERPT, Progress, file_digest, files_of, read_documents
from lilliput.tasks.duplicates import BANDS, band_keys, clusters
from lilliput.tasks.hub import PREFIX, from_hub
from lilliput.tasks.pieces import learn_merges
from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary, mapped, nearest_known, unknown

CORPORA = Path("corpora")
VERSION = 1
SECTIONS: tuple[Section, ...] = ("seen", "valid", "unseen")
_DROPPED = len(SECTIONS)
ASKED = 1_000
"""Documents of `valid` and `unseen` that are asked, evenly over the section: their interval is
narrow enough, and a corpus may have millions."""


@dataclass(frozen=True)
class Tokens:
    """The documents of one section as numbers."""

    tokens_N: NDArray[Any]
    """uint8 or uint16; number 0 before the first document and behind each."""
    starts_D: NDArray[np.int64]
    """Where each of the D - 1 documents begins in `tokens_N`; the last is where the text ends."""
    lengths_D: NDArray[np.int32]
    """Characters of each document."""

    def __len__(self) -> int:
        return len(self.lengths_D)

    def sample(self, most: int) -> list[int]:
        """Numbers of at most so many documents, evenly over the section."""
        if most >= len(self):
            return list(range(len(self)))
        return [place * len(self) // most for place in range(most)]

    def document(self, number: int) -> NDArray[Any]:
        """Numbers of one document, without its end mark."""
        tokens: NDArray[Any] = self.tokens_N[self.starts_D[number] : self.starts_D[number + 1] - 1]
        return tokens


@dataclass(frozen=True)
class Corpus:
    """An opened corpus."""

    folder: Path
    vocabulary: Vocabulary
    counts: dict[str, dict[str, int]]
    """Documents, characters and tokens of each section."""
    num_dropped: int
    """Documents to learn from that are nearly the same as one that is kept for the exam."""
    replaced: dict[str, str]
    """Characters of kept files that the text to learn from lacks, and what stands for them."""

    def section(self, name: Section) -> Tokens:
        kind = np.uint8 if len(self.vocabulary) <= 256 else np.uint16
        starts = np.fromfile(self.folder / f"{name}.starts", dtype=np.int64)
        lengths = np.fromfile(self.folder / f"{name}.lengths", dtype=np.int32)
        tokens = np.memmap(self.folder / f"{name}.tokens", dtype=kind, mode="r")
        return Tokens(tokens, starts, lengths)


def text_digest(spec: StoriesSpec) -> str:
    """What names the text of a spec: a sha256 of the files' sha256s and what each is for."""
    rows = [[kind, file_digest(path)] for kind, path in _files(spec)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def open_corpus(spec: StoriesSpec, progress: Progress | None = None) -> Corpus:
    """The corpus of a spec; made from its files where it is not there yet.

    Raises:
        NotFoundError: a file is not there.
        FileError: a file is no text, has changed since the spec was sealed, or the disk is full.
        SpecError: there are too few documents to keep some for the exam.
    """
    digest = spec.text_digest or text_digest(spec)
    words = f"{VERSION} {digest} {spec.vocabulary} {spec.fold}"
    folder = CORPORA / hashlib.sha256(words.encode()).hexdigest()[:12]
    if not (folder / "corpus.json").exists():
        if spec.text_digest and text_digest(spec) != spec.text_digest:
            names = ", ".join(str(path) for _, path in _files(spec))
            raise FileError(f"{names}: not the text that this was specified for; bring it back")
        _build(spec, folder, progress or (lambda what, share: None))
    try:
        card = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        merges = tuple((left, right) for left, right in card["merges"])
        vocabulary = Vocabulary(card["characters"], merges)
        return Corpus(folder, vocabulary, card["counts"], card["num_dropped"], card["replaced"])
    except (OSError, ValueError, KeyError, TypeError, SpecError):
        raise FileError(f"the corpus in {folder} is damaged; delete it: it is made again") from None


def _files(spec: StoriesSpec) -> list[tuple[int, Path]]:
    """Each file with the number of the section that it is for; 0 is split where need be."""
    text = _paths(spec.text) if spec.text else [EXCERPT]
    rows = [(0, path) for path in text]
    rows += [(1, path) for path in _paths(spec.valid)]
    return rows + [(2, path) for path in _paths(spec.unseen)]


def _paths(names: Sequence[str], progress: Progress | None = None) -> list[Path]:
    """The files that names stand for; data sets of Hugging Face are streamed first."""
    here = [
        str(from_hub(name, CORPORA, progress)) if name.startswith(PREFIX) else name
        for name in names
    ]
    return files_of(here)


def fetch(spec: StoriesSpec, progress: Progress) -> None:
    """Streams the data sets that a spec names, where they are not there yet."""
    _paths([*spec.text, *spec.valid, *spec.unseen], progress)


def _build(spec: StoriesSpec, folder: Path, progress: Progress) -> None:
    """Makes the corpus beside its place and moves it there whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        _Build(spec, part, progress).make()
        if not folder.exists():
            os.replace(part, folder)
    except OSError as error:
        if not folder.exists():  # else another process was the first to make it
            raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


class _Build:
    """Three times through the text: what is near to what; pieces; numbers."""

    def __init__(self, spec: StoriesSpec, part: Path, progress: Progress) -> None:
        self.spec, self.part, self.progress = spec, part, progress
        self.files = [(kind, path, file_digest(path)) for kind, path in _files(spec)]
        self.size = sum(path.stat().st_size for _, path, _ in self.files)

    def make(self) -> None:
        section_D, characters = self._split()
        vocabulary = Vocabulary(END_OF_TEXT + "".join(sorted(characters - {END_OF_TEXT})))
        if self.spec.vocabulary:
            learned = (
                document
                for (_, document), place in zip(
                    self._documents("learning pieces"), section_D, strict=True
                )
                if place == 0
            )
            merges = learn_merges(vocabulary, self.spec.vocabulary, learned)
            vocabulary = Vocabulary(vocabulary.characters, merges)
        replaced, counts = self._write(section_D, vocabulary)
        card = {
            "version": VERSION,
            "sources": [[SECTIONS[kind], str(path), digest] for kind, path, digest in self.files],
            "characters": vocabulary.characters,
            "merges": vocabulary.merges,
            "counts": counts,
            "num_dropped": int((section_D == _DROPPED).sum()),
            "replaced": replaced,
        }
        (self.part / "corpus.json").write_text(json.dumps(card, indent=1), encoding="utf-8")

    def _documents(self, what: str) -> Iterator[tuple[int, str]]:
        """All documents, each with the number of the section that its file is for."""
        done = 0
        for kind, path, digest in self.files:
            for document in read_documents(path, digest):
                # Characters for bytes: near enough to show how far it is.
                done += len(document)
                self.progress(what, min(1.0, done / self.size))
                yield kind, document

    def _split(self) -> tuple[NDArray[np.uint8], set[str]]:
        """The section of each document, and all characters of the text to learn from."""
        kinds, names, characters = bytearray(), bytearray(), set[str]()
        with (self.part / "keys").open("wb") as keys:
            for kind, document in self._documents("looking for near-duplicates"):
                kinds.append(kind)
                names += hashlib.blake2b(document.encode(), digest_size=8).digest()
                keys.write(band_keys(document).tobytes())
                if kind == 0:
                    characters.update(document)
        keys_DB = np.memmap(self.part / "keys", dtype=np.uint64, mode="r").reshape(-1, BANDS)
        kind_D = np.frombuffer(kinds, dtype=np.uint8)
        section_D = _sections(
            clusters(keys_DB), kind_D, np.frombuffer(names, dtype=np.uint64), self.spec.fold
        )
        (self.part / "keys").unlink()
        for number, name in enumerate(SECTIONS):
            if not (section_D == number).any():
                raise SpecError(
                    f"{(kind_D == 0).sum()} documents are too few: none is left for {name!r}; give"
                    " more text, with <|endoftext|> between documents, or files of their own with"
                    " --valid and --unseen"
                )
        return section_D, characters

    def _write(
        self, section_D: NDArray[np.uint8], vocabulary: Vocabulary
    ) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        writers = [SectionWriter(self.part, name, vocabulary) for name in SECTIONS]
        replaced: dict[str, str] = {}
        known = set(vocabulary.characters)
        for (_, document), place in zip(
            self._documents("writing numbers"), section_D.tolist(), strict=True
        ):
            if place == _DROPPED:
                continue
            if place and not known.issuperset(document):
                lacking = unknown(document, vocabulary.known)
                replaced |= {c: nearest_known(c, vocabulary.known) for c in lacking}
                document = mapped(document, vocabulary.known)
            writers[place].add(document)
        return replaced, {writer.name: writer.close() for writer in writers}


def _sections(
    first_D: NDArray[np.int64], kind_D: NDArray[np.uint8], name_D: NDArray[np.uint64], fold: int
) -> NDArray[np.uint8]:
    """The section of each document. Those of one cluster go by its least name, or, where one is of
    a file kept for the exam, by that: then the others are dropped."""
    least_D = name_D.copy()
    np.minimum.at(least_D, first_D, name_D)
    kept_D = kind_D.copy()
    np.maximum.at(kept_D, first_D, kind_D)
    tenth_D = least_D[first_D] % np.uint64(10)
    section_D = kind_D.copy()
    given = {number for number in (1, 2) if (kind_D == number).any()}
    for number, tenth in ((1, (fold - 1) % 10), (2, fold % 10)):
        if number not in given:
            section_D[(kind_D == 0) & (tenth_D == np.uint64(tenth))] = number
    section_D[kind_D < kept_D[first_D]] = _DROPPED
    return section_D


def kept_files(spec: StoriesSpec, section: Section) -> list[Path]:
    """The files that are kept for a section; none where it is a part of the text to learn from."""
    return _paths({"valid": spec.valid, "unseen": spec.unseen}.get(section, ()))


def texts(spec: StoriesSpec, section: Section, sample: int = 0) -> Sequence[str]:
    """Documents of a section as text, characters replaced where the vocabulary lacks them.

    Args:
        sample: at most so many, evenly over the section; 0: all.
    """
    corpus = open_corpus(spec)
    tokens = corpus.section(section)
    numbers = tokens.sample(sample or len(tokens))
    return [corpus.vocabulary.decode(tokens.document(number).tolist()) for number in numbers]
