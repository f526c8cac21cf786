"""Heat maps of an exam as pictures with axes; knows exam.json and no search."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lilliput.faces import chart_map, charts
from lilliput.lab.words import SIGNS

RIGHT, WRONG, MISSING = "1", "0", "."
"""As exam/heatmap.py writes them, which brings torch (a test compares)."""

RIGHT_COLOUR, WRONG_COLOUR = (0x8C, 0xC5, 0xE3), (0xB5, 0x40, 0x0A)
"""Light and dark, so that they differ without colour too."""
MOST_OPERANDS = 1_000
"""A map of more would be wider than a screen."""
NAMES = {"+": "addition", "-": "subtraction", "*": "multiplication", "/": "division"}
_PALETTE = bytes((*RIGHT_COLOUR, *WRONG_COLOUR, 0, 0, 0))
_INDEX = str.maketrans({RIGHT: "\0", WRONG: "\1", MISSING: "\2"})


class Map(NamedTuple):
    """A map in an exam.json; its fields are exam.heatmap.HeatMap's."""

    operation: str
    low: int
    rows: tuple[str, ...]


def maps_of(exam: Mapping[str, Any]) -> list[Map]:
    """The maps in an exam.json that are small enough to draw, in the order of its operations."""
    maps = (Map(row["operation"], row["low"], tuple(row["rows"])) for row in exam["maps"])
    return [map_ for map_ in maps if 0 < len(map_.rows) <= MOST_OPERANDS]


def picture(rows: Sequence[str], side: int = 400) -> bytes:
    """A PNG of a map, first row at the bottom: right, wrong, and nothing where it was not asked.

    Every problem is a square of whole pixels, about `side` in all, so that no viewer blurs them.
    """
    scale = max(1, side // len(rows))
    lines = []
    for row in reversed(rows):
        pixels = "".join(symbol * scale for symbol in row.translate(_INDEX)).encode("latin-1")
        # Each line begins with its filter; none.
        lines.append((b"\0" + pixels) * scale)
    size = struct.pack(">II5B", len(rows[0]) * scale, len(rows) * scale, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", size),
        (b"PLTE", _PALETTE),
        (b"tRNS", bytes((255, 255, 0))),
        (b"IDAT", zlib.compress(b"".join(lines), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def bands(held: tuple[int, int] | None, low: int, high: int) -> list[dict[str, float]]:
    """Where problems of `beyond` lie: the rows and the columns of the held-out operands."""
    if held is None or held[0] > high or held[1] < low:
        return []
    start, end = max(held[0], low) - 0.5, min(held[1], high) + 0.5
    least, most = low - 0.5, high + 0.5
    # An L without its corner twice, which would be darker.
    across = {"x": least, "x2": most, "y": start, "y2": end}
    below = {"x": start, "x2": end, "y": least, "y2": start}
    above = {"x": start, "x2": end, "y": end, "y2": most}
    return [band for band in (across, below, above) if band["y"] < band["y2"]]


def chart_of(map_: Map, held: tuple[int, int] | None, marked: str = "") -> charts.Spec:
    """A map with its axes; operations are named, and the held-out band is drawn.

    Args:
        marked: what must be said of the model, to end the title: `, *leaked*`.
    """
    marks = "".join(map_.rows)
    right, asked = marks.count(RIGHT), len(marks) - marks.count(MISSING)
    high = map_.low + len(map_.rows) - 1
    outlined = bands(held, map_.low, high)
    subtitle = f"{right:,} of {asked:,} right"
    if held and outlined:
        subtitle += f"; outlined: {held[0]}–{held[1]}, never trained on"
    name = f"{NAMES.get(map_.operation, map_.operation)} {SIGNS.get(map_.operation, '')}"
    return chart_map.heat_map(
        "data:image/png;base64," + base64.b64encode(picture(map_.rows)).decode(),
        low=map_.low,
        high=high,
        bands=outlined,
        title=name + marked,
        subtitle=subtitle,
    )
