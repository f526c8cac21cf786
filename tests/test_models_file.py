"""Model files: what is saved is loaded bit for bit; whatever is damaged or foreign is refused."""

import dataclasses
import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models_specs import model_specs
from safetensors.torch import save_file

import lilliput
from lilliput.errors import FileError, NotFoundError
from lilliput.lab.answering import Model
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.models.modelfile import VERSION, load, read_card, save
from lilliput.models.size import count_parameters
from lilliput.models.tensors import read_tensors
from lilliput.specs import ArithmeticSpec, GPTSpec, ModelSpec, RunSpec
from lilliput.tasks.arithmetic import Arithmetic

CHARACTERS = '\n0123456789"\\é+-*/='
TASK = Arithmetic(ArithmeticSpec())
CONTEXT = TASK.context


def make_card(spec: ModelSpec, **changes: object) -> Card:
    card = Card(
        spec=RunSpec(model=spec, seed=4),
        characters=CHARACTERS,
        end="\n",
        context=CONTEXT,
        format=TASK.format.to_dict(),
        parameters=count_parameters(spec, len(CHARACTERS), CONTEXT),
        marks={"leaked": "yes"},
    )
    return dataclasses.replace(card, **changes)  # type: ignore[arg-type]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    spec = GPTSpec(layers=1, width=4, heads=1)
    save(path, build(spec, len(CHARACTERS), CONTEXT), make_card(spec))
    return path


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(model_specs)
def test_round_trip_is_bit_for_bit(tmp_path: Path, spec: ModelSpec) -> None:
    path, again = tmp_path / "model.safetensors", tmp_path / "again.safetensors"
    model, card = build(spec, len(CHARACTERS), CONTEXT, seed=3), make_card(spec)
    save(path, model, card)
    loaded, loaded_card = load(path)
    assert loaded_card == card == read_card(path)
    weights = loaded.state_dict()
    assert weights.keys() == model.state_dict().keys()
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    save(again, loaded, loaded_card)
    assert again.read_bytes() == path.read_bytes()
    assert sorted(tmp_path.iterdir()) == [again, path]


