"""A corpus on disk: the documents of text files as numbers, split into seen, valid and unseen.

    corpora/1a2b3c4d5e6f/corpus.json     vocabulary, counts, what was left out and replaced
                         seen.tokens     one number after another, memory-mapped; an end mark before
                                         the first document and behind each
                         seen.starts     where each document begins, and where the last one ends
                         seen.lengths    characters of each document

Near-duplicates are on one side, and so are the neighbours in one long text without separators,
which is split into three stretches; corpus_maker makes it. Knows no model.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lilliput.errors import FileError, SpecError
from lilliput.specs.task import StoriesSpec
from lilliput.tasks.corpus_maker import SECTIONS, VERSION, make_corpus
from lilliput.tasks.corpus_writer import COUNTED, kind_of
from lilliput.tasks.documents import EXCERPT, Progress, file_digest, files_of, is_one_text
from lilliput.tasks.hub import PREFIX, from_hub
from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import Vocabulary

CORPORA = Path("corpora")
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
        """One section.

        Raises:
            FileError: a file is missing, or not as long as the counts say.
        """
        counts, kind = self.counts[name], kind_of(self.vocabulary)
        path = {part: self.folder / f"{name}.{part}" for part in ("tokens", "starts", "lengths")}
        sizes = {
            "tokens": counts["tokens"] * np.dtype(kind).itemsize,
            "starts": (counts["documents"] + 1) * np.dtype(np.int64).itemsize,
            "lengths": counts["documents"] * np.dtype(np.int32).itemsize,
        }
        try:
            if any(path[part].stat().st_size != size for part, size in sizes.items()):
                raise _damaged(self.folder)
            return Tokens(
                np.memmap(path["tokens"], dtype=kind, mode="r"),
                np.fromfile(path["starts"], dtype=np.int64),
                np.fromfile(path["lengths"], dtype=np.int32),
            )
        except OSError:
            raise _damaged(self.folder) from None


def digest_of_text(spec: StoriesSpec) -> str:
    """What names the text of a spec: a sha256 of the files' sha256s, what each is for, and whether
    it is split by stretches: what was learned of a text that was split otherwise is another's."""
    rows: list[list[Any]] = []
    for kind, path in _files(spec):
        stretches = ["by stretches"] if kind == 0 and is_one_text(path) else []
        rows.append([kind, file_digest(path), *stretches])
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def open_corpus(spec: StoriesSpec, progress: Progress | None = None) -> Corpus:
    """The corpus of a spec; made from its files where it is not there yet.

    Raises:
        NotFoundError: a file is not there.
        FileError: a file is no text, has changed since the spec was sealed, or the disk is full.
        SpecError: there are too few documents to keep some for the exam.
    """
    digest = spec.text_digest or digest_of_text(spec)
    words = f"{VERSION} {digest} {spec.vocabulary} {spec.fold}"
    folder = CORPORA / hashlib.sha256(words.encode()).hexdigest()[:12]
    if not (folder / "corpus.json").exists():
        if spec.text_digest and digest_of_text(spec) != spec.text_digest:
            names = ", ".join(str(path) for _, path in _files(spec))
            raise FileError(
                f"{names}: not the text that this was specified for, or it was split another way"
                " then; bring it back, or train anew"
            )
        make_corpus(spec, _files(spec), folder, progress or (lambda what, share: None))
    try:
        card = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        merges = tuple((left, right) for left, right in card["merges"])
        vocabulary = Vocabulary(card["characters"], merges)
        counts: dict[str, dict[str, int]] = {
            name: {what: int(card["counts"][name][what]) for what in COUNTED} for name in SECTIONS
        }
        return Corpus(folder, vocabulary, counts, card["num_dropped"], card["replaced"])
    except (OSError, ValueError, KeyError, TypeError, SpecError):
        raise _damaged(folder) from None


def _damaged(folder: Path) -> FileError:
    return FileError(f"the corpus in {folder} is damaged; delete it: it is made again")


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
