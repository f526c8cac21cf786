"""A graph of ONNX in the making: nodes, constants and a model's tensors by name. Knows no family.

B batch, I in, O out, E width.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from lilliput.errors import NotFoundError
from lilliput.models.tensors import FileTensor

OPSET = 21
"""The first in which int16 weights can be scaled row by row."""
_KINDS = {"F32": "float32", "I16": "int16", "I8": "int8"}
_LAYER_EPSILON, _RMS_EPSILON = 1e-5, 1e-6


def library() -> Any:
    """The onnx package.

    Raises:
        NotFoundError: it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise NotFoundError("onnx is not installed; pip install onnx") from None
    return onnx


class Graph:
    """Nodes in their order; each method adds some and returns the name of what comes out."""

    def __init__(self, tensors: Mapping[str, FileTensor]) -> None:
        self.onnx = library()
        self.tensors = tensors
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._known: dict[str, str] = {}
        self._count = 0

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        names = [self.name(kind) for _ in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def name(self, stem: str) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"{stem}_{self._count}"

    def constant(self, value: "np.ndarray[Any, Any] | Tensor") -> str:
        """A tensor of numbers."""
        array = value.numpy() if isinstance(value, Tensor) else value
        name = self.name("constant")
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, dtype=np.float32))

    def whole(self, *values: int) -> str:
        """A vector of whole numbers: axes, shapes, places."""
        return self.constant(np.array(values, dtype=np.int64))

    def weight(self, name: str) -> str:
        """A tensor of the model, in floats; whole numbers are kept and scaled row by row."""
        if name in self._known:
            return self._known[name]
        found = self._tensor(name)
        if self.tensors[name].kind != "F32":
            found = self._scaled(found, self._tensor(f"{name}.scale"))
        self._known[name] = found
        return found

    def _tensor(self, name: str) -> str:
        tensor = self.tensors[name]
        array = np.frombuffer(tensor.data, dtype=_KINDS[tensor.kind]).reshape(tensor.shape)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def _scaled(self, whole: str, scale: str) -> str:
        return self.op("DequantizeLinear", whole, scale, axis=0)

    def has(self, name: str) -> bool:
        return name in self.tensors

    def linear(self, x: str, name: str, bias: str = "") -> str:
        """x W^T + b of a matrix, whole (`name`.weight) or as a product of two."""
        if self.has(f"{name}.right"):
            return self.matrix(self.matrix(x, f"{name}.right"), f"{name}.left", bias)
        return self.matrix(x, f"{name}.weight", bias)

    def matrix(self, x: str, name: str, bias: str = "") -> str:
        """x (B, I) times the transpose of a tensor (O, I), and a bias."""
        more = [self.weight(bias)] if bias and self.has(bias) else []
        return self.op("Gemm", x, self.weight(name), *more, transB=1)

    def rms_norm(self, x: str, name: str) -> str:
        mean = self.op("ReduceMean", self.op("Mul", x, x), self.whole(-1))
        root = self.op("Sqrt", self.op("Add", mean, self.number(_RMS_EPSILON)))
        return self.op("Mul", self.op("Div", x, root), self.weight(f"{name}.weight"))

    def layer_norm(self, x: str, name: str) -> str:
        parts = [self.weight(f"{name}.weight")]
        if self.has(f"{name}.bias"):
            parts.append(self.weight(f"{name}.bias"))
        return self.op("LayerNormalization", x, *parts, axis=-1, epsilon=_LAYER_EPSILON)

    def gelu(self, x: str) -> str:
        """Tanh's approximation."""
        cube = self.op("Mul", self.op("Mul", x, x), x)
        inner = self.op("Add", x, self.op("Mul", cube, self.number(0.044715)))
        wave = self.op("Tanh", self.op("Mul", inner, self.number(0.7978845608028654)))
        half = self.op("Mul", x, self.number(0.5))
        return self.op("Add", half, self.op("Mul", half, wave))

    def split(self, x: str, sizes: Sequence[int], axis: int = -1) -> list[str]:
        return self.ops("Split", len(sizes), x, self.whole(*sizes), axis=axis)

    def reshape(self, x: str, *shape: int) -> str:
        """To a shape; 0: as it was, -1: what is left."""
        return self.op("Reshape", x, self.whole(*shape))

    def size(self, x: str, axis: int) -> str:
        """Of one axis, as a vector of one number."""
        return self.op("Shape", x, start=axis, end=axis + 1)

    def step_to(self, x: str, to: str, by: str) -> str:
        """x + by (to - x)."""
        return self.op("Add", x, self.op("Mul", by, self.op("Sub", to, x)))

    def attend(self, scores: str, values: str, softmax: bool) -> str:
        weights = self.op("Softmax", scores, axis=-1) if softmax else self.op("Sigmoid", scores)
        return self.op("MatMul", weights, values)

    def token(self) -> str:
        """The input (B) that every step has."""
        self.inputs.append(self._described("token", ["batch"], self.onnx.TensorProto.INT64))
        return "token"

    def state(self, name: str, *shape: int | str, whole: bool = False) -> str:
        """An input that is remembered: zeros at first, where names stand for sizes of 0."""
        kind = self.onnx.TensorProto.INT64 if whole else self.onnx.TensorProto.FLOAT
        self.inputs.append(self._described(name, ["batch", *shape], kind))
        return name

    def after(self, name: str, value: str, *shape: int | str, whole: bool = False) -> None:
        """What a state is after the step: an output."""
        kind = self.onnx.TensorProto.INT64 if whole else self.onnx.TensorProto.FLOAT
        self.give(f"{name}.next", value, kind, *shape)

    def give(self, name: str, value: str, kind: int, *shape: int | str) -> None:
        """An output (B, …)."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))
        later = [f"{size}.next" if isinstance(size, str) else size for size in shape]
        self.outputs.append(self._described(name, ["batch", *later], kind))

    def _described(self, name: str, shape: Sequence[int | str], kind: int) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, kind, list(shape))