def test_cut_short_at_every_place(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    path = tmp_path / "cut.safetensors"
    header = 8 + int.from_bytes(content[:8], "little")
    for length in [0, 1, 7, 8, 9, 20, header - 1, header, header + 1, len(content) - 1]:
        path.write_bytes(content[:length])
        for reader in (load, read_card):
            with pytest.raises(FileError, match="is empty" if not length else "cut short"):
                reader(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(FileError, match="1 bytes too long"):
        load(path)


def test_any_flipped_bit_is_found(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    path = tmp_path / "flipped.safetensors"
    header = 8 + int.from_bytes(content[:8], "little")
    places = [*range(0, header, 7), *range(header, len(content), 31), len(content) - 1]
    for i, place in enumerate(places):
        flipped = content[place] ^ (1 << i % 8)
        path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
        with pytest.raises(FileError):
            load(path)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(FileError, match="does not match its digest"):
        load(path)


def test_foreign_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(FileError, match="no Lilliput card"):
        load(path)
    path.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(FileError, match="is a pickle"):
        load(path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(FileError, match="is a pickle"):
        load(path)
    for text in (b"27 / 86 = 0.31\n", b"\xff" * 5000, b"12 + 24 {", bytes(9)):
        path.write_bytes(text)
        for read in (load, read_card):
            with pytest.raises(FileError, match=r"no \.safetensors file"):
                read(path)
    with pytest.raises(FileError, match="cannot read"):
        load(tmp_path)
    with pytest.raises(NotFoundError, match="lilliput zoo"):
        load(tmp_path / "nothing.safetensors")


def test_a_newer_layout_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    newer = content.replace(rb"\"version\": 2", rb"\"version\": 4", 1)
    assert VERSION == 3
    assert newer != content
    saved.write_bytes(newer)
    with pytest.raises(FileError, match=r"newer Lilliput \(layout 4; .* upgrade"):
        read_card(saved)


def test_a_card_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    spec = GPTSpec(layers=1, width=4, heads=1)
    # As many parameters, in other shapes.
    card = make_card(dataclasses.replace(spec, mlp="relu", hidden=15))
    model = build(dataclasses.replace(spec, hidden=10), len(CHARACTERS), CONTEXT)
    save(
        path,
        model,
        dataclasses.replace(card, parameters=sum(p.numel() for p in model.parameters())),
    )
    with pytest.raises(FileError, match=r"does not hold the model .* blocks\.0\.down\.weight"):
        load(path)


@pytest.mark.parametrize("read", [load, read_tensors])
@pytest.mark.parametrize(
    "change",
    [
        {"layers": 1_000_000_000},
        {"width": 1 << 30},
        {"parameters": 7},
        {"shape": [3, 4]},
        {"shape": "abc"},
        {"dtype": "F64"},
    ],
)
def test_a_file_that_contradicts_itself_is_refused_before_anything_of_its_size_is_made(
    saved: Path, read: Callable[[Path], object], change: dict[str, Any]
) -> None:
    """Its digest is right: whoever made it worked that out too."""

    def changed(card: dict[str, Any], header: dict[str, Any]) -> None:
        for name, value in change.items():
            parts = (card["spec"]["model"], card, header["embedding"])
            next(part for part in parts if name in part)[name] = value

    forge(saved, changed)
    with pytest.raises(FileError, match="does not hold the model"):
        read(saved)


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    before = saved.read_bytes()
    spec = GPTSpec(layers=2, width=4, heads=1)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(FileError, match=r"cannot write .*No space left on device"):
        save(saved, build(spec, len(CHARACTERS), CONTEXT), make_card(spec))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_kill_in_the_middle_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()
    code = f"""
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from lilliput.models import modelfile
model, card = modelfile.load(Path({str(saved)!r}))
model.embedding.data.zero_()
os.fsync = lambda _: os.kill(os.getpid(), 9)
modelfile.save(Path({str(saved)!r}), model, card)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert saved.read_bytes() == before
    load(saved)


def test_reading_a_card_does_not_import_torch(saved: Path) -> None:
    code = f"""
import json, sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from lilliput.models.modelfile import read_card
print(json.dumps(["torch" in sys.modules, read_card(Path({str(saved)!r})).characters]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert json.loads(done.stdout) == [False, CHARACTERS]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=60))
def test_no_bytes_whatever_give_more_than_a_file_error(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for head in (b"", len(content).to_bytes(8, "little"), b"\x02\0\0\0\0\0\0\0{}"):
            path = Path(folder) / "x.safetensors"
            path.write_bytes(head + content)
            with pytest.raises(FileError):
                load(path)


def model_of(path: Path) -> object:
    return Model("forged", path)


@pytest.mark.parametrize("read", [load, read_tensors, model_of, lambda p: lilliput.load(str(p))])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": "Z"}, "end mark 'Z' is not the first"),
        ({"end": ""}, "end mark '' is not the first"),
        ({"format": {}}, "its format is {}"),
        ({"operands": "0-999"}, "its format is "),
        ({"held_out": "90-1999"}, "its format is "),
        ({"format": "worked"}, "its format is "),
        ({"context": 5}, "context of 5 is under the 11"),
        ({"layout": "stream"}, "context of 11 is under the 12"),
        ({"characters": CHARACTERS.replace("+", "p")}, "vocabulary lacks '\\+', which its task"),
        ({"context": 10**14}, "context of 100,000,000,000,000 is not under 1,048,576"),
        ({"task": {"kind": "lines", "file": "q.tsv"}, "format": {"kind": "lines"}}, "lacks '.t'"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused_before_anything_is_asked(
    saved: Path, read: Callable[[Path], object], change: dict[str, Any], words: str
) -> None:
    def changed(card: dict[str, Any], header: dict[str, Any]) -> None:
        spec = card["spec"]
        for name, value in change.items():
            parts = (card, spec, spec["model"], spec["task"], spec["training"])
            inside = [part for part in parts if name in part]
            # `format` is a table of the card, and a word of the task.
            next(p for p in inside if isinstance(p[name], type(value)))[name] = value

    forge(saved, changed)
    with pytest.raises(FileError, match=f"contradicts itself: .*{words}"):
        read(saved)


def test_damage_is_found_before_a_question_is_measured(saved: Path) -> None:
    content = saved.read_bytes()
    wrong = f'\\"context\\": {CONTEXT}'.encode()
    assert wrong in content
    saved.write_bytes(content.replace(wrong, b'\\"context\\": 10'))
    with pytest.raises(FileError, match="does not match its digest"):
        Model("damaged", saved)


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Changes a file's card and table, and gives it a true digest."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    entry = json.loads(header["__metadata__"]["lilliput"])
    change(entry["card"], header)
    entry["digest"] = "0" * 64
    header["__metadata__"]["lilliput"] = json.dumps(entry)
    table = json.dumps(header).encode()
    blank = len(table).to_bytes(8, "little") + table + content[start:]
    digest = hashlib.sha256(blank).hexdigest().encode()
    path.write_bytes(blank.replace(b"0" * 64, digest, 1))
