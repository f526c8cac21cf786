"""The engine under AddressSanitizer and UndefinedBehaviorSanitizer, on every family and on lies.

tests/engine_driver.c is a fuzzer's target too; what it found worth keeping lies in fuzz/corpus.zip:
    unzip -d corpus tests/fuzz/corpus.zip
    clang -O2 -DFUZZ -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
        -ffp-contract=off -Ililliput/engine -o fuzz tests/engine_driver.c lilliput/engine/*.c
    ./fuzz -runs=10000000 -max_len=1600 corpus
"""

import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from test_engine import CLOSE, SPECS, made

from lilliput.engine import flat
from lilliput.engine.binding import library

ENGINE = Path(flat.__file__).parent
DRIVER = Path(__file__).parent / "engine_driver.c"
FLAGS = "-std=c11 -O1 -g -ffp-contract=off -fsanitize=address,undefined -fno-sanitize-recover=all"
pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("driver") / "driver"
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    sources = [str(DRIVER), *map(str, sorted(ENGINE.glob("*.c")))]
    command = [compiler, *FLAGS.split(), f"-I{ENGINE}", "-o", str(program), *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    if "sanitize" in done.stderr and done.returncode:
        pytest.skip("this compiler has no sanitizers")
    assert done.returncode == 0, done.stderr
    return program


def opened(driver: Path, content: bytes, path: Path) -> int:
    """What opening the file gave; a sanitizer's complaint ends the program."""
    path.write_bytes(content)
    done = subprocess.run([driver, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("numbers", CLOSE)
def test_every_family_reads_and_writes_within_its_memory(
    driver: Path, numbers: str, tmp_path: Path
) -> None:
    for spec in SPECS:
        made(spec, numbers, tmp_path / "m.safetensors")
        content = flat.of_file(tmp_path / "m.safetensors")
        assert opened(driver, content, tmp_path / "m.flat") == 0


def test_lies_about_sizes_harm_nothing(driver: Path, tmp_path: Path) -> None:
    refused = 0
    for spec in (SPECS[1], SPECS[8], SPECS[-1]):
        made(spec, "int8", tmp_path / "m.safetensors")
        content = flat.of_file(tmp_path / "m.safetensors")
        for field in range(len(flat.FIELDS)):
            body = bytearray(content[20:])
            (size,) = struct.unpack_from("<i", body, 4 * field)
            struct.pack_into("<i", body, 4 * field, size + 3)
            head = content[:16] + struct.pack("<I", zlib.crc32(body))
            refused += opened(driver, head + bytes(body), tmp_path / "m.flat") != 0
    assert refused > len(flat.FIELDS), "most sizes say how long the file is"


def test_what_a_fuzzer_found_harms_nothing(driver: Path, tmp_path: Path) -> None:
    """With sizes and checksums put right, so that only the reader's own checks are left."""
    found, files = [], []
    with zipfile.ZipFile(DRIVER.parent / "fuzz" / "corpus.zip") as corpus:
        found = [corpus.read(name) for name in corpus.namelist()]
    for number, content in enumerate(found):
        head = content[:12] + struct.pack("<2I", len(content), zlib.crc32(content[20:]))
        files.append(tmp_path / str(number))
        files[-1].write_bytes(head + content[20:] if len(content) >= 20 else content)
    done = subprocess.run([driver, *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    errors = [int(line) for line in done.stdout.splitlines()]
    assert len(errors) == len(files)
    assert {0, -1, -3, -5} <= set(errors), "some are read, others refused for each reason"
