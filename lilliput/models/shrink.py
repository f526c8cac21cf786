"""The weights of a trained gpt for a smaller shape of its kind (models/cuts.py): heads and neurons
of the least magnitude left out, keys and values of neighbouring heads averaged, blocks averaged or
left out, matrices factored by singular values. Knows no training.

E width, M MLP width, N heads, K key and value heads, H head size, R rank.
"""

from collections.abc import Mapping
from dataclasses import fields

import torch
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.specs.model import GPTSpec

_CUT = ("layers", "loops", "heads", "head_width", "kv_heads", "hidden", "rank")
_MATRICES = ("qkv", "out", "up", "down")
Block = dict[str, Tensor]


@torch.no_grad()
def shrink(tensors: Mapping[str, Tensor], have: GPTSpec, want: GPTSpec) -> dict[str, Tensor]:
    """What a network of shape `want` begins with, out of the parameters of one of shape `have`.

    Nothing is lost where what is cut was nothing: neurons and heads that nobody reads, ranks that
    are not used, blocks and keys that are alike.

    Raises:
        SpecError: `want` is no cut of `have`.
    """
    check_cut(have, want)
    blocks = _fewer([_whole(tensors, layer) for layer in range(have.layers)], have, want)
    found = {name: tensor for name, tensor in tensors.items() if not name.startswith("blocks.")}
    for layer, block in enumerate(blocks):
        _cut_heads(block, have, want)
        _merge_keys(block, have, want)
        _cut_neurons(block, have, want)
        _factor(block, want)
        found |= {f"blocks.{layer}.{name}": tensor for name, tensor in block.items()}
    return {name: tensor.clone() for name, tensor in found.items()}


def check_cut(have: GPTSpec, want: GPTSpec) -> None:
    """Raises SpecError where `want` is no cut of `have`."""
    for name in (field.name for field in fields(GPTSpec) if field.name not in _CUT):
        if getattr(have, name) != getattr(want, name):
            raise SpecError(
                f"{name} cannot be cut: it stays {getattr(have, name)}, not {getattr(want, name)}"
            )
    if have.head_size != want.head_size:
        raise SpecError(
            f"heads stay as wide as they are: write --head-width {have.head_size}, with any --heads"
            f" up to {have.heads}"
        )
    for name in ("heads", "num_kv_heads", "mlp_width", "layers"):
        if getattr(want, name) > getattr(have, name):
            raise SpecError(f"{name} can be cut, not grown: {getattr(have, name)} at most")
    if want.loops != have.loops and want.layers * want.loops != have.layers * have.loops:
        raise SpecError(
            f"{have.layers} layers x {have.loops} loops are shared by fewer layers with as many"
            f" passes in all, not {want.layers} x {want.loops}"
        )
    own, kept = have.heads // have.num_kv_heads, want.heads // want.num_kv_heads
    if own > 1 and want.heads < have.heads and (want.num_kv_heads != have.num_kv_heads):
        raise SpecError(f"cut heads or key heads, not both, where {own} heads share one ({kept})")


