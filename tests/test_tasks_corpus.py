"""Laws of a corpus: documents come back, sections never meet, near-duplicates are on one side."""

import hashlib
import json
import time
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from text_toys import stories_spec, story, write_stories

from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.specs import StoriesSpec
from lilliput.tasks import documents
from lilliput.tasks.corpus import digest_of_text, open_corpus, texts
from lilliput.tasks.corpus_maker import SECTIONS
from lilliput.tasks.documents import LONGEST, PART, file_digest, is_one_text, read_documents
from lilliput.tasks.duplicates import band_keys, clusters
from lilliput.tasks.stories import Stories, unigram_bits


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("vocabulary", [0, 256])
def test_documents_come_back_and_sections_never_meet(tmp_path: Path, vocabulary: int) -> None:
    spec = stories_spec(tmp_path, vocabulary=vocabulary)
    found = {name: list(texts(spec, name)) for name in SECTIONS}
    everything = [text for name in SECTIONS for text in found[name]]
    assert sorted(everything) == sorted(story(n) for n in range(60))
    assert len(set(everything)) == 60
    assert all(found.values())
    corpus = open_corpus(spec)
    seen = corpus.section("seen")
    assert corpus.counts["seen"]["characters"] == sum(map(len, found["seen"]))
    assert seen.lengths_D.tolist() == [len(text) for text in found["seen"]]
    # One stream: an end mark before the first document and behind each.
    assert seen.tokens_N[0] == seen.tokens_N[-1] == 0
    assert (np.asarray(seen.tokens_N) == 0).sum() == len(seen) + 1


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    spec = stories_spec(tmp_path)
    folder = open_corpus(spec).folder
    before = (folder / "seen.tokens").stat().st_mtime_ns
    assert open_corpus(spec).folder == folder
    assert (folder / "seen.tokens").stat().st_mtime_ns == before
    write_stories(tmp_path / "stories.txt", range(61))
    assert open_corpus(spec).folder != folder
    assert not [path for path in folder.parent.iterdir() if path.suffix == ".part"]


def test_another_fold_keeps_others(tmp_path: Path) -> None:
    usual, other = (list(texts(stories_spec(tmp_path, fold=fold), "unseen")) for fold in (-1, 3))
    assert not set(usual) & set(other)


def changed(text: str, place: int) -> str:
    words = text.split()
    words[place] = "different"
    return " ".join(words)


def test_near_duplicates_are_on_one_side(tmp_path: Path) -> None:
    originals = [story(n, 200) for n in range(80)]
    copies = [changed(changed(text, 20), 150) for text in originals]
    path = tmp_path / "twice.txt"
    path.write_text("\n<|endoftext|>\n".join([*originals, *copies]))
    spec = StoriesSpec(text=(str(path),))
    where = {text: name for name in SECTIONS for text in texts(spec, name)}
    apart = [n for n in range(80) if where[originals[n]] != where[copies[n]]]
    assert len(apart) <= 2, "98 % of pairs are found"
    assert set(where.values()) == set(SECTIONS)


def test_unlike_documents_are_no_duplicates() -> None:
    keys = band_keys([story(n, 200) for n in range(300)])
    assert (clusters(keys) == np.arange(300)).all()
    assert clusters(band_keys(["one two", "", "one two", "three"])).tolist() == [0, 1, 0, 3]


def test_links_make_one_cluster() -> None:
    keys = np.array([[1, 2], [3, 4], [1, 4], [9, 9]], dtype=np.uint64)
    assert clusters(keys).tolist() == [0, 0, 0, 3]


def test_files_kept_for_the_exam_push_near_duplicates_out(tmp_path: Path) -> None:
    text = write_stories(tmp_path / "text.txt", range(150), 200)
    kept = tmp_path / "kept.txt"
    kept.write_text("\n<|endoftext|>\n".join([changed(story(3, 200), 9), story(777, 200) + " µ"]))
    spec = StoriesSpec(text=(str(text),), unseen=(str(kept),))
    corpus = open_corpus(spec)
    assert corpus.num_dropped == 1
    seen = [*texts(spec, "seen"), *texts(spec, "valid")]
    assert story(3, 200) not in seen
    assert len(seen) == 149
    # What the text to learn from lacks is replaced, and said.
    assert corpus.replaced == {"µ": " "} or "µ" in corpus.replaced
    assert len(texts(spec, "unseen")) == 2


