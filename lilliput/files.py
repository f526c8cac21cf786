"""Writing files so that nothing recorded is ever lost; knows no room.

A file is written under another name, brought to the disk, and renamed: whoever reads it, at
whatever instant the writer dies, finds the old content or the new, whole.
"""

import glob
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lilliput.errors import FileError

GOES_ON = (
    "; what was recorded is kept: make room or choose another folder, then run the same command"
    " again: it goes on"
)
"""Said where a search or a run cannot write."""


def make_folder(folder: Path) -> None:
    """Makes it with all above it; raises FileError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {folder}: {error.strerror}; choose another") from None


def write_atomically(path: Path, content: bytes | Iterable[bytes], *, then: str = GOES_ON) -> None:
    """What stands at `path` is replaced, behind a link what the link points to; a pipe or a device
    has no content to replace, and is written to.

    Args:
        content: whole, or in parts, where it would be too much to hold at once.
        then: what the message adds to the reason.

    Raises:
        FileError: the disk is full or the folder cannot be written.
    """
    if path.exists() and not path.is_file():
        _write_straight(path, content, then)
        return
    target = Path(os.path.realpath(path))
    temporary = part_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in left_behind(target.parent, target.name):
            with suppress(OSError):
                old.unlink()
        with open(temporary, "wb") as file:
            for part in _parts(content):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _bring_to_disk(target.parent)
    except BaseException as error:  # the parts may fail, too
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error, then) from None
        raise


def part_of(path: Path) -> Path:
    """Where a file or folder is made before it takes its place. The name says whose it is, so that
    it can be cleared away when its maker was killed."""
    return path.with_name(f".{path.name}.{_here()}.{os.getpid()}.part")


def left_behind(folder: Path, name: str = "") -> Iterator[Path]:
    """Parts in a folder that makers on this machine left when they were killed.

    Args:
        name: of the file or folder that was made; empty: of any.
    """
    for part in folder.glob(f".{glob.escape(name) or '*'}.{glob.escape(_here())}.*.part"):
        pid = part.name.split(".")[-2]
        if pid.isdecimal() and not _lives(int(pid)):
            yield part


def _here() -> str:
    import socket  # only for who writes

    return socket.gethostname() or "here"


def _lives(pid: int) -> bool:
    if os.name == "nt":  # there os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _parts(content: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return (content,) if isinstance(content, bytes) else content


def _write_straight(path: Path, content: bytes | Iterable[bytes], then: str) -> None:
    try:
        with open(path, "wb") as file:
            for part in _parts(content):
                file.write(part)
    except OSError as error:
        raise cannot_write(path, error, then) from None


def cannot_write(path: Path | None, error: Exception, then: str = GOES_ON) -> FileError:
    """What is said of a full disk, or of a folder that is closed to us."""
    reason = getattr(error, "strerror", None) or error
    return FileError(f"cannot write {path}: {reason}{then}")


def _bring_to_disk(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders; its rename is on the disk's journal
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def json_text(data: Any, **style: Any) -> str:
    """JSON as every program reads it, browsers too: a float that is no finite number, as the end
    of an interval that has none, is null.

    Args:
        style: as json.dumps takes it.
    """
    try:
        return json.dumps(data, allow_nan=False, **style)
    except ValueError:
        return json.dumps(_finite(data), allow_nan=False, **style)


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def write_json(path: Path, data: Any, *, then: str = GOES_ON) -> None:
    content = json_text(data, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, content.encode(), then=then)


def read_json(path: Path) -> Any:
    """Raises FileError where the file is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise FileError(f"{path} is damaged: it is no JSON; delete it, or bring a copy") from None


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Adds one line of JSON. A line that a crash cut short is dropped by `read_lines`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "ab") as file:
            if file.tell() and not _ends_line(path):
                file.write(b"\n")
            file.write((json_text(record, ensure_ascii=False) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from None


def _ends_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON lines; what a crash cut short is left out."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except (UnicodeDecodeError, json.JSONDecodeError):
            continue
