"""`lilliput doctor`: what of Lilliput works on this machine, and what to do about the rest."""

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

from lilliput.errors import NotFoundError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.files import json_text

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
        print(json_text([finding._asdict() for finding in found], indent=1))
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
        _library("torch", "no training, and no decoding where there is no engine"),
        _engine(),
        _compiler(),
        _library("tokenizers", "no vocabularies of pieces (--vocabulary)"),
        _library("datasets", "no texts by name (--text hf:…)"),
        _library("transformers", "no others' models by name (hf:…)"),
        _library("ziglang", "no programs for other machines (ship --target)"),
        _library("onnx", "no graphs (ship --as onnx)"),
        _library("onnxruntime", "exported ONNX graphs are not verified"),
        _tool(
            "arm-none-eabi-gcc",
            "compiler for ship --as mcu (ziglang is one too)",
            "gcc-arm-none-eabi",
        ),
        _tool("qemu-system-arm", "check of ship --as mcu", "qemu-system-arm"),
    ]


def _library(name: str, without: str) -> Finding:
    try:
        return Finding(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, False, f"{without}; pip install {name}")


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
    from lilliput.shipping.exe import compiler

    try:
        return Finding("C compiler", True, shlex.join(compiler()))
    except NotFoundError as error:
        return Finding("C compiler", False, f"no `ship --as exe`, no --compile: {error}")
