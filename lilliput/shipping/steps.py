"""One decoding step of each family as a graph: token and state in, logits and state out.

B batch, T positions, N query heads, K key heads, H head size, G = N / K, E width. The states'
names and shapes are what a caller sees; all begin as zeros, T as 0.
"""

import numpy as np
from torch import Tensor, nn

from lilliput.shipping.graph import Graph
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec, MinGRUSpec
from lilliput.specs.model import ModelSpec


def step(g: Graph, spec: ModelSpec, network: nn.Module, context: int) -> str:
    """Adds a step of a model; the logits (B, V)."""
    token = g.token()
    if isinstance(spec, GPTSpec):
        out = _gpt(g, spec, network, token)
    elif isinstance(spec, GRUSpec):
        out = _gru(g, spec, token)
    elif isinstance(spec, MemoryGRUSpec):
        out = _memory_gru(g, spec, token, context)
    else:
        out = _mingru(g, spec, token)
    return g.matrix(out, "embedding" if spec.tied else "head", "head_bias")


def _gpt(g: Graph, spec: GPTSpec, network: nn.Module, token: str) -> str:
    heads, kv_heads, size = spec.heads, spec.num_kv_heads, spec.head_size
    norm = g.rms_norm if spec.norm == "rms" else g.layer_norm
    caches = [
        tuple(g.state(f"{kind}.{n}", kv_heads, "positions", size) for kind in ("keys", "values"))
        for n in range(spec.layers * spec.loops)
    ]
    place = g.size(caches[0][0], 2)
    x = g.op("Gather", g.weight("embedding"), token)
    for table in ("positions", "places"):
        if g.has(table):
            x = g.op("Add", x, g.op("Gather", g.weight(table), place))
        elif isinstance(values := getattr(network, table, None), Tensor):
            x = g.op("Add", x, g.op("Gather", g.constant(values), place))
    turned = None
    if spec.positions == "rotary":
        cos, sin = (getattr(network, name) for name in ("cos", "sin"))
        turned = tuple(g.op("Gather", g.constant(table), place) for table in (cos, sin))
    for n, (keys, values) in enumerate(caches):
        block = f"blocks.{n % spec.layers}"
        qkv = g.linear(norm(x, f"{block}.norm_1"), f"{block}.qkv", f"{block}.qkv.bias")
        q, k, v = g.split(qkv, [heads * size, kv_heads * size, kv_heads * size])
        q, k = _heads(g, q, heads, size, turned), _heads(g, k, kv_heads, size, turned)
        keys = g.op("Concat", keys, g.reshape(k, 0, kv_heads, 1, size), axis=2)
        values = g.op("Concat", values, g.reshape(v, 0, kv_heads, 1, size), axis=2)
        q = g.op("Mul", g.reshape(q, 0, kv_heads, -1, size), g.number(size**-0.5))
        scores = g.op("MatMul", q, g.op("Transpose", keys, perm=[0, 1, 3, 2]))
        found = g.reshape(g.attend(scores, values, softmax=True), 0, -1)
        x = g.op("Add", x, g.linear(found, f"{block}.out", f"{block}.out.bias"))
        up = g.linear(norm(x, f"{block}.norm_2"), f"{block}.up", f"{block}.up.bias")
        active = _activate(g, spec, up)
        x = g.op("Add", x, g.linear(active, f"{block}.down", f"{block}.down.bias"))
        g.after(f"keys.{n}", keys, kv_heads, "positions", size)
        g.after(f"values.{n}", values, kv_heads, "positions", size)
    return norm(x, "norm")


