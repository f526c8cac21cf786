"""What a model to start from, or a spec that names one, must not be: one clear sentence each."""

import pickle
from dataclasses import replace
from pathlib import Path

import baselines_hf
import hf_toys
import huggingface_hub
import pytest
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from test_baselines_hf import Harmful

from lilliput.errors import FileError, LilliputError, SpecError
from lilliput.faces import cli
from lilliput.lab.sealing import sealed_model
from lilliput.specs import ArithmeticSpec, GPTSpec, HFSpec, RunSpec, TrainingSpec
from lilliput.tasks.task import task_of
from lilliput.training.loop import Training
from lilliput.training.run import run

TASK = ArithmeticSpec(operands="0-9", operations="+", format="plain")
TRAINING = TrainingSpec(steps=1, batch=4, evaluate_every=1)


def begun(folder: Path, **fields: int) -> Training:
    model = sealed_model(HFSpec(name=str(folder), **fields))
    spec = RunSpec(task=TASK, model=model, training=TRAINING)
    return Training(spec, task_of(TASK))


def said(capsys: pytest.CaptureFixture[str], words: str, code: int) -> str:
    """What the command line says of a mistake: one line, and nothing is left behind."""
    assert cli.main(words.split()) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert not Path("runs").exists()
    return err


def test_a_hub_name_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    err = said(capsys, "train hf:distilgpt2 --task arithmetic", 2)
    assert "copy the model's files (config.json, model.safetensors, tokenizer.json)" in err
    assert "into a folder and give hf:FOLDER" in err
    assert "which model? write hf:OWNER/NAME" in said(capsys, "train hf:", 2)
    assert "did you mean" in said(capsys, "train gtp", 2)


def test_a_folder_that_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for missing, words in {
        "model.safetensors": "has a config.json but no weights; put model.safetensors",
        "config.json": "holds no model of transformers: config.json is missing",
        "tokenizer.json": "no tokenizer that can be used",
    }.items():
        hf_toys.published(tmp_path / "toy")
        (tmp_path / "toy" / missing).unlink()
        assert words in said(capsys, "train hf:toy", 1)
    (tmp_path / "toy" / "config.json").unlink()
    words = "toy holds no model of transformers: config.json is missing"
    # Its weights may be damaged, or all that is there.
    path = tmp_path / "toy" / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:500])
    assert words in said(capsys, "train hf:toy", 1)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "model.safetensors").write_bytes(whole)
    assert words.replace("toy", "bare") in said(capsys, "train hf:bare", 1)
    assert "hf:FOLDER with a config.json in it" in said(capsys, "grade bare", 1)
    (tmp_path / "empty").mkdir()
    assert "config.json is missing" in said(capsys, "train hf:empty", 1)
    assert "there is no folder './none'" in said(capsys, "train hf:./none", 2)


def test_pickled_weights_are_read_as_tensors_or_not_at_all(tmp_path: Path) -> None:
    folder = Path(hf_toys.published(tmp_path / "toy"))
    wanted = begun(folder).state()
    weights, mark = load_file(folder / "model.safetensors"), tmp_path / "ran"
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    # Another digest, since the file is another, but the same numbers.
    assert len(begun(folder).state()) == len(wanted)
    for content in (pickle.dumps(Harmful(mark)), b"no pickle"):
        (folder / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(FileError, match="cannot be loaded as a causal language model"):
            begun(folder)
    torch.save({"transformer.wte.weight": Harmful(mark)}, folder / "pytorch_model.bin")
    with pytest.raises(FileError, match="cannot be loaded as a causal language model"):
        begun(folder)
    assert not mark.exists()


def tokenizer_of(characters: str, **marks: str) -> object:
    vocabulary = {name: number for number, name in enumerate(["<s>", "</s>", "<unk>", *characters])}
    made = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocabulary, [], unk_token=marks.get("unk_token"))
    )
    made.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **marks)


