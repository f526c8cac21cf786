"""Writing whole files: what stands at a path is replaced, but no pipe, device or link."""

import io
import json
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lilliput import files
from lilliput.errors import FileError
from lilliput.faces.cli import main
from lilliput.files import append_line, json_text, write_atomically, write_json


def read_in_the_background(fifo: Path) -> tuple[threading.Thread, list[bytes]]:
    """A reader at the other end, who is there before anyone writes."""
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    return reader, got


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to(linked: bool, tmp_path: Path) -> None:
    fifo = path = tmp_path / "pipe"
    os.mkfifo(fifo)
    if linked:
        path = tmp_path / "link"
        path.symlink_to(fifo)
    reader, got = read_in_the_background(fifo)
    write_atomically(path, b"1 + 1 = 2.00\n")
    reader.join(timeout=10)
    assert got == [b"1 + 1 = 2.00\n"]
    assert fifo.is_fifo()
    assert path.is_symlink() == linked


@pytest.mark.parametrize("there", [False, True])
def test_a_link_is_followed(there: bool, tmp_path: Path) -> None:
    target = tmp_path / "other" / "file.txt"
    if there:
        target.parent.mkdir()
        target.write_bytes(b"old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_full_device_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.BytesIO):
        def write(self, content: Any) -> int:
            raise OSError(28, "No space left on device")

    path = tmp_path / "full"
    os.mkfifo(path)
    beside = open
    monkeypatch.setattr(
        files,
        "open",
        lambda name, mode: Full() if name == path else beside(name, mode),
        raising=False,
    )
    assert main(["data", "arithmetic", "--operands", "0-5", "--out", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"lilliput: cannot write {path}: No space left on device; choose another file with --out\n"
    )
    assert path.is_fifo()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Is a directory"):
        write_atomically(tmp_path, b"new")
    assert tmp_path.is_dir()


WRITER = """
import os, sys
from pathlib import Path
from lilliput import files
os.fsync = lambda _: {instead}
files.write_atomically(Path(sys.argv[1]), b"half")
"""


@pytest.mark.skipif(os.name == "nt", reason="nobody is asked there whether he lives")
def test_what_a_killed_writer_left_is_cleared_away_and_a_living_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    path, other = tmp_path / "resume[1].bin", tmp_path / "resume.bin"
    killed = WRITER.format(instead="os.kill(os.getpid(), 9)")
    for each in (path, other):
        assert subprocess.run([sys.executable, "-c", killed, str(each)]).returncode == -9
    dead, of_other = sorted(tmp_path.iterdir(), reverse=True)
    waiting = WRITER.format(instead="(print('there', flush=True), sys.stdin.read())")
    with subprocess.Popen(
        [sys.executable, "-c", waiting, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as living:
        assert living.stdout is not None
        living.stdout.readline()
        (its_own,) = set(tmp_path.iterdir()) - {of_other}
        assert its_own != dead
        write_atomically(path, b"whole")
        assert set(tmp_path.iterdir()) == {its_own, of_other, path}
        living.send_signal(signal.SIGKILL)
    write_atomically(path, b"whole again")
    assert set(tmp_path.iterdir()) == {of_other, path}


def test_what_is_no_number_is_null_in_json(tmp_path: Path) -> None:
    """Browsers refuse a page of which one number is -Infinity."""
    data = {"low": -math.inf, "rows": [(1.5, math.nan), {"high": math.inf}], "name": "NaN é"}
    plain = {"low": None, "rows": [[1.5, None], {"high": None}], "name": "NaN é"}
    assert json_text(plain) == json.dumps(plain)
    write_json(tmp_path / "whole.json", data)
    append_line(tmp_path / "lines.jsonl", data)
    texts = [json_text(data), *(path.read_text("utf-8") for path in tmp_path.iterdir())]

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    assert [json.loads(text, parse_constant=refuse) for text in texts] == [plain] * 3
