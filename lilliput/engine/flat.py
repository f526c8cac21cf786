"""A model as a flat weight file, which the engine reads (file.c has the layout).

Without torch and numpy: tensors are bytes that are moved, never worked on.
"""

import math
import re
import struct
import zlib
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lilliput.engine.tables import places, turns
from lilliput.models.card import Card
from lilliput.models.tensors import FileTensor, read_tensors
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec
from lilliput.specs.model import ModelSpec
from lilliput.tasks.formats import AnswerFormat

VERSION = 2
LANES = 16
"""Rows of a band (numbers.h)."""
HEAD = 20
FIELDS = (
    "family kind context characters merges layers loops width heads kv_heads hidden embedding state"
    " rank activation layer_norm bias tied rotary positions places attention convolution format"
    " reverse digits decimals operations starts_with_end longest_answer epsilon"
).split()
"""The order of the numbers at the head of a file (model.h)."""
FAMILIES = ("gpt", "gru", "memory-gru", "mingru")
_KINDS = ("float32", "int16", "int8")
_ACTIVATIONS = ("swiglu", "gelu", "relu", "relu2", "gelu-erf")
_ATTENTIONS = {"none": 0, "full": 1, "query": 1, "sigmoid": 2}
_FORMATS = ("plain", "reversed", "padded", "worked", "lines", "stories")
_OPERATIONS = "+-*/"


def of_file(path: Path) -> bytes:
    """The flat file of a model file.

    Raises:
        NotFoundError, FileError: the model file cannot be had, is damaged or foreign.
    """
    tensors, card = read_tensors(path)
    return flat(tensors, card)


def flat(
    tensors: Mapping[str, FileTensor],
    card: Card,
    epsilon: float | None = None,
    body: "Body | None" = None,
) -> bytes:
    """The flat file of a model's tensors.

    Args:
        epsilon: of the norms, a power of ten; None: as the family has it.
        body: still empty; None: with numbers as the engine reads them.
    """
    model = card.own
    fields = dict.fromkeys(FIELDS, 0) | _format(card) | _shape(model)
    if epsilon is not None:
        fields["epsilon"] = -round(math.log10(epsilon))
    fields |= {
        "family": FAMILIES.index(model.kind),
        "kind": _KINDS.index(card.numbers),
        "context": card.context,
        "characters": len(card.characters),
        "merges": len(card.merges),
        "starts_with_end": int(card.spec.training.opens_with_end),
    }
    body = body or Body()
    body.put(struct.pack(f"<{len(FIELDS)}i", *(fields[name] for name in FIELDS)))
    body.put(array("I", [ord(c) | _class(c) << 24 for c in card.characters]).tobytes())
    body.put(array("H", [number for pair in card.merges for number in pair]).tobytes())
    body.matrix(tensors, "embedding")
    if isinstance(model, GPTSpec):
        _gpt(body, tensors, model, card.context)
    elif isinstance(model, GRUSpec):
        _gru(body, tensors, model)
    elif isinstance(model, MemoryGRUSpec):
        _memory_gru(body, tensors, model)
    else:
        _mingru(body, tensors, model)
    if not isinstance(model, GRUSpec):
        body.norm(tensors, "norm")
    if not model.tied:
        body.matrix(tensors, "head")
    if isinstance(model, MemoryGRUSpec):
        body.vectors(tensors, "head_bias")
    content = bytes(body.content)
    size = HEAD + len(content)
    return b"LILLIPUT" + struct.pack("<3I", VERSION, size, zlib.crc32(content)) + content


