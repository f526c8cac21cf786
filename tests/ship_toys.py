"""A folder with a small run in it, to ship from."""

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from lilliput.faces.cli import main

TRAIN = "train gpt --operands 0-40 --operations +- --layers 1 --width 8 --heads 1"


@contextmanager
def at_home(folder: Path) -> Iterator[Path]:
    """Works in a folder that has the run `sums`."""
    with chdir(folder):
        few = "--steps 2 --batch 8 --evaluate-every 2 --name sums"
        assert main(f"{TRAIN} {few}".split()) == 0
        yield folder
