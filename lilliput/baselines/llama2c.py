"""llama2.c's checkpoints of version 0 (`stories260K.bin`) as models of ours.

A file is seven int32 (width, MLP width, layers, heads, key and value heads, vocabulary, window; a
negative vocabulary: untied) and then float32: embedding (V, E); of all layers one after another the
attention norms (E), wq (E, E), wk and wv (K H, E), wo (E, E), the MLP norms (E), w1 (M, E), w2 (E,
M), w3 (M, E); the last norm (E); cosines and sines of the rotary angles (T, H / 2), which have a
closed form; if untied the head (V, E). Source: https://github.com/karpathy/llama2.c, `export.py`
and `run.c`.

E width, K key and value heads, H head size, M MLP width, T window, V vocabulary, N heads, L layers.
Knows no exam.
"""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lilliput.baselines.archive import REMEDY
from lilliput.baselines.baseline import Baseline
from lilliput.baselines.llama2c_tokens import END, START, Llama2cTokens, read, read_tokens
from lilliput.errors import FileError, SpecError
from lilliput.models.gpt import GPT, Block
from lilliput.specs.model import GPTSpec

_HEADER = struct.Struct("<7i")
_MAGIC = 0x616B3432
"""The first number of versions 1 and later."""
_EPSILON = 1e-5
_LARGEST = (1 << 16, 1 << 20, 1 << 10, 1 << 16, 1 << 16, 1 << 20, 1 << 20)
"""Of each number in the header: more than any model has, less than what text or weights look like
when read as a header."""


class Header(NamedTuple):
    """A checkpoint's sizes."""

    spec: GPTSpec
    vocabulary: int
    window: int

    def sections(self) -> dict[str, tuple[int, ...]]:
        """The arrays of the file in their order, with their shapes."""
        spec = self.spec
        layers, width, hidden = spec.layers, spec.width, spec.mlp_width
        kv_width, angles = spec.num_kv_heads * spec.head_size, spec.head_size // 2
        shapes: dict[str, tuple[int, ...]] = {
            "embedding": (self.vocabulary, width),
            "norm_1": (layers, width),
            "wq": (layers, width, width),
            "wk": (layers, kv_width, width),
            "wv": (layers, kv_width, width),
            "wo": (layers, width, width),
            "norm_2": (layers, width),
            "w1": (layers, hidden, width),
            "w2": (layers, width, hidden),
            "w3": (layers, hidden, width),
            "norm": (width,),
            "cosines": (self.window, angles),
            "sines": (self.window, angles),
        }
        return shapes if spec.tied else {**shapes, "head": (self.vocabulary, width)}


def recognises(content: bytes) -> bool:
    """Whether a file that begins so is a checkpoint of llama2.c, whole or not."""
    if len(content) < _HEADER.size:
        return False
    return _HEADER.unpack_from(content)[0] == _MAGIC or _header(content) is not None


