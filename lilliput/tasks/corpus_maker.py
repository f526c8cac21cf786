"""Makes a corpus from text files: what is near to what, pieces, numbers. Knows none but its own.

Nothing is held in memory that grows with the text but a few bytes a document.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lilliput.errors import SpecError
from lilliput.files import cannot_write, left_behind, part_of
from lilliput.specs.task import StoriesSpec
from lilliput.tasks.corpus_writer import SectionWriter
from lilliput.tasks.documents import Progress, file_digest, is_one_text, read_documents
from lilliput.tasks.duplicates import BANDS, band_keys, clusters
from lilliput.tasks.pieces import learn_merges
from lilliput.tasks.splits import Section
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary, mapped, nearest_known, unknown

VERSION = 1
SECTIONS: tuple[Section, ...] = ("seen", "valid", "unseen")
FEWEST = {"seen": 1, "valid": 5, "unseen": 2}
"""Documents of a section at least: one has no interval, and that of a few is too wide to choose
by."""
_DROPPED = len(SECTIONS)
_AT_ONCE = 128
"""Documents whose keys are worked out together."""


def make_corpus(
    spec: StoriesSpec, files: Sequence[tuple[int, Path]], folder: Path, progress: Progress
) -> None:
    """Makes the corpus beside its place and moves it there whole.

    Args:
        files: each with the number of the section that it is for; 0 is split where need be.

    Raises:
        FileError: a file is no text or changes meanwhile, or the disk is full.
        SpecError: there are too few documents to keep some for the exam.
    """
    part = part_of(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for old in left_behind(folder.parent):
            shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        _Build(spec, files, part, progress).make()
        if not folder.exists():
            os.replace(part, folder)
    except OSError as error:
        if not folder.exists():  # else another process was the first to make it
            raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


class _Build:
    """Three times through the text: what is near to what; pieces; numbers."""

    def __init__(
        self, spec: StoriesSpec, files: Sequence[tuple[int, Path]], part: Path, progress: Progress
    ) -> None:
        self.spec, self.part, self.progress = spec, part, progress
        self.files = [(kind, path, file_digest(path)) for kind, path in files]
        self.size = sum(path.stat().st_size for _, path in files)
        self.numbers = [0] * len(self.files)
        """Documents of each file, once it has been read."""

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
        for file, (kind, path, digest) in enumerate(self.files):
            for number, document in enumerate(read_documents(path, digest), start=1):
                self.numbers[file] = number
                # Characters for bytes: near enough to show how far it is.
                done += len(document)
                self.progress(what, min(1.0, done / self.size))
                yield kind, document

    def _split(self) -> tuple[NDArray[np.uint8], set[str]]:
        """The section of each document, and all characters of the text to learn from."""
        kinds, names, characters = bytearray(), bytearray(), set[str]()
        plain = b""
        documents = self._documents("looking for near-duplicates")
        with (self.part / "keys").open("wb") as keys:
            while batch := list(islice(documents, _AT_ONCE)):
                keys.write(band_keys([document for _, document in batch]).tobytes())
                for kind, document in batch:
                    content = document.encode()
                    kinds.append(kind)
                    names += hashlib.blake2b(content, digest_size=8).digest()
                    if kind == 0:
                        # Known ASCII goes first: ten times faster than a look at each character.
                        left = content.translate(None, plain).decode()
                        if not characters.issuperset(left):
                            characters.update(left)
                            plain = "".join(filter(str.isascii, characters)).encode()
        keys_DB = np.memmap(self.part / "keys", dtype=np.uint64, mode="r").reshape(-1, BANDS)
        first_D = clusters(keys_DB)
        (self.part / "keys").unlink()
        kind_D = np.frombuffer(kinds, dtype=np.uint8)
        name_D = self._in_stretches(np.frombuffer(names, dtype=np.uint64))
        section_D = _sections(first_D, kind_D, name_D, self.spec.fold)
        for number, name in enumerate(SECTIONS):
            if (section_D == number).sum() < FEWEST[name]:
                raise _too_few(number, first_D, kind_D, section_D)
        return section_D, characters

    def _in_stretches(self, name_D: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Documents' names, by whose last digit they are split: of a part of one long text it is
        the tenth in which it stands. Split at random, most parts would have a neighbour on another
        side, and a model of the one knows much of the other."""
        name_D, begin = name_D.copy(), 0
        for (kind, path, _), number in zip(self.files, self.numbers, strict=True):
            parts = slice(begin, begin + number)
            begin += number
            if kind == 0 and is_one_text(path):
                tenth_P = (np.arange(number) * 10 // number).astype(np.uint64)
                # Fewer bits, so that one more digit is no overflow.
                name_D[parts] = (name_D[parts] >> np.uint64(8)) * np.uint64(10) + tenth_P
        return name_D

    def _write(
        self, section_D: NDArray[np.uint8], vocabulary: Vocabulary
    ) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        writers = [SectionWriter(self.part, name, vocabulary) for name in SECTIONS]
        replaced: dict[str, str] = {}
        known = set(vocabulary.characters)
        for (kind, document), place in zip(
            self._documents("writing numbers"), section_D.tolist(), strict=True
        ):
            if place == _DROPPED:
                continue
            # The vocabulary has every character of the text to learn from.
            if kind and not known.issuperset(document):
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


def _too_few(
    number: int, first_D: NDArray[np.int64], kind_D: NDArray[np.uint8], section_D: NDArray[np.uint8]
) -> SpecError:
    """What is said where a section has fewer documents than `FEWEST`."""
    name, num_text = SECTIONS[number], int((kind_D == 0).sum())
    left, given = int((section_D == number).sum()), int((kind_D == number).sum())
    different = len(np.unique(first_D[(kind_D == 0) & (section_D != _DROPPED)]))
    if different == 0 or (number and given):
        kept = "--unseen" if number else "--valid or --unseen"
        if left == 0:
            return SpecError(
                f"none is left for {name!r}: all its documents are nearly the same as ones of"
                f" {kept}; give other files"
            )
        without = f", without {given - left:,} near those of {kept}" if left < given else ""
        return SpecError(
            f"--{name} has {_number(left)}{without}: too few to tell models apart; give at least"
            f" {FEWEST[name]}, with <|endoftext|> between them, or leave --{name} out: then it is a"
            " tenth of the text"
        )
    are = "is" if num_text == 1 else "are"
    why = ""
    if different < num_text:
        why = f" only {different:,} of them differ, near-duplicates stay on one side, and"
    are_left = "none is" if left == 0 else f"{left} {'is' if left == 1 else 'are'}"
    least = f", which takes {FEWEST[name]}" if left else ""
    return SpecError(
        f"{_number(num_text)} {are} too few:{why} {are_left} left for {name!r}{least}; give more"
        " text, with <|endoftext|> between documents, or files of their own with --valid and"
        " --unseen"
    )


def _number(documents: int) -> str:
    return f"{documents:,} document{'' if documents == 1 else 's'}"
