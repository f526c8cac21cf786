"""A model for a microcontroller: linked for a Cortex-M3 and asked in an emulator where both are."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_engine import SPECS, made

from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
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
FLAGS = "-std=c99 -O1 -ffp-contract=off -Wall -Wextra -Werror"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(spec: ModelSpec, numbers: str, folder: Path) -> mcu.Sizes:
    """A random model's sources in a folder."""
    made(spec, numbers, folder / "m.safetensors")
    content = flat.of_file(folder / "m.safetensors")
    engine = Engine(content)
    sizes = mcu.Sizes(
        weights=len(content),
        room=engine.room,
        vocabulary=engine.vocabulary_size,
        longest=64,
        blocks=max(spec.layers, getattr(spec, "loops", 1)),
    )
    mcu.write_folder(folder, content, sizes, "\t", "a card that says */ in the middle")
    return sizes


@emulated
@pytest.mark.parametrize("numbers", ["", "int16"])
def test_the_board_answers_as_the_integer_engine(
    numbers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--numbers", numbers] if numbers else []
    assert main(["ship", "zoo:addition-368", "--as", "mcu", "--out", "chip", *more]) == 0
    said = capsys.readouterr().out
    assert "checked: 20 texts as the model says them" in said
    assert "(linked for a Cortex-M3 by " in said
    assert "it is not integer only" in said
    card = Path("chip/README.md").read_text()
    assert MARK in card
    assert f"matrices in {numbers or 'int8'}" in card
    names = {file.name for file in Path("chip").iterdir()}
    sources = {"model.c", "model.h", "main.c", "board.c", "board.h", "board.ld", "Makefile"}
    assert names == sources | {"README.md"}


@emulated
@pytest.mark.parametrize("spec", [SPECS[1], SPECS[6], SPECS[10], SPECS[15]])
def test_every_family_says_the_same_on_the_board(spec: ModelSpec, tmp_path: Path) -> None:
    write(spec, "int8", tmp_path)
    mcu.link(tmp_path, tmp_path / "model.elf")
    lines = ["abc", "t", "hello" if spec.kind == "gpt" else "hellolillilliputhello"]
    # The same C here, with its example and a board made of a terminal.
    (tmp_path / "board_here.c").write_text(
        '#include "board.h"\n#include <stdio.h>\n'
        "void board_write(const char *text) { fputs(text, stdout); }\n"
        "int board_read(void) { int byte = getchar(); return byte == EOF ? 4 : byte; }\n"
    )
    names = [str(tmp_path / name) for name in ("model.c", "main.c", "board_here.c")]
    here = [exe.compiler(), *FLAGS.split(), "-o", str(tmp_path / "here"), *names]
    subprocess.run(here, check=True)
    sent = "".join(line + "\n" for line in lines)
    done = subprocess.run([tmp_path / "here"], input=sent, capture_output=True, text=True)
    assert done.stdout.count("\t") >= len(lines)
    assert mcu.say(tmp_path / "model.elf", lines) == done.stdout


@linked
def test_flash_and_ram_are_those_of_the_linked_program(tmp_path: Path) -> None:
    sizes = write(SPECS[0], "int8", tmp_path)
    needs = mcu.link(tmp_path, tmp_path / "model.elf")
    assert sizes.weights < needs.flash < sizes.weights + 40_000
    assert sizes.room < needs.ram < sizes.room + 16_000
    guess = mcu.estimate(sizes)
    assert abs(guess.flash - needs.flash) < 10_000
    assert abs(guess.ram - needs.ram) < 4_000
    if ARM and shutil.which("arm-none-eabi-size"):
        command = ["arm-none-eabi-size", tmp_path / "model.elf"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        text, data, bss, *_ = map(int, done.stdout.splitlines()[1].split()[:3])
        assert (needs.flash, needs.ram) == (text + data, data + bss)


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
def test_what_says_something_else_is_not_written(
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
    command = [exe.compiler(), "-c", "-o", str(tmp_path / "m.o"), str(tmp_path / "model.c")]
    subprocess.run(command, check=True)
    if shutil.which("nm") is None:
        pytest.skip("no nm")
    nm = ["nm", "--defined-only", "-g", str(tmp_path / "m.o")]
    seen = subprocess.run(nm, capture_output=True, text=True, check=True).stdout.split()
    assert seen[2::3] == ["lilliput_ask", "lilliput_begin", "lilliput_next"]
