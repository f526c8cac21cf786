"""The machines that programs can be made for, as zig names them. Knows no program."""

import re
import subprocess
import sys
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec

from lilliput.errors import SpecError

USUAL = ("x86_64-linux-musl", "aarch64-linux-musl", "x86_64-windows-gnu", "aarch64-macos")
_BIG_ENDIAN = frozenset(
    "aarch64_be arceb armeb thumbeb hppa hppa64 lanai m68k m88k microblaze mips mips64 or1k powerpc"
    " powerpc64 riscv32be riscv64be s390x sheb sparc sparc64 xtensaeb".split()
)
_NEAR = 4
"""Known targets that are named beside one that is not."""


def check_target(target: str) -> None:
    """Raises SpecError where no program can be made for a target: a big-endian machine, or a name
    that zig, where it is here, knows no C library of."""
    machine = target.partition("-")[0]
    if machine in _BIG_ENDIAN:
        raise SpecError(
            f"{machine} is a big-endian machine, and the engine reads its weights on little-endian"
            f" ones alone; take another --target, such as {USUAL[0]}"
        )
    known = known_targets()
    # A system may have its version behind it, and its usual C library left out.
    plain = re.sub(r"\.[^-]*", "", target)
    if (
        not known
        or plain in known
        or ("-" in plain and any(t.startswith(f"{plain}-") for t in known))
    ):
        return
    near = get_close_matches(target, known, n=_NEAR, cutoff=0.5) or list(USUAL)
    raise SpecError(
        f"no target {target!r} to make a program for; near it: {', '.join(near)}; leave --target"
        " out for this machine"
    )


@cache
def known_targets() -> tuple[str, ...]:
    """Little-endian machines that zig has a C library for; empty: zig is not here."""
    if find_spec("ziglang") is None:
        return ()
    command = [sys.executable, "-m", "ziglang", "targets"]
    done = subprocess.run(command, capture_output=True, text=True)
    return read_targets(done.stdout)


def read_targets(listed: str) -> tuple[str, ...]:
    """The same of what `zig targets` prints, in ZON."""
    part = re.search(r"\.libc\s*=\s*\.\{(.*?)\}", listed, re.DOTALL)
    names = re.findall(r'"([^"]+)"', part[1]) if part else []
    plain = (name.removesuffix("-none") for name in names)
    return tuple(name for name in plain if name.partition("-")[0] not in _BIG_ENDIAN)
