"""nanoGPT's checkpoints (`ckpt.pt`) with the vocabulary beside them (`meta.pkl`) as models of ours.

A checkpoint is a dictionary: `model`, a state dict (of a compiled model every name begins with
`_orig_mod.`); `model_args`, its sizes; `config`, the settings of the training. The network is a
GPT-2 of learned positions, tied embeddings and the exact GELU. Source:
https://github.com/karpathy/nanoGPT, `train.py` and `model.py`. Nothing in a file is executed.

V symbols, T positions, E width. Knows no exam.
"""

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lilliput.baselines.archive import REMEDY, open_archive
from lilliput.baselines.baseline import Baseline
from lilliput.baselines.nanogpt_meta import read_meta
from lilliput.baselines.symbols import Symbols
from lilliput.errors import FileError, NotFoundError, SpecError
from lilliput.models.gpt import GPT
from lilliput.specs.model import GPTSpec
from lilliput.specs.recipes import nanogpt_shape
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary

_SIZES = ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")
_COMPILED = "_orig_mod."
_LARGEST = 1 << 24
"""Of each size: more than any model has."""


class Checkpoint(NamedTuple):
    """A checkpoint and its vocabulary."""

    spec: GPTSpec
    window: int
    """Tokens read at once (T)."""
    symbols: list[str]
    """What the tokens stand for, in the order of their numbers; most are characters."""
    weights: dict[str, Tensor]
    """By our names."""
    config: dict[str, Any]
    """The settings of its training, as nanoGPT names them."""
    pieces: Vocabulary | None = None
    """How text is cut into symbols; None: the longest that fits comes first."""


def recognises(path: Path) -> bool:
    """Whether a file is a checkpoint of nanoGPT, whole or not."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            return bool(names) and b"model_args" in archive.read(names[0])
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False


def load(path: Path, checkpoint: Checkpoint | None = None) -> Baseline:
    """A checkpoint as a model of text, on the CPU. Texts that we wrote for it stand between end
    marks; others begin after a line's end and have none of their own, as in nanoGPT's `sample.py`.

    Raises:
        NotFoundError, FileError: as `read`.
    """
    made = checkpoint or read(path)
    network = network_of(made)
    marked = END_OF_TEXT in made.symbols
    opening = END_OF_TEXT if marked else "\n"
    start = (made.symbols.index(opening),) if opening in made.symbols else ()
    return Baseline(
        network=network,
        vocabulary=made.pieces or Symbols(made.symbols),
        window=made.window,
        start=start,
        ends=start if marked else (),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        bytes=path.stat().st_size,
        family=f"nanoGPT {made.spec.layers} x {made.spec.width}",
    )


def read(path: Path) -> Checkpoint:
    """A checkpoint with its vocabulary: the `meta.pkl` beside it, or that of the data set that it
    names, where nanoGPT has it (`../data/NAME/meta.pkl`).

    Raises:
        NotFoundError: there is no such file.
        FileError: damaged or foreign, weights that do not fit its sizes, a pickle with code in it,
            or a vocabulary that is missing or of another model.
    """
    loaded = _opened(path)
    sizes = _sizes(path, loaded.get("model_args"))
    try:
        spec = nanogpt_shape(
            layers=sizes["n_layer"],
            width=sizes["n_embd"],
            heads=sizes["n_head"],
            bias=bool(loaded["model_args"].get("bias", True)),
        )
    except SpecError as error:
        raise FileError(f"{path} has sizes that no model has: {error}; {REMEDY}") from None
    config = loaded.get("config")
    config = config if isinstance(config, dict) else {}
    weights = _weights(path, loaded.get("model"), spec, sizes)
    meta = read_meta(_meta_of(path, config), sizes["vocab_size"])
    return Checkpoint(spec, sizes["block_size"], meta.symbols, weights, config, meta.pieces)


def network_of(checkpoint: Checkpoint) -> GPT:
    """The checkpoint's network, for reading."""
    network = GPT(checkpoint.spec, len(checkpoint.symbols), checkpoint.window)
    network.load_state_dict(checkpoint.weights)
    return network.eval()