@pytest.mark.parametrize("unknown", [{}, {"unk_token": "<unk>"}])
def test_a_tokenizer_that_cannot_write_the_task(tmp_path: Path, unknown: dict[str, str]) -> None:
    marks = {"eos_token": "</s>", **unknown}
    for characters, lacking in {
        "012345689+-=. abc": "7",
        "0123456789-=. abc": r"\+",
        "0123456789+-=.abc": " ",
    }.items():
        baselines_hf.save(tmp_path, hf_toys.gpt2(), tokenizer_of(characters, **marks))
        with pytest.raises(SpecError, match=f"cannot write '{lacking}', which arithmetic needs"):
            begun(tmp_path)
    baselines_hf.save(tmp_path, hf_toys.gpt2(), tokenizer_of("0123456789+-=. abc", **marks))
    begun(tmp_path)


def test_a_tokenizer_without_an_end_mark(tmp_path: Path) -> None:
    baselines_hf.save(tmp_path, hf_toys.gpt2(), tokenizer_of("0123456789+-=. abc"))
    with pytest.raises(FileError, match="without an end mark"):
        begun(tmp_path)


def test_a_window_too_short_for_the_task(tmp_path: Path) -> None:
    hf_toys.published(tmp_path)
    model = sealed_model(HFSpec(name=str(tmp_path)))
    wide = replace(TRAINING, layout="stream", loss="all", block=65)
    with pytest.raises(SpecError, match="reads 64 tokens at once"):
        Training(RunSpec(task=TASK, model=model, training=wide), task_of(TASK))


def test_parts_that_a_model_has_not(tmp_path: Path) -> None:
    hf_toys.published(tmp_path, layers=1)
    with pytest.raises(SpecError, match="the model has 1 block, and of every 2 one is kept"):
        begun(tmp_path, every=2)
    with pytest.raises(SpecError, match="last 3 is more than the model's 1 block: give --last 1"):
        begun(tmp_path, last=3)
    hf_toys.published(tmp_path, layers=2)
    with pytest.raises(
        SpecError, match="last 9 is more than the model's 2 blocks: give --last 2 or less"
    ):
        begun(tmp_path, last=9)
    with pytest.raises(SpecError, match="every 9 is more than the model's 2 blocks: --every 2"):
        begun(tmp_path, every=9)
    begun(tmp_path, every=2)
    for fields, words in (
        ({"last": 1, "lora": 1}, "leave one out"),
        ({"every": 0}, "every must be 1 or more"),
        ({"lora": -1}, "lora must be 0 or more"),
    ):
        with pytest.raises(SpecError, match=words):
            HFSpec(name="x", **fields)
    with pytest.raises(SpecError, match="needs a name"):
        HFSpec(name="")


def test_a_spec_that_kept_one_block_of_fewer_goes_on(tmp_path: Path) -> None:
    hf_toys.published(tmp_path)
    made = sealed_model(HFSpec(name=str(tmp_path), every=2))
    spec = RunSpec(task=TASK, model=replace(made, every=4), training=TRAINING)
    assert Training(spec, task_of(TASK)).state()


def test_a_start_that_has_changed_and_a_run_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(hf_toys.published(tmp_path / "toy"))
    model = sealed_model(HFSpec(name="toy"))
    spec = RunSpec(task=TASK, model=model, training=TRAINING)
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FileError, match="toy has changed since this run was specified"):
        Training(spec, task_of(TASK))
    assert "--params solves for the shape of a family" in said(
        capsys, "train hf:toy --params 5k", 2
    )
    assert "has a tokenizer of its own" in said(capsys, "train hf:toy --task stories", 2)
    assert "leave one out" in said(capsys, "train hf:toy --epochs 1 --steps 2", 2)
    own = RunSpec(task=TASK, model=GPTSpec(width=8, heads=2), training=TRAINING)
    for _ in run(own, task_of(TASK), tmp_path / "own", torch.device("cpu")):
        pass
    with pytest.raises(LilliputError, match="holds a gpt of Lilliput and no model of transformers"):
        sealed_model(HFSpec(name="own"))
