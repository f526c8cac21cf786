"""Laws of the graph of one step: fed its own states it says what PyTorch says, for every family."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_engine import CHARACTERS, CONTEXT, SPECS, made

from lilliput.faces.cli import main
from lilliput.shipping import onnx as shipped
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec
from lilliput.specs.model import ModelSpec

pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def session_of(content: bytes) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def zeros(session: Any, batch: int) -> dict[str, Any]:
    """The states as the graph's own description says: names stand for sizes of nothing."""
    return {
        found.name: np.zeros(
            [batch, *(0 if isinstance(size, str) else size for size in found.shape[1:])],
            dtype=np.int64 if "int64" in found.type else np.float32,
        )
        for found in session.get_inputs()[1:]
    }


def compare(spec: ModelSpec, numbers: str, folder: Path, batch: int = 1) -> None:
    model = made(spec, numbers, folder / "m.safetensors")
    session = session_of(shipped.graph_of(folder / "m.safetensors"))
    # A recurrent model's text may be longer than its context: its window slides.
    length = CONTEXT if spec.kind == "gpt" else 3 * CONTEXT
    generator = torch.Generator().manual_seed(2)
    ids_BT = torch.randint(len(CHARACTERS), (batch, length), generator=generator)
    names = [found.name for found in session.get_outputs()]
    states, memory = zeros(session, batch), model.begin(batch)
    for t in range(length):
        logits, *after = session.run(names, {"token": ids_BT[:, t].numpy(), **states})
        states = {n.removesuffix(".next"): x for n, x in zip(names[1:], after, strict=True)}
        logits_BV, memory = model.extend(ids_BT[:, t : t + 1], memory)
        torch.testing.assert_close(torch.from_numpy(logits), logits_BV, atol=1e-4, rtol=1e-4)


NANOGPT = GPTSpec(positions="learned", norm="layer", mlp="gelu-erf")
"""What the engine lacks, a graph has."""
ALL = [*SPECS, NANOGPT]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: f"{spec.kind}-{ALL.index(spec)}")
@torch.inference_mode()
def test_its_logits_are_pytorchs(spec: ModelSpec, tmp_path: Path) -> None:
    compare(spec, "float32", tmp_path)


@pytest.mark.parametrize("numbers", ["int8", "int16"])
@pytest.mark.parametrize("spec", [GPTSpec(rank=6), MemoryGRUSpec(width=20), MinGRUSpec()])
@torch.inference_mode()
def test_whole_numbers_stay_whole(spec: ModelSpec, numbers: str, tmp_path: Path) -> None:
    compare(spec, numbers, tmp_path)
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_from_string(shipped.graph_of(tmp_path / "m.safetensors")).graph
    kinds = {t.name: onnx.TensorProto.DataType.Name(t.data_type) for t in graph.initializer}
    assert kinds["embedding"] == numbers.upper()
    assert kinds["embedding.scale"] == "FLOAT"


@pytest.mark.parametrize("spec", [GPTSpec(heads=4, kv_heads=2), GRUSpec(width=9), SPECS[8]])
@torch.inference_mode()
def test_several_texts_go_side_by_side(spec: ModelSpec, tmp_path: Path) -> None:
    compare(spec, "float32", tmp_path, batch=3)


@torch.inference_mode()
def test_a_full_window_is_refused(tmp_path: Path) -> None:
    made(GPTSpec(layers=1), "float32", tmp_path / "m.safetensors")
    session = session_of(shipped.graph_of(tmp_path / "m.safetensors"))
    states = zeros(session, 1)
    full = {name: np.zeros((1, 4, CONTEXT, 6), dtype=np.float32) for name in states}
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, {"token": np.array([1]), **full})


@torch.inference_mode()
def test_its_alphabet_goes_with_it(tmp_path: Path) -> None:
    made(GRUSpec(width=9), "float32", tmp_path / "m.safetensors")
    session = session_of(shipped.graph_of(tmp_path / "m.safetensors"))
    facts = session.get_modelmeta().custom_metadata_map
    card = json.loads(facts["card"])
    assert (card["characters"], card["context"]) == (CHARACTERS, CONTEXT)
    assert card["spec"]["model"]["width"] == 9
    assert "begin as zeros" in facts["use"]


def test_the_zoo_ships_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main("ship zoo:addition-368 --as onnx --numbers int8".split()) == 0
    assert "checked: 20 texts as the model says them" in capsys.readouterr().out
    card = Path("addition-368.onnx.md").read_text()
    assert "checked: 20 texts" in card
    assert "graded in | float32; in int8 it was not graded again" in card


def test_what_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "say", lambda content, prompts, start, most: ["7"] * len(prompts))
    assert main("ship zoo:addition-368 --as onnx".split()) == 1
    assert "onnxruntime says '7'; the model: '" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
