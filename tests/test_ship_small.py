"""How small a shipped story teller is, and that packed weights come out as they went in."""

import platform
import random
import subprocess
import sys
from pathlib import Path

import pytest

from lilliput.engine import flat
from lilliput.engine.binding import library
from lilliput.lab.quantising import quantise
from lilliput.lab.ship import ship
from lilliput.shipping import exe, packing, wasm

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")


@pytest.mark.parametrize("name", ["zoo:stories-211k", "zoo:memory-gru-210k"])
def test_a_story_teller_of_200_000_parameters_is_small(name: str, tmp_path: Path) -> None:
    """The published ones: 225 kB of weights and 15 kB of program."""
    whole = tmp_path / "int8.safetensors"
    quantise(name, "int8", whole, measure=False)
    assert wasm.WASM.stat().st_size + len(flat.of_file(whole)) <= 260_000
    shipped = ship(str(whole), "exe", "", tmp_path / "teller")
    assert shipped.checked
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        assert shipped.bytes <= 240_000


PROGRAM = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
{sizes}
{unpack}
int main(void)
{{
    static uint8_t packed[4 * WEIGHTS_SIZE + 64];
    fread(packed, 1, sizeof packed, stdin);
    fwrite(unpack(packed), 1, WEIGHTS_SIZE, stdout);
    return 0;
}}
"""
LENGTH = 3_000


def test_what_is_packed_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = (Path(packing.__file__).parent / "unpack.c").read_text(encoding="utf-8")
    text = PROGRAM.format(sizes=f"#define WEIGHTS_SIZE {LENGTH}", unpack=source)
    exe.build(text, tmp_path / "unpack", small=True)
    chance = random.Random(1)
    for data in (
        bytes(LENGTH),
        b"\xff" * LENGTH,
        chance.randbytes(LENGTH),
        bytes(min(255, int(abs(chance.gauss(0, 40)))) for _ in range(LENGTH)),
        bytes(chance.choice((0, 0, 0, 0, 255)) for _ in range(LENGTH)),
        *(bytes([n]) * (LENGTH // 2) + chance.randbytes(LENGTH // 2) for n in (127, 128, 254)),
    ):
        packed = packing.pack(data)
        done = subprocess.run([tmp_path / "unpack"], input=packed, capture_output=True, check=True)
        assert done.stdout == data
    assert len(packing.pack(bytes(LENGTH))) < LENGTH // 20
