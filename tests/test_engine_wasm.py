"""The engine in WebAssembly that comes with the package is the engine that lies beside it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_same_compiler_makes_the_same_bytes(tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("no ziglang here; pip install ziglang==0.17.1")
    made = tmp_path / "engine.wasm"
    subprocess.run([sys.executable, ROOT / "tools" / "build_wasm.py", made], check=True)
    assert made.read_bytes() == (ROOT / "lilliput" / "engine" / "engine.wasm").read_bytes()