def _heads(g: Graph, x: str, heads: int, size: int, turned: tuple[str, ...] | None) -> str:
    """(B, heads, H), turned by the rotary angles."""
    x = g.reshape(x, 0, heads, size)
    if turned is None:
        return x
    first, second = g.split(x, [size // 2, size // 2])
    swapped = g.op("Concat", second, first, axis=-1)
    return g.op("Add", g.op("Mul", x, turned[0]), g.op("Mul", swapped, turned[1]))


def _activate(g: Graph, spec: GPTSpec, up: str) -> str:
    if spec.mlp == "swiglu":
        gate, up = g.split(up, [spec.mlp_width, spec.mlp_width])
        return g.op("Mul", g.op("Mul", gate, g.op("Sigmoid", gate)), up)
    if spec.mlp == "gelu":
        return g.gelu(up)
    if spec.mlp == "gelu-erf":
        return g.op("Gelu", up)
    up = g.op("Relu", up)
    return g.op("Mul", up, up) if spec.mlp == "relu2" else up


def _gru(g: Graph, spec: GRUSpec, token: str) -> str:
    x = g.op("Gather", g.weight("embedding"), token)
    for n in range(spec.layers):
        h = g.state(f"hidden.{n}", spec.width)
        given = g.matrix(x, f"gru.weight_ih_l{n}", f"gru.bias_ih_l{n}")
        kept = g.matrix(h, f"gru.weight_hh_l{n}", f"gru.bias_hh_l{n}")
        x = _gated(g, given, kept, h, spec.width)
        g.after(f"hidden.{n}", x, spec.width)
    return x


def _gated(g: Graph, given: str, kept: str, h: str, width: int) -> str:
    """The new hidden state of what input and hidden state add to reset, update and new."""
    (a_r, a_z, a_n), (w_r, w_z, w_n) = (g.split(x, [width] * 3) for x in (given, kept))
    reset, update = (g.op("Sigmoid", g.op("Add", *p)) for p in ((a_r, w_r), (a_z, w_z)))
    new = g.op("Tanh", g.op("Add", a_n, g.op("Mul", reset, w_n)))
    return g.step_to(new, h, update)


def _mingru(g: Graph, spec: MinGRUSpec, token: str) -> str:
    width, size, span = spec.width, spec.state_width, spec.convolution
    x = g.op("Gather", g.weight("embedding"), token)
    for n in range(spec.layers):
        block = f"blocks.{n}"
        h = g.state(f"hidden.{n}", size)
        y = g.rms_norm(x, f"{block}.norm_1")
        if span:
            seen = g.state(f"seen.{n}", span - 1, width)
            seen = g.op("Concat", seen, g.reshape(y, 0, 1, width), axis=1)
            taps = g.op("Transpose", g.weight(f"{block}.convolution"), perm=[1, 0])
            y = g.op("ReduceSum", g.op("Mul", seen, taps), g.whole(1), keepdims=0)
            later = g.op("Slice", seen, g.whole(1), g.whole(span), g.whole(1))
            g.after(f"seen.{n}", later, span - 1, width)
        gate, v = g.split(g.linear(y, f"{block}.gates", f"{block}.gates.bias"), [size, size])
        above = g.op("GreaterOrEqual", v, g.number(0.0))
        more = g.op("Add", v, g.number(0.5))
        candidate = g.op("Where", above, more, g.op("Sigmoid", v))
        h = g.step_to(h, candidate, g.op("Sigmoid", gate))
        g.after(f"hidden.{n}", h, size)
        x = g.op("Add", x, g.linear(h, f"{block}.out"))
        up = g.linear(g.rms_norm(x, f"{block}.norm_2"), f"{block}.up")
        x = g.op("Add", x, g.linear(g.gelu(up), f"{block}.down"))
    return g.rms_norm(x, "norm")


def _memory_gru(g: Graph, spec: MemoryGRUSpec, token: str, context: int) -> str:
    h, m = g.state("hidden", spec.width), g.state("memory", spec.width)
    x = g.op("Gather", g.weight("embedding"), token)
    if spec.attention == "none":
        if spec.positions == "learned":
            h, m, place = _slide(g, spec, h, m, token, context)
            x = g.op("Add", x, g.op("Gather", g.weight("positions"), place))
        h, m = _cell(g, spec, x, h, m)
        out = h
    else:
        q, k, v = _window(g, spec, x, context)
        if spec.reads_context:
            found = g.reshape(g.attend(g.op("MatMul", q, k), v, softmax=True), 0, -1)
            x = g.op("Concat", x, g.linear(found, "out", "out_bias"), axis=1)
        h, m = _cell(g, spec, x, h, m)
        out = h
        if spec.attention == "sigmoid":
            values = _kept(g, "values", h, spec.heads, spec.width // spec.heads, context)
            out = g.reshape(g.attend(g.op("MatMul", q, k), values, softmax=False), 0, -1)
    g.after("hidden", h, spec.width)
    g.after("memory", m, spec.width)
    return g.layer_norm(out, "norm")


def _cell(g: Graph, spec: MemoryGRUSpec, x: str, h: str, m: str) -> tuple[str, str]:
    """Hidden state and memory after an input."""
    given = g.op("Add", g.matrix(x, "cell_input", "bias_input"), g.matrix(m, "cell_memory"))
    h = _gated(g, given, g.matrix(h, "cell_hidden", "bias_hidden"), h, spec.width)
    asked = g.op("MatMul", h, g.reshape(g.weight("priority"), -1, 1))
    priority = g.op("Sigmoid", g.op("Add", asked, g.weight("priority_bias")))
    written = g.op("Tanh", g.matrix(h, "writer", "writer_bias"))
    return h, g.step_to(m, written, priority)


def _slide(
    g: Graph, spec: MemoryGRUSpec, h: str, m: str, token: str, context: int
) -> tuple[str, str, str]:
    """States and place before a token is read: a window that is full begins anew with its later
    half, which is read again from zeros."""
    half = context // 2
    ids = g.state("window", "positions", whole=True)
    full = g.op("Equal", g.size(ids, 1), g.whole(context))
    start = g.op("Where", full, g.whole(context - half), g.whole(0))
    kept = g.op("Slice", ids, start, g.whole(context), g.whole(1))
    h, m = (g.op("Where", full, g.number(0.0), state) for state in (h, m))
    trips = g.op("Where", full, g.whole(half), g.whole(0))
    body = _again(g, spec, kept)
    always = g.constant(np.array(True))
    h, m = g.ops("Loop", 2, g.reshape(trips), always, h, m, body=body)
    g.after(
        "window", g.op("Concat", kept, g.reshape(token, -1, 1), axis=1), "positions", whole=True
    )
    return h, m, g.size(kept, 1)


def _again(g: Graph, spec: MemoryGRUSpec, ids: str) -> object:
    """The loop's body: place n of a window is read."""
    helper, kinds = g.onnx.helper, g.onnx.TensorProto
    for name in ("embedding", "positions", "cell_input", "cell_memory", "cell_hidden", "writer"):
        g.weight(name)  # before the loop: what is scaled inside would be unknown after it
    outside, g.nodes = g.nodes, []
    place, go_on, h, m = (g.name(name) for name in ("place", "go_on", "h", "m"))
    token = g.op("Gather", ids, place, axis=1)
    x = g.op("Gather", g.weight("embedding"), token)
    x = g.op("Add", x, g.op("Gather", g.weight("positions"), place))
    after = _cell(g, spec, x, h, m)
    still = g.op("Identity", go_on)
    inside, g.nodes = g.nodes, outside
    floats = ["batch", spec.width]
    return helper.make_graph(
        inside,
        "read_again",
        [
            helper.make_tensor_value_info(place, kinds.INT64, []),
            helper.make_tensor_value_info(go_on, kinds.BOOL, []),
            *(helper.make_tensor_value_info(name, kinds.FLOAT, floats) for name in (h, m)),
        ],
        [
            helper.make_tensor_value_info(still, kinds.BOOL, []),
            *(helper.make_tensor_value_info(name, kinds.FLOAT, floats) for name in after),
        ],
    )


def _window(g: Graph, spec: MemoryGRUSpec, x: str, context: int) -> tuple[str, str, str]:
    """What the last position asks (B, N, 1, H), keys (B, N, H, T) and, where the cell reads the
    context, values (B, N, T, H); positions are numbered from the window's start."""
    heads, size = spec.heads, spec.embedding_width // spec.heads
    count = 3 if spec.reads_context else 2
    parts = g.split(g.linear(x, "qkv", "qkv.bias"), [heads * size] * count)
    q = g.reshape(parts[0], 0, heads, 1, size)
    kept = [
        _kept(g, name, part, heads, size, context)
        for name, part in zip(("keys", "values"), parts[1:], strict=False)
    ]
    if spec.positions == "learned":
        table = g.split(g.linear(g.weight("positions"), "qkv"), [heads * size] * count)
        length = g.size(kept[0], 2)
        last = g.op("Sub", length, g.whole(1))
        q = g.op("Add", q, g.reshape(g.op("Gather", table[0], last), 1, heads, 1, size))
        for n, places in enumerate(table[1:]):
            first = g.op("Slice", places, g.whole(0), length, g.whole(0))
            by_head = g.op("Transpose", g.reshape(first, -1, heads, size), perm=[1, 0, 2])
            kept[n] = g.op("Add", kept[n], by_head)
    q = g.op("Mul", q, g.number(size**-0.5))
    return q, g.op("Transpose", kept[0], perm=[0, 1, 3, 2]), kept[-1]


def _kept(g: Graph, name: str, new: str, heads: int, size: int, context: int) -> str:
    """A cache (B, N, T, H) with what is new, at most the last `context`."""
    before = g.state(name, heads, "positions", size)
    grown = g.op("Concat", before, g.reshape(new, 0, heads, 1, size), axis=2)
    far = g.constant(np.array([2**62], dtype=np.int64))
    after = g.op("Slice", grown, g.whole(-context), far, g.whole(2))
    g.after(name, after, heads, "positions", size)
    return after
