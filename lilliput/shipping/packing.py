"""Bytes packed by an adaptive range coder, as a small program unpacks them (unpack.c).

Each bit of a byte is foretold from the byte's bits before it, by how often it was 1 so far. Weights
in int8 come out a sixteenth smaller, which is what their frequencies allow. The coder is that of
LZMA (Igor Pavlov; after G. N. N. Martin, 1979). Knows no model.
"""

_ONE = 1 << 15
"""Certainty; a chance starts at half of it."""
_PACE = 6
"""Each bit moves its chance by a 64th of the way."""
_LEAST = 1 << 24
"""A range below this takes in another byte."""


def pack(data: bytes) -> bytes:
    """The packed bytes, their length not among them."""
    chances = [_ONE // 2] * 256
    low, width, out = 0, 0xFFFFFFFF, bytearray()
    for byte in data:
        node = 1
        for place in range(7, -1, -1):
            bit, chance = byte >> place & 1, chances[node]
            bound = (width >> 15) * chance
            if bit:
                low, width = low + bound, width - bound
                chances[node] = chance - (chance >> _PACE)
            else:
                width = bound
                chances[node] = chance + ((_ONE - chance) >> _PACE)
            while width < _LEAST:
                low, width = _put(low, out), width << 8
            node = 2 * node + bit
    for _ in range(4):
        low = _put(low, out)
    return bytes(out)


def _put(low: int, out: bytearray) -> int:
    """Writes the first of the range's four bytes; what is over goes into those before it."""
    place = len(out) - 1
    if low >> 32:
        while out[place] == 0xFF:
            out[place] = 0
            place -= 1
        out[place] += 1
    out.append(low >> 24 & 0xFF)
    return (low & 0xFFFFFF) << 8
