"""Weights and a config of transformers that are not of one model, and what older versions left."""

from pathlib import Path

import baselines_hf as tiny
import pytest
import torch
from hf_toys import edit
from safetensors.torch import load_file, save_file

from lilliput.baselines import hf
from lilliput.errors import FileError


def with_more(folder: Path, names: list[str], prefix: str = "") -> None:
    """Adds tensors to a folder's weights, two of each name with `{}` for the block."""
    weights = load_file(folder / "model.safetensors")
    more = {name.format(block): torch.ones(8) for name in names for block in range(2)}
    shorter = {name.removeprefix(prefix): value for name, value in (weights | more).items()}
    save_file(shorter, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("gpt2", ["transformer.h.{}.attn.bias", "transformer.h.{}.attn.masked_bias"]),
        ("gpt_neo", ["transformer.h.{}.attn.attention.bias",
                     "transformer.h.{}.attn.attention.masked_bias"]),
        ("llama", ["model.layers.{}.self_attn.rotary_emb.inv_freq", "head_of_another.{}.weight"]),
    ],
)  # fmt: skip
def test_masks_and_heads_of_others_are_left_over_by_design(
    tmp_path: Path, kind: str, names: list[str]
) -> None:
    folder = Path(tiny.save(tmp_path, tiny.lively(kind)))
    with_more(folder, names)
    assert hf.load(str(folder)).parameters == sum(p.numel() for p in tiny.lively(kind).parameters())


def test_tensors_of_blocks_are_never_left_over(tmp_path: Path) -> None:
    folder = Path(tiny.save(tmp_path / "llama", tiny.lively("llama")))
    edit(folder / "config.json", num_hidden_layers=1)
    with pytest.raises(FileError, match="says num_hidden_layers 1, and weights of 2 blocks: write"):
        hf.load(str(folder))
    edit(folder / "config.json", num_hidden_layers=2)
    with_more(folder, ["model.layers.{}.self_attn.q_proj.bias"])
    with pytest.raises(
        FileError, match=r"no place for: model.layers.0.self_attn.q_proj.bias, .*2 i"
    ):
        hf.load(str(folder))
    # As GPT-2's own file names them.
    folder = Path(tiny.save(tmp_path / "gpt2", tiny.lively("gpt2")))
    with_more(folder, ["transformer.h.{}.attn.bias"], "transformer.")
    hf.load(str(folder))
    edit(folder / "config.json", n_layer=1)
    with pytest.raises(FileError, match="says n_layer 1, and weights of 2 blocks"):
        hf.load(str(folder))


def test_fields_of_a_config_that_contradict_each_other(tmp_path: Path) -> None:
    folder = Path(tiny.save(tmp_path, tiny.lively("gpt_neo")))
    edit(folder / "config.json", num_layers=3)
    with pytest.raises(
        FileError, match=r"its .*num_layers.* contradict each other; correct it, or"
    ):
        hf.load(str(folder))
