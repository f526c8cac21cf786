"""Whole processes that should start at once, against Python alone and `import torch`."""

import subprocess
import sys
from functools import partial

from bench.timing import in_turn, times


def main() -> None:
    torch_ = times(lambda: _python("-c", "import torch"), repeats=3)
    print(f"   python -c 'import torch': {torch_}")
    for words in (["--help"], ["zoo"]):
        ours, bare = in_turn(partial(_python, "-m", "lilliput", *words), partial(_python, "-c", ""))
        name = " ".join(words)
        print(
            f"   lilliput {name}: {ours}, {ours.median / bare.median:.1f} x Python alone,"
            f" {ours.median / torch_.median:.2f} x importing torch"
        )


def _python(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
