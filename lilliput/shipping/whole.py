"""A model's numbers for a chip without floats (board/whole.h): the weight file of mcu's C."""

import math
import struct
from array import array
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

from lilliput.engine.flat import FAMILIES, FIELDS, HEAD, Body, flat
from lilliput.models.tensors import read_tensors

FRACTION = 18
"""Bits after the point."""
LARGEST = (1 << 30) - 1
LANES = 4
"""Rows of a band."""
MANTISSA, SHIFT = 23, 6
"""Bits of a row's scale, and of how far it is shifted."""
TURN = 30
"""Bits of a whole turn of a rotary angle."""
PLACE = 13
"""Bits after the point of what a place adds."""
_STATE = 200
"""Bytes of a text's pointers (state.h), where they are the longest."""


def of_file(path: Path) -> bytes:
    """The weight file of a model in int16 or int8, without a float in it.

    Raises:
        NotFoundError, FileError: the model file cannot be had, is damaged or foreign.
    """
    tensors, card = read_tensors(path)
    return flat(tensors, card, body=WholeBody())


def number(value: float) -> int:
    """A number as the chip has it: in parts of 2^FRACTION, held within LARGEST."""
    return round(max(-LARGEST, min(LARGEST, math.ldexp(value, FRACTION))))


def scale(value: float) -> int:
    """A mantissa of MANTISSA bits and below it by how many places it is shifted; what is outside is
    held at the largest, or loses last places."""
    fraction, exponent = math.frexp(value)
    shift, most, last = MANTISSA - exponent, (1 << MANTISSA) - 1, (1 << SHIFT) - 1
    if shift < 0:
        return most << SHIFT
    mantissa = round(math.ldexp(fraction, MANTISSA - max(0, shift - last)))
    return min(mantissa, most) << SHIFT | min(shift, last)


def room(weights: bytes) -> int:
    """Bytes that a text of a model needs (state.c has the same sums).

    Args:
        weights: of_file's.
    """
    fields = struct.unpack_from(f"<{len(FIELDS)}i", weights, HEAD)
    f = SimpleNamespace(**dict(zip(FIELDS, fields, strict=True)))
    gpt, memory, mingru = (f.family == FAMILIES.index(n) for n in ("gpt", "memory-gru", "mingru"))
    width = max(f.width, f.embedding)
    wide = _up(max(3 * width, 2 * f.hidden, 3 * f.state))
    deepest = max(width, f.rank, f.hidden, f.state)
    shares = [_up(f.characters + f.merges), *[wide] * 4, _up(f.rank), deepest + 2]
    shares += [_up(f.context)] * 2
    if gpt:
        size, passes = f.state // f.heads, f.layers * f.loops * f.kv_heads
        shares += [passes * _up(f.context) * size, passes * f.context * size]
        shares += [size // 2] * 2 * f.rotary
    else:
        layers = f.layers * f.convolution if mingru else 1
        shares += [f.layers * (f.state if mingru else f.width), layers * f.width]
    if memory:
        keys = f.heads * _up(f.context) * (f.embedding // f.heads)
        shares += [_up(3 * f.width)]
        if f.attention:
            shares += [keys, f.context * (f.embedding if f.attention == 1 else f.width)]
            shares += [f.context * f.embedding, keys, f.context * f.embedding] * f.positions
        else:
            shares += [f.context // 2 + 1] * f.positions
    return _STATE + sum(_up(4 * share, 8) for share in shares)


def _up(count: int, to: int = LANES) -> int:
    return -(-count // to) * to


def angle(radians: float) -> int:
    """In parts of 2^TURN of a whole turn."""
    return round(math.ldexp(radians / (2 * math.pi), TURN)) % (1 << TURN)


def place(value: float) -> int:
    """What a place adds, in parts of 2^PLACE: sums of two waves no higher than a root of two."""
    return round(max(-4.0, min(4 - 2.0**-PLACE, value)) * 2.0**PLACE)


class WholeBody(Body):
    """What follows the head, in whole numbers alone."""

    lanes, group = LANES, 1

    def numbers(self, numbers: Iterable[float]) -> None:
        self.put(array("i", map(number, numbers)).tobytes())

    def angles(self, radians: Iterable[float]) -> None:
        self.put(array("i", map(angle, radians)).tobytes())

    def places(self, numbers: Iterable[float]) -> None:
        self.put(array("h", map(place, numbers)).tobytes())

    def scales(self, scales: Iterable[float]) -> None:
        self.put(array("i", map(scale, scales)).tobytes())
