"""Laws of whole numbers: within half a step of each weight, in a file as small as it should be."""

import dataclasses
from pathlib import Path

import pytest
import torch
from test_models_file import make_card

from lilliput.errors import FileError, SpecError
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.quantise import SCALE, check_numbers, pack, to_whole, unpack
from lilliput.specs import GPTSpec


@pytest.mark.parametrize(("numbers", "largest"), [("int8", 127), ("int16", 32_767)])
def test_every_weight_is_within_half_a_step(numbers: str, largest: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(20, 30, generator=generator) * torch.logspace(-6, 3, 20)[:, None]
    weight[4] = 0
    whole, scale = to_whole(weight, numbers)
    step = weight.abs().amax(dim=1) / largest
    apart = (whole.float() * scale[:, None] - weight).abs()
    assert (apart <= step[:, None] * 0.51).all()
    assert whole.abs().amax() == largest
    assert (whole[4] == 0).all()


def test_vectors_stay_as_they_are() -> None:
    tensors = {"gain": torch.randn(5), "weight": torch.randn(3, 5)}
    packed = pack(tensors, "int8")
    assert set(packed) == {"gain", "weight", "weight" + SCALE}
    found = unpack(packed)
    assert torch.equal(found["gain"], tensors["gain"])
    assert found["weight"].dtype == torch.float32
    assert pack(tensors, "float32") == tensors


@pytest.mark.parametrize(("numbers", "share"), [("int8", 0.40), ("int16", 0.62)])
def test_a_file_in_whole_numbers(tmp_path: Path, numbers: str, share: float) -> None:
    spec = GPTSpec(width=48, heads=4)
    card = make_card(spec)
    model = build(spec, len(card.characters), card.context, seed=1)
    whole, packed = tmp_path / "whole.safetensors", tmp_path / "packed.safetensors"
    modelfile.save(whole, model, card)
    modelfile.save(packed, model, dataclasses.replace(card, numbers=numbers))
    assert packed.stat().st_size < share * whole.stat().st_size
    found, again = modelfile.load(packed)
    assert again.numbers == numbers
    assert again.parameters == card.parameters
    ids = torch.arange(8)[None] % len(card.characters)
    expected, got = model(ids), found(ids)
    assert not torch.equal(expected, got)
    assert (expected - got).abs().max() < (0.2 if numbers == "int8" else 1e-3)


def test_damage_is_found(tmp_path: Path) -> None:
    spec = GPTSpec(width=16, heads=2)
    card = dataclasses.replace(make_card(spec), numbers="int8")
    path = tmp_path / "model.safetensors"
    modelfile.save(path, build(spec, len(card.characters), card.context), card)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FileError, match="damaged"):
        modelfile.load(path)


def test_unknown_numbers() -> None:
    with pytest.raises(SpecError, match="unknown numbers 'int7'; did you mean 'int8'"):
        check_numbers("int7")
