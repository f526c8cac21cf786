"""The default search for its first minute: when its first point comes, and its memory in all."""

import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SECONDS = 90
_PAGE = 4096


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "lilliput", "find", "arithmetic"]
        words += ["--budget", f"{SECONDS}s", "--folder", f"{place}/search"]
        started = time.perf_counter()
        search = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        first: list[float] = []
        reader = threading.Thread(target=_first_point, args=(search, started, first))
        reader.start()
        most = 0
        while search.poll() is None:
            most = max(most, _memory(search.pid))
            time.sleep(0.5)
        reader.join()
    point = f"{first[0]:.0f} s" if first else f"not within {SECONDS} s"
    print(f"   first validated size: {point} (reach: 60 s)")
    print(f"   memory of all its processes, resident: {most / 1e9:.2f} GB at most (reach: 3 GB)")


def _first_point(search: "subprocess.Popen[str]", started: float, first: list[float]) -> None:
    assert search.stdout is not None
    for line in search.stdout:
        if not first and re.search(r"validation \d", line):
            first.append(time.perf_counter() - started)


def _memory(pid: int) -> int:
    """Resident bytes of a process and all below it; pages that they share count for each."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    total, waiting = 0, [pid]
    while waiting:
        here = waiting.pop()
        waiting += children.get(here, [])
        try:
            total += int(Path(f"/proc/{here}/statm").read_text().split()[1]) * _PAGE
        except OSError:
            continue
    return total
