"""tinystoriesgru's published weights (Kavya Mali, 2025, MIT licence) as models of ours.

Five files: the attention model as a state dict and as int8 with a scale a tensor, the pure GRU as a
state dict, and that as headless int16 and int8 for its C program. Nothing in a file is executed.
Knows no task; what it gives can be graded like any model.

V 98 symbols, P 256 positions, E = H width, G = 3H, N 6 heads, where there is attention.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lilliput.baselines.archive import REMEDY, open_archive
from lilliput.errors import FileError, NotFoundError
from lilliput.models.memory_gru import MemoryGRU
from lilliput.specs.model import MemoryGRUSpec

SYMBOLS = [
    *"\n !\"#$&'()*+,-./0123456789:;<>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz|",
    *"\u00ad\u00b4\u00e9\u00f1\u200a\u200b\u2013\u2014\u2018\u2019\u201c\u201d\u2026",
    " \U0001f393",
]
"""Its vocabulary, in order; the last is a space and a mortarboard as one symbol."""
VOCABULARY = "tinystoriesgru-vocab.json"
"""A list of symbols in a file of this name, beside the weights, is taken in place of `SYMBOLS`."""
HEADS = 6
"""Of all its attention models; the weights do not tell."""
WINDOW = 256
"""Positions in the headless files, which do not tell."""
_Q15_SCALE = 8192
"""What a number of 1 is as int16."""

_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_NAMES = (
    "token_emb.weight",
    "pos_emb.weight",
    *(f"gru_cell.{name}" for name in _CELL),
    "priority_gate.weight",
    "priority_gate.bias",
    "memory_writer.weight",
    "memory_writer.bias",
    "ln_f.weight",
    "ln_f.bias",
    "head.weight",
    "head.bias",
)
"""The pure GRU's tensors, in the order of the headless files."""
_ATTENTION = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
_MASK = "tril"
"""Kept beside the weights, and none."""
_ARCHIVE = b"PK\x03\x04"
"""First bytes of a .pt file, which is a zip."""


def load(path: Path) -> tuple[MemoryGRU, list[str]]:
    """The model, and its symbols in the order of their numbers.

    Args:
        path: a .pt file (a state dict, or of each tensor int8 numbers and a scale), or a .bin file
            of the C program; these are told apart by their length.

    Raises:
        NotFoundError: there is no such file.
        FileError: damaged, cut short, another program's, or a pickle that wants to run code.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise NotFoundError(
            f"no file {path}; give a .pt file of tinystoriesgru or nanoGPT, or a .bin file of"
            " tinystoriesgru"
        ) from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    symbols = _symbols(path)
    if path.suffix == ".bin" and start != _ARCHIVE:
        tensors = _headless(path, len(symbols))
    else:
        tensors = _state_dict(path, start)
    try:
        return from_state_dict(tensors, len(symbols)), symbols
    except FileError as error:
        raise FileError(f"{path} {error}") from None


def _symbols(path: Path) -> list[str]:
    beside = path.with_name(VOCABULARY)
    try:
        symbols = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SYMBOLS
    except (OSError, UnicodeDecodeError, ValueError, RecursionError):
        raise FileError(f"{beside} cannot be read as a JSON list of symbols; {REMEDY}") from None
    if not isinstance(symbols, list) or not all(isinstance(s, str) and s for s in symbols):
        raise FileError(f"{beside} must be a JSON list of symbols; {REMEDY}, or delete it")
    if len(set(symbols)) != len(symbols):
        raise FileError(f"{beside} names a symbol twice; {REMEDY}, or delete it")
    return symbols


def _state_dict(path: Path, start: bytes) -> dict[str, Tensor]:
    if start[:1] == b"\x80":
        raise FileError(f"{path} is a bare pickle, which could run code, so it is not opened")
    if start != _ARCHIVE:
        raise FileError(f"{path} is cut short, damaged, or no .pt file; {REMEDY}")
    loaded = open_archive(path, "give a .pt file with a plain state dict")
    return {str(name): _plain(path, str(name), value) for name, value in loaded.items()}


def _plain(path: Path, name: str, value: Any) -> Tensor:
    """A tensor in float32; int8 numbers times their scale."""
    scale: Any = 1.0
    if isinstance(value, tuple) and len(value) == 2:
        value, scale = value
    if not isinstance(value, Tensor):
        raise FileError(f"{path} has no tensor under the name {name}; {REMEDY}")
    return value.to(torch.float32) * torch.as_tensor(scale, dtype=torch.float32)


def _shapes(vocabulary_size: int, width: int) -> dict[str, tuple[int, ...]]:
    shapes = (
        (vocabulary_size, width),
        (WINDOW, width),
        (3 * width, 2 * width),
        (3 * width, width),
        (3 * width,),
        (3 * width,),
        (1, width),
        (1,),
        (width, width),
        (width,),
        (width,),
        (width,),
        (vocabulary_size, width),
        (vocabulary_size,),
    )
    return dict(zip(_NAMES, shapes, strict=True))


def _headless(path: Path, vocabulary_size: int) -> dict[str, Tensor]:
    """The C program's numbers: int16 of one scale, or of each matrix a float32 scale and int8."""
    content = path.read_bytes()
    for width in range(1, 2049):
        shapes = _shapes(vocabulary_size, width)
        matrices = [shape for shape in shapes.values() if len(shape) == 2]
        total = sum(math.prod(shape) for shape in shapes.values())
        in_matrices = sum(math.prod(shape) for shape in matrices)
        if len(content) == 2 * total:
            return _int16(content, shapes)
        if len(content) == 4 * len(matrices) + in_matrices + 4 * (total - in_matrices):
            return _int8(content, shapes)
        if len(content) < in_matrices:
            break
    raise FileError(
        f"{path} has {len(content):,} bytes, which is no size of a tinystoriesgru .bin file with"
        f" {vocabulary_size} symbols (width 124: 422,294 as int16, 214,820 as int8); it is cut"
        f" short or of another program; {REMEDY}"
    )


