"""Whose a search's folder is, and what is said where it cannot be had. Knows no trials."""

import sqlite3
from pathlib import Path
from typing import Any

from lilliput.errors import LedgerError, LilliputError
from lilliput.files import make_folder
from lilliput.lock import sqlite_refusal, take


def take_folder(folder: Path) -> sqlite3.Connection:
    """Makes the folder; nobody else gets it until the connection is closed.

    Raises:
        LedgerError: another search has it.
        FileError: it cannot be made or written.
    """
    make_folder(folder / "trials")
    return take(folder, _busy(folder))


def refusal(path: str, error: sqlite3.DatabaseError) -> LilliputError:
    """What is said when SQLite cannot open, lock or read the ledger at `path`."""
    foreign = LedgerError(
        f"{path} cannot be read as a ledger ({error}); move it away to begin anew"
    )
    return sqlite_refusal(Path(path), error, _busy(Path(path).parent), foreign)


def _busy(folder: Path) -> LedgerError:
    return LedgerError(
        f"another search is writing {folder}; wait for it, stop it, or choose another folder"
    )


def check_identity(there: dict[str, Any], here: dict[str, Any], folder: Path | None) -> None:
    """Raises LedgerError where a folder's search is not the one that is asked for."""
    changed = sorted(k for k in there.keys() | here.keys() if there.get(k) != here.get(k))
    if changed:
        differences = "; ".join(f"{k} was {there.get(k)}, is now {here.get(k)}" for k in changed)
        raise LedgerError(
            f"{folder} holds another search: {differences}; choose another folder, or ask as before"
        )
