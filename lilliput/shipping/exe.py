"""A program of one C file: for this machine by its C compiler, for any other by zig's."""

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lilliput.errors import LilliputError, NotFoundError

FLAGS = (
    "-std=c99", "-O3", "-ffp-contract=off", "-fno-trapping-math", "-fno-asynchronous-unwind-tables",
)  # fmt: skip
SMALL = ("-Os", "-DLP_SMALL", "-ffunction-sections", "-fdata-sections")
"""A program of whole numbers is there to be small: one copy of the busy loops, nothing unused."""
_STRIPPED = (
    "-s", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,norelro",
)  # fmt: skip
"""No section begins on a page of its own, for each of which up to 4 kB would be left empty."""


def compiler() -> list[str]:
    """The C compiler here, with what CC may put before and behind it: `ccache gcc -m64`.

    Raises:
        NotFoundError: there is none.
    """
    told = os.environ.get("CC", "")
    try:
        words = shlex.split(told, posix=os.name != "nt")
    except ValueError:  # a quotation mark too many
        words = [told]
    if words and not shutil.which(words[0]):
        raise NotFoundError(
            f"CC says {told!r}, and there is no {words[0]!r} here; correct CC or unset it"
        )
    found = words or [path for path in map(shutil.which, ("cc", "gcc", "clang")) if path][:1]
    if not found:
        raise NotFoundError(
            "no C compiler here; install one (Debian: apt install gcc), or take --as c and compile"
            " it elsewhere"
        )
    return found


def command_for(target: str) -> list[str]:
    """The compiler for a target of zig's (aarch64-linux-musl, x86_64-windows-gnu, aarch64-macos);
    empty: for this machine.

    Raises:
        NotFoundError: it is not here.
    """
    if not target:
        return [*compiler(), *(_STRIPPED if sys.platform == "linux" else ())]
    if importlib.util.find_spec("ziglang") is None:
        raise NotFoundError(
            "for other machines than this one zig compiles, and it is not here: pip install ziglang"
        )
    return [sys.executable, "-m", "ziglang", "cc", "-target", target, "-s"]


def runner(target: str) -> list[str] | None:
    """What is put before a program of a target to run it here; None: nothing can."""
    machine, system, *_ = [*target.split("-"), "", ""]
    if not target or (machine == platform.machine() and system == "linux" == sys.platform):
        return []
    emulator = shutil.which(f"qemu-{machine}") if system == "linux" else None
    return [emulator] if emulator else None


def build(source: str, out: Path, *, small: bool, target: str = "") -> None:
    """Compiles a program; its source is left beside it.

    Raises:
        NotFoundError: there is no compiler for the target here.
        LilliputError: it refused.
    """
    file = out.with_suffix(".c")
    file.write_text(source, encoding="utf-8")
    flags = (*FLAGS, *SMALL) if small else FLAGS
    command = [*command_for(target), *flags, "-o", str(out), str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LilliputError(f"the compiler refused the program:\n{done.stderr[-2_000:]}")


def say(program: Sequence[str | Path], lines: Sequence[str], *options: str) -> str:
    """What a program says to lines, a line's end after each.

    Args:
        program: its file, behind what runs it.

    Raises:
        LilliputError: it fails or does not come to an end.
    """
    name = program[-1]
    try:
        asked = "".join(f"{line}\n" for line in lines)
        command = [*program, *options]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LilliputError(f"{name} does not run: {error}") from None
    if done.returncode:
        raise LilliputError(f"{name} fails with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
