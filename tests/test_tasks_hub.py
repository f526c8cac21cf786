"""A data set by name: streamed once, checked, and every way in which it cannot be had."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from text_toys import story

from lilliput.errors import FileError, LilliputError, NotFoundError, SpecError
from lilliput.faces.cli import main
from lilliput.specs import StoriesSpec
from lilliput.tasks.corpus import open_corpus
from lilliput.tasks.hub import from_hub


class Hub:
    """What stands for the datasets library: rows, or an error, and what it was asked."""

    def __init__(
        self, rows: list[dict[str, Any]], *, breaks_at: int | None = None, total: int = 0
    ) -> None:
        self.rows, self.breaks_at, self.total = rows, breaks_at, total
        self.error: BaseException = ConnectionError("connection lost")
        self.asked: list[tuple[str, str, bool]] = []
        self.read: list[int] = []
        """Numbers of the rows that were read."""

    def load_dataset(self, name: str, *, split: str, streaming: bool) -> "Rows":
        self.asked.append((name, split, streaming))
        if name == "nobody/nothing":
            raise ConnectionError("Couldn't reach the Hub\nand more")
        return Rows(self, split)


class Rows:
    """What stands for its IterableDataset."""

    def __init__(self, hub: Hub, split: str) -> None:
        self.hub, self.place = hub, 0
        counted = {split: types.SimpleNamespace(num_examples=hub.total)}
        self.info = types.SimpleNamespace(splits=counted if hub.total else None)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(self.place, len(self.hub.rows)):
            if number == self.hub.breaks_at:
                raise self.hub.error
            self.hub.read.append(number)
            self.place = number + 1
            yield self.hub.rows[number]

    def state_dict(self) -> dict[str, Any]:
        return {"place": self.place}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.place = state_dict["place"]


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stand_in(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Hub:
    module = types.ModuleType("datasets")
    module.load_dataset = hub.load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    return hub


def test_a_data_set_is_streamed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = stand_in(monkeypatch, Hub([{"text": story(n)} for n in range(40)] + [{"text": " "}]))
    spec = StoriesSpec(text=("hf:owner/Tiny.Stories:validation",))
    corpus = open_corpus(spec)
    assert sum(section["documents"] for section in corpus.counts.values()) == 40
    assert hub.asked == [("owner/Tiny.Stories", "validation", True)]
    open_corpus(spec)
    assert len(hub.asked) == 1
    path = Path("corpora/owner--Tiny.Stories-validation.txt")
    path.write_text(path.read_text() + "more")
    with pytest.raises(FileError, match="delete it to get it anew"):
        from_hub(spec.text[0], Path("corpora"))
    for damaged in ("{", "[]", "{}"):
        path.with_suffix(".json").write_text(damaged)
        with pytest.raises(FileError, match="delete it"):
            from_hub(spec.text[0], Path("corpora"))


def test_progress_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, Hub([{"story": "once"}] * 2_500))
    said: list[str] = []
    from_hub("hf:a/b", tmp_path, lambda what, share: said.append(what))
    assert said == [f"streaming hf:a/b: {n:,} documents" for n in (1_000, 2_000)]
    stand_in(monkeypatch, Hub([{"story": "once"}] * 2_500, total=2_500))
    shown: list[tuple[str, float]] = []
    from_hub("hf:a/c", tmp_path, lambda what, share: shown.append((what, share)))
    assert shown[1] == ("streaming hf:a/c: 2,000 of 2,500 documents", 0.8)


def test_what_cannot_be_reached_says_what_to_do_offline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, Hub([]))
    assert main(["train", "gpt", "--task", "stories", "--text", "hf:nobody/nothing"]) == 2
    err = capsys.readouterr().err
    assert "cannot load the data set 'nobody/nothing': Couldn't reach the Hub; where there" in err
    assert "--text FILE" in err
    assert "HF_HOME" in err


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"text": f"story {n}" if n % 7 else " "} for n in range(count)]


@pytest.mark.parametrize("breaks_at", [1, 2, 999, 1_000, 1_001, 2_500])
@pytest.mark.parametrize("error", [ConnectionError("connection lost"), KeyboardInterrupt()])
def test_a_stream_that_breaks_goes_on_behind_what_was_read(
    breaks_at: int, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = from_whole(tmp_path / "whole", monkeypatch)
    hub = stand_in(monkeypatch, Hub(numbered(2_600), breaks_at=breaks_at))
    hub.error = error
    kept = sum(n % 7 > 0 for n in range(breaks_at))
    with pytest.raises((NotFoundError, KeyboardInterrupt), match=f"the {kept:,} documents of"):
        from_hub("hf:a/b", tmp_path / "broken")
    assert not list((tmp_path / "broken").glob("a--b*"))
    hub.breaks_at = None
    hub.read.clear()
    said: list[str] = []
    path = from_hub("hf:a/b", tmp_path / "broken", lambda what, share: said.append(what))
    assert path.read_bytes() == whole.read_bytes()
    assert said[0] == f"streaming hf:a/b: goes on behind {kept:,} documents"
    assert breaks_at - hub.read[0] <= 1_000, "only what lies behind the last sure place"
    assert hub.read[-1] == 2_599
    cards = [one.with_suffix(".json").read_text() for one in (path, whole)]
    assert cards[0] == cards[1]
    assert {one.name for one in path.parent.iterdir()} == {"a--b-train.txt", "a--b-train.json"}


def from_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_in(monkeypatch, Hub(numbered(2_600)))
    return from_hub("hf:a/b", folder)


def test_a_stream_killed_between_two_sure_places_goes_on_behind_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = from_whole(tmp_path / "whole", monkeypatch)
    hub = stand_in(monkeypatch, Hub(numbered(2_600), breaks_at=2_000))
    with pytest.raises(NotFoundError):
        from_hub("hf:a/b", tmp_path)
    part = tmp_path / ".a--b-train.txt.part"
    part.write_bytes(part.read_bytes() + b"half a story " * 9_000)
    hub.breaks_at = None
    assert from_hub("hf:a/b", tmp_path).read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("damage", ["the part", "the note", "the data set", "a shorter data set"])
def test_what_is_no_beginning_of_the_data_set_is_read_anew(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = stand_in(monkeypatch, Hub(numbered(2_600), breaks_at=1_500))
    with pytest.raises(NotFoundError):
        from_hub("hf:a/b", tmp_path)
    part, note = tmp_path / ".a--b-train.txt.part", tmp_path / ".a--b-train.txt.part.json"
    if damage == "the part":
        part.write_bytes(b"S" + part.read_bytes()[1:])
    elif damage == "the note":
        note.write_text("[]")
    else:
        hub.rows = [{"text": "other"}] * (2_600 if damage == "the data set" else 1_200)
    hub.breaks_at = None
    path = from_hub("hf:a/b", tmp_path)
    documents = path.read_text().split("\n<|endoftext|>\n")[:-1]
    assert documents == [row["text"] for row in hub.rows if row["text"].strip()]


def test_a_stream_that_breaks_before_its_first_row_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, Hub([{"text": "x"}] * 9, breaks_at=0))
    with pytest.raises(NotFoundError, match="connection lost"):
        from_hub("hf:a/b", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_another_process_wrote_to_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddle(what: str, share: float) -> None:
        with (tmp_path / ".a--b-train.txt.part").open("r+b") as other:
            other.write(b"S")

    stand_in(monkeypatch, Hub(numbered(1_100)))
    with pytest.raises(FileError, match="written by another process too"):
        from_hub("hf:a/b", tmp_path, meddle)


def test_other_names_and_other_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, Hub([{"image": 3, "label": "cat"}]))
    with pytest.raises(SpecError, match="write hf:OWNER/NAME"):
        from_hub("hf:stories", tmp_path)
    with pytest.raises(FileError, match="no column of text: image, label"):
        from_hub("hf:a/b", tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(LilliputError, match=r"pip install datasets"):
        from_hub("hf:a/b", tmp_path)


@pytest.mark.parametrize("error", [ConnectionError("connection lost"), KeyboardInterrupt()])
def test_a_stream_that_breaks_again_while_it_goes_on_keeps_all_and_says_so(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = from_whole(tmp_path / "whole", monkeypatch)
    hub = stand_in(monkeypatch, Hub(numbered(2_600), breaks_at=1_500))
    kept = sum(n % 7 > 0 for n in range(1_500))
    for breaks_at in (1_500, 1_200):
        hub.breaks_at, hub.error = breaks_at, error
        with pytest.raises((NotFoundError, KeyboardInterrupt), match=f"the {kept:,} documents of"):
            from_hub("hf:a/b", tmp_path)
    hub.breaks_at = None
    assert from_hub("hf:a/b", tmp_path).read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("rows", [[], [{"text": " "}] * 3, [{"text": None}]])
def test_a_data_set_without_text_leaves_nothing(
    rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, Hub(rows))
    with pytest.raises(FileError, match="hf:a/b holds no text"):
        from_hub("hf:a/b", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rows_without_text_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": "one"}, {"text": None}, {"text": "t\ud800o"}, {"text": "", "story": "b"}]
    stand_in(monkeypatch, Hub(rows))
    text = from_hub("hf:a/b", tmp_path).read_text(encoding="utf-8")
    assert text.split("\n<|endoftext|>\n") == ["one", "t?o", ""]
