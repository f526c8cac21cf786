"""Files that are whole or absent, and the ledger as CSV and JSON. Knows no search."""

import csv
import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError

if TYPE_CHECKING:
    from lilliput.search.ledger import Ledger

TABLES = ("trials", "slices", "looks")
TIMES = ("seconds", "time", "pid")
"""Columns in which two sittings of one search may differ."""


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all (temporary file, fsync, rename, fsync of the folder).

    Raises:
        FileError: the disk is full or cannot be written; an older file is still there, whole.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise cannot_write(path, error.strerror or str(error)) from None
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def cannot_write(path: Path | None, reason: str) -> FileError:
    return FileError(
        f"cannot write {path}: {reason}; what was recorded is kept: make room, then run it again"
    )


def export(ledger: "Ledger", folder: Path, *, times: bool = True) -> tuple[Path, ...]:
    """Writes `trials.csv`, `slices.csv`, `looks.csv` and `ledger.json`; returns their paths.

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
        write_atomic(paths[-1], text.getvalue().encode())
        everything[table] = [dict(zip(header, line, strict=True)) for line in lines]
    paths.append(folder / "ledger.json")
    write_atomic(paths[-1], json.dumps(everything, indent=1).encode())
    return tuple(paths)
