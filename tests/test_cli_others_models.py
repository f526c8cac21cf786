"""Models that others made where one of ours is wanted: what to type first; and a name of none."""

import re
from pathlib import Path

import hf_toys
import pytest
from baselines_nanogpt import write
from text_toys import write_stories

from lilliput.errors import nearest
from lilliput.faces import cli


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], words: str, code: int = 2) -> str:
    capsys.readouterr()
    assert cli.main(words.split()) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_a_checkpoint_of_nanogpt_is_trained_on_first(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("out"))
    write_stories(Path("t.txt"), range(60))
    first = "train on from it first (`lilliput train --start out/ckpt.pt`) and give that run"
    for words in (
        "ship out/ckpt.pt --as hf",
        "ship out/ckpt.pt --as c --numbers int8",
        "train gpt --task stories --text t.txt --teacher out/ckpt.pt",
        "train gpt --teacher out/ckpt.pt",
        "find arithmetic --teacher out/ckpt.pt",
    ):
        told = said(capsys, words)
        assert f"out/ckpt.pt is a checkpoint of nanoGPT: {first}" in told, words
    # It is as good as its word.
    words = "train --start out/ckpt.pt --steps 2 --evaluate-every 2 --name ours --json"
    assert cli.main(words.split()) == 0
    assert cli.main("ship runs/ours --as safetensors --out o.safetensors".split()) == 0
    # A pickle that is none of nanoGPT's is still not opened.
    Path("other.pt").write_bytes(b"PK\x03\x04")
    assert "is a pickle (a .pt file)" in said(capsys, "ship other.pt --as hf", 1)


def test_a_model_of_transformers_is_trained_first(capsys: pytest.CaptureFixture[str]) -> None:
    hf_toys.published(Path("toy"))
    for name in ("hf:toy", "toy", "hf:someone/model"):
        told = said(capsys, f"ship {name} --as hf")
        bare = name.removeprefix("hf:")
        assert f"train it first (`lilliput train hf:{bare}`) and give that run" in told
    assert not Path("toy-hf").exists()


def test_of_many_models_the_nearest_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("calc 1+1 --model stories-60", "grade zoo:stories-60", "ship stories-60"):
        told = said(capsys, words)
        found = re.search(r"the nearest of \d+: (.*); `lilliput zoo` lists", told)
        assert found, told
        names = found[1].split(", ")
        assert len(names) == 3
        assert all("stories-" in name for name in names[:2])


def test_a_list_is_cut_only_where_it_is_long() -> None:
    known = ["layers", "width", "heads"]
    assert nearest("widht", known, most=3) == nearest("widht", known)
    assert nearest("widht", known, most=1) == "; did you mean 'width'? the nearest of 3: width"
    assert nearest("qqq", known, most=2).startswith("; the nearest of 3: ")


def test_messages_say_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    hf_toys.published(Path("toy"))
    few = "--operands 0-9 --operations + --steps 2 --evaluate-every 2 --batch 4"
    assert cli.main(f"train hf:toy --lora 1 {few} --name lora".split()) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert re.match(r"hf, [\d,]+ parameters \(lora 1\), ", first), first
    words = "train hf:toy --start zoo:arithmetic-12k"
    assert "--start brings a gpt: leave out --start, or hf:toy" in said(capsys, words)
    file = "toy/config.json is a file, and a model of transformers is a folder of files: give"
    for verb in ("train hf:toy/config.json", "tell x --model hf:toy/config.json"):
        assert f"{file} hf:toy\n" in said(capsys, verb)
    assert "a .pt file of tinystoriesgru or nanoGPT" in said(capsys, "grade out/ckpt.pt")
    # A run that began with one is found by the word that train and find take.
    for name in ("runs/lora", "hf:runs/lora", "hf:runs/lora/model.safetensors"):
        assert cli.main(["calc", "1 + 2", "--model", name]) == 0
        assert capsys.readouterr().out.startswith("1 + 2 = ")
    taught = f"train gpt --params 2k {few} --teacher hf:runs/lora --teacher-answers --name heir"
    cli.main(taught.split())
    assert "hf:runs/lora has not learned" not in capsys.readouterr().err