class Body:
    """What follows the head, as the engine reads it."""

    lanes, group = LANES, 2

    def __init__(self) -> None:
        self.content = bytearray()

    def put(self, data: bytes | memoryview, boundary: int = 4) -> None:
        at = HEAD + len(self.content)
        self.content += bytes(-at % boundary)
        self.content += data

    def vectors(self, tensors: Mapping[str, FileTensor], *names: str) -> None:
        for name in names:
            self.numbers(array("f", bytes(tensors[name].data)))

    def norm(self, tensors: Mapping[str, FileTensor], name: str) -> None:
        """Gains, and biases where there are some."""
        biases = [f"{name}.bias"] if f"{name}.bias" in tensors else []
        self.vectors(tensors, f"{name}.weight", *biases)

    def numbers(self, numbers: Iterable[float]) -> None:
        self.put(array("f", numbers).tobytes())

    angles = places = scales = numbers
    """Rotary angles in radians, what places add, what a number of a matrix's row is worth."""

    def matrix(
        self, tensors: Mapping[str, FileTensor], name: str, first: int = 0, end: int = 0
    ) -> None:
        """A matrix, or its columns from `first` to before `end`."""
        tensor = tensors[name]
        rows, cols = tensor.shape
        data = bytes(tensor.data)
        if end:
            each = len(data) // (rows * cols)
            starts = [row * cols * each for row in range(rows)]
            data = b"".join(data[at + first * each : at + end * each] for at in starts)
            cols = end - first
        self.put(_into_bands(data, rows, cols, tensor.kind, self.lanes, self.group), 64)
        if tensor.kind != "F32":
            self.scales(array("f", bytes(tensors[f"{name}.scale"].data)))

    def linear(self, tensors: Mapping[str, FileTensor], name: str, bias: bool = False) -> None:
        """A matrix whole, or as a product of two."""
        whole = f"{name}.weight" in tensors
        for part in ("weight",) if whole else ("left", "right"):
            self.matrix(tensors, f"{name}.{part}")
        if bias:
            self.vectors(tensors, f"{name}.bias")


_CODES = {"F32": "f", "I16": "h", "I8": "b"}
"""Python's names for a tensor's numbers (array)."""