def _whole(tensors: Mapping[str, Tensor], layer: int) -> Block:
    """A block's tensors, each matrix as one."""
    start = f"blocks.{layer}."
    block = {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
    for name in _MATRICES:
        if f"{name}.left" in block:
            block[f"{name}.weight"] = block.pop(f"{name}.left") @ block.pop(f"{name}.right")
    return block


def _fewer(blocks: list[Block], have: GPTSpec, want: GPTSpec) -> list[Block]:
    if want.layers == have.layers:
        return blocks
    if want.loops == have.loops:
        step = (have.layers - 1) / max(1, want.layers - 1)
        return [blocks[round(step * layer)] for layer in range(want.layers)]
    groups = [blocks[layer :: want.layers] for layer in range(want.layers)]
    return [
        {name: torch.stack([block[name] for block in group]).mean(0) for name in group[0]}
        for group in groups
    ]


def _cut_heads(block: Block, have: GPTSpec, want: GPTSpec) -> None:
    """Keeps the heads, of each key head as many, whose values change the most."""
    if want.heads == have.heads:
        return
    size, num_kv = have.head_size, have.num_kv_heads
    alone = num_kv == have.heads
    groups = 1 if alone else num_kv
    _, _, v_KHE = _parts(block["qkv.weight"], have)
    out_ENH = _split(block["out.weight"], 1, (have.heads, size))
    v_NHE = v_KHE.repeat_interleave(have.heads // num_kv, dim=0)
    change_N = torch.einsum("enh,nhf->nef", out_ENH, v_NHE).flatten(1).norm(dim=1)
    best_GN = change_N.view(groups, -1).topk(want.heads // groups).indices.sort().values
    kept_N = (best_GN + torch.arange(groups)[:, None] * (have.heads // groups)).flatten()
    block["out.weight"] = out_ENH[:, kept_N].flatten(1)
    for name in ("qkv.weight", "qkv.bias"):
        if name in block:
            q, k, v = _parts(block[name], have)
            k, v = (k[kept_N], v[kept_N]) if alone else (k, v)
            block[name] = torch.cat([q[kept_N], k, v]).flatten(0, 1)


def _merge_keys(block: Block, have: GPTSpec, want: GPTSpec) -> None:
    """Keys and values of neighbouring heads become their mean (arXiv 2305.13245, 2.1)."""
    alone = have.num_kv_heads == have.heads
    before = want.heads if alone else have.num_kv_heads
    if before == want.num_kv_heads:
        return
    for name in ("qkv.weight", "qkv.bias"):
        if name in block:
            heads = _split(block[name], 0, (-1, have.head_size))
            q, k, v = torch.split(heads, [want.heads, before, before])
            shape = (want.num_kv_heads, before // want.num_kv_heads)
            k, v = _split(k, 0, shape).mean(1), _split(v, 0, shape).mean(1)
            block[name] = torch.cat([q, k, v]).flatten(0, 1)


def _parts(qkv: Tensor, spec: GPTSpec) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (N, H, ...), keys and values (K, H, ...) of the one matrix, or its bias."""
    heads = _split(qkv, 0, (-1, spec.head_size))
    q, k, v = torch.split(heads, [spec.heads, spec.num_kv_heads, spec.num_kv_heads])
    return q, k, v


def _split(x: Tensor, axis: int, shape: tuple[int, ...]) -> Tensor:
    return x.reshape(*x.shape[:axis], *shape, *x.shape[axis + 1 :])


def _cut_neurons(block: Block, have: GPTSpec, want: GPTSpec) -> None:
    """Keeps the neurons whose weights in, times those out, are the largest."""
    if want.mlp_width == have.mlp_width:
        return
    up_GME = _split(block["up.weight"], 0, (-1, have.mlp_width))
    size_M = up_GME.norm(dim=2).prod(dim=0) * block["down.weight"].norm(dim=0)
    kept_M = size_M.topk(want.mlp_width).indices.sort().values
    block["up.weight"] = up_GME[:, kept_M].flatten(0, 1)
    block["down.weight"] = block["down.weight"][:, kept_M]
    if "up.bias" in block:
        block["up.bias"] = _split(block["up.bias"], 0, (-1, have.mlp_width))[:, kept_M].flatten()


def _factor(block: Block, want: GPTSpec) -> None:
    """The nearest product of two matrices of that rank (Eckart and Young 1936), halved evenly."""
    for name in _MATRICES:
        weight_OI = block[f"{name}.weight"]
        if 0 < want.rank < min(weight_OI.shape):
            u_OR, s_R, v_RI = torch.linalg.svd(weight_OI.double(), full_matrices=False)
            root_R = s_R[: want.rank].sqrt()
            block[f"{name}.left"] = (u_OR[:, : want.rank] * root_R).to(weight_OI.dtype)
            block[f"{name}.right"] = (root_R[:, None] * v_RI[: want.rank]).to(weight_OI.dtype)
            del block[f"{name}.weight"]
