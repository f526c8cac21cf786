"""Documents of text as files for other tools: nanoGPT's data set, and plain text."""

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from baselines_nanogpt import checkpoint
from text_toys import story, write_stories

from lilliput.baselines import nanogpt
from lilliput.baselines.symbols import Symbols
from lilliput.errors import FileError
from lilliput.exam.bits import bits_of
from lilliput.faces.cli import main
from lilliput.lab.load import load_text
from lilliput.specs import StoriesSpec
from lilliput.tasks.corpus import open_corpus, texts
from lilliput.tasks.vocabulary import END_OF_TEXT

DATA = ["data", "stories", "--text", "stories.txt"]
NANOGPT = [*DATA, "--as", "nanogpt", "--out", "data/tales"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_stories(Path("stories.txt"), range(80))


def written() -> tuple[dict[str, Any], dict[str, str]]:
    """meta.pkl as nanoGPT reads it, and the text of each file as its sample.py decodes it."""
    meta = pickle.loads(Path("data/tales/meta.pkl").read_bytes())
    ids = {name: np.fromfile(f"data/tales/{name}.bin", dtype="<u2") for name in ("train", "val")}
    assert all(numbers.max() < meta["vocab_size"] for numbers in ids.values())
    itos = meta["itos"]
    return meta, {name: "".join(itos[n] for n in ids[name].tolist()) for name in ids}


def marked(documents: Any) -> str:
    return END_OF_TEXT + "".join(f"{document}{END_OF_TEXT}" for document in documents)


@pytest.mark.parametrize("vocabulary", [0, 256])
def test_nanogpt_gets_our_split(vocabulary: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*NANOGPT, "--vocabulary", str(vocabulary)]) == 0
    said = capsys.readouterr().out
    meta, text = written()
    spec = StoriesSpec(text=("stories.txt",), vocabulary=vocabulary)
    assert text == {"train": marked(texts(spec, "seen")), "val": marked(texts(spec, "valid"))}
    unseen = texts(spec, "unseen")
    assert unseen
    assert not any(document in text["train"] + text["val"] for document in unseen)
    vocabulary_ = open_corpus(spec).vocabulary
    assert meta["vocab_size"] == len(vocabulary_)
    assert all(meta["itos"][number] == symbol for symbol, number in meta["stoi"].items())
    size = Path("data/tales/train.bin").stat().st_size // 2
    unit = "pieces" if vocabulary else "characters"
    assert f"{size:,} in train.bin and " in said
    assert f" in val.bin ({unit}), and meta.pkl, in data/tales\n" in said
    assert "--start=$'\\x03'" in said
    assert ("reads a prompt character by character" in said) == bool(vocabulary)
    assert ("note" in meta) == ("merges" in meta) == bool(vocabulary)
    # sample.py can encode any prompt of our characters.
    assert "".join(meta["itos"][meta["stoi"][c]] for c in unseen[0]) == unseen[0]


def trained(folder: Path, **fields: Any) -> Path:
    """A checkpoint, as nanoGPT's train.py writes it, of the data set written above."""
    folder.mkdir()
    meta = pickle.loads(Path("data/tales/meta.pkl").read_bytes())
    torch.save(checkpoint(meta["vocab_size"]), folder / "ckpt.pt")
    (folder / "meta.pkl").write_bytes(pickle.dumps({**meta, **fields}))
    return folder / "ckpt.pt"


@pytest.mark.parametrize("vocabulary", [0, 256])
def test_a_model_that_nanogpt_trained_on_it_reads_as_it_learned(
    vocabulary: int, tmp_path: Path
) -> None:
    assert main([*NANOGPT, "--vocabulary", str(vocabulary)]) == 0
    path = trained(tmp_path / "out")
    reader = load_text(str(path)).reader
    assert (reader.start, reader.ends) == ((0,), (0,))
    ours = open_corpus(StoriesSpec(text=("stories.txt",), vocabulary=vocabulary)).vocabulary
    pieces = [ours.decode([number]) for number in range(len(ours))]
    # Words that the pieces were not learned from: the longest piece that fits is not always right.
    document = "".join(random.Random(0).choices([p for p in pieces[1:] if len(p) < 4], k=1_000))
    symbols = Symbols(pieces)
    assert (symbols.encode(document) != ours.encode(document)) == bool(vocabulary)
    assert reader.vocabulary.encode(document) == ours.encode(document)
    assert reader.vocabulary.decode(ours.encode(document)) == document
    costs = bits_of(reader, [document])
    assert costs.per_character > 0


def test_merges_that_do_not_make_the_pieces_are_refused(tmp_path: Path) -> None:
    assert main([*NANOGPT, "--vocabulary", "256"]) == 0
    meta = pickle.loads(Path("data/tales/meta.pkl").read_bytes())
    first, second, *rest = meta["merges"]
    wrong: list[Any] = [
        [second, first, *rest],
        meta["merges"][::-1],
        meta["merges"][:-1],
        [[1]],
        "ab",
        [[0, 1]],
        7,
    ]
    for number, merges in enumerate(wrong):
        path = trained(tmp_path / str(number), merges=merges)
        with pytest.raises(FileError, match="merges that do not make its pieces"):
            nanogpt.read(path)


def test_text_for_other_tools(capsys: pytest.CaptureFixture[str]) -> None:
    spec = StoriesSpec(text=("stories.txt",))
    assert main([*DATA, "--section", "unseen", "--out", "u.txt"]) == 0
    unseen = texts(spec, "unseen")
    assert f"{len(unseen)} documents in u.txt" in capsys.readouterr().out
    assert Path("u.txt").read_text() == "".join(f"{d}\n<|endoftext|>\n" for d in unseen)
    assert main(DATA) == 0
    out = capsys.readouterr().out
    assert sorted(out.split("\n<|endoftext|>\n")) == sorted(["", *map(story, range(80))])


def test_what_cannot_be_written_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*DATA, "--as", "nanogpt"]) == 2
    assert "--as nanogpt writes a folder; name it, such as --out data/stories" in (
        capsys.readouterr().err
    )
    assert main([*NANOGPT, "--section", "unseen"]) == 2
    assert "leave --section unseen out" in capsys.readouterr().err
    for name in ("beyond", "test"):
        assert main([*DATA, "--section", name, "--out", "no.txt"]) == 2
        assert f"no section '{name}'" in capsys.readouterr().err.replace("has ", "")
    assert main(["data", "storys"]) == 2
    assert "did you mean 'stories'?" in capsys.readouterr().err
    assert main(["data", "stories", "--text", "none.txt", "--out", "no.txt"]) == 2
    assert "no file or folder 'none.txt'" in capsys.readouterr().err
    assert main(["data", "arithmetic", "--operands", "0-9999", "--out", "no.txt"]) == 2
    assert "say how many: --lines" in capsys.readouterr().err
    assert [path.name for path in Path().glob("*no.txt*")] == []


def test_pieces_are_nanogpts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    write_stories(Path("stories.txt"), range(40))
    assert main([*DATA, "--vocabulary", "300"]) == 2
    assert "leave --vocabulary out, or add --as nanogpt" in capsys.readouterr().err
