"""Folders for transformers: with its own code where it has the model, else with ours in them."""

import ast
import dataclasses
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_engine import CHARACTERS, CONTEXT, SPECS, made

from lilliput.faces.cli import main
from lilliput.lab.load import load
from lilliput.lab.modelcard import MARK
from lilliput.lab.shipped import GOLDEN, PIECES
from lilliput.lab.telling import TextModel
from lilliput.models import modelfile
from lilliput.models.modelfile import read_card
from lilliput.shipping import hf
from lilliput.shipping.hf_code import modeling
from lilliput.specs import FAMILIES, GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec
from lilliput.specs.model import ModelSpec
from lilliput.specs.sampling import Sampling
from lilliput.zoo import path_of

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
NANOGPT = GPTSpec(positions="learned", norm="layer", mlp="gelu-erf")
CUSTOM = [spec for spec in [*SPECS, NANOGPT] if not hf.shape_of(spec)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, and one of its own for the code that transformers copies."""
    from transformers import dynamic_module_utils

    folder, before, path = tmp_path_factory.mktemp("home"), Path.cwd(), list(sys.path)
    patch = pytest.MonkeyPatch()
    patch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(folder / "modules"))
    os.chdir(folder)
    yield folder
    os.chdir(before)
    sys.path[:] = path
    patch.undo()


def loaded(spec: ModelSpec, folder: Path) -> tuple[torch.nn.Module, Any]:
    """A random model of ours, and what transformers makes of its folder."""
    model = made(spec, "float32", folder / "m.safetensors")
    out = folder / f"folder{CUSTOM.index(spec)}"
    out.mkdir()
    hf.write_folder(out, model, read_card(folder / "m.safetensors"))
    how = {"local_files_only": True, "trust_remote_code": True}
    return model, transformers.AutoModelForCausalLM.from_pretrained(out, **how).eval()


@pytest.mark.parametrize("spec", CUSTOM, ids=lambda spec: f"{spec.kind}-{CUSTOM.index(spec)}")
@torch.inference_mode()
def test_it_generates_what_pytorch_says(home: Path, spec: ModelSpec, tmp_path: Path) -> None:
    model, theirs = loaded(spec, tmp_path)
    asked = torch.randint(1, len(CHARACTERS), (2, 5), generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(theirs(asked).logits, model(asked), atol=1e-5, rtol=1e-5)
    most = CONTEXT - 5 if spec.kind == "gpt" else 3 * CONTEXT
    logits_BV, state = model.extend(asked, model.begin(2))
    expected = asked
    while expected.shape[1] < 5 + most:
        # The end mark is barred, so that no text ends before its window has moved on.
        logits_BV[:, 0] = -torch.inf
        expected = torch.cat((expected, logits_BV.argmax(1, keepdim=True)), dim=1)
        logits_BV, state = model.extend(expected[:, -1:], state)
    how = {"do_sample": False, "pad_token_id": 0, "suppress_tokens": [0]}
    said = theirs.generate(asked, max_new_tokens=most, **how)
    assert said.tolist() == expected.tolist()


@torch.inference_mode()
def test_beams_keep_their_own_memories(home: Path, tmp_path: Path) -> None:
    _, theirs = loaded(SPECS[6], tmp_path)
    asked = torch.tensor([[3, 4, 5], [7, 8, 9]])
    how = {"do_sample": False, "pad_token_id": 0, "num_beams": 4, "suppress_tokens": [0]}
    anew = theirs.generate(asked, max_new_tokens=9, use_cache=False, **how)
    assert theirs.generate(asked, max_new_tokens=9, **how).tolist() == anew.tolist()


def test_it_can_be_trained_on_and_padding_is_refused(home: Path, tmp_path: Path) -> None:
    _, theirs = loaded(SPECS[6], tmp_path)
    ids = torch.tensor([[3, 4, 5, 6]])
    theirs(ids, labels=ids).loss.backward()
    assert all(parameter.grad is not None for parameter in theirs.parameters())
    with pytest.raises(ValueError, match="reads no padding"):
        theirs(ids, attention_mask=torch.tensor([[0, 1, 1, 1]]))


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_code_needs_nothing_of_ours_and_has_no_name_twice(kind: str) -> None:
    tree = ast.parse(modeling(kind))
    modules, names = set(), []
    for node in tree.body:
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.append(node.name)
    assert modules - sys.stdlib_module_names <= {"torch", "transformers"}
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (GPTSpec(), "llama"),
        (GPTSpec(kv_heads=2, tied=False), "llama"),
        (GPTSpec(positions="learned", norm="layer", mlp="gelu", bias=True), "gpt2"),
        (GPTSpec(positions="learned", norm="layer", mlp="gelu", bias=True, tied=False), ""),
        (GPTSpec(loops=2), ""),
        (GPTSpec(rank=2), ""),
        (GPTSpec(line_length=5), ""),
        (GPTSpec(mlp="relu"), ""),
        (GRUSpec(), ""),
        (MemoryGRUSpec(), ""),
        (MinGRUSpec(), ""),
    ],
)
def test_shapes_that_transformers_has(spec: ModelSpec, shape: str) -> None:
    assert hf.shape_of(spec) == shape


def test_a_folder_with_our_code_is_asked_before_it_is_called_checked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("ship zoo:arithmetic-12k --as hf --out looped".split()) == 0
    assert "checked: 20 texts as the model says them" in capsys.readouterr().out
    card = Path("looped/README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert MARK in card
    assert "75.5 % [73.6, 77.3] (95 % interval; 2,404 right of 3,185)" in card
    assert json.loads(Path("looped/config.json").read_text())["shape"]["loops"] == 4


@pytest.mark.parametrize(
    "shape",
    ["--layers 2 --heads 2 --kv-heads 1", "--positions learned --norm layer --mlp gelu --bias"],
)
def test_transformers_loads_the_folder_and_says_the_same(
    home: Path, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    task = "--operands 0-40 --operations +- --width 8 --heads 2 --steps 2 --batch 8"
    assert main(f"train gpt {task} {shape} --loss all --name to-leave".split()) == 0
    capsys.readouterr()
    assert main(["ship", "to-leave", "--as", "hf", "--out", "folder"]) == 0
    assert "checked: 20 texts as the model says them" in capsys.readouterr().out
    assert not Path("folder/modeling_lilliput.py").exists()
    shutil.rmtree("folder")
    shutil.rmtree("runs/to-leave")


def test_transformers_reads_our_pieces(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ship", "zoo:stories-211k", "--as", "hf", "--out", "teller-hf"]) == 0
    assert "checked: 1 text as the model says it" in capsys.readouterr().out
    tokenizer = transformers.AutoTokenizer.from_pretrained("teller-hf")
    vocabulary = read_card(path_of("stories-211k")).vocabulary
    for text in ['Tom said, "Hi  there!"\n\nThe 12 cats', " ", "a\n b", "Lily's 99 toys!?"]:
        assert tokenizer(text).input_ids == [0, *vocabulary.encode(text)]
        assert tokenizer.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize("name", ["stories-60k", "memory-gru-210k", "addition-368"])
def test_what_the_card_says_to_type_says_what_the_model_says(
    home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ship", f"zoo:{name}", "--as", "hf", "--out", name]) == 0
    (code,) = re.findall(r"```python\n(.*?)```", Path(name, "README.md").read_text(), re.S)
    capsys.readouterr()
    exec(code, {})
    said = capsys.readouterr().out
    model = load(f"zoo:{name}")
    if isinstance(model, TextModel):
        sampling = Sampling(temperature=0.0)
        told = "".join(model.tell(GOLDEN, sampling=sampling, pieces=PIECES))
        assert said == f"{GOLDEN}{told}\n"
    else:
        question, _, answer = said.partition("=")
        assert model.task.format.read("+", answer.strip()) == model(question)
        assert "answers are of fixed width, without a point, and of + - * with the last" in code


def test_what_says_something_else_is_not_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hf, "say", lambda folder, prompts, most: ["7"] * len(prompts))
    assert main("ship zoo:addition-368 --as hf --out wrong".split()) == 1
    assert "transformers says '7'; the model: '" in capsys.readouterr().err
    assert not Path("wrong").exists()
    assert not list(Path().glob(".wrong*"))


def test_whole_numbers_are_held_to_their_own_floats(home: Path, tmp_path: Path) -> None:
    spec = GRUSpec(width=12)
    made(spec, "float32", tmp_path / "m.safetensors")
    network, card = modelfile.load(tmp_path / "m.safetensors")
    small = dataclasses.replace(card, numbers="int8")
    modelfile.save(tmp_path / "s.safetensors", network, small)
    out = tmp_path / "small"
    out.mkdir()
    rough, _ = modelfile.load(tmp_path / "s.safetensors")
    hf.write_folder(out, rough, small)
    how = {"local_files_only": True, "trust_remote_code": True}
    theirs = transformers.AutoModelForCausalLM.from_pretrained(out, **how).eval()
    ids = torch.tensor([[1, 2, 3]])
    torch.testing.assert_close(theirs(ids).logits, rough(ids))
    assert (theirs(ids).logits - network(ids)).abs().max() > 1e-4