def _into_bands(data: bytes, rows: int, cols: int, kind: str, lanes: int, group: int) -> bytes:
    """Rows as bands of so many lanes, column by column, whole numbers by groups of columns; zeros
    fill the last band and the last group."""
    code = _CODES[kind]
    numbers, group = array(code, data), 1 if kind == "F32" else group
    size = -(-cols // group) * group * lanes
    bands = array(code, bytes(size * -(-rows // lanes) * numbers.itemsize))
    for row in range(rows):
        band, lane = divmod(row, lanes)
        for place in range(group):
            part = numbers[row * cols + place : (row + 1) * cols : group]
            start = band * size + lane * group + place
            bands[start : start + (len(part) - 1) * group * lanes + 1 : group * lanes] = part
    return bands.tobytes()


def _class(character: str) -> int:
    """What a character is in a word (tasks.vocabulary.words): letter, mark, space, line end."""
    if character in " \n":
        return 2 if character == " " else 3
    return 0 if re.fullmatch(r"[^\W\d_]", character) else 1


def _format(card: Card) -> dict[str, int]:
    """How a question is written and its answer read."""
    written: dict[str, Any] = card.format
    kind = written.get("kind", "stories")
    if kind in ("lines", "stories"):
        return {"format": _FORMATS.index(kind)}
    turned = [_OPERATIONS.index(symbol) for symbol in written["reverse"]]
    return {
        "format": _FORMATS.index(kind),
        "reverse": sum(1 << number for number in turned),
        "digits": written["digits"],
        "decimals": written["decimals"],
        "longest_answer": _longest(card),
    }


def _longest(card: Card) -> int:
    """Characters of the longest answer, end mark included."""
    task = card.spec.task
    if not isinstance(task, ArithmeticSpec):
        return 0
    return AnswerFormat.from_dict(card.format).longest_answer(task.operations)


def _shape(model: ModelSpec) -> dict[str, int]:
    common = {"width": model.width, "layers": 1, "loops": 1, "heads": 1, "kv_heads": 1}
    common |= {"tied": int(model.tied), "embedding": model.width}
    if isinstance(model, GPTSpec):
        return common | {
            "layers": model.layers,
            "loops": model.loops,
            "heads": model.heads,
            "kv_heads": model.num_kv_heads,
            "state": model.attention_width,
            "hidden": model.mlp_width,
            "rank": model.rank,
            "activation": _ACTIVATIONS.index(model.mlp),
            "layer_norm": int(model.norm == "layer"),
            "epsilon": 5 if model.norm == "layer" else 6,
            "bias": int(model.bias),
            "rotary": int(model.positions == "rotary"),
            "positions": int(model.positions == "learned"),
            "places": int(model.positions == "sinusoidal" or model.line_length > 0),
        }
    if isinstance(model, GRUSpec):
        return common | {"layers": model.layers, "embedding": model.embedding_width}
    if isinstance(model, MemoryGRUSpec):
        return common | {
            "embedding": model.embedding_width,
            "attention": _ATTENTIONS[model.attention],
            "heads": model.heads if model.attention != "none" else 1,
            "positions": int(model.positions == "learned"),
            "layer_norm": 1,
            "bias": 1,
            "epsilon": 5,
        }
    return common | {
        "layers": model.layers,
        "state": model.state_width,
        "hidden": model.mlp_width,
        "convolution": model.convolution,
        "epsilon": 6,
    }


def _gpt(body: Body, tensors: Mapping[str, FileTensor], model: GPTSpec, context: int) -> None:
    if model.positions == "learned":
        body.matrix(tensors, "positions")
    if model.positions == "rotary":
        body.angles(turns(model))
    fixed = places(model, context)
    if fixed:
        body.places(number for row in fixed for number in row)
    for layer in range(model.layers):
        block = f"blocks.{layer}"
        body.norm(tensors, f"{block}.norm_1")
        body.linear(tensors, f"{block}.qkv", model.bias)
        body.linear(tensors, f"{block}.out", model.bias)
        body.norm(tensors, f"{block}.norm_2")
        body.linear(tensors, f"{block}.up", model.bias)
        body.linear(tensors, f"{block}.down", model.bias)


def _gru(body: Body, tensors: Mapping[str, FileTensor], model: GRUSpec) -> None:
    for layer in range(model.layers):
        for part in ("ih", "hh"):
            body.matrix(tensors, f"gru.weight_{part}_l{layer}")
            body.vectors(tensors, f"gru.bias_{part}_l{layer}")


def _memory_gru(body: Body, tensors: Mapping[str, FileTensor], model: MemoryGRUSpec) -> None:
    embedding = model.embedding_width
    if model.positions == "learned":
        body.matrix(tensors, "positions")
    if model.attention != "none":
        body.linear(tensors, "qkv", bias=True)
    if model.reads_context:
        body.linear(tensors, "out")
        body.vectors(tensors, "out_bias")
    body.matrix(tensors, "cell_input", 0, embedding)
    if model.reads_context:
        body.matrix(tensors, "cell_input", embedding, 2 * embedding)
    body.matrix(tensors, "cell_memory")
    body.matrix(tensors, "cell_hidden")
    body.vectors(tensors, "bias_input", "bias_hidden", "priority", "priority_bias")
    body.matrix(tensors, "writer")
    body.vectors(tensors, "writer_bias")


def _mingru(body: Body, tensors: Mapping[str, FileTensor], model: MinGRUSpec) -> None:
    for layer in range(model.layers):
        block = f"blocks.{layer}"
        body.norm(tensors, f"{block}.norm_1")
        if model.convolution:
            body.matrix(tensors, f"{block}.convolution")
        body.linear(tensors, f"{block}.gates", bias=True)
        body.linear(tensors, f"{block}.out")
        body.norm(tensors, f"{block}.norm_2")
        body.linear(tensors, f"{block}.up")
        body.linear(tensors, f"{block}.down")
