"""The ledger as CSV and JSON. Knows no search."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.files import json_text, write_atomically

if TYPE_CHECKING:
    from lilliput.search.ledger import Ledger

TABLES = ("trials", "slices", "looks", "given_up")
TIMES = ("seconds", "time", "pid")
"""Columns in which two sittings of one search may differ."""


def export(ledger: "Ledger", folder: Path, *, times: bool = True) -> tuple[Path, ...]:
    """Writes a CSV of each table and `ledger.json`; returns their paths.

    Args:
        times: False leaves out the columns in `TIMES`, and metrics, which may hold times too.
    """
    left_out: tuple[str, ...] = () if times else (*TIMES, "metrics")
    everything: dict[str, Any] = {"identity": ledger.identity}
    paths = []
    for table in TABLES:
        names, rows = ledger.rows(table)
        kept = [place for place, name in enumerate(names) if name not in left_out]
        header = [names[place] for place in kept]
        lines = [[row[place] for place in kept] for row in rows]
        text = io.StringIO()
        csv.writer(text).writerows([header, *lines])
        paths.append(folder / f"{table}.csv")
        write_atomically(paths[-1], text.getvalue().encode())
        everything[table] = [dict(zip(header, line, strict=True)) for line in lines]
    paths.append(folder / "ledger.json")
    write_atomically(paths[-1], json_text(everything, indent=1).encode())
    return tuple(paths)
