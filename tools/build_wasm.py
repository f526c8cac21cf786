"""Builds lilliput/engine/engine.wasm, the engine in a browser, which comes with the package.

    pip install ziglang==0.17.1
    python tools/build_wasm.py [OUT]

The same compiler gives the same bytes everywhere (a test builds it again where zig is at hand).
"""

import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "lilliput" / "engine"
VERSION = "0.17.1"
"""Of zig: another may give other bytes."""
EXPORTED = (
    "lp_open lp_model_size lp_vocabulary_size lp_room lp_begin lp_restart lp_read lp_read_all"
    " lp_logits lp_write lp_encode lp_decode lp_prompt lp_answer __heap_base"
).split()
FLAGS = (
    "--target=wasm32-wasi -mexec-model=reactor -Os -std=c99 -ffp-contract=off -msimd128 -s"
    " -fno-ident -Wno-unused-command-line-argument"
).split()


def build(out: Path, zig: list[str]) -> None:
    """Compiles the engine to `out`."""
    sources = [path.name for path in sorted(ENGINE.glob("*.c"))]
    exports = [f"-Wl,--export={name}" for name in EXPORTED]
    command = [*zig, "cc", *FLAGS, *exports, "-o", str(out.resolve()), *sources]
    # From its folder, so that no path of this machine is in the file.
    subprocess.run(command, cwd=ENGINE, check=True)


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ENGINE / "engine.wasm"
    build(out, [sys.executable, "-m", "ziglang"])
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
