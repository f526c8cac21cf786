"""A program for this machine, made by its C compiler from one C file."""

import os
import shutil
import subprocess
from pathlib import Path

from lilliput.errors import LilliputError, NotFoundError

FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-fno-asynchronous-unwind-tables")
SMALL = ("-Os", "-DLP_SMALL", "-ffunction-sections", "-fdata-sections")
"""A program of whole numbers is there to be small: one copy of the busy loops, nothing unused."""
_LINK = ("-s", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-z,noseparate-code")


def compiler() -> str:
    """The C compiler here.

    Raises:
        NotFoundError: there is none.
    """
    found = os.environ.get("CC") or next(
        filter(None, map(shutil.which, ("cc", "gcc", "clang"))), ""
    )
    if not found:
        raise NotFoundError(
            "no C compiler here; install one (Debian: apt install gcc), or take --as c and compile"
            " it elsewhere"
        )
    return found


def build(source: str, out: Path, *, small: bool) -> None:
    """Compiles a program; its source is left beside it.

    Raises:
        NotFoundError: there is no C compiler.
        LilliputError: it refused.
    """
    file = out.with_suffix(".c")
    file.write_text(source, encoding="utf-8")
    flags = (*FLAGS, *SMALL) if small else FLAGS
    command = [compiler(), *flags, *_LINK, "-o", str(out), str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LilliputError(f"{command[0]} refused the program:\n{done.stderr[-2_000:]}")


def say(program: Path, line: str, *options: str) -> str:
    """What a program answers to a line.

    Raises:
        LilliputError: it fails or does not come to an end.
    """
    command = [str(program.resolve()), *options]
    try:
        done = subprocess.run(
            command, input=line + "\n", capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LilliputError(f"{program} does not run: {error}") from None
    if done.returncode:
        raise LilliputError(f"{program} fails with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.removesuffix("\n")