def test_the_unigram(tmp_path: Path) -> None:
    task = Stories(stories_spec(tmp_path))
    seen = "".join(texts(task.spec, "seen"))
    valid = "".join(texts(task.spec, "valid"))
    size = len(task.vocabulary)
    chances = {c: (seen.count(c) + 1) / (len(seen) + size) for c in set(valid)}
    assert unigram_bits(task) == pytest.approx(
        -sum(np.log2(chances[c]) for c in valid) / len(valid)
    )


def test_the_unigram_of_pieces(tmp_path: Path) -> None:
    """A model of pieces that guesses them by their frequency alone has learned nothing else, though
    it costs less than the characters' frequencies do."""
    task = Stories(stories_spec(tmp_path, vocabulary=256))
    seen, valid = (
        [n for text in texts(task.spec, name) for n in task.vocabulary.encode(text)]
        for name in ("seen", "valid")
    )
    total = len(seen) + len(task.vocabulary)
    cost = -sum(np.log2((seen.count(n) + 1) / total) for n in valid)
    bits = unigram_bits(task)
    assert bits == pytest.approx(cost / sum(map(len, texts(task.spec, "valid"))))
    assert bits < unigram_bits(Stories(stories_spec(tmp_path)))


def test_characters_a_piece_are_those_of_pieces_alone(tmp_path: Path) -> None:
    assert Stories(stories_spec(tmp_path)).characters_a_piece == 1
    task = Stories(stories_spec(tmp_path, vocabulary=256))
    seen = texts(task.spec, "seen")
    pieces = [len(task.vocabulary.encode(text)) for text in seen]
    assert task.characters_a_piece == sum(map(len, seen)) / sum(pieces) > 1.5


# Bad input


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"Once upon a \xff time")
    with pytest.raises(FileError, match=r"bad.txt is no UTF-8 text: byte 12"):
        list(read_documents(path))
    path.write_bytes(b"\n  \n<|endoftext|>\n\n")
    with pytest.raises(FileError, match="has no text in it"):
        list(read_documents(path))
    with pytest.raises(NotFoundError, match=r"no file or folder 'none\.txt'"):
        open_corpus(StoriesSpec(text=("none.txt",)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"has no \.txt file"):
        open_corpus(StoriesSpec(text=(str(tmp_path / "empty"),)))


def test_one_giant_line_is_cut_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    text = " ".join(f"word{n}" for n in range(1_000_000))
    path.write_text(text)
    parts = list(read_documents(path))
    assert max(map(len, parts)) <= PART
    assert " ".join(parts) == text
    path.write_text("x" * 100_000)
    assert "".join(read_documents(path)) == "x" * 100_000


def test_a_giant_line_is_read_as_fast_as_short_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_CHUNK", 1 << 26)
    line = tmp_path / "line.txt"
    seconds = {}
    for separator in (" ", "\n<|endoftext|>\n"):
        line.write_text(separator.join(["word " * 400] * 8_000))
        started = time.process_time()
        list(read_documents(line))
        seconds[separator] = time.process_time() - started
    # Where the rest is copied for each part of it, it is a hundred times.
    assert seconds[" "] < 15 * seconds["\n<|endoftext|>\n"]


def test_a_long_document_among_short_ones(tmp_path: Path) -> None:
    path = tmp_path / "mixed.txt"
    long, whole = "l " * LONGEST, "w" * (LONGEST - 1)
    path.write_text("\n<|endoftext|>\n".join(["short", long, whole, "last"]))
    parts = list(read_documents(path))
    assert parts[0] == "short"
    assert parts[-2:] == [whole, "last"]
    assert "".join(parts[1:-2]).replace(" ", "") == "l" * LONGEST


def test_not_the_text_that_it_was_specified_for(tmp_path: Path) -> None:
    spec = stories_spec(tmp_path)
    sealed = StoriesSpec(text=spec.text, text_digest=digest_of_text(spec))
    write_stories(Path(spec.text[0]), range(59))
    with pytest.raises(FileError, match="not the text that this was specified for"):
        open_corpus(sealed)


DAMAGED = "is damaged; delete it: it is made again"


def test_a_damaged_card_says_what_to_do(tmp_path: Path) -> None:
    spec = stories_spec(tmp_path)
    path = open_corpus(spec).folder / "corpus.json"
    card = json.loads(path.read_text())
    for counts in ({}, {**card["counts"], "seen": {"documents": 3}}, {**card["counts"], "seen": 3}):
        path.write_text(json.dumps({**card, "counts": counts}))
        with pytest.raises(FileError, match=DAMAGED):
            open_corpus(spec)
    path.write_text("{")
    with pytest.raises(FileError, match=DAMAGED):
        open_corpus(spec)


@pytest.mark.parametrize("vocabulary", [0, 256])
@pytest.mark.parametrize("part", ["tokens", "starts", "lengths"])
def test_a_file_of_another_length_is_not_read(tmp_path: Path, part: str, vocabulary: int) -> None:
    corpus = open_corpus(stories_spec(tmp_path, vocabulary=vocabulary))
    path = corpus.folder / f"valid.{part}"
    content = path.read_bytes()
    for damaged in (content[:-1], content[:-8], content[:12], b"", content + b"\0", content * 2):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=DAMAGED):
            corpus.section("valid")
        corpus.section("seen")
    path.unlink()
    with pytest.raises(FileError, match=DAMAGED):
        corpus.section("valid")
    path.write_bytes(content)
    assert len(corpus.section("valid")) == corpus.counts["valid"]["documents"]


