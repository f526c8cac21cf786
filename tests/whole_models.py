"""Models as a chip's C, compiled here: the integer reference."""

import subprocess
from array import array
from collections.abc import Sequence
from pathlib import Path

from lilliput.engine import flat
from lilliput.engine.binding import Engine
from lilliput.models.modelfile import read_card
from lilliput.shipping import exe, mcu, whole

DRIVER = Path(__file__).parent / "whole_driver.c"
AGAIN = 65535
"""Among pieces: the text begins anew."""
SANITIZED = "-O0 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
WARNINGS = "-Wall -Wextra -Werror -Wno-unused-function"


def write(path: Path, folder: Path, between: str = "\t", longest: int = 64) -> mcu.Sizes:
    """The sources of a model file in int16 or int8, as `ship` writes them."""
    content, spec = whole.of_file(path), read_card(path).own
    sizes = mcu.Sizes(
        weights=len(content),
        room=whole.room(content),
        vocabulary=Engine(flat.of_file(path)).vocabulary_size,
        longest=longest,
        blocks=max(spec.layers, getattr(spec, "loops", 1)),
    )
    folder.mkdir(exist_ok=True)
    mcu.write_folder(folder, content, sizes, between, "a card that says */ in the middle")
    return sizes


def driver(folder: Path, flags: str = "-O2") -> Path:
    """The driver of a folder's model.c."""
    program = folder / "driver"
    command = [*exe.compiler(), "-std=c99", *flags.split(), *WARNINGS.split(), f"-I{folder}"]
    subprocess.run([*command, "-o", str(program), str(DRIVER)], check=True)
    return program


def logits(program: Path, pieces: Sequence[int]) -> "array[int]":
    """After each piece, one behind another, in parts of 2^FRACTION."""
    sent = array("H", pieces).tobytes()
    done = subprocess.run([program], input=sent, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return array("i", done.stdout)
