"""A model for a microcontroller: C without floats that needs no library, its weights in flash;
linked for a Cortex-M3 and asked in QEMU where both are here, and on this machine. Knows no task."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lilliput.errors import LilliputError, NotFoundError
from lilliput.shipping import exe
from lilliput.shipping.source import comment, filled, model_parts, read

FLAGS = (
    "-mcpu=cortex-m3 -mthumb -std=c99 -Os -ffreestanding -fno-builtin"
    " -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections"
)
LINK = "-nostdlib -T board.ld -Wl,--gc-sections -lgcc"
EMULATOR = "qemu-system-arm -M mps2-an385 -display none -monitor none -serial stdio -no-reboot"
_ZIG = (
    "-target thumb-freestanding-eabi -mcpu=cortex_m3 -std=c99 -Os"
    " -ffreestanding -fno-builtin -ffunction-sections -fdata-sections"
)
_ZIG_LINK = "-T board.ld -Wl,--gc-sections"
"""Its own runtime brings the division of 64 bits."""
_LOADED, _WRITABLE = 1, 2
"""Of an ELF file's segments."""
_STACK = 2_048
"""Bytes; the largest frames, by gcc -fstack-usage: 288, 280 and 216, no more than two at a time."""
_CODE = 11_000
"""Bytes of the engine's code, where no compiler is here to tell."""
_STRING_H = """#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
char *strchr(const char *, int);"""
_SOURCES = ("model.c", "main.c", "board.c")
_HERE = ("model.c", "main.c", "here.c")
"""The same for a computer, whose board is its terminal."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the sources are cut to."""

    weights: int
    """Bytes of the weight file."""
    room: int
    """Bytes that a text of the model needs."""
    vocabulary: int
    longest: int
    """Bytes of a text that is asked, and pieces of an answer."""
    blocks: int
    """The model's layers or loops, whichever are more."""


@dataclass(frozen=True)
class Needs:
    """Bytes that a model takes on a chip."""

    flash: int
    ram: int
    """Stack included."""
    how: str
    """How that is known."""


def write_folder(folder: Path, flat: bytes, sizes: Sizes, between: str, card: str) -> None:
    """Writes model.c (engine and weights), its three calls, an example and a board to run it on.

    Args:
        flat: the weight file, without floats (shipping.whole).
        between: what stands between a question and its answer.
        card: said in the first lines.
    """
    parts = model_parts(flat, sizes.room, sizes.vocabulary, sizes.longest, whole=True)
    code = "\n\n".join([comment(card), *parts, read("board/exported.c")]) + "\n"
    # Room for the blocks of this model alone: 48 of them are 12 kB of RAM.
    code = _replace(code, "MOST_BLOCKS = 48", f"MOST_BLOCKS = {sizes.blocks}")
    code = _replace(code.replace("#include <string.h>\n", ""), "#include <stddef.h>", _STRING_H)
    values = {"longest": str(sizes.longest), "between": between.replace("\t", "\\t")}
    files = {
        "model.c": code,
        "model.h": filled(read("board/model.h"), values),
        "main.c": read("board/main.c"),
        "board.c": read("board/board.c"),
        "here.c": read("board/here.c"),
        "board.h": read("board/board.h"),
        "board.ld": filled(read("board/board.ld"), {"stack": str(_STACK)}),
        "Makefile": filled(
            read("board/Makefile"), {"flags": FLAGS, "link": LINK, "emulator": EMULATOR}
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, f"the engine no longer has {old!r}"
    return text.replace(old, new, 1)


def link(folder: Path, out: Path) -> Needs:
    """Makes the program for the board, and says what it takes.

    Raises:
        NotFoundError: there is no compiler for it here, or the program is larger than the board.
        LilliputError: the compiler refused.
    """
    if shutil.which("arm-none-eabi-gcc"):
        name, command = "arm-none-eabi-gcc", ["arm-none-eabi-gcc", *FLAGS.split()]
        options = LINK.split()
    elif find_spec("ziglang") is not None:
        name, command = "zig", [sys.executable, "-m", "ziglang", "cc", *_ZIG.split()]
        options = _ZIG_LINK.split()
    else:
        raise NotFoundError(
            "no compiler for a Cortex-M here; Debian: apt install gcc-arm-none-eabi, or pip install"
            " ziglang"
        )
    command += ["-o", str(out.resolve()), *_SOURCES, *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if any(words in done.stderr for words in ("overflowed by", "will not fit")):
        raise NotFoundError("it is larger than the board that is emulated")
    if done.returncode:
        raise LilliputError(f"{name} refused the program:\n{done.stderr[-2_000:]}")
    flash, ram = _segments(out.read_bytes())
    return Needs(flash, ram, f"linked for a Cortex-M3 by {name}")


def reference(folder: Path, out: Path) -> None:
    """Makes the same program for this machine: what it says, the chip must say.

    Raises:
        NotFoundError: there is no C compiler here.
        LilliputError: it refused.
    """
    command = [*exe.compiler(), "-std=c99", "-O2", "-o", str(out.resolve()), *_HERE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise LilliputError(f"the compiler refused the program:\n{done.stderr[-2_000:]}")


def _segments(elf: bytes) -> tuple[int, int]:
    """Bytes that a program brings along, and bytes that are writable while it runs."""
    (start,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    flash = ram = 0
    for at in range(start, start + size * count, size):
        kind, _, _, _, in_file, in_memory, flags, _ = struct.unpack_from("<8I", elf, at)
        if kind == _LOADED:
            flash += in_file
            ram += in_memory if flags & _WRITABLE else 0
    return flash, ram


def estimate(sizes: Sizes) -> Needs:
    """Flash and RAM without a compiler, to within some kB."""
    buffers = 16 * sizes.longest + 4 * sizes.vocabulary
    flash, ram = sizes.weights + _CODE, sizes.room + buffers + _STACK
    return Needs(flash, ram, "worked out, not linked")


def say(elf: Path, lines: Sequence[str]) -> str:
    """What the board writes when it is sent lines, in QEMU.

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
    return done.stdout.decode("utf-8", "replace")