def test_a_text_is_learned_or_kept() -> None:
    with pytest.raises(SpecError, match="named twice"):
        StoriesSpec(text=("a.txt",), unseen=("a.txt",))
    with pytest.raises(SpecError, match="need a --text"):
        StoriesSpec(valid=("a.txt",))
    with pytest.raises(SpecError, match="256 to 4096"):
        StoriesSpec(vocabulary=100)


def test_one_long_text_is_split_into_stretches(tmp_path: Path) -> None:
    """No part of a book has a neighbour on another side, but where a stretch ends."""
    book = "\n".join(story(n, 90) for n in range(400))
    path = tmp_path / "book.txt"
    path.write_text(book)
    parts = list(read_documents(path))
    spec = StoriesSpec(text=(str(path),))
    where = {text: name for name in SECTIONS for text in texts(spec, name)}
    order = [where[part] for part in parts]
    tenth = len(parts) // 10
    assert [name for name, _ in groupby(order)] == ["seen", "valid", "unseen"]
    assert abs(order.count("valid") - tenth) <= 1 >= abs(order.count("unseen") - tenth)
    other = {name: list(texts(StoriesSpec(text=(str(path),), fold=4), name)) for name in SECTIONS}
    assert parts.index(other["unseen"][0]) == pytest.approx(0.4 * len(parts), abs=1)
    assert parts.index(other["valid"][0]) == pytest.approx(0.3 * len(parts), abs=1)
    # Its digest says how it is split: what was learned of it when it was split otherwise must not
    # be asked what it was trained on.
    plain = hashlib.sha256(json.dumps([[0, file_digest(path)]]).encode()).hexdigest()
    assert digest_of_text(spec) != plain
    path.write_text(f"{book}\n<|endoftext|>\n")
    assert (
        digest_of_text(spec)
        == hashlib.sha256(json.dumps([[0, file_digest(path)]]).encode()).hexdigest()
    )
    where = {text: name for name in SECTIONS for text in texts(spec, name)}
    assert len(list(groupby(where[part] for part in parts))) > 10, "documents are split as ever"


def test_what_is_one_long_text(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    for text, is_one in (
        ("", False),
        ("word " * (LONGEST // 5), False),
        ("word " * LONGEST, True),
        (f"{'word ' * LONGEST}<|endoftext|>", False),
        ("word " * (5 << 20) + "<|endoftext|> word", False),
    ):
        path.write_text(text)
        assert is_one_text(path) == is_one
