"""tinystoriesgru's five files, small ones of the same layouts: golden logits, and files that are
not what they seem. The weights have a closed form, so that the numbers hold anywhere."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from models_specs import assert_close
from published import Published
from torch import Tensor

from lilliput.baselines import tinystoriesgru
from lilliput.baselines.tinystoriesgru import SYMBOLS, load
from lilliput.errors import FileError, NotFoundError
from lilliput.models.memory_gru import MemoryGRU

V, WIDTH = len(SYMBOLS), 6
IDS_BT = torch.tensor([[57, 70, 61, 0, 97]])
GOLDEN = {
    "pure.pt": [0.25995, -0.49082, 0.07244],
    "attention.pt": [-0.56502, -0.49363, 0.36882],
    "attention-int8.pt": [-0.55882, -0.48791, 0.3657],
    "model_q15.bin": [0.26002, -0.49091, 0.07249],
    "model_q8.bin": [0.26091, -0.49074, 0.0738],
}
"""Logits of symbols 0, 40 and 97 after `IDS_BT`; `python tests/test_baselines_tinystoriesgru.py`
prints them anew, which is right only where the layouts or the closed form have changed."""


def closed_form(heads: int) -> Published:
    model = Published(V, WIDTH, 256, heads)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            places = torch.arange(parameter.numel(), dtype=torch.float64)
            values = 0.5 * torch.sin(places * (number + 1.7) + number)
            parameter.copy_(values.view(parameter.shape))
    return model


def to_int8(tensor: Tensor) -> tuple[Tensor, Tensor]:
    scale = tensor.abs().max().clamp(min=1e-8) / 127
    return (tensor / scale).round().to(torch.int8), scale


def write(folder: Path) -> dict[str, Path]:
    """The five files, as the published program writes them."""
    pure, attention = closed_form(0).state_dict(), closed_form(6).state_dict()
    torch.save(pure, folder / "pure.pt")
    torch.save(attention, folder / "attention.pt")
    torch.save(
        {name: to_int8(tensor) for name, tensor in attention.items()}, folder / "attention-int8.pt"
    )
    q15, q8 = b"", b""
    for tensor in pure.values():
        q15 += (tensor * 8192).round().numpy().astype("<i2").tobytes()
        if tensor.ndim == 2:
            numbers, scale = to_int8(tensor)
            q8 += np.float32(scale).tobytes() + numbers.numpy().tobytes()
        else:
            q8 += tensor.numpy().astype("<f4").tobytes()
    (folder / "model_q15.bin").write_bytes(q15)
    (folder / "model_q8.bin").write_bytes(q8)
    return {name: folder / name for name in GOLDEN}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path)


@torch.no_grad()
def last_logits(model: MemoryGRU) -> list[float]:
    return [round(x, 5) for x in model(IDS_BT)[0, -1, [0, 40, 97]].tolist()]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_logits(files: dict[str, Path], name: str) -> None:
    model, symbols = load(files[name])
    assert symbols == SYMBOLS
    assert last_logits(model) == pytest.approx(GOLDEN[name], abs=2e-4)


@pytest.mark.parametrize(
    ("name", "heads", "tolerance"),
    [
        ("pure.pt", 0, 1e-6),
        ("attention.pt", 6, 1e-6),
        ("attention-int8.pt", 6, 0.05),
        ("model_q15.bin", 0, 1e-3),
        ("model_q8.bin", 0, 0.05),
    ],
)
def test_each_file_is_near_the_model_it_was_written_from(
    files: dict[str, Path], name: str, heads: int, tolerance: float
) -> None:
    model, _ = load(files[name])
    with torch.no_grad():
        assert_close(model(IDS_BT), closed_form(heads)(IDS_BT), tolerance)
    assert model.spec.attention == ("query" if heads else "none")
    assert model.context == 256


def test_a_vocabulary_beside_the_file_is_taken(files: dict[str, Path], tmp_path: Path) -> None:
    beside = tmp_path / tinystoriesgru.VOCABULARY
    symbols = [f"<{number}>" for number in range(V)]
    beside.write_text(json.dumps(symbols))
    assert load(files["pure.pt"])[1] == symbols
    beside.write_text(json.dumps(symbols[:-1]))
    with pytest.raises(FileError, match="has 98 symbols, but the vocabulary 97; put its own"):
        load(files["pure.pt"])
    for text, words in (
        ("{", "cannot be read as a JSON list"),
        ('{"a": 1}', "must be a JSON list of symbols"),
        ('["a", 1]', "must be a JSON list of symbols"),
        ('["a", "a"]', "names a symbol twice"),
    ):
        beside.write_text(text)
        with pytest.raises(FileError, match=words):
            load(files["pure.pt"])


def test_there_are_98_symbols_and_the_last_has_two_characters() -> None:
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 98
    assert [len(symbol) for symbol in SYMBOLS] == [1] * 97 + [2]
    assert SYMBOLS[:97] == sorted(SYMBOLS[:97])


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("this code ran",))


def test_a_pickle_that_wants_to_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"token_emb.weight": Evil()}, path)
    with pytest.raises(FileError, match="could run code, so it is not opened"):
        load(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FileError, match="bare pickle, which could run code, so it is not opened"):
        load(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_cut_short_is_refused(files: dict[str, Path], tmp_path: Path, name: str) -> None:
    content = files[name].read_bytes()
    path = tmp_path / f"cut{files[name].suffix}"
    for length in (0, 1, 3, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"cut short|damaged"):
            load(path)
    if name.endswith(".bin"):
        path.write_bytes(content + b"\0")
        with pytest.raises(FileError, match=r"bytes, which is no size of a tinystoriesgru"):
            load(path)


def test_foreign_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pt"
    path.write_text("Once upon a time")
    with pytest.raises(FileError, match="damaged"):
        load(path)
    torch.save([1, 2], path)
    with pytest.raises(FileError, match="holds a list, and not weights by their names"):
        load(path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(FileError, match=r"no model of tinystoriesgru: it lacks token_emb.* and 11"):
        load(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(FileError, match="no tensor under the name epoch"):
        load(path)
    with pytest.raises(NotFoundError, match="no file"):
        load(tmp_path / "nothing.pt")
    with pytest.raises(FileError, match="cannot read"):
        load(tmp_path)


def test_tensors_of_impossible_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.pt"
    whole = dict(closed_form(0).state_dict())
    changes = {
        "gru_cell.weight_hh": (torch.ones(3, 3), "is damaged: impossible sizes of cell_hidden;"),
        "token_emb.weight": (torch.ones(V), "inputs are no tables"),
        "pos_emb.weight": (torch.ones(256, 5), "is damaged: impossible sizes of positions;"),
        "head.bias": (torch.tensor([float("nan")] + [0.0] * (V - 1)), "no finite numbers"),
        "gru_cell.weight_ih": (torch.tensor(1.0), "inputs are no tables"),
    }
    for name, (tensor, words) in changes.items():
        torch.save({**whole, name: tensor}, path)
        with pytest.raises(FileError, match=words):
            load(path)
    attention = closed_form(6).state_dict()
    del attention["attn.out_proj.bias"]
    torch.save(attention, path)
    with pytest.raises(FileError, match=r"it lacks attn\.out_proj\.bias$"):
        load(path)


def test_what_else_a_file_holds_is_no_weight_that_is_left_out(tmp_path: Path) -> None:
    """A network with a layer more is another one; the mask beside the weights is none."""
    path = tmp_path / "more.pt"
    whole = dict(closed_form(0).state_dict())
    torch.save({**whole, "tril": torch.ones(3, 3)}, path)
    load(path)
    torch.save({**whole, "second_cell.weight_ih": torch.ones(3)}, path)
    with pytest.raises(FileError, match=r"another model .* also has second_cell\.weight_ih"):
        load(path)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        for key, file in write(Path(made)).items():
            print(f'    "{key}": {last_logits(load(file)[0])},')
