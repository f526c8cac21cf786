"""A model as one C file: the engine, the weights, and a program around them. Knows no task."""

import json
import re
import struct
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lilliput.shipping.packing import pack

HERE = Path(__file__).parent
PACKAGE = HERE.parent
_HEADERS = ("numbers.h", "model.h", "state.h", "engine.h")
_SOURCES = (
    "file.c", "state.c", "gpt.c", "recurrent.c", "memory_gru.c", "text.c", "draw.c", "answer.c",
)  # fmt: skip
_FLOATS = (("engine/real.h",), ("engine/products.c", "engine/numbers.c"))
_WHOLE = (("shipping/board/whole.h",), ("shipping/board/whole.c",))
"""What a number is, and the arithmetic of numbers."""
MOST_BYTES = 4_096
"""Of a line that the program reads."""
COMPILE = "cc -O3 -ffp-contract=off"
"""What every compiler must be told: no product and sum in one, or texts differ by machine."""
_LICENCE = "/* SPDX-License-Identifier: MIT. Copyright (c) 2026 the Lilliput developers. */"
"""Of the code, not of the weights."""
_INSIDE = """#ifdef __GNUC__
#define INSIDE static __attribute__((unused))
#else
#define INSIDE static
#endif"""
_LITTLE = """#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the weights are read on little-endian machines alone"
#endif"""
_FUNCTION = re.compile(
    r"^(?:LP_API )?((?:const )?(?:void|Real|Sum|int|size_t|Error) \*?\w+\()", re.MULTILINE
)


class Learned(NamedTuple):
    """What a calculator has learned."""

    ranges: Sequence[tuple[int, int]]
    """Of operands, both ends included."""
    otherwise: str
    """What is said of a question with an operand in none of them."""


def one_file(
    flat: bytes,
    room: int,
    vocabulary_size: int,
    card: str,
    packed: bool = False,
    learned: Learned | None = None,
) -> str:
    """The C source of a program of its own.

    Args:
        flat: the weight file.
        room: bytes that a text of the model needs.
        card: said in the first lines: what the model is and how it was graded.
        packed: the weights are unpacked when the program starts, in memory.
        learned: of a calculator, so that the program warns as `calc` does.
    """
    opening = comment(f"{card.strip()}\n\nCompile: {COMPILE} -o model model.c")
    parts = model_parts(flat, room, vocabulary_size, MOST_BYTES, packed)
    return "\n\n".join([opening, *parts, *_limits(learned), read("program.c")]) + "\n"


def _limits(learned: Learned | None) -> list[str]:
    """What program.c warns by; nothing where there is nothing to warn of."""
    if learned is None:
        return []
    ranges = ", ".join(f"{{{low}, {high}}}" for low, high in learned.ranges)
    return [f"#define LEARNED {{{ranges}}}\n#define OUTSIDE {json.dumps(learned.otherwise)}"]


def model_parts(
    flat: bytes,
    room: int,
    vocabulary_size: int,
    most_bytes: int,
    packed: bool = False,
    whole: bool = False,
) -> list[str]:
    """Engine, weights, and what asks them (api.c).

    Args:
        whole: without floats, for a weight file without floats (shipping.whole).
    """
    (family,) = struct.unpack_from("<i", flat, 20)
    sizes = {
        "LP_FAMILY": family,
        "WEIGHTS_SIZE": len(flat),
        "ROOM": room + 64,
        "VOCABULARY": vocabulary_size,
        "MOST_BYTES": most_bytes,
        "WEIGHTS": "unpack((const uint8_t *)BYTES_OF_WEIGHTS)" if packed else "BYTES_OF_WEIGHTS",
    }
    defined = "\n".join(f"#define {name} {size}" for name, size in sizes.items())
    parts = [
        _LICENCE,
        defined,
        *_engine(_WHOLE if whole else _FLOATS),
        _weights(pack(flat) if packed else flat),
    ]
    return [*parts, *([read("unpack.c")] if packed else []), read("api.c")]


def comment(text: str) -> str:
    """A text as a comment of C, which nothing in it can end."""
    lines = text.replace("*/", "* /").splitlines()
    return "\n".join(["/* " + lines[0], *(f" * {line}".rstrip() for line in lines[1:]), " */"])


def read(name: str) -> str:
    """A file of this room."""
    return (HERE / name).read_text(encoding="utf-8").rstrip("\n")


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with `{name}` replaced, in one pass: what is put in is never read as a place."""
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], template)


def _engine(arithmetic: tuple[tuple[str, ...], tuple[str, ...]]) -> list[str]:
    """The engine's files as one, without its own includes; its functions are seen from nowhere
    else, so that a larger program may have an `add` or a `turn` of its own."""
    names = [
        [*some, *(f"engine/{name}" for name in more)]
        for some, more in zip(arithmetic, (_HEADERS, _SOURCES), strict=True)
    ]
    headers, sources = ([(PACKAGE / n).read_text(encoding="utf-8") for n in part] for part in names)
    headers = [_FUNCTION.sub(r"INSIDE \1", text) for text in headers]
    texts = [
        re.sub(r'^#(include ".*"|pragma once)\n', "", t, flags=re.MULTILINE)
        for t in headers + sources
    ]
    return [_LITTLE, _INSIDE, *texts]


def _weights(flat: bytes) -> str:
    """The weight file as words, so that it begins where a float may."""
    words = array("I", flat + bytes(-len(flat) % 4))
    lines = [
        ",".join(f"0x{word:x}" for word in words[at : at + 12]) for at in range(0, len(words), 12)
    ]
    body = ",\n".join(lines)
    return f"static const uint32_t BYTES_OF_WEIGHTS[] = {{\n{body}\n}};"
