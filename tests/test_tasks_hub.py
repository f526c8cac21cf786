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

    def __init__(self, rows: list[dict[str, Any]], *, breaks_at: int | None = None) -> None:
        self.rows, self.breaks_at = rows, breaks_at
        self.asked: list[tuple[str, str, bool]] = []

    def load_dataset(self, name: str, *, split: str, streaming: bool) -> Iterator[dict[str, Any]]:
        self.asked.append((name, split, streaming))
        if name == "nobody/nothing":
            raise ConnectionError("Couldn't reach the Hub\nand more")
        return self._rows()

    def _rows(self) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(self.rows):
            if number == self.breaks_at:
                raise ConnectionError("connection lost")
            yield row


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


def test_what_cannot_be_reached_says_what_to_do_offline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, Hub([]))
    assert main(["train", "gpt", "--task", "stories", "--text", "hf:nobody/nothing"]) == 2
    err = capsys.readouterr().err
    assert "cannot have the data set 'nobody/nothing': Couldn't reach the Hub; where there" in err
    assert "--text FILE" in err
    assert "HF_HOME" in err


def test_a_stream_that_breaks_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, Hub([{"text": "x"}] * 9, breaks_at=5))
    with pytest.raises(NotFoundError, match="connection lost"):
        from_hub("hf:a/b", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_names_and_other_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, Hub([{"image": 3, "label": "cat"}]))
    with pytest.raises(SpecError, match="write hf:OWNER/NAME"):
        from_hub("hf:stories", tmp_path)
    with pytest.raises(FileError, match="no column of text: image, label"):
        from_hub("hf:a/b", tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(LilliputError, match=r"pip install 'lilliput\[hf\]'"):
        from_hub("hf:a/b", tmp_path)
