"""Laws of whole numbers: within half a step of each weight, in a file as small as it should be."""

import dataclasses
from pathlib import Path

import pytest
import torch
from test_models_file import make_card

from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.lab.quantising import quantise
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.quantise import SCALE, check_numbers, pack, to_whole, unpack
from lilliput.specs import GPTSpec


def write_model(path: Path, numbers: str = "float32") -> Path:
    spec = GPTSpec(width=16, heads=2)
    card = dataclasses.replace(make_card(spec), numbers=numbers)
    modelfile.save(path, build(spec, len(card.characters), card.context), card)
    return path


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
    path = write_model(tmp_path / "model.safetensors", numbers="int8")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FileError, match="damaged"):
        modelfile.load(path)


def test_unknown_numbers() -> None:
    with pytest.raises(SpecError, match="unknown numbers 'int7'; did you mean 'int8'"):
        check_numbers("int7")
    with pytest.raises(SpecError, match="numbers must be int8 or int16"):
        check_numbers("float32")


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("model.safetensors", "model.safetensors is the model itself; choose another --out"),
        ("link.safetensors", "link.safetensors is the model itself"),
        ("same.safetensors", "same.safetensors is the model itself"),
        ("other.safetensors", "other.safetensors is there already; choose another --out"),
        ("folder", r"folder is a folder; give a file in it: --out folder.small\.safetensors"),
    ],
)
def test_nothing_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = write_model(Path("model.safetensors")).read_bytes()
    Path("link.safetensors").symlink_to("model.safetensors")
    Path("same.safetensors").hardlink_to("model.safetensors")
    Path("other.safetensors").write_bytes(b"mine")
    Path("folder").mkdir()
    for measure in (True, False):
        with pytest.raises(SpecError, match=words):
            quantise("model.safetensors", "int8", Path(out), measure=measure)
    assert Path("model.safetensors").read_bytes() == whole
    assert Path("other.safetensors").read_bytes() == b"mine"
    assert not list(Path("folder").iterdir())


def test_a_file_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(Path("model.safetensors"))
    out = Path("model.safetensors/small.safetensors")
    with pytest.raises(FileError, match=r"make room or choose another --out$"):
        quantise("model.safetensors", "int8", out, measure=False)


@pytest.mark.parametrize("name", ["theirs.pt", "theirs.bin", "folder", "hf:nobody/nothing"])
def test_models_of_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("theirs.pt", "theirs.bin"):
        Path(file).write_bytes(b"PK\x03\x04")
    Path("folder").mkdir()
    Path("folder/config.json").write_text("{}")
    with pytest.raises(SpecError, match=f"^{name} was made by another program; only Lilliput's"):
        quantise(name, "int8", tmp_path / "small.safetensors")
    with pytest.raises(NotFoundError, match=r"no model 'none\.pt'"):
        quantise("none.pt", "int8", tmp_path / "small.safetensors")
