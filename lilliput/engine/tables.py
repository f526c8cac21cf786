"""The fixed tables of a gpt's positions, in plain Python: models.layers has them as tensors."""

import math
import struct

from lilliput.specs import GPTSpec


def single(number: float) -> float:
    """The nearest number of four bytes."""
    (rounded,) = struct.unpack("f", struct.pack("f", number))
    return float(rounded)


def turns(spec: GPTSpec) -> list[float]:
    """Rotary angles a position, one of each pair of a head's numbers."""
    count = spec.head_size // 2
    if spec.line_length:
        turn = 2 * math.pi / spec.line_length
        odd = [turn * (2 * n + 1) for n in range(max(1, count - 2))]
        return [*odd, turn / 6, 0.0][:count]
    base = single(spec.rotary_base)
    return [1 / single(base ** single(2 * i / spec.head_size)) for i in range(count)]


def places(spec: GPTSpec, context: int) -> list[list[float]]:
    """What a position adds to the embedding of whatever stands there; empty: nothing fixed."""
    rows = [[0.0] * spec.width for _ in range(context)]
    angles: list[list[float]] = []
    if spec.positions == "sinusoidal":
        pace = -math.log(10_000.0) / spec.width
        angles.append([math.exp(even * pace) for even in range(0, spec.width, 2)])
    if spec.line_length:
        periods = [spec.line_length / n for n in range(1, spec.line_length // 2 + 1)]
        periods += [spec.line_length * 2.0**n for n in range(1, spec.width)]
        few = periods[: (spec.width + 1) // 2]
        angles.append([single(single(2 * math.pi) / single(period)) for period in few])
    length = math.sqrt(2 / spec.width)
    for frequencies in angles:
        for position, row in enumerate(rows):
            for pair, frequency in enumerate(frequencies):
                angle = position * frequency
                for place, wave in ((2 * pair, math.sin), (2 * pair + 1, math.cos)):
                    if place < spec.width:
                        row[place] += single(wave(angle) * length)
    return rows if angles else []
