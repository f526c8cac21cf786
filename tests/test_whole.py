"""Laws of the C for a chip without floats: it says what the engine says in int8 and int16."""

import ctypes
import dataclasses
import math
import struct
import subprocess
from array import array
from itertools import islice
from pathlib import Path

import pytest
import torch
from test_engine import CHARACTERS, CONTEXT, SPECS, made
from whole_models import AGAIN, SANITIZED, driver, logits, write

from lilliput.engine import flat
from lilliput.engine.binding import END, Engine, _Sampling, library
from lilliput.lab.load import load
from lilliput.lab.quantising import quantise
from lilliput.models import modelfile
from lilliput.shipping import exe, mcu, whole
from lilliput.specs.model import ModelSpec
from lilliput.tasks.documents import EXCERPT, read_documents

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
CLOSE = {"int8": 4e-3, "int16": 5e-4}
"""Of logits up to 7. The engine itself keeps 12 bits of a product's input in int8, and 15 in int16;
this C keeps 17 of 128 columns."""


@pytest.mark.parametrize("numbers", CLOSE)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{SPECS.index(spec)}")
def test_its_logits_are_the_engines(spec: ModelSpec, numbers: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    made(spec, numbers, path)
    write(path, tmp_path)
    # Texts of a recurrent model may be longer than its context: its window slides.
    length = CONTEXT if spec.kind == "gpt" else 3 * CONTEXT
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(len(CHARACTERS), (length,), generator=generator).tolist()
    text, expected = Engine(flat.of_file(path)).begin(), []
    for number in ids:
        text.read([number])
        expected.append(list(text.logits()))
    program = driver(tmp_path, "-O1")
    found = logits(program, [ids[0], AGAIN, *ids])[len(CHARACTERS) :]
    assert len(found) == length * len(CHARACTERS)
    torch.testing.assert_close(
        torch.tensor(found).view(length, -1) / 2**whole.FRACTION,
        torch.tensor(expected),
        atol=CLOSE[numbers],
        rtol=0.0,
    )
    done = subprocess.run([program, "room"], capture_output=True, text=True, check=True)
    needed, given = map(int, done.stdout.split())
    assert needed <= whole.room(whole.of_file(path)) < needed + 8
    assert needed <= given < needed + 80


def test_huge_numbers_do_no_harm(tmp_path: Path) -> None:
    """They are held at the largest, without an overflow that C leaves undefined."""
    for number in (0, 1, 2, 3, 6, 8, 10, 13, 15):
        spec = SPECS[number]
        path = tmp_path / f"{number}.safetensors"
        model = made(spec, "int8", path)
        card = modelfile.read_card(path)
        numbers, factor = (("int8", 1e30), ("int16", 1e3))[number % 2]
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(factor)
        modelfile.save(path, model, dataclasses.replace(card, numbers=numbers))
        write(path, tmp_path / str(number))
        found = logits(driver(tmp_path / str(number), SANITIZED), [1, 2, 3, 2, 1])
        assert max(map(abs, found)) <= whole.LARGEST


@pytest.mark.parametrize("name", ["addition-368", "arithmetic-12k", "worked-10k"])
@pytest.mark.parametrize("numbers", CLOSE)
def test_calculators_answer_as_the_engine(name: str, numbers: str, tmp_path: Path) -> None:
    """All answers but one in a hundred, to the letter; measured: 815 of 817 at the worst."""
    path = tmp_path / "m.safetensors"
    quantise(f"zoo:{name}", numbers, path, measure=False)
    write(path, tmp_path, " = ", 700)
    mcu.reference(tmp_path, tmp_path / "here")
    model = load(str(path))
    questions = [problem.question for problem in model.task.exam("valid")[::9]]  # type: ignore[union-attr]
    said = exe.say([tmp_path / "here"], questions).splitlines()
    wanted = [f"{q} = {a}" for q, a in zip(questions, model.answer(questions), strict=True)]  # type: ignore[union-attr]
    assert len(set(wanted)) > 80
    assert sum(one != other for one, other in zip(said, wanted, strict=True)) <= len(wanted) // 100


def test_it_draws_as_the_engine_from_the_same_seed(tmp_path: Path) -> None:
    """Nearly always; measured: always."""
    made(SPECS[0], "int8", tmp_path / "m.safetensors")
    write(tmp_path / "m.safetensors", tmp_path)
    generator, lib, count = torch.Generator().manual_seed(4), library(), len(CHARACTERS)
    logits_V = (torch.randn(count, generator=generator) * 2).tolist()
    held = array("i", map(whole.number, logits_V)).tobytes()
    command = [driver(tmp_path, SANITIZED), "draw"]
    done = subprocess.run(command, input=held, capture_output=True, check=True)
    given, room, expected = (ctypes.c_float * count)(*logits_V), (ctypes.c_float * count)(), []
    for how in (_Sampling(0.9, 0, 1.0, 0.0), _Sampling(1.0, 7, 0.9, 0.01)):
        seed = ctypes.c_uint64(7)
        for _ in range(1_000):
            one = lib.lp_draw(given, count, ctypes.byref(how), ctypes.byref(seed), room)  # type: ignore[union-attr]
            expected.append(one)
    drawn = list(map(int, done.stdout.split()))
    assert len(set(drawn[:1_000])) > 15
    assert len(set(drawn[1_000:])) in range(3, 8)
    assert sum(one == other for one, other in zip(drawn, expected, strict=True)) >= 1_990


@pytest.mark.parametrize("name", ["zoo:stories-60k", "zoo:memory-gru-210k"])
def test_stories_cost_no_bits(name: str, tmp_path: Path) -> None:
    """Of what int8 costs in any case: measured are 0.00001 bits per character."""
    path = tmp_path / "m.safetensors"
    quantise(name, "int8", path, measure=False)
    write(path, tmp_path, "")
    vocabulary = modelfile.read_card(path).vocabulary
    documents = [document[:400] for document in islice(read_documents(EXCERPT), 5)]
    texts = [[END, *vocabulary.encode(document)] for document in documents]
    engine = Engine(flat.of_file(path))
    pieces = [piece for text in texts for piece in (AGAIN, *text)]
    found = iter(
        torch.tensor(logits(driver(tmp_path), pieces)).view(-1, engine.vocabulary_size)
        / 2**whole.FRACTION
    )
    bits = {"engine": 0.0, "whole": 0.0}
    for text in texts:
        state = engine.begin()
        for piece, following in zip(text, [*text[1:], None], strict=True):
            state.read([piece])
            ours, theirs = next(found), torch.frombuffer(state.logits(), dtype=torch.float32)
            if following is not None:
                bits["engine"] -= float(theirs.log_softmax(0)[following]) / math.log(2)
                bits["whole"] -= float(ours.log_softmax(0)[following]) / math.log(2)
    characters = sum(map(len, documents))
    assert 0.5 < bits["engine"] / characters < 2.0
    assert abs(bits["whole"] - bits["engine"]) / characters < 0.000_5, bits


def test_the_written_c_has_no_float(tmp_path: Path) -> None:
    """In its text once the preprocessor is through, in int8 and int16, of every family."""
    for number, spec in enumerate((SPECS[0], SPECS[6], SPECS[10], SPECS[15])):
        path = tmp_path / f"{number}.safetensors"
        made(spec, ("int8", "int16")[number % 2], path)
        write(path, tmp_path)
        command = [*exe.compiler(), "-E", "-P", "-ffreestanding", "-std=c99"]
        sources = [str(tmp_path / name) for name in ("model.c", "main.c", "board.c")]
        done = subprocess.run([*command, *sources], capture_output=True, text=True, check=True)
        words = set(done.stdout.replace("(", " ").replace("*", " ").split())
        assert "int32_t" in words
        assert not {"float", "double"} & words
        assert "0.5" not in done.stdout


def test_a_scale_is_kept_to_its_last_places() -> None:
    def value(packed: int) -> float:
        assert 0 <= packed < 2**29
        return float((packed >> whole.SHIFT) * 2.0 ** -(packed & (2**whole.SHIFT - 1)))

    for exponent in range(-18, 23):
        for fraction in (1.0, 1.1, 1.5, 1.999_999_99):
            scale = fraction * 2.0**exponent
            assert value(whole.scale(scale)) == pytest.approx(scale, rel=2.0**-22)
    assert value(whole.scale(1e30)) == 2**23 - 1
    assert value(whole.scale(0.0)) == value(whole.scale(1e-30)) == 0.0
    # As small as no trained matrix has them, scales lose last places.
    assert value(whole.scale(2.0**-50)) == pytest.approx(2.0**-50, rel=1e-3)


def test_numbers_are_held_within_a_chips() -> None:
    assert whole.number(1.0) == 2**18
    assert whole.number(-1e9) == -whole.LARGEST
    assert [whole.number(n * 2.0**-19) for n in (1, 2, 3)] == [0, 1, 2]
    assert whole.angle(-math.pi / 2) == 3 * 2**28
    assert struct.pack("<i", whole.angle(2 * math.pi - 1e-12)) == bytes(4)
