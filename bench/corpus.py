"""A corpus larger than memory: synthetic stories, made into a corpus, and a training's batches.

    python bench/corpus.py [GIGABYTES]

Prints how long it took and the most anonymous memory (pages that no file backs) on the way.
"""

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lilliput.specs import StoriesSpec
from lilliput.specs.recipes import training_of
from lilliput.tasks.documents import EXCERPT, read_documents
from lilliput.tasks.stories import Stories
from lilliput.training.windows import Windows

LIMIT = 1_000_000_000
"""Bytes of anonymous memory that must be enough."""


def anonymous() -> int:
    """Bytes of this process's memory that no file backs (Linux)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])


class Peak(threading.Thread):
    """Looks at the memory ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            self.most = max(self.most, anonymous())


def write_synthetic(path: Path, size: int) -> None:
    """Stories of words of real ones, each its own."""
    words = sorted({word for document in read_documents(EXCERPT) for word in document.split()})
    chance = random.Random(0)
    with path.open("w", encoding="utf-8", buffering=1 << 22) as out:
        while out.tell() < size:
            for _ in range(1_000):
                out.write(" ".join(chance.choices(words, k=160)) + "\n<|endoftext|>\n")


def main(gigabytes: float = 0.05) -> None:
    before = Path.cwd()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        try:
            os.chdir(folder)
            path = Path("synthetic.txt")
            write_synthetic(path, round(gigabytes * 1e9))
            peak, started = Peak(), time.perf_counter()
            peak.start()
            task = Stories(StoriesSpec(text=(str(path),)))
            counts = task.corpus.counts
            made = time.perf_counter() - started
            windows = Windows(task, training_of("stories"), seed=0)
            for number in range(100):
                windows.batch(number * 1_000)
            peak.over.set()
        finally:
            os.chdir(before)
    total = sum(section["documents"] for section in counts.values())
    verdict = "within" if peak.most < LIMIT else "OVER"
    print(
        f"{gigabytes:g} GB, {total:,} documents: {made:.0f} s,"
        f" {peak.most / 1e6:,.0f} MB of anonymous memory at most, {verdict} 1 GB"
    )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
