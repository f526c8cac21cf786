"""A model for a microcontroller: C that needs no library, its weights in flash; linked for a
Cortex-M3 and asked in QEMU where both are here. Knows no task."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lilliput.errors import LilliputError, NotFoundError
from lilliput.shipping.source import comment, model_parts, read

FLAGS = (
    "-mcpu=cortex-m3 -mthumb -std=c99 -Os -DLP_SMALL -ffp-contract=off -ffreestanding -fno-builtin"
    " -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections"
)
LINK = "-nostdlib -T board.ld -Wl,--gc-sections -lgcc"
EMULATOR = (
    "qemu-system-arm -M mps2-an385 -display none -monitor none -serial stdio -no-reboot"
)
_ZIG = (
    "-target thumb-freestanding-eabi -mcpu=cortex_m3 -std=c99 -Os -DLP_SMALL -ffp-contract=off"
    " -ffreestanding -fno-builtin -ffunction-sections -fdata-sections"
)
_STACK = 4_096
"""Bytes; what the engine takes at the deepest is in docs of the folder's board.ld."""
_CODE = 24_000
"""Bytes of the engine's code and of floats in software, where no compiler is here to tell."""
_STRING_H = """#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
char *strchr(const char *, int);"""
_SOURCES = ("model.c", "main.c", "board.c")


@dataclass(frozen=True)
class Needs:
    """Bytes that a model takes on a chip."""

    flash: int
    ram: int
    """Stack included."""
    how: str
    """The compiler that linked it; empty: worked out without one."""


def write_folder(
    folder: Path,
    flat: bytes,
    *,
    room: int,
    vocabulary_size: int,
    longest: int,
    blocks: int,
    between: str,
    card: str,
) -> None:
    """Writes model.c (engine and weights), its three calls, an example and a board to run it on.

    Args:
        longest: bytes of a text that is asked or answered.
        blocks: of the model's layers or loops, whichever are more.
        between: what stands between a question and its answer.
    """
    parts = model_parts(flat, room, vocabulary_size, longest)
    code = "\n\n".join([comment(card), *parts, read("board/exported.c")]) + "\n"
    # Room for the blocks of this model alone: 48 of them are 12 kB of RAM.
    code = _replace(code, "MOST_BLOCKS = 48", f"MOST_BLOCKS = {blocks}")
    code = _replace(code.replace("#include <string.h>\n", ""), "#include <stddef.h>", _STRING_H)
    written = between.replace("\t", "\\t")
    sizes = {"{longest}": str(longest), "{out}": str(4 * longest), "{between}": written}
    files = {
        "model.c": code,
        "model.h": _fill(read("board/model.h"), sizes),
        "main.c": read("board/main.c"),
        "board.c": read("board/board.c"),
        "board.h": read("board/board.h"),
        "board.ld": _fill(read("board/board.ld"), {"{stack}": str(_STACK)}),
        "Makefile": _fill(
            read("board/Makefile"), {"{flags}": FLAGS, "{link}": LINK, "{emulator}": EMULATOR}
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, f"the engine no longer has {old!r}"
    return text.replace(old, new, 1)


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = _replace(text, name, value)
    return text


def link(folder: Path) -> tuple[Path, str]:
    """The program for the board, and the compiler that made it.

    Raises:
        NotFoundError: there is no compiler for it here.
        LilliputError: it refused, or the program is larger than the board.
    """
    out = folder / "model.elf"
    if shutil.which("arm-none-eabi-gcc"):
        name = "arm-none-eabi-gcc"
        command = [name, *FLAGS.split(), "-o", out.name, *_SOURCES, *LINK.split()]
    elif find_spec("ziglang") is not None:
        name = "zig"
        zig = [sys.executable, "-m", "ziglang", "cc", *_ZIG.split()]
        command = [*zig, "-o", out.name, *_SOURCES, *LINK.replace(" -lgcc", "").split()]
    else:
        raise NotFoundError(
            "no compiler for a Cortex-M here; Debian: apt install gcc-arm-none-eabi, or pip install"
            " 'lilliput[ship]'"
        )
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        too_large = "overflowed" in done.stderr or "will not fit" in done.stderr
        if too_large:
            raise NotFoundError("it is larger than the board that is emulated")
        raise LilliputError(f"{name} refused the program:\n{done.stderr[-2_000:]}")
    return out, name


def needs_of(elf: Path, compiler: str) -> Needs:
    """Flash and RAM of a linked program: what is loaded, and what is writable."""
    content = elf.read_bytes()
    (start,) = struct.unpack_from("<I", content, 28)
    size, count = struct.unpack_from("<HH", content, 42)
    flash = ram = 0
    for at in range(start, start + size * count, size):
        kind, _, _, _, in_file, in_memory, flags, _ = struct.unpack_from("<8I", content, at)
        if kind == 1:  # loaded
            flash += in_file
            ram += in_memory if flags & 2 else 0
    return Needs(flash, ram, compiler)


def estimate(flat: bytes, room: int, longest: int, vocabulary_size: int) -> Needs:
    """Flash and RAM without a compiler, to within some kB."""
    buffers = 16 * longest + 4 * vocabulary_size
    return Needs(len(flat) + _CODE, room + buffers + _STACK, "")


def say(elf: Path, lines: Sequence[str]) -> list[str]:
    """What the board answers to lines, in QEMU.

    Raises:
        NotFoundError: QEMU is not here.
        LilliputError: the program does not come to an end.
    """
    name, *options = EMULATOR.split()
    emulator = shutil.which(name)
    if emulator is None:
        raise NotFoundError(
            "qemu-system-arm is not here, so it was not run (Debian: apt install qemu-system-arm)"
        )
    sent = "".join(line + "\n" for line in lines).encode() + b"\x04"
    command = [emulator, *options, "-kernel", str(elf)]
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        raise LilliputError(f"{elf.name} does not come to an end in QEMU") from None
    if done.returncode:
        raise LilliputError(f"QEMU fails: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout.decode("utf-8", "replace").split("\n")[:-1]