def load(path: Path) -> Baseline:
    """A checkpoint with the tokenizer beside it, on the CPU.

    Raises:
        NotFoundError: there is no such file.
        FileError: cut short, too long, or foreign; or its tokenizer is, or is not there.
    """
    header, weights = read_weights(path)
    network = _network(header, weights)
    spec = header.spec
    return Baseline(
        network=network,
        vocabulary=_tokens_beside(path, header.vocabulary),
        window=header.window,
        start=(START,),
        ends=(START, END),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        bytes=path.stat().st_size,
        family=f"llama2.c {spec.layers} x {spec.width}",
    )


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """The sizes and the arrays of a checkpoint, as they are in the file.

    Raises:
        NotFoundError: there is no such file.
        FileError: cut short, too long, or foreign.
    """
    content = read(path)
    if len(content) < _HEADER.size:
        raise FileError(
            f"{path} is cut short in its header: {len(content)} of {_HEADER.size} bytes are there;"
            f" {REMEDY}"
        )
    header = _header(content)
    if header is None:
        numbers = _HEADER.unpack_from(content)
        if numbers[0] == _MAGIC:
            raise FileError(
                f"{path} is a checkpoint of llama2.c, version {numbers[1]}; only version 0 is read:"
                " write it anew with llama2.c's `export.py --version 0`"
            )
        raise FileError(
            f"{path} is no checkpoint of llama2.c: as its sizes (width, MLP width, layers, heads,"
            f" key and value heads, vocabulary, window) it has {', '.join(map(str, numbers))}"
        )
    shapes = header.sections()
    ends = np.cumsum([int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()])
    length = _HEADER.size + 4 * int(ends[-1])
    if len(content) < length:
        missing = int(np.searchsorted(ends, (len(content) - _HEADER.size) // 4, side="right"))
        raise FileError(
            f"{path} is cut short in {list(shapes)[missing]}: {len(content):,} of {length:,} bytes"
            f" are there; {REMEDY}"
        )
    if len(content) > length:
        raise FileError(
            f"{path} is {len(content) - length:,} bytes too long for the sizes that it names: it is"
            f" damaged or foreign; {REMEDY}"
        )
    # A copy: torch wants memory that can be written to.
    parts = np.split(np.frombuffer(content, "<f4", offset=_HEADER.size).copy(), ends[:-1])
    weights = {
        name: torch.from_numpy(part.reshape(shape))
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }
    for name, weight in weights.items():
        if not weight.isfinite().all():
            raise FileError(f"{path} is damaged: {name} has numbers that are not finite; {REMEDY}")
    return header, weights


def _header(content: bytes) -> Header | None:
    """The sizes that a file names; None: they can be no model's."""
    numbers = _HEADER.unpack_from(content)
    width, hidden, layers, heads, kv_heads, vocabulary, window = numbers
    sizes = (width, hidden, layers, heads, kv_heads, abs(vocabulary), window)
    if not all(1 <= size <= most for size, most in zip(sizes, _LARGEST, strict=True)):
        return None
    try:
        spec = GPTSpec(
            layers=layers,
            width=width,
            heads=heads,
            kv_heads=kv_heads,
            hidden=hidden,
            rotary_base=10_000.0,
            tied=vocabulary > 0,
        )
    except SpecError:
        return None
    return Header(spec, abs(vocabulary), window)


def _network(header: Header, weights: dict[str, Tensor]) -> GPT:
    spec = header.spec
    network = GPT(spec, header.vocabulary, header.window)
    named = {"embedding": weights["embedding"], "norm.weight": weights["norm"]}
    if not spec.tied:
        named["head"] = weights["head"]
    for i in range(spec.layers):
        wq, wk = (in_halves(weights[name][i], spec.head_size) for name in ("wq", "wk"))
        block = {
            "norm_1": weights["norm_1"][i],
            "qkv": torch.cat((wq, wk, weights["wv"][i])),
            "out": weights["wo"][i],
            "norm_2": weights["norm_2"][i],
            "up": torch.cat((weights["w1"][i], weights["w3"][i])),
            "down": weights["w2"][i],
        }
        named |= {f"blocks.{i}.{name}.weight": weight for name, weight in block.items()}
    # llama2.c's epsilon is ten times ours.
    network.norm = nn.RMSNorm(spec.width, eps=_EPSILON)
    for module in network.blocks:
        assert isinstance(module, Block)
        module.norm_1 = nn.RMSNorm(spec.width, eps=_EPSILON)
        module.norm_2 = nn.RMSNorm(spec.width, eps=_EPSILON)
    network.load_state_dict(named)
    return network.eval()


def in_halves(weight_OE: Tensor, head_size: int) -> Tensor:
    """Rows so that what llama2.c turns as pairs (2i, 2i + 1) is turned as (i, i + H/2)."""
    heads = weight_OE.view(-1, head_size // 2, 2, weight_OE.shape[1])
    return heads.transpose(1, 2).reshape(weight_OE.shape)


def _tokens_beside(path: Path, size: int) -> Llama2cTokens:
    for name in (f"tok{size}.bin", "tokenizer.bin"):
        if (path.parent / name).is_file():
            return read_tokens(path.parent / name, size)
    raise FileError(
        f"{path} has no tokenizer beside it; put llama2.c's tokenizer for its {size} pieces there,"
        f" as {path.parent / f'tok{size}.bin'}"
    )
