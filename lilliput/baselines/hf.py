"""Causal models of transformers, from a folder or from the Hub, read as models of ours.

B batch, T positions, V tokens of the vocabulary. Nothing in a repository is executed: no code of
its own, and pickles as tensors only. Knows no exam.
"""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lilliput.baselines.baseline import Baseline
from lilliput.baselines.hf_reasons import check_config, config_error, reason, uneven
from lilliput.baselines.hf_tokens import HFTokens
from lilliput.baselines.hf_weights import check_weights
from lilliput.errors import FileError, NotFoundError
from lilliput.models.hf import HFNetwork, need_transformers, window_of

_SMALL_FILES = ["*.json", "*.txt", "*.model"]
"""Config and tokenizer, whatever its kind."""
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""As transformers looks for them: the first kind that is there."""


def load(name: str) -> Baseline:
    """A model by its name on the Hub (`roneneldan/TinyStories-1M`), or from a folder, in float32 on
    the CPU.

    Raises:
        LilliputError: transformers is not installed.
        NotFoundError: no such folder or name, or the Hub cannot be reached.
        FileError: config, tokenizer or weights are missing, damaged, or of no causal model.
    """
    opened = open_model(name)
    tokenizer = opened.tokenizer
    marks = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return Baseline(
        network=opened.network,
        vocabulary=HFTokens(tokenizer),
        window=opened.network.window,
        start=tuple(mark for mark in marks if mark is not None)[:1],
        ends=_ends(tokenizer.eos_token_id, opened.generation, opened.rows),
        parameters=sum(parameter.numel() for parameter in opened.network.parameters()),
        bytes=sum(file.stat().st_size for file in opened.files),
        family=opened.config.model_type,
    )


class Opened(NamedTuple):
    """A model of transformers as its folder holds it."""

    network: HFNetwork
    config: Any
    tokenizer: Any
    generation: Any
    """How the model wants to be sampled, its end marks among it; None where it says nothing."""
    rows: int
    """Tokens that its weights tell apart."""
    files: list[Path]
    """Its weights."""
    folder: Path


def open_model(name: str) -> Opened:
    """A model with its own tokenizer; arguments and errors as of `load`."""
    refuse_file(name)
    need_transformers()
    import transformers

    with _quietly():
        folder = Path(name) if Path(name).is_dir() else _fetched(name)
        files = _weight_files(folder)
        check_config(folder)
        where = {"local_files_only": True, "trust_remote_code": False}
        # transformers raises errors of many classes, other libraries' among them.
        try:
            config = transformers.AutoConfig.from_pretrained(folder, **where)
        except Exception as error:
            raise config_error(folder, error) from None
        tokenizer = _tokenizer(folder, where)
        model = _model(folder, where)
    rows = model.get_input_embeddings().weight.shape[0]
    largest = max(tokenizer.get_vocab().values())
    if largest >= rows:
        raise FileError(
            f"{folder} has a tokenizer with the token number {largest:,}, but weights for {rows:,}"
            " tokens: they are of two models; put the model's own tokenizer there"
        )
    network = HFNetwork(model, window_of(config)).eval()
    _check_causal(folder, network, rows, config.model_type)
    return Opened(network, config, tokenizer, model.generation_config, rows, files, folder)


def refuse_file(name: str) -> None:
    """Raises NotFoundError where a name is that of a file, and the folder around it is meant."""
    if Path(name).is_file():
        raise NotFoundError(
            f"{name} is a file, and a model of transformers is a folder of files: give"
            f" hf:{Path(name).parent}"
        )


def _fetched(name: str) -> Path:
    """The folder of the Hub's cache that holds a repository's config, tokenizer and weights."""
    from huggingface_hub import errors, snapshot_download, try_to_load_from_cache

    if name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise NotFoundError(f"there is no folder {name!r}; give a model's folder or OWNER/NAME")
    try:
        folder = Path(snapshot_download(name, allow_patterns=[*_SMALL_FILES, _WEIGHTS[0]]))
        if not any(folder.glob(_WEIGHTS[0])):
            folder = Path(snapshot_download(name, allow_patterns=[*_SMALL_FILES, _WEIGHTS[1]]))
    except errors.GatedRepoError:
        raise NotFoundError(
            f"the Hub gives {name!r} only to those who have accepted its terms; accept them on its"
            " page and type `hf auth login`"
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise NotFoundError(
            f"there is no model {name!r} on the Hub and no folder of that name; names are"
            " OWNER/NAME, such as hf:roneneldan/TinyStories-1M"
        ) from None
    except Exception:
        # Without a network each layer below has an error of its own: all mean the same here.
        # What other programs have fetched counts, even where it is not the whole repository.
        config = try_to_load_from_cache(name, "config.json")
        if isinstance(config, str):
            return Path(config).parent
        raise NotFoundError(
            f"{name!r} is not on this machine and the Hub cannot be reached; offline, copy the"
            " model's files (config.json, model.safetensors, tokenizer.json) into a folder and give"
            " hf:FOLDER, or set HF_HOME to a cache that holds it"
        ) from None
    return folder


def _weight_files(folder: Path) -> list[Path]:
    if not (folder / "config.json").is_file():
        raise FileError(
            f"{folder} holds no model of transformers: config.json is missing; give the folder that"
            " `save_pretrained` wrote"
        )
    for pattern in _WEIGHTS:
        if files := sorted(folder.glob(pattern)):
            return files
    raise FileError(
        f"{folder} has a config.json but no weights; put model.safetensors or pytorch_model.bin"
        " there"
    )


def _tokenizer(folder: Path, where: dict[str, bool]) -> Any:
    import transformers

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **where)
        # Without any file some classes make a tokenizer that knows nothing.
        if not tokenizer("a b", add_special_tokens=False)["input_ids"]:
            raise ValueError("it makes nothing of text")
    except Exception as error:
        raise FileError(
            f"{folder} has no tokenizer that can be used: {reason(error)}; put the model's"
            " tokenizer.json and tokenizer_config.json there"
        ) from None
    return tokenizer


def _model(folder: Path, where: dict[str, bool]) -> Any:
    import transformers

    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **where
        )
    except Exception as error:
        if uneven(folder):
            raise config_error(folder, error) from None
        raise FileError(
            f"{folder} cannot be loaded as a causal language model: {reason(error)}; copy its"
            " files again, or give another model"
        ) from None
    check_weights(folder, model, info["missing_keys"], info["unexpected_keys"])
    if "past_key_values" not in inspect.signature(model.forward).parameters:
        raise FileError(
            f"{folder} holds a model without keys and values to remember"
            f" ({model.config.model_type}), and can be read no further than its prompt; give one"
            " with attention"
        )
    # Nothing here is padded, and the model would warn of it.
    model.config.pad_token_id = None
    return model


def _ends(mark: int | None, generation: Any, rows: int) -> tuple[int, ...]:
    """The tokenizer's end mark and those that generation stops at."""
    more = getattr(generation, "eos_token_id", None)
    marks = [mark, *(more if isinstance(more, list) else [more])]
    return tuple(dict.fromkeys(m for m in marks if m is not None and m < rows))


@torch.no_grad()
def _check_causal(folder: Path, network: HFNetwork, rows: int, kind: str) -> None:
    """Raises FileError where a token changes what is foretold before it: encoders load as causal
    models too, and would be scored on text that they have seen."""
    length = min(8, network.window or 8)
    ids_BT = (torch.arange(length) % rows).repeat(2, 1)
    ids_BT[1, -1] = (ids_BT[0, -1] + 1) % rows
    one_SV, other_SV = network(ids_BT)[:, :-1]
    if not torch.allclose(one_SV, other_SV, rtol=1e-4, atol=1e-5 * one_SV.abs().max().item()):
        raise FileError(
            f"{folder} holds a model that reads ahead ({kind}), as an"
            " encoder does; give a causal one, such as hf:roneneldan/TinyStories-1M"
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' progress bars and remarks; what matters of them is raised here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
