"""Laws of the engine: it says what PyTorch says, for every family and option."""

import dataclasses
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
from lilliput.errors import FileError, SpecError
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.specs import GPTSpec, GRUSpec, LinesSpec, MemoryGRUSpec, MinGRUSpec, RunSpec
from lilliput.specs.model import ModelSpec
from lilliput.specs.sampling import Sampling

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
CHARACTERS = "\nabcdefghijklmnopqrstu\t"
CONTEXT = 14
GREEDY = Sampling(temperature=0.0)
SPECS: list[ModelSpec] = [
    GPTSpec(),
    GPTSpec(layers=1, loops=3, width=20, heads=2, hidden=17, mlp="relu2", positions="learned"),
    GPTSpec(heads=4, kv_heads=2, mlp="gelu", norm="layer", bias=True, tied=False),
    GPTSpec(heads=4, kv_heads=1, mlp="relu", norm="layer", rank=5, positions="none"),
    GPTSpec(heads=3, positions="sinusoidal", line_length=15),
    GPTSpec(rank=6, bias=True, line_length=9),
    GRUSpec(width=19, layers=2),
    GRUSpec(width=16, embedding=7, tied=False),
    MemoryGRUSpec(width=20),
    MemoryGRUSpec(width=21, positions="none"),
    MemoryGRUSpec(width=24, heads=3, attention="full"),
    MemoryGRUSpec(width=24, heads=3, attention="query", positions="none", tied=False),
    MemoryGRUSpec(width=24, embedding=12, heads=3, attention="query", tied=False),
    MemoryGRUSpec(width=24, heads=3, attention="sigmoid"),
    MemoryGRUSpec(width=24, heads=2, attention="sigmoid", positions="none", tied=False),
    MinGRUSpec(),
    MinGRUSpec(width=20, layers=3, convolution=0, tied=False),
]
CLOSE = {"float32": 1e-4, "int16": 2e-3, "int8": 2e-2}
"""Whole numbers differ by what is lost of a product's input, which PyTorch keeps in float32."""


def made(spec: ModelSpec, numbers: str, path: Path, seed: int = 1) -> torch.nn.Module:
    """A model of random numbers, biases and gains among them, as its file gives it back."""
    generator = torch.Generator().manual_seed(seed)
    model = build(spec, len(CHARACTERS), CONTEXT)
    model.initialise(generator)  # type: ignore[operator]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    card = Card(
        spec=RunSpec(task=LinesSpec(file="questions.tsv"), model=spec),
        characters=CHARACTERS,
        end="\n",
        context=CONTEXT,
        format={"kind": "lines"},
        parameters=sum(p.numel() for p in model.parameters()),
        numbers=numbers,
    )
    modelfile.save(path, model, card)
    return modelfile.load(path)[0].eval()


@pytest.mark.parametrize("numbers", CLOSE)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{SPECS.index(spec)}")
@torch.inference_mode()
def test_its_logits_are_pytorchs(spec: ModelSpec, numbers: str, tmp_path: Path) -> None:
    model = made(spec, numbers, tmp_path / "m.safetensors")
    text = Engine(flat.of_file(tmp_path / "m.safetensors")).begin()
    # Texts of a recurrent model may be longer than its context: its window slides.
    length = CONTEXT if spec.kind == "gpt" else 3 * CONTEXT
    ids_T = torch.randint(len(CHARACTERS), (length,), generator=torch.Generator().manual_seed(2))
    state = model.begin(1)
    for number in ids_T:
        logits_BV, state = model.extend(number.view(1, 1), state)
        text.read([int(number)])
        torch.testing.assert_close(
            torch.tensor(text.logits()), logits_BV[0], atol=CLOSE[numbers], rtol=0.0
        )


