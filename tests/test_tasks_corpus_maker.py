"""Laws of making a corpus: what lands where, what is refused, and that nothing is left behind."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_toys import stories_spec, story, write_stories

from lilliput.errors import FileError, SpecError
from lilliput.specs import StoriesSpec
from lilliput.tasks import corpus_maker
from lilliput.tasks.corpus import open_corpus
from lilliput.tasks.corpus_maker import SECTIONS
from lilliput.tasks.duplicates import _FACTOR, _ODD, _SHIFT, BANDS, ROWS, RUN, band_keys


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keys_by_formula(document: str) -> list[int]:
    """One document by itself, as duplicates' docstrings say, in whole numbers of Python."""
    words = [zlib.crc32(word.encode()) for word in re.findall(r"\w+", document.lower())] or [0]
    run = min(RUN, len(words))
    hashes = []
    for place in range(len(words) - run + 1):
        hash_ = sum(w * int(odd) for w, odd in zip(words[place:], _ODD[:run], strict=False))
        hashes.append(hash_ % 2**64 ^ hash_ % 2**64 >> 29)
    least = [
        min((hash_ * int(factor) + int(shift)) % 2**64 >> 32 for hash_ in hashes)
        for factor, shift in zip(_FACTOR, _SHIFT, strict=True)
    ]
    bands = [least[band * ROWS : (band + 1) * ROWS] for band in range(BANDS)]
    return [sum(n * int(odd) for n, odd in zip(b, _ODD, strict=False)) % 2**64 for b in bands]


WRITTEN = st.text(alphabet="abcd AB_9é“”\n.,'İßǅ一²\u0300\x1c\x85\u2028", max_size=60)


@given(st.lists(WRITTEN, min_size=1, max_size=5))
def test_keys_are_those_of_the_formula_however_many_documents_there_are(texts: list[str]) -> None:
    assert band_keys(texts).tolist() == [keys_by_formula(text) for text in texts]


def landed(spec: StoriesSpec) -> str:
    """A digest of which documents are in which section, in which order."""
    corpus = open_corpus(spec)
    sha = hashlib.sha256(corpus.vocabulary.characters.encode())
    for name in SECTIONS:
        for part in ("tokens", "starts", "lengths"):
            sha.update((corpus.folder / f"{name}.{part}").read_bytes())
    return sha.hexdigest()[:16]


