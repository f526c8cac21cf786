"""A model for a microcontroller: linked for a Cortex-M3 and asked in an emulator where both are."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import whole_models
from test_engine import SPECS, made

from lilliput.engine.binding import library
from lilliput.faces.cli import main
from lilliput.lab import ship_engine
from lilliput.lab.modelcard import MARK
from lilliput.shipping import exe, mcu
from lilliput.specs.model import ModelSpec

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
ARM = shutil.which("arm-none-eabi-gcc") is not None
LINKS = ARM or find_spec("ziglang") is not None
RUNS = LINKS and shutil.which("qemu-system-arm") is not None
linked = pytest.mark.skipif(not LINKS, reason="no compiler for a Cortex-M here")
emulated = pytest.mark.skipif(not RUNS, reason="no compiler for a Cortex-M, or no qemu-system-arm")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(spec: ModelSpec, numbers: str, folder: Path) -> mcu.Sizes:
    """A random model's sources in a folder."""
    made(spec, numbers, folder / "m.safetensors")
    return whole_models.write(folder / "m.safetensors", folder)


@emulated
@pytest.mark.parametrize("numbers", ["", "int16"])
def test_the_board_answers_as_the_integer_reference(
    numbers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--numbers", numbers] if numbers else []
    assert main(["ship", "zoo:addition-368", "--as", "mcu", "--out", "chip", *more]) == 0
    said = capsys.readouterr().out
    assert "checked: 20 texts as the same C on this machine says them" in said
    assert "(linked for a Cortex-M3 by " in said
    assert "integer only: no float, and no float in software either; 20 of 20 are the" in said
    card = Path("chip/README.md").read_text()
    assert MARK in card
    assert f"matrices in {numbers or 'int8'}" in card
    names = {file.name for file in Path("chip").iterdir()}
    sources = {
        "model.c",
        "model.h",
        "main.c",
        "board.c",
        "here.c",
        "board.h",
        "board.ld",
        "Makefile",
    }
    assert names == sources | {"README.md"}


@emulated
@pytest.mark.parametrize("spec", [SPECS[1], SPECS[6], SPECS[10], SPECS[15]])
def test_every_family_says_the_same_on_the_board(spec: ModelSpec, tmp_path: Path) -> None:
    write(spec, "int8", tmp_path)
    mcu.link(tmp_path, tmp_path / "model.elf")
    lines = ["abc", "t", "hello" if spec.kind == "gpt" else "hellolillilliputhello"]
    mcu.reference(tmp_path, tmp_path / "here")
    said = exe.say([tmp_path / "here"], lines)
    assert said.count("\t") >= len(lines)
    assert mcu.say(tmp_path / "model.elf", lines) == said


@linked
def test_flash_and_ram_are_those_of_the_linked_program(tmp_path: Path) -> None:
    sizes = write(SPECS[0], "int8", tmp_path)
    needs = mcu.link(tmp_path, tmp_path / "model.elf")
    assert sizes.weights < needs.flash < sizes.weights + 40_000
    assert sizes.room < needs.ram < sizes.room + 8_000
    guess = mcu.estimate(sizes)
    assert abs(guess.flash - needs.flash) < 4_000
    assert abs(guess.ram - needs.ram) < 2_000
    if ARM and shutil.which("arm-none-eabi-size"):
        command = ["arm-none-eabi-size", tmp_path / "model.elf"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        text, data, bss, *_ = map(int, done.stdout.splitlines()[1].split()[:3])
        assert (needs.flash, needs.ram) == (text + data, data + bss)


@pytest.mark.skipif(not ARM, reason="no arm-none-eabi-gcc")
@pytest.mark.parametrize("numbers", ["int8", "int16"])
def test_the_linked_program_has_no_float_in_software(numbers: str, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-nm") is None:
        pytest.skip("no nm for Arm")
    floats = re.compile(r"__aeabi_(c?[fd]|[iul]+2[fd])|__\w+[sd]f\d?$|\bfloat|\bdouble")
    for number, spec in enumerate((SPECS[2], SPECS[6], SPECS[10], SPECS[15])):
        write(spec, numbers, tmp_path)
        mcu.link(tmp_path, tmp_path / f"{number}.elf")
        command = ["arm-none-eabi-nm", tmp_path / f"{number}.elf"]
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert "lilliput_ask" in names
        assert list(filter(floats.match, names)) == []
    assert floats.match("__aeabi_fmul")
    assert floats.match("__aeabi_i2d")
    assert floats.match("__addsf3")


@pytest.mark.skipif(not ARM, reason="no arm-none-eabi-gcc")
def test_it_has_no_warnings_and_its_makefile_makes_it(tmp_path: Path) -> None:
    write(SPECS[8], "int16", tmp_path)
    command = ["arm-none-eabi-gcc", *mcu.FLAGS.split(), *"-Wall -Wextra -Werror -c".split()]
    subprocess.run([*command, "model.c", "main.c", "board.c"], cwd=tmp_path, check=True)
    if shutil.which("make"):
        subprocess.run(["make", "-s"], cwd=tmp_path, check=True)
        assert (tmp_path / "model.elf").exists()


def test_without_a_compiler_the_figures_are_worked_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mcu, "find_spec", lambda name: None)
    assert main("ship zoo:addition-368 --as mcu --out chip".split()) == 0
    said = capsys.readouterr().out
    assert "built, not run: no compiler for a Cortex-M here" in said
    assert "(worked out, not linked)" in said
    assert "built, not run" in Path("chip/README.md").read_text()


@linked
def test_without_an_emulator_it_is_linked_and_not_called_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mcu, "EMULATOR", "no-such-emulator -M nothing")
    assert main("ship zoo:addition-368 --as mcu --out chip".split()) == 0
    said = capsys.readouterr().out
    assert "built, not run: qemu-system-arm is not here" in said
    assert "linked for a Cortex-M3" in said


@linked
def test_what_is_larger_than_the_board_gets_its_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = mcu.read
    monkeypatch.setattr(mcu, "read", lambda name: read(name).replace("LENGTH = 4M", "LENGTH = 8K"))
    assert main("ship zoo:addition-368 --as mcu --out chip".split()) == 0
    said = capsys.readouterr().out
    assert "built, not run: it is larger than the board that is emulated" in said
    assert "RAM" in said
    assert "(worked out, not linked)" in said


@emulated
def test_what_differs_from_the_reference_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say = mcu.say
    monkeypatch.setattr(mcu, "say", lambda elf, lines: say(elf, lines).replace("5", "6"))
    assert main("ship zoo:addition-368 --as mcu --out chip".split()) == 1
    assert "the chip says" in capsys.readouterr().err
    assert not list(Path().iterdir())


@emulated
def test_what_is_no_answer_of_the_engine_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ship_engine, "golden", lambda job: {"1 + 1": "1 + 1 = 7"})
    assert main("ship zoo:addition-368 --as mcu --out chip".split()) == 1
    assert "the model: '1 + 1 = 7" in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_floats_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("ship zoo:addition-368 --as mcu --numbers float32".split()) == 2
    assert "take --numbers int8 or int16" in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="nm of an ELF file")
def test_a_larger_program_may_have_names_of_its_own(tmp_path: Path) -> None:
    """Of model.c only the three calls are seen from elsewhere."""
    write(SPECS[0], "int8", tmp_path)
    command = [*exe.compiler(), "-c", "-o", str(tmp_path / "m.o"), str(tmp_path / "model.c")]
    subprocess.run(command, check=True)
    if shutil.which("nm") is None:
        pytest.skip("no nm")
    nm = ["nm", "--defined-only", "-g", str(tmp_path / "m.o")]
    seen = subprocess.run(nm, capture_output=True, text=True, check=True).stdout.split()
    assert seen[2::3] == ["lilliput_ask", "lilliput_begin", "lilliput_next"]
