"""The same seed gives the same text on every target: natively, in WebAssembly, on Arm."""

import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from test_engine import CLOSE, SPECS, made

from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
from lilliput.shipping import exe, wasm
from lilliput.specs.sampling import Sampling

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
ENGINE = Path(flat.__file__).parent
HOW = (
    Sampling(temperature=0.0),
    Sampling(temperature=0.9, top_p=0.9),
    Sampling(temperature=1.2, top_k=7, top_p=0.95, min_p=0.02),
)
SEED, PIECES = 7, 64


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every family and option in every kind of numbers."""
    folder, found = tmp_path_factory.mktemp("flat"), []
    for number, spec in enumerate(SPECS):
        for numbers in CLOSE:
            made(spec, numbers, folder / "m.safetensors")
            found.append(folder / f"{number}-{numbers}.flat")
            found[-1].write_bytes(flat.of_file(folder / "m.safetensors"))
    return found


@pytest.fixture(scope="module")
def native(files: list[Path]) -> list[list[int]]:
    """What the library writes: with its vectors, in the copies for this processor."""
    told = []
    for file in files:
        text = Engine(file.read_bytes()).begin()
        for sampling in HOW:
            text.restart(SEED)
            text.read([1])
            told.append(text.write(PIECES, sampling))
            told[-1].append(sum_of(bytes(text.logits())))
    assert len(set(map(tuple, told))) > 2 * len(SPECS), "the texts differ among themselves"
    return told


def sum_of(logits: bytes) -> int:
    """As engine_told.c has it: texts alone would not tell a last bit from another."""
    total = 0
    for bits in struct.unpack(f"<{len(logits) // 4}I", logits):
        total = (total * 31 + bits) % 2**32
    return total


def of_program(files: list[Path], folder: Path, *command: str, run: tuple[str, ...] = ()) -> str:
    program, source = folder / "told", Path(__file__).parent / "engine_told.c"
    flags = ["-std=c99", "-ffp-contract=off", f"-I{ENGINE}", "-o", str(program)]
    sources = [str(source), *map(str, sorted(ENGINE.glob("*.c")))]
    subprocess.run([*command, *flags, *sources], check=True)
    done = subprocess.run([*run, program, *files], capture_output=True, text=True, check=True)
    return done.stdout


def pieces(lines: str) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in lines.splitlines()]


@pytest.mark.parametrize("flags", [("-O0",), ("-Os", "-DLP_SMALL"), ("-O3", "-march=native")])
def test_however_it_is_compiled(
    files: list[Path], native: list[list[int]], flags: tuple[str, ...], tmp_path: Path
) -> None:
    assert pieces(of_program(files, tmp_path, *exe.compiler(), *flags)) == native


# zig makes a target's C library when it is asked for the first time, which takes minutes.
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("target", ["aarch64-linux-musl", "arm-linux-musleabihf"])
def test_on_arm(files: list[Path], native: list[list[int]], target: str, tmp_path: Path) -> None:
    emulator = shutil.which(f"qemu-{target.split('-')[0]}")
    if importlib.util.find_spec("ziglang") is None or emulator is None:
        pytest.skip("no ziglang or no qemu here")
    command = (sys.executable, "-m", "ziglang", "cc", "-target", target, "-O2")
    assert pieces(of_program(files, tmp_path, *command, run=(emulator,))) == native


SCRIPT = """
const read = require("fs").readFileSync;
const how = [{}, {temperature: 0.9, topP: 0.9},
  {temperature: 1.2, topK: 7, topP: 0.95, minP: 0.02}];
for (const file of process.argv.slice(3)) {
  const engine = new Engine(read(process.argv[2]), read(file));
  for (const one of how) {
    engine.c.lp_restart(engine.model, engine.state);
    engine.c.lp_read(engine.model, engine.state, 1);
    engine.sample({...one, seed: 7});
    const count = engine.write(64);
    const at = engine.c.lp_logits(engine.state), size = engine.c.lp_vocabulary_size(engine.model);
    const view = engine.view();
    let sum = 0;
    for (let n = 0; n < size; n++)
      sum = (Math.imul(sum, 31) + view.getUint32(at + 4 * n, true)) >>> 0;
    console.log([...Array.from({length: count}, (_, n) => engine.piece(n)), sum].join(" "));
  }
}
"""


def test_in_a_browsers_engine(files: list[Path], native: list[list[int]], tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    script = tmp_path / "told.cjs"
    script.write_text((wasm.PAGE / "engine.js").read_text(encoding="utf-8") + SCRIPT)
    command = [node, script, wasm.WASM, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert pieces(done.stdout) == native