def test_a_full_window_is_refused(tmp_path: Path) -> None:
    made(GPTSpec(), "float32", tmp_path / "m.safetensors")
    text = Engine(flat.of_file(tmp_path / "m.safetensors")).begin()
    with pytest.raises(SpecError, match="longer than this model's window"):
        text.read([1] * (CONTEXT + 1))
    assert len(text.write(100, GREEDY)) == 1, "what is full writes its last piece and stops"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "m.safetensors"
    made(MinGRUSpec(width=8, layers=1), "int8", path)
    return flat.of_file(path)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_damage_is_found_wherever_it_is(whole: bytes, place: int, bit: int) -> None:
    damaged = bytearray(whole)
    damaged[place % len(damaged)] ^= 1 << bit
    with pytest.raises(FileError, match="the engine cannot read this model"):
        Engine(bytes(damaged))


@settings(max_examples=100, deadline=None)
@given(length=st.integers(0, 10_000))
def test_a_part_of_a_file_is_refused(whole: bytes, length: int) -> None:
    with pytest.raises(FileError):
        Engine(whole[: length % len(whole)])


@settings(max_examples=1_000, deadline=None)
@given(
    field=st.integers(0, len(flat.FIELDS) - 1),
    value=st.integers(0, 70) | st.integers(-(2**31), 2**31 - 1),
)
def test_sizes_that_lie_are_refused_or_do_no_harm(whole: bytes, field: int, value: int) -> None:
    """With a right checksum: only the reader's own checks are between them and the weights."""
    body = bytearray(whole[20:])
    struct.pack_into("<i", body, 4 * field, value)
    lying = whole[:16] + struct.pack("<I", zlib.crc32(body)) + bytes(body)
    try:
        engine = Engine(lying)
    except FileError:
        return
    if engine.room < 10_000_000:
        text = engine.begin()
        text.read([1, 2])
        assert all(piece < engine.vocabulary_size for piece in text.write(5, Sampling()))


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    spec = GPTSpec(layers=1, width=8, heads=1)
    model = made(spec, "float32", tmp_path / "m.safetensors")
    card = modelfile.read_card(tmp_path / "m.safetensors")
    for number in (float("nan"), float("inf")):
        with torch.no_grad():
            model.embedding[1, 1] = number  # type: ignore[index]
        modelfile.save(tmp_path / "bad.safetensors", model, card)
        with pytest.raises(FileError, match="numbers that no model has"):
            Engine(flat.of_file(tmp_path / "bad.safetensors"))


def test_huge_numbers_do_no_harm(tmp_path: Path) -> None:
    for number, spec in enumerate(SPECS):
        path = tmp_path / f"{number}.safetensors"
        model = made(spec, "float32", path)
        card = modelfile.read_card(path)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1e30)
        for numbers in CLOSE:
            modelfile.save(path, model, dataclasses.replace(card, numbers=numbers))
            text = Engine(flat.of_file(path)).begin()
            text.read([1, 2, 3])
            assert all(0 <= piece < len(CHARACTERS) for piece in text.write(5, Sampling()))


@pytest.mark.parametrize("line", [["calc", "12 + 24"], ["tell", "Once upon a time", "--pieces=5"]])
def test_a_sum_and_a_story_take_neither_torch_nor_numpy(line: list[str]) -> None:
    program = (
        "import sys; from lilliput.faces.cli import main; code = main(sys.argv[1:]);"
        " sys.exit(code or ('torch' in sys.modules) + 2 * ('numpy' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, *line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_whatever_says_a_story_says_it_again_from_the_same_seed(tmp_path: Path) -> None:
    made(MemoryGRUSpec(width=20), "float32", tmp_path / "m.safetensors")
    text = Engine(flat.of_file(tmp_path / "m.safetensors")).begin()

    def told(seed: int) -> list[int]:
        text.restart(seed)
        text.read([1, 2])
        return text.write(60, Sampling(temperature=1.0))

    first = told(3)
    assert told(4) != first
    assert told(3) == first


def test_the_source_is_small() -> None:
    """One file of one family, which it is measured by, has 973 lines."""
    files = [path for path in Path(flat.__file__).parent.iterdir() if path.suffix in (".c", ".h")]
    lines = {path.name: path.read_text(encoding="utf-8").splitlines() for path in files}
    assert sum(map(len, lines.values())) < 1_500
    assert max(map(len, lines.values())) <= 300
    assert [line for text in lines.values() for line in text if len(line) > 100] == []
