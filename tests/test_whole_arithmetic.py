"""The arithmetic of whole numbers (board/whole.c) beside Python's floats: the bounds of its errors.

A number is in parts of 2^18, so rounding it alone is off by half a part.
"""

import ctypes
import math
import random
import shutil
import subprocess
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lilliput.engine import flat
from lilliput.engine.binding import library
from lilliput.models.tensors import FileTensor
from lilliput.shipping import exe, whole

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
PART = 2.0**-whole.FRACTION
ROWS, COLS = 21, 111
Numbers = Sequence[float]


class Matrix(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("scale", ctypes.c_void_p),
        ("rows", ctypes.c_int),
        ("cols", ctypes.c_int),
        ("kind", ctypes.c_int),
    )


class Norm(ctypes.Structure):
    _fields_ = (
        ("gain", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("epsilon", ctypes.c_int64),
        ("centred", ctypes.c_int),
    )


class Room(ctypes.Structure):
    _fields_ = (("between", ctypes.c_void_p), ("whole", ctypes.c_void_p))


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The chip's arithmetic as a library."""
    folder = tmp_path_factory.mktemp("whole")
    board = Path(whole.__file__).parent / "board"
    shutil.copy(Path(flat.__file__).parent / "numbers.h", folder)
    shutil.copy(board / "whole.c", folder)
    shutil.copy(board / "whole.h", folder / "real.h")
    flags = "-std=c99 -O2 -fwrapv -Wall -Wextra -Werror -fPIC -shared"
    command = [*exe.compiler(), *flags.split(), "-o", "whole.so", "whole.c"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "whole.so"))


def reals(values: Numbers) -> "ctypes.Array[ctypes.c_int32]":
    return (ctypes.c_int32 * (len(values) + 8))(*map(whole.number, values))


def floats(found: "ctypes.Array[ctypes.c_int32]", count: int) -> list[float]:
    return [value * PART for value in found[:count]]


def spread(count: int, size: float, seed: int = 1) -> list[float]:
    """As a chip has them: random numbers of all sizes up to one."""
    source = random.Random(seed)
    values = (source.uniform(-1, 1) * size * 10 ** source.uniform(-3, 0) for _ in range(count))
    return [whole.number(value) * PART for value in values]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def gelu(x: float) -> float:
    """By tanh."""
    return x * sigmoid(1.595_769_121_6 * (x + 0.044_715 * x**3))


def gelu_erf(x: float) -> float:
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize(
    ("name", "right", "parts"),
    [
        ("sigmoid_all", sigmoid, 0.6),
        ("tanh_all", math.tanh, 0.8),
        ("gelu_all", gelu, 4.0),
        ("gelu_erf_all", gelu_erf, 4.0),
    ],
)
def test_curves_are_right_to_their_last_places(
    c: ctypes.CDLL, name: str, right: Callable[[float], float], parts: float
) -> None:
    """Within so many parts of 2^18, anywhere."""
    ends = [0.0, 1.0, -1.0, 7.99, -7.99, 8.0, -8.0, 8.01, -8.01, 15.9, -15.9, 4_000.0, -4_000.0]
    xs = [*ends, *spread(20_000, 12.0)]
    found = reals(xs)
    getattr(c, name)(found, len(xs))
    worst = max(abs(y - right(x)) for x, y in zip(xs, floats(found, len(xs)), strict=True))
    assert worst <= parts * PART


def test_powers_of_e(c: ctypes.CDLL) -> None:
    """To 1.5e-7 of themselves and a rounding; what is over the largest number is held there."""
    for x in spread(20_000, 8.3):
        found, right = c.exponential(whole.number(x)) * PART, math.exp(x)
        assert abs(found - right) <= 1.5e-7 * right + 0.51 * PART
    assert c.exponential(whole.number(9.0)) == c.exponential(whole.LARGEST) == whole.LARGEST
    assert c.exponential(whole.number(-13.2)) == c.exponential(-whole.LARGEST) == 0
    assert c.exponential(0) == 1 << whole.FRACTION


@pytest.mark.parametrize("count", [1, 2, 7, 500])
def test_softmax(c: ctypes.CDLL, count: int) -> None:
    """Every share to a part of 2^18, and all together one; scores of any size."""
    for size, scale in ((4.0, 0.353_55), (3_000.0, 1.0), (0.0, 1.0)):
        scores = [x * (size > 0) for x in spread(count, size or 1.0)]
        found = reals(scores)
        c.softmax(found, count, whole.number(scale))
        kept = whole.number(scale) * PART
        most = max(scores)
        powers = [math.exp((x - most) * kept) for x in scores]
        for share, power in zip(floats(found, count), powers, strict=True):
            # What a score is rounded to, and the rounding of the share itself.
            assert abs(share - power / sum(powers)) <= 1.6 * PART
        assert abs(sum(floats(found, count)) - 1.0) <= (count + 2) * PART


class Held:
    """A matrix of whole numbers as a chip has it in flash."""

    def __init__(self, kind: str, weights: Sequence[Sequence[int]], scales: Numbers) -> None:
        rows, cols, code = len(weights), len(weights[0]), {"I8": "b", "I16": "h"}[kind]
        numbers = array(code, [weight for row in weights for weight in row]).tobytes()
        tensors = {
            "m": FileTensor(kind, (rows, cols), memoryview(numbers)),
            "m.scale": FileTensor("F32", (rows,), memoryview(array("f", scales).tobytes())),
        }
        body = whole.WholeBody()
        body.matrix(tensors, "m")
        content = bytes(body.content)[-flat.HEAD % 64 :]
        self.bands = ctypes.create_string_buffer(content[: -4 * rows], len(content))
        self.scales = ctypes.create_string_buffer(content[-4 * rows :], 4 * rows)
        at = ctypes.addressof
        self.matrix = Matrix(at(self.bands), at(self.scales), rows, cols, 2 if code == "b" else 1)

    def times(self, c: ctypes.CDLL, x: Numbers) -> list[float]:
        out, room, given = reals([0.0] * self.matrix.rows), reals([0.0] * len(x)), reals(x)
        c.multiply(ctypes.byref(self.matrix), given, out, Room(None, ctypes.addressof(room)))
        return floats(out, self.matrix.rows)


