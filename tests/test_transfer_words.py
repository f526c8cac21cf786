"""What is said of a model to start from that has changed, is gone, or cannot be read, in our words,
and what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import hf_toys
import pytest
import torch
from safetensors.torch import load_file, save_file

from lilliput.faces import cli

TRAIN = "--operands 0-9 --operations + --steps 2 --batch 4 --evaluate-every 1"
THEIRS = ("weights_only", "trust_remote_code", "ignore_mismatched", "from_pretrained", "PyTorch",
          "report", "Unrecognized", "Error,", "embed_dim", "alidation")  # fmt: skip


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(hf_toys.published(tmp_path / "toy"))


def said(capsys: pytest.CaptureFixture[str], words: str, code: int) -> str:
    capsys.readouterr()
    assert cli.main(words.split()) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_other_weights_than_when_the_run_began(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(f"train hf:toy {TRAIN} --name ours --json".split()) == 0
    weights = load_file(toy / "model.safetensors")
    weights["transformer.ln_f.bias"] += 1
    save_file(weights, toy / "model.safetensors", metadata={"format": "pt"})
    words = said(capsys, f"train hf:toy {TRAIN} --name ours", 2)
    assert "toy holds other weights" in words
    assert "with `lilliput train --resume runs/ours`, or train from the new ones" in words
    assert cli.main(["train", "--resume", "runs/ours"]) == 0
    # Anything else that differs is another run.
    words = said(capsys, f"train hf:toy {TRAIN} --name ours --last 1", 2)
    assert "holds another run" in words


def test_a_start_that_is_gone_is_no_loss_to_its_runs(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        assert cli.main(f"train hf:toy {TRAIN} --name {name} --json".split()) == 0
    shutil.rmtree(toy)
    words = said(capsys, f"train hf:toy {TRAIN} --name a", 2)
    assert "runs/a began with it and has kept it (so have runs/b)" in words
    assert "`lilliput train --resume runs/a`" in words
    assert cli.main(["train", "--resume", "runs/a"]) == 0
    (Path("runs/a") / "exam.json").unlink()
    for verb in ("grade a", "calc 3+4 --model a", "sample a --lines 1", "ship a --as hf --out x"):
        assert cli.main(verb.split()) == 0, verb
    assert "began with it" not in said(capsys, "train hf:other", 2)


def test_a_rank_that_no_matrix_has(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rank in (100_000, 17):
        words = said(capsys, f"train hf:toy {TRAIN} --lora {rank}", 2)
        assert f"lora {rank:,} is more than the smallest side" in words
        assert "give --lora 16 or less" in words
    assert not Path("runs").exists()
    assert cli.main(f"train hf:toy {TRAIN} --lora 16".split()) == 0


def no_code(folder: Path) -> None:
    (folder / "mine.py").write_text("open('ran', 'w')")
    own = {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}
    hf_toys.edit(folder / "config.json", model_type="mine", auto_map=own)


def tokenizer_of_its_own(folder: Path) -> None:
    (folder / "mine.py").write_text("open('ran', 'w')")
    (folder / "tokenizer.json").unlink()
    own = {"AutoTokenizer": ["mine.Tokenizer", None]}
    hf_toys.edit(folder / "tokenizer_config.json", tokenizer_class="Mine", auto_map=own)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"transformer.wte.weight": print}, folder / "pytorch_model.bin")


def damaged_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    # Of a protocol that torch warns of.
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04cposix\nsystem\n.")


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:500])


def adapter(folder: Path) -> None:
    fields = {"peft_type": "LORA", "base_model_name_or_path": "x"}
    (folder / "adapter_config.json").write_text(json.dumps(fields))


def changed(**fields: object) -> Callable[[Path], None]:
    return lambda folder: hf_toys.edit(folder / "config.json", **fields)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_code, "code that lies in the folder (auto_map), and such code is never run"),
        (tokenizer_of_its_own, "has no tokenizer that can be used"),
        (pickled, "its weights are a pickle that is damaged or holds more than tensors"),
        (damaged_pickle, "its weights are a pickle that is damaged or holds more than tensors"),
        (cut, "its weights are damaged or cut short"),
        (adapter, "holds an adapter beside the model"),
        (changed(n_embd=32), "its weights have other sizes than its config.json says"),
        (changed(n_layer=1), "says n_layer 1, and weights of 2 blocks: write n_layer 2 there"),
        (changed(n_layer=0), "its n_layer is 0, and must be 1 or more; correct it, or copy"),
        (changed(n_head=-4), "its n_head is -4, and must be 1 or more; correct it, or copy"),
        (changed(n_head=5), "its n_embd 16 is no multiple of its n_head 5; correct it, or"),
        (changed(n_head=0), "its n_head is 0, and must be 1 or more"),
        (changed(n_positions=-1), "a size in its config.json is below 0"),
        (changed(vocab_size="x"), 'its vocab_size cannot be "x", and must be a whole number; c'),
        (changed(eos_token_id="x"), 'its eos_token_id cannot be "x"; correct it, or copy it'),
        (changed(activation_function="no"), "'no' is missing, or is nothing that transformers"),
        (changed(model_type="mine"), "has no model of the type 'mine'"),
        (changed(model_type=None), "it names no model_type"),
        (changed(model_type="t5"), "a t5 is none"),
        (changed(quantization_config={"quant_method": "fp8"}), "holds weights in fewer bits"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_of_ours(
    toy: Path, spoil: Callable[[Path], None], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(toy)
    for verb in (f"train hf:toy {TRAIN}", "find arithmetic --start hf:toy", "grade hf:toy"):
        told = said(capsys, verb, 1)
        assert words in told
        assert not [theirs for theirs in THEIRS if theirs in told], told
    assert not Path("ran").exists()
    assert not Path("runs").exists()


def test_what_is_cut_down_is_ours(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = said(capsys, "find arithmetic --shrink hf:toy", 2)
    assert "hf:toy is a model of transformers" in words
    assert "write --start hf:toy in place of --shrink" in words
    assert "write --start hf:toy in place" in said(capsys, "find arithmetic --shrink toy", 2)
    assert cli.main(f"train hf:toy {TRAIN} --name ours --json".split()) == 0
    words = said(capsys, "find arithmetic --shrink runs/ours", 2)
    assert "write --start hf:runs/ours in place" in words
    assert "write `lilliput train hf:toy` in place" in said(capsys, "train gpt --start hf:toy", 2)