def _int16(content: bytes, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    numbers = torch.from_numpy(np.frombuffer(content, "<i2").astype(np.float32) / _Q15_SCALE)
    parts = torch.split(numbers, [math.prod(shape) for shape in shapes.values()])
    return {
        name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def _int8(content: bytes, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    tensors, place = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        if len(shape) == 2:
            scale = np.frombuffer(content, "<f4", 1, place)[0]
            numbers = np.frombuffer(content, "i1", size, place + 4).astype(np.float32) * scale
            place += 4 + size
        else:
            numbers = np.frombuffer(content, "<f4", size, place).astype(np.float32)
            place += 4 * size
        tensors[name] = torch.from_numpy(numbers).view(shape)
    return tensors


def from_state_dict(tensors: dict[str, Tensor], num_symbols: int = len(SYMBOLS)) -> MemoryGRU:
    """A model of ours from the published one's tensors; its mask is left out.

    Raises:
        FileError: one is missing, unknown, of an impossible size, or not finite; the message begins
            with a verb.
    """
    attention = [f"attn.{name}" for name in _ATTENTION]
    wanted = [*_NAMES, *attention] if attention[0] in tensors else [*_NAMES]
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise FileError(
            f"is no model of tinystoriesgru: it lacks {', '.join(missing[:3])}"
            + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        )
    if unknown := sorted(tensors.keys() - {*wanted, _MASK}):
        raise FileError(
            f"is another model than tinystoriesgru's: it also has {', '.join(unknown[:3])}"
            + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
        )
    table_VE, places_PE = tensors["token_emb.weight"], tensors["pos_emb.weight"]
    input_GE = tensors["gru_cell.weight_ih"]
    tables = (table_VE, places_PE, input_GE)
    if any(table.ndim != 2 or not table.numel() for table in tables):
        raise FileError(f"is damaged: its embeddings or inputs are no tables; {REMEDY}")
    if len(table_VE) != num_symbols:
        raise FileError(
            f"has {len(table_VE)} symbols, but the vocabulary {num_symbols}; put its own"
            f" {VOCABULARY} beside it"
        )
    width = table_VE.shape[1]
    if len(wanted) > len(_NAMES) and width % HEADS:
        raise FileError(f"has a width of {width}, no multiple of its {HEADS} heads")
    num_inputs = width * (2 if len(wanted) > len(_NAMES) else 1)
    ours = {
        "embedding": table_VE,
        "positions": places_PE,
        "cell_input": input_GE[..., :num_inputs],
        "cell_memory": input_GE[..., num_inputs:],
        "cell_hidden": tensors["gru_cell.weight_hh"],
        "bias_input": tensors["gru_cell.bias_ih"],
        "bias_hidden": tensors["gru_cell.bias_hh"],
        "priority": tensors["priority_gate.weight"].flatten(),
        "priority_bias": tensors["priority_gate.bias"],
        "writer": tensors["memory_writer.weight"],
        "writer_bias": tensors["memory_writer.bias"],
        "norm.weight": tensors["ln_f.weight"],
        "norm.bias": tensors["ln_f.bias"],
        "head": tensors["head.weight"],
        "head_bias": tensors["head.bias"],
    }
    if len(wanted) > len(_NAMES):
        names = ("qkv.weight", "qkv.bias", "out.weight", "out_bias")
        ours |= {name: tensors[theirs] for name, theirs in zip(names, attention, strict=True)}
    spec = MemoryGRUSpec(
        width=width,
        attention="query" if len(wanted) > len(_NAMES) else "none",
        heads=HEADS,
        tied=False,
    )
    model = MemoryGRU(spec, num_symbols, len(places_PE))
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    wrong = sorted(name for name, shape in shapes.items() if tuple(ours[name].shape) != shape)
    if wrong:
        raise FileError(f"is damaged: impossible sizes of {', '.join(wrong)}; {REMEDY}")
    if not all(bool(tensor.isfinite().all()) for tensor in ours.values()):
        raise FileError(f"is damaged: some weights are no finite numbers; {REMEDY}")
    model.load_state_dict(ours)
    return model
