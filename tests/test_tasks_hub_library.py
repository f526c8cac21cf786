"""Data sets of folders, streamed by the datasets library itself, without a network."""

import json
from pathlib import Path
from typing import Any

import pytest
from text_toys import story

from lilliput.errors import FileError, NotFoundError
from lilliput.specs import StoriesSpec
from lilliput.tasks import hub
from lilliput.tasks.corpus import open_corpus
from lilliput.tasks.hub import from_hub

datasets = pytest.importorskip("datasets")
ROWS = [story(number, 12) for number in range(2_700)]
SHARDS = 3


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and a cache of its own, whatever the machine's holds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def write_json(folder: Path) -> None:
    folder.mkdir(parents=True)
    for shard in range(SHARDS):
        with (folder / f"train-{shard}.jsonl").open("w") as file:
            for text in ROWS[shard::SHARDS]:
                file.write(json.dumps({"text": text, "score": 1.5}) + "\n")


def write_parquet(folder: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True)
    for shard in range(SHARDS):
        table = pyarrow.table(
            {"number": [1] * len(ROWS[shard::SHARDS]), "story": ROWS[shard::SHARDS]}
        )
        parquet.write_table(table, folder / f"train-{shard}.parquet", row_group_size=100)


def expected() -> str:
    rows = [text for shard in range(SHARDS) for text in ROWS[shard::SHARDS]]
    return "".join(f"{text}\n<|endoftext|>\n" for text in rows)


@pytest.mark.parametrize("write", [write_json, write_parquet])
def test_a_folder_is_streamed_and_learned_from(write: Any, tmp_path: Path) -> None:
    write(tmp_path / "owner" / "tales")
    path = from_hub("hf:owner/tales", Path("corpora"))
    assert path.read_text() == expected()
    corpus = open_corpus(StoriesSpec(text=("hf:owner/tales",)))
    assert sum(section["documents"] for section in corpus.counts.values()) == len(ROWS)


@pytest.mark.parametrize("write", [write_json, write_parquet])
@pytest.mark.parametrize("breaks_at", [10, 950, 1_001, 2_345])
def test_a_stream_of_it_that_breaks_goes_on(
    write: Any, breaks_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "owner" / "tales")
    read: list[int] = []
    text_of = hub._text

    def broken(row: dict[str, Any], name: str) -> str:
        if len(read) == breaks_at:
            raise OSError("the connection is lost")
        read.append(1)
        return text_of(row, name)

    with monkeypatch.context() as context:
        context.setattr(hub, "_text", broken)
        with pytest.raises(NotFoundError, match=f"lost.*{breaks_at:,} documents .* are kept"):
            from_hub("hf:owner/tales", tmp_path)
    more: list[int] = []

    def counted(row: dict[str, Any], name: str) -> str:
        more.append(1)
        return text_of(row, name)

    monkeypatch.setattr(hub, "_text", counted)
    assert from_hub("hf:owner/tales", tmp_path).read_text() == expected()
    sure = breaks_at - breaks_at % 1_000
    assert len(more) == len(ROWS) - sure, "the library went on at the last sure place"


def test_what_the_library_does_not_find_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot load the data set 'nobody/nothing': "):
        from_hub("hf:nobody/nothing", tmp_path)
    write_json(tmp_path / "owner" / "tales")
    with pytest.raises(NotFoundError, match="'owner/tales': Bad split: test"):
        from_hub("hf:owner/tales:test", tmp_path)


def test_a_column_of_another_name_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "owner" / "pictures"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text('{"label": "cat", "size": 3}\n')
    with pytest.raises(FileError, match="has no column of text: label, size"):
        from_hub("hf:owner/pictures", tmp_path)