def test_documents_land_where_they_always_did(tmp_path: Path) -> None:
    """Scores of models are of these documents: another split would be another exam."""
    assert landed(StoriesSpec()) == "fd0c4d00f1d0a0e7"
    assert landed(stories_spec(tmp_path, 300)) == "24d511b94dcbb5fe"
    assert landed(stories_spec(tmp_path, 300, fold=3)) == "9225c5c1dabc1565"
    text = write_stories(tmp_path / "text.txt", [*range(40), *range(20)])
    kept = write_stories(tmp_path / "kept.txt", range(35, 70))
    assert landed(StoriesSpec(text=(str(text),), unseen=(str(kept),))) == "08bf32071427ce96"
    # Most of these pairs share a key: which do not is a matter of every hash.
    pairs = [story(n // 2).replace(" the ", " one " if n % 2 else " the ", 4) for n in range(300)]
    text.write_text("\n<|endoftext|>\n".join(pairs), encoding="utf-8")
    assert landed(StoriesSpec(text=(str(text),))) == "aba76ec365e2535a"


# Refused


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = stories_spec(tmp_path)
    path = Path(spec.text[0])
    once = corpus_maker.file_digest

    def digest_then_change(file: Path) -> str:
        found = once(file)
        with path.open("a") as out:
            out.write(" more")
        return found

    monkeypatch.setattr(corpus_maker, "file_digest", digest_then_change)
    with pytest.raises(FileError, match="has changed while it was read; run the same command"):
        open_corpus(spec)
    assert list(Path("corpora").iterdir()) == []


def test_too_few_documents(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "text.txt", range(1))
    with pytest.raises(SpecError, match=r"^1 document is too few: none is left for 'valid'; give"):
        open_corpus(StoriesSpec(text=(str(path),)))
    write_stories(path, range(5))
    with pytest.raises(SpecError, match=r"^5 documents are too few: none is left for '\w+'; give"):
        open_corpus(StoriesSpec(text=(str(path),)))


def test_too_few_to_choose_by(tmp_path: Path) -> None:
    """One document has no interval, so that nothing could ever pass on it."""
    text, one, few = (
        str(write_stories(tmp_path / f"{name}.txt", numbers))
        for name, numbers in (("text", range(60)), ("one", [70]), ("few", range(80, 84)))
    )
    for spec, words in (
        (
            StoriesSpec(text=(text,), valid=(one,)),
            "^--valid has 1 document: too few to tell models",
        ),
        (
            StoriesSpec(text=(text,), valid=(few,)),
            "^--valid has 4 documents: too few .* at least 5",
        ),
        (StoriesSpec(text=(text,), unseen=(one,)), "^--unseen has 1 document: .* at least 2, with"),
        (stories_spec(tmp_path, 20), "^20 documents are too few: 1 is left for 'valid', which"),
    ):
        with pytest.raises(SpecError, match=words):
            open_corpus(spec)
    enough = write_stories(tmp_path / "enough.txt", range(80, 85))
    assert open_corpus(StoriesSpec(text=(text,), valid=(str(enough),))).counts["valid"]


def test_near_duplicates_alone_are_too_few_documents(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "text.txt", [0, 1, 2] * 400)
    words = "1,200 documents are too few: only 3 of them differ, near-duplicates stay on one side,"
    with pytest.raises(SpecError, match=rf"^{words} and none is left for '\w+'; give more text"):
        open_corpus(StoriesSpec(text=(str(path),)))


def test_all_of_a_section_may_be_near_duplicates_of_what_is_kept(tmp_path: Path) -> None:
    many, few = (
        str(write_stories(tmp_path / f"{name}.txt", range(number)))
        for name, number in (("many", 40), ("few", 20))
    )
    words = "none is left for '{}': all its documents are nearly the same as ones of {};"
    with pytest.raises(SpecError, match=words.format("seen", "--valid or --unseen")):
        open_corpus(StoriesSpec(text=(few,), unseen=(many,)))
    other = str(write_stories(tmp_path / "other.txt", range(100, 140)))
    with pytest.raises(SpecError, match=words.format("valid", "--unseen")):
        open_corpus(StoriesSpec(text=(other,), valid=(few,), unseen=(many,)))


def test_a_full_disk_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = stories_spec(tmp_path)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(FileError, match=r"cannot write .*No space"):
        open_corpus(spec)
    assert list(Path("corpora").iterdir()) == []


# Left behind


def test_what_a_killed_maker_left_is_cleared_away_and_a_living_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    spec = stories_spec(tmp_path)
    code = (
        "import os, sys; from lilliput.specs import StoriesSpec;"
        " from lilliput.tasks.corpus import open_corpus;"
        " open_corpus(StoriesSpec(text=(sys.argv[1],)), lambda what, share: {})"
    )
    killed = code.format("os.kill(os.getpid(), 9)")
    assert subprocess.run([sys.executable, "-c", killed, spec.text[0]]).returncode == -9
    (left,) = Path("corpora").iterdir()
    assert left.name.endswith(".part")
    stays = "(print('making', flush=True), sys.stdin.read())"
    with subprocess.Popen(
        [sys.executable, "-c", code.format(stays), spec.text[0]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as living:  # fmt: skip
        assert living.stdout is not None
        living.stdout.readline()
        (its_own,) = Path("corpora").iterdir()
        assert its_own != left
        made = open_corpus(stories_spec(tmp_path, 61)).folder
        assert set(Path("corpora").iterdir()) == {its_own, made}
        living.send_signal(signal.SIGKILL)


def test_a_corpus_may_be_read_by_whoever_may_read_a_new_folder(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        folder = open_corpus(stories_spec(tmp_path)).folder
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert np.bitwise_or.reduce([f.stat().st_mode & 0o777 for f in folder.iterdir()]) == 0o640
