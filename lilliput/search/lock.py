"""Whose a search's folder is, and what is said where it cannot be had. Knows no trials."""

import sqlite3
from pathlib import Path
from typing import Any

from lilliput.errors import FileError, LedgerError, LilliputError
from lilliput.files import cannot_write


def take_folder(folder: Path) -> sqlite3.Connection:
    """Makes the folder; nobody else gets it until the connection is closed.

    Raises:
        LedgerError: another search has it.
        FileError: it cannot be made or written.
    """
    try:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {folder}: {error.strerror}; choose another") from None
    path = folder / "lock.sqlite"
    lock = None
    try:
        # SQLite's lock on a file of its own: held for life, let go by the system at any death, and
        # readers of the ledger are not kept out.
        lock = sqlite3.connect(path, isolation_level=None, timeout=0)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if lock is not None:
            lock.close()
        raise refusal(str(path), error) from None
    return lock


def refusal(path: str, error: sqlite3.DatabaseError) -> LilliputError:
    """What is said when SQLite cannot open, lock or read the file at `path`."""
    # The low byte is the kind; the rest says more than anybody asks.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerError(
            f"another search is writing {Path(path).parent}; wait for it, stop it, or choose"
            " another folder"
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return cannot_write(Path(path), error)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return FileError(
            f"cannot open {path}: {error}; what was recorded is kept: see that the folder and its"
            " files may be read and written by you, then run the same command again"
        )
    return LedgerError(f"{path} cannot be read as a ledger ({error}); move it away to begin anew")


def check_identity(there: dict[str, Any], here: dict[str, Any], folder: Path | None) -> None:
    """Raises LedgerError where a folder's search is not the one that is asked for."""
    changed = sorted(k for k in there.keys() | here.keys() if there.get(k) != here.get(k))
    if changed:
        differences = "; ".join(f"{k} was {there.get(k)}, is now {here.get(k)}" for k in changed)
        raise LedgerError(
            f"{folder} holds another search: {differences}; choose another folder, or ask as before"
        )
