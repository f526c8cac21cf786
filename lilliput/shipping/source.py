"""A model as one C file: the engine, the weights, and a program around them. Knows no task."""

import re
from array import array
from pathlib import Path

from lilliput.engine import binding

ENGINE = Path(binding.__file__).parent
_HEADERS = ("numbers.h", "model.h", "state.h", "text.h", "answer.h", "engine.h")
_SOURCES = (
    "numbers.c", "file.c", "state.c", "gpt.c", "recurrent.c", "memory_gru.c", "text.c", "answer.c",
    "engine.c",
)  # fmt: skip
MOST_BYTES = 4_096
"""Of a line that the program reads."""
COMPILE = "cc -O3 -ffp-contract=off"
"""What every compiler must be told: no product and sum in one, or texts differ by machine."""


def one_file(flat: bytes, room: int, vocabulary_size: int, title: str) -> str:
    """The C source of a program of its own.

    Args:
        flat: the weight file.
        room: bytes that a text of the model needs.
        title: said in the first lines: what the model is and how it was graded.
    """
    parts = [f"/* {title.strip()}\n *\n * Compile: {COMPILE} -o model model.c\n */", *_engine()]
    parts.append(_weights(flat))
    sizes = {"ROOM": room + 64, "VOCABULARY": vocabulary_size, "MOST_BYTES": MOST_BYTES}
    parts.append("\n".join(f"#define {name} {size}" for name, size in sizes.items()))
    parts.append((Path(__file__).parent / "program.c").read_text(encoding="utf-8"))
    return "\n\n".join(parts) + "\n"


def _engine() -> list[str]:
    """The engine's files as one, its own includes left out and its functions kept inside."""
    texts = [(ENGINE / name).read_text(encoding="utf-8") for name in (*_HEADERS, *_SOURCES)]
    return [re.sub(r'^#include ".*"\n', "", text, flags=re.MULTILINE) for text in texts]


def _weights(flat: bytes) -> str:
    """The weight file as words, so that it begins where a float may."""
    words = array("I", flat + bytes(-len(flat) % 4))
    lines = [
        ",".join(f"0x{word:x}" for word in words[at : at + 12]) for at in range(0, len(words), 12)
    ]
    body = ",\n".join(lines)
    return f"static const uint32_t WEIGHTS[] = {{\n{body}\n}};\n#define WEIGHTS_SIZE {len(flat)}"
