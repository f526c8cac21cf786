"""Whose a folder is while somebody writes it, and what is said where SQLite refuses; knows no room.

SQLite's lock on a file of its own: held for life, let go by the system at any death, so that what a
killed process leaves behind keeps nobody out.
"""

import sqlite3
from pathlib import Path

from lilliput.errors import FileError, LilliputError
from lilliput.files import cannot_write, make_folder


def take(folder: Path, busy: LilliputError) -> sqlite3.Connection:
    """Makes the folder; nobody else gets it until the connection is closed. Readers of what lies
    in it are not kept out.

    Args:
        busy: raised where somebody else has it.

    Raises:
        FileError: it cannot be made or written.
    """
    make_folder(folder)
    path = folder / "lock.sqlite"
    lock = None
    try:
        lock = sqlite3.connect(path, isolation_level=None, timeout=0)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if lock is not None:
            lock.close()
        raise sqlite_refusal(path, error, busy) from None
    return lock


def sqlite_refusal(
    path: Path,
    error: sqlite3.DatabaseError,
    busy: LilliputError,
    foreign: LilliputError | None = None,
) -> LilliputError:
    """What is said when SQLite cannot open, lock or read the file at `path`.

    Args:
        busy: where another process has it.
        foreign: where it is no database at all; None: that it can be moved away.
    """
    # The low byte is the kind; the rest says more than anybody asks.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return cannot_write(path, error)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return FileError(
            f"cannot open {path}: {error}; what was recorded is kept: see that the folder and its"
            " files may be read and written by you, then run the same command again"
        )
    return foreign or FileError(f"{path} cannot be used ({error}); delete it")
