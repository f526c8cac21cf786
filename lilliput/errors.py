"""Every error that a user can meet, as one tree; knows no other room.

    LilliputError            exit code 1: something failed
    ├── UserError            exit code 2: something asked for cannot be
    │   ├── SpecError        a field that is unknown, or has an impossible value
    │   ├── ProblemError     an expression that cannot be read or has no answer
    │   ├── CharacterError   text with a character that a model does not know
    │   └── NotFoundError    no model, run or file of that name
    ├── FileError            a file that is damaged, foreign, or cannot be written
    ├── LedgerError          a ledger that is newer, or in use by another search
    └── DeviceError          a device whose numbers differ from the CPU's

A message says what was wrong, the value, the nearest or all valid ones, and what to type next.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class LilliputError(Exception):
    exit_code = 1


class UserError(LilliputError):
    exit_code = 2


class SpecError(UserError):
    pass


class ProblemError(UserError):
    pass


class CharacterError(UserError):
    pass


class NotFoundError(UserError):
    pass


class FileError(LilliputError):
    pass


class LedgerError(LilliputError):
    pass


class DeviceError(LilliputError):
    pass


def nearest(name: str, known: Iterable[str], most: int = 0) -> str:
    """`; did you mean 'width'? known: layers, width`, to end a message about an unknown name.

    >>> nearest("widht", ["layers", "width"])
    "; did you mean 'width'? known: layers, width"

    Args:
        most: where more are known, only so many are named, the most similar first; 0: all are.
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    if most and len(names) > most:
        few = get_close_matches(name, names, n=most, cutoff=0.0)
        return f"{hint} the nearest of {len(names)}: {', '.join(few)}"
    return f"{hint} known: {', '.join(names)}"