def _opened(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotFoundError(f"no file {path}; give a ckpt.pt of nanoGPT")
    return open_archive(path, "write it again with nanoGPT's train.py")


def _sizes(path: Path, given: Any) -> dict[str, int]:
    given = given if isinstance(given, dict) else {}
    sizes = {name: given.get(name) for name in _SIZES}
    wrong = [n for n, size in sizes.items() if type(size) is not int or not 0 < size < _LARGEST]
    if wrong:
        told = ", ".join(f"{name} {sizes[name]!r}" for name in wrong)
        raise FileError(f"{path} has impossible model_args: {told}; {REMEDY}")
    return {name: int(size) for name, size in sizes.items() if size is not None}


def _weights(path: Path, given: Any, spec: GPTSpec, sizes: dict[str, int]) -> dict[str, Tensor]:
    """The tensors by our names, of the shapes that the sizes ask for."""
    given = given if isinstance(given, dict) else {}
    theirs = {str(name).removeprefix(_COMPILED): value for name, value in given.items()}
    # Masks that older versions kept, and the output matrix, which is the embedding.
    head = theirs.pop("lm_head.weight", None)
    theirs = {n: t for n, t in theirs.items() if not n.endswith((".attn.bias", ".masked_bias"))}
    if spec.layers > len(theirs):
        raise FileError(f"{path} has {len(theirs)} tensors for {spec.layers} layers; {REMEDY}")
    wanted = _shapes(spec, sizes["vocab_size"], sizes["block_size"])
    shapes = {n: tuple(t.shape) if isinstance(t, Tensor) else None for n, t in theirs.items()}
    names = {theirs_: shape for theirs_, _, shape in wanted}
    for name in sorted(names.keys() | shapes.keys()):
        if shapes.get(name) != names.get(name):
            raise FileError(
                f"{path} has weights that do not fit its model_args: {name} is"
                f" {_shape_words(shapes.get(name))}, and by them {_shape_words(names.get(name))};"
                f" {REMEDY}"
            )
    # Before anything is copied: a few bytes can pose as a huge tensor.
    if sum(theirs[name].numel() for name, _, _ in wanted) > path.stat().st_size:
        raise FileError(f"{path} is too short for the weights that it names; {REMEDY}")
    weights = {ours: theirs[name].float() for name, ours, _ in wanted}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise FileError(f"{path} is damaged: {name} has numbers that are not finite; {REMEDY}")
    if isinstance(head, Tensor) and not torch.equal(head.float(), weights["embedding"]):
        raise FileError(f"{path} has an output matrix apart from its embedding; nanoGPT ties them")
    return weights


def _shape_words(shape: tuple[int, ...] | None) -> str:
    return " x ".join(map(str, shape)) if shape else "not there"


def _shapes(spec: GPTSpec, vocabulary: int, window: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Of each tensor its name there, its name here, and its shape."""
    width, hidden = spec.width, spec.mlp_width
    matrices = {
        "attn.c_attn": ("qkv", 3 * width, width),
        "attn.c_proj": ("out", width, width),
        "mlp.c_fc": ("up", hidden, width),
        "mlp.c_proj": ("down", width, hidden),
    }
    shapes: list[tuple[str, str, tuple[int, ...]]] = [
        ("transformer.wte.weight", "embedding", (vocabulary, width)),
        ("transformer.wpe.weight", "positions", (window, width)),
        *_both("transformer.ln_f", "norm", (width,), spec.bias),
    ]
    for i in range(spec.layers):
        theirs, ours = f"transformer.h.{i}", f"blocks.{i}"
        for n in (1, 2):
            shapes += _both(f"{theirs}.ln_{n}", f"{ours}.norm_{n}", (width,), spec.bias)
        for name, (own, num_out, num_in) in matrices.items():
            shapes += _both(f"{theirs}.{name}", f"{ours}.{own}", (num_out, num_in), spec.bias)
    return shapes


def _both(
    theirs: str, ours: str, shape: tuple[int, ...], bias: bool
) -> list[tuple[str, str, tuple[int, ...]]]:
    """A weight and, where the model has biases, its bias."""
    weight = (f"{theirs}.weight", f"{ours}.weight", shape)
    return [weight, (f"{theirs}.bias", f"{ours}.bias", shape[:1])] if bias else [weight]


def _meta_of(path: Path, config: dict[str, Any]) -> Path:
    places = [path.with_name("meta.pkl")]
    dataset = config.get("dataset")
    if isinstance(dataset, str) and dataset == Path(dataset).name:
        places.append(path.parent.parent / "data" / dataset / "meta.pkl")
    for place in places:
        if place.is_file():
            return place
    raise FileError(
        f"{path} has no meta.pkl beside it, which says what its tokens stand for; copy it there"
        " from nanoGPT's data folder (a checkpoint in GPT-2's own tokens has none, and is not read)"
    )