@pytest.mark.parametrize("kind", ["I8", "I16"])
@pytest.mark.parametrize("size", [1e-3, 0.3, 20.0, 4_000.0])
def test_products(c: ctypes.CDLL, kind: str, size: float) -> None:
    """Of 111 columns: a row is off by 2^-17 of its largest input for each of its weights."""
    source, most = random.Random(3), 127 if kind == "I8" else 32_767
    weights = [[source.randint(-most, most) for _ in range(COLS)] for _ in range(ROWS)]
    scales, x = [10 ** source.uniform(-6, -2) for _ in range(ROWS)], spread(COLS, size)
    held, largest = Held(kind, weights, scales), max(map(abs, x))
    for row, scale, found in zip(weights, scales, held.times(c, x), strict=True):
        right = scale * sum(w * v for w, v in zip(row, x, strict=True))
        right = max(-whole.LARGEST * PART, min(whole.LARGEST * PART, right))
        lost = scale * sum(map(abs, row)) * largest * 2.0**-17
        assert abs(found - right) <= lost + abs(right) * 2e-7 + 0.51 * PART
    row = reals([0.0] * COLS)
    c.row_of(ctypes.byref(held.matrix), 6, row)
    for weight, found in zip(weights[6], floats(row, COLS), strict=True):
        assert abs(found - weight * scales[6]) <= 0.51 * PART + 2e-7 * abs(weight * scales[6])


@pytest.mark.parametrize("kind", ["I8", "I16"])
def test_products_at_their_edges(c: ctypes.CDLL, kind: str) -> None:
    """The largest sums that there can be, and scales over one."""
    most, largest = 128 if kind == "I8" else 32_768, whole.LARGEST * PART
    for count in (1, 128, 1_024):
        scale = 1_000 / (most * largest * count)
        held = Held(kind, [[-most] * count, [most - 1] * count], [scale, scale])
        for sign in (1, -1):
            one, other = held.times(c, [sign * largest] * count)
            assert one == pytest.approx(-1_000 * sign, rel=2e-3)
            assert other == pytest.approx(1_000 * sign * (most - 1) / most, rel=2e-3)
    held = Held(kind, [[0, 1], [1, 0], [-1, 0]], [3e6] * 3)
    assert held.times(c, [4_000.0, 2.0**-11]) == [3e6 * 2.0**-11, largest, -largest]


@pytest.mark.parametrize("size", [2e-3, 0.1, 3.0, 900.0, 4_000.0])
@pytest.mark.parametrize("centred", [0, 1])
def test_norms(c: ctypes.CDLL, size: float, centred: int) -> None:
    """To 4 parts, and what a mean or a mean of squares in whole numbers loses of small inputs."""
    x = [value + 0.2 * size * centred for value in spread(COLS, 0.8 * size)]
    gains, biases = spread(COLS, 2.0, 5), spread(COLS, 0.5, 6)
    for minus in (5, 6):
        epsilon = (1 << 2 * whole.FRACTION) // 10**minus
        bias, gain = reals(biases), reals(gains)
        norm = Norm(
            ctypes.addressof(gain), ctypes.addressof(bias) if centred else None, epsilon, centred
        )
        out, given = reals([0.0] * COLS), reals(x)
        c.normalise(ctypes.byref(norm), given, out, COLS)
        mean = sum(x) / COLS * centred
        root = math.sqrt(sum((v - mean) ** 2 for v in x) / COLS + 10.0**-minus)
        for v, gain_1, bias_1, found in zip(x, gains, biases, floats(out, COLS), strict=True):
            right = (v - mean) / root * gain_1 + bias_1 * centred
            lost = abs(gain_1) * PART / root + 3e-7 * abs(right) + abs(right) * PART / size
            assert abs(found - right) <= 4 * PART + lost


def test_roots_and_angles(c: ctypes.CDLL) -> None:
    for size in range(1, 300):
        found = c.inverse_root(whole.number(size)) * PART
        assert abs(found - size**-0.5) <= 0.51 * PART
    angles = [0.0, 1.0, 0.1, 1e-4, math.pi / 3, -2.0]
    given = (ctypes.c_int32 * len(angles))(*map(whole.angle, angles))
    cosine, sine = reals(angles), reals(angles)
    for often in (0, 1, 7, 100, 4_000):
        c.turn(often, given, len(angles), cosine, sine)
        # An angle is off by half a part of 2^30 of a turn, as often as it is taken.
        lost = often * math.pi * 2.0**-30 + PART
        for angle, x, y in zip(angles, floats(cosine, 6), floats(sine, 6), strict=True):
            assert abs(x - math.cos(often * angle)) <= lost
            assert abs(y - math.sin(often * angle)) <= lost


def test_sums_are_held_at_the_largest_number(c: ctypes.CDLL) -> None:
    huge, count = whole.LARGEST * PART, 9
    for sign in (1.0, -1.0):
        out, given = reals([sign * huge] * count), reals([sign * huge] * count)
        c.add(given, out, count)
        assert set(out[:count]) == {round(sign) * whole.LARGEST}
        shares = reals([1.0] * count)
        c.add_weighted(shares, given, ctypes.c_size_t(1), ctypes.c_size_t(8), 1, out)
        assert out[0] == round(sign) * whole.LARGEST
