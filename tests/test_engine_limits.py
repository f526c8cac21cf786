"""Shapes that the engine does not decode: PyTorch answers, and `ship` says why not."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from lilliput.engine.binding import Engine, library
from lilliput.engine.flat import of_file
from lilliput.engine.limits import over_limit
from lilliput.errors import FileError, SpecError
from lilliput.faces.cli import main
from lilliput.lab.load import load
from lilliput.lab.showing import shown
from lilliput.lab.telling import TextModel
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.models.size import count_parameters
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    GRUSpec,
    MinGRUSpec,
    ModelSpec,
    RunSpec,
    StoriesSpec,
)
from lilliput.specs.recipes import stories
from lilliput.tasks.arithmetic import Arithmetic

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
TASK = Arithmetic(ArithmeticSpec(operands="0-9"))


def written(spec: ModelSpec, path: Path, numbers: str = "float32", text: bool = False) -> Path:
    """An untrained model's file."""
    run = RunSpec(task=StoriesSpec(), model=spec, training=stories()) if text else None
    card = Card(
        spec=run or RunSpec(task=TASK.spec, model=spec),
        characters=TASK.vocabulary.characters,
        end=TASK.vocabulary.end,
        context=TASK.context,
        format={"kind": "stories"} if text else TASK.format.to_dict(),
        parameters=count_parameters(spec, len(TASK.vocabulary), TASK.context),
        numbers=numbers,
    )
    network: Any = build(spec, len(TASK.vocabulary), TASK.context)
    network.initialise(torch.Generator().manual_seed(1))
    modelfile.save(path, network, card)
    return path


SMALL = {"width": 2, "heads": 1, "hidden": 1}
LIMITS: list[tuple[ModelSpec, ModelSpec, str, str]] = [
    (GPTSpec(layers=48, **SMALL), GPTSpec(layers=49, **SMALL), "float32", "49 layers .* 48"),
    (GRUSpec(layers=48, width=1), GRUSpec(layers=49, width=1), "float32", "49 layers .* 48"),
    (
        MinGRUSpec(layers=1, width=2, convolution=64),
        MinGRUSpec(layers=1, width=2, convolution=65),
        "float32",
        "65 characters of a convolution .* 64",
    ),
    (
        GPTSpec(layers=1, **{**SMALL, "hidden": 4096}),
        GPTSpec(layers=1, **{**SMALL, "hidden": 4097}),
        "int8",
        "4,097 columns of a matrix in int8 .* 4,096",
    ),
]


@pytest.mark.parametrize(("inside", "outside", "numbers", "words"), LIMITS)
def test_the_limits_are_the_engines(
    inside: ModelSpec, outside: ModelSpec, numbers: str, words: str, tmp_path: Path
) -> None:
    assert not over_limit(inside, numbers)
    assert Engine(of_file(written(inside, tmp_path / "inside", numbers)))
    assert re.search(words, over_limit(outside, numbers))
    with pytest.raises(FileError, match="sizes or numbers that no model has"):
        Engine(of_file(written(outside, tmp_path / "outside", numbers)))


@pytest.mark.parametrize(("outside", "numbers"), [(row[1], row[2]) for row in LIMITS])
def test_beyond_them_pytorch_answers(outside: ModelSpec, numbers: str, tmp_path: Path) -> None:
    model = load(str(written(outside, tmp_path / "model.safetensors", numbers)))
    assert not isinstance(model, TextModel)
    assert model.answer(["1 + 2"]) == model.answers_of_pytorch(["1 + 2"])
    told = load(str(written(outside, tmp_path / "text.safetensors", numbers, text=True)))
    assert isinstance(told, TextModel)
    assert told.engine is None
    assert isinstance(told("12"), str)


def test_what_is_made_of_the_engine_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "deep").mkdir(parents=True)
    written(GPTSpec(layers=60, **SMALL), tmp_path / "runs" / "deep" / "model.safetensors")
    assert main(["calc", "1 + 2", "--model", "runs/deep"]) == 0
    for form in ("c", "exe", "mcu", "wasm"):
        assert main(["ship", "runs/deep", "--as", form, "--out", "out"]) == 2
        err = capsys.readouterr().err
        assert "its 60 layers are more than the engine's 48; take --as hf, onnx or" in err
    (mine,) = [one for one in shown()[0] if one.name == "runs/deep"]
    assert mine.path is None, "the page's engine cannot run it"


def test_more_loops_are_refused_before_training_and_in_a_file(tmp_path: Path) -> None:
    words = "loops must be at most 48; got 1,000,000,000"
    with pytest.raises(SpecError, match=words):
        GPTSpec(loops=1_000_000_000)
    path = written(GPTSpec(layers=1, loops=48, **SMALL), tmp_path / "model.safetensors")
    content = path.read_bytes()
    header = content[8:].replace(b'\\"loops\\": 48', b'\\"loops\\": 1000000000')
    grown = len(header) - (len(content) - 8)
    size = int.from_bytes(content[:8], "little") + grown
    path.write_bytes(size.to_bytes(8, "little") + header)
    with pytest.raises(FileError, match=words):
        modelfile.read_card(path)
