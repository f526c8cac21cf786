"""`lilliput doctor`: what of Lilliput works on this machine, and what to do about the rest."""

import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

from lilliput.faces.cli_flags import Flag, parse

ABOUT = "Looks at what is here: Python, torch, the engine, a C compiler, the optional libraries."


class Finding(NamedTuple):
    """One thing that Lilliput uses."""

    name: str
    works: bool
    words: str
    """What is there; else what does not work without it, and how to get it."""


def flags_of() -> list[Flag]:
    return [Flag("json", bool, False, "Print JSON.")]


def main(argv: Sequence[str]) -> int:
    values = parse("doctor", ABOUT, flags_of(), argv)
    found = findings()
    if values.json:
        print(json.dumps([finding._asdict() for finding in found], indent=1))
    else:
        for name, works, words in found:
            print(f"{'ok  ' if works else 'none'}  {name:<17} {words}")
    return 0


def findings() -> list[Finding]:
    """What is here, the needed first. Loads neither torch nor the rest, but for the engine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    version = platform.python_version()
    return [
        Finding("python", sys.version_info >= (3, 11), f"{version}, {cores} cores"),
        _library("torch", "training, and all decoding where there is no engine", "torch"),
        _engine(),
        _compiler(),
        _library("tokenizers", "vocabularies of pieces (--vocabulary)", "lilliput[hf]"),
        _library("datasets", "texts by name (--text hf:…)", "lilliput[hf]"),
        _library("transformers", "others' models by name (hf:…)", "lilliput[hf]"),
        _library("ziglang", "programs for other machines (ship --target)", "lilliput[ship]"),
        _library("onnx", "graphs (ship --as onnx)", "lilliput[ship]"),
        _library("onnxruntime", "check of them before they leave", "lilliput[ship]"),
        _tool(
            "arm-none-eabi-gcc",
            "compiler for ship --as mcu (ziglang is one too)",
            "gcc-arm-none-eabi",
        ),
        _tool("qemu-system-arm", "check of ship --as mcu", "qemu-system-arm"),
    ]


def _library(name: str, use: str, install: str) -> Finding:
    try:
        return Finding(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, False, f"no {use}; pip install '{install}'")


def _tool(name: str, use: str, package: str) -> Finding:
    found = shutil.which(name)
    return Finding(name, bool(found), found or f"no {use}; Debian: apt install {package}")


def _engine() -> Finding:
    from lilliput.engine.binding import library

    built = library()
    if built is not None:
        return Finding("engine", True, str(built._name))
    return Finding(
        "engine", False,
        "calc and tell go through torch, which takes seconds to start; with a C compiler here:"
        " pip install --force-reinstall --no-deps lilliput",
    )  # fmt: skip


def _compiler() -> Finding:
    found = os.environ.get("CC") or next(
        filter(None, map(shutil.which, ("cc", "gcc", "clang"))), ""
    )
    if found:
        return Finding("C compiler", True, found)
    return Finding("C compiler", False, "no `ship --as exe`, no --compile; Debian: apt install gcc")
