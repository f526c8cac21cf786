"""Why a folder of transformers cannot be used, in words of ours.

What transformers and torch say of it names options of their own calls, or bids the reader to run
code that lies in the folder. Knows no model.
"""

import json
import re
from pathlib import Path
from typing import Any

from lilliput.errors import FileError

_CODE = "it needs code that lies in the folder (auto_map), and such code is never run"
_SIGNS = (
    # Parts of what transformers, torch and safetensors say, and what is said instead.
    ("trust_remote_code", _CODE),
    ("custom code", _CODE),
    ("Weights only load failed", "its weights are a pickle that is damaged or holds more than"
     " tensors, which could run code and is not opened"),
    ("ignore_mismatched_sizes", "its weights have other sizes than its config.json says"),
    ("deserializing header", "its weights are damaged or cut short"),
    ("Error no file named", "its weights are missing"),
    ("negative dimension", "a size in its config.json is below 0"),
)  # fmt: skip
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
_REMEDY = "correct it, or copy it again from where the model came"


def check_config(folder: Path) -> None:
    """Looks at config.json before transformers does.

    Raises:
        FileError: it is damaged, or names a model that transformers has not, that is not causal, or
            that is more than a config and its weights, or has a size below 1.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    path = folder / "config.json"
    fields = _read(path)
    kind = fields.get("model_type")
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        if "auto_map" in fields:
            why = f"{_CODE}; give a model of a kind that transformers has itself"
        elif kind is None:
            why = "it names no model_type; copy it again from where the model came"
        else:
            why = (
                f"transformers {transformers.__version__} has no model of the type {kind!r}; give"
                " another model, or install a version that has it"
            )
        raise FileError(f"{path} cannot be used: {why}")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise FileError(
            f"{folder} cannot be loaded as a causal language model: a {kind} is none; give one that"
            " is, such as hf:roneneldan/TinyStories-1M"
        )
    for name in _names(kind):
        size = fields.get(name)
        if isinstance(size, int) and size < 1:
            raise FileError(
                f"{path} cannot be used: its {name} is {size}, and must be 1 or more; {_REMEDY}"
            )
    if "quantization_config" in fields:
        raise FileError(
            f"{folder} holds weights in fewer bits (quantization_config in config.json), of which"
            " training and exam know nothing; give the model in its full precision"
        )
    if (folder / "adapter_config.json").exists():
        raise FileError(
            f"{folder} holds an adapter beside the model (adapter_config.json); give a folder in"
            " which it is merged into the weights (peft's merge_and_unload, then save_pretrained)"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise FileError(
            f"{path} cannot be used: it is damaged; copy it again from where the model came"
        )
    return fields


def _names(kind: str) -> list[str]:
    """_SIZES, as a kind of model names them."""
    import transformers

    own = transformers.CONFIG_MAPPING[kind].attribute_map
    return [own.get(size, size) for size in _SIZES]


def uneven(folder: Path) -> str:
    """`its n_embd 16 is no multiple of its n_head 5`; empty where it is one. Some kinds of model
    need not have it so: asked only once loading has failed."""
    fields = _read(folder / "config.json")
    _, width, _, heads = _names(str(fields.get("model_type")))
    own, number = fields.get(width), fields.get(heads)
    if not (isinstance(own, int) and isinstance(number, int)) or own % number == 0:
        return ""
    return f"its {width} {own} is no multiple of its {heads} {number}"


def config_error(folder: Path, error: Exception) -> FileError:
    """What is said of a config.json that transformers refuses."""
    path, words = folder / "config.json", str(error)
    if field := re.match(r"Validation error for field '(\w+)'", words):
        value = json.dumps(_read(path).get(field[1]), ensure_ascii=False)[:80]
        wanted = re.search(r" expected (\w+), got ", words)
        known = _TYPES.get(wanted[1]) if wanted and "any type in" not in words else None
        why = f"its {field[1]} cannot be {value}" + (f", and must be {known}" if known else "")
    elif words.startswith("Class validation error"):
        named = [name for name in _read(path) if re.search(rf"\b{re.escape(name)}\b", words)]
        why = f"its {' and '.join(named) or 'fields'} contradict each other"
        why = uneven(folder) or why
    else:
        why = uneven(folder) or reason(error)
    return FileError(f"{path} cannot be used: {why}; {_REMEDY}")


def reason(error: Exception) -> str:
    """Why loading failed, as one clause without a full stop."""
    words = str(error)
    for sign, ours in _SIGNS:
        if sign in words:
            return ours
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error})"
    if isinstance(error, ImportError):
        return f"it needs a library that is not installed ({_first_line(error)})"
    if isinstance(error, KeyError):
        return f"{error} is missing, or is nothing that transformers knows"
    if isinstance(error, ValueError | OSError):
        return _first_line(error)
    # Of an error inside another's code the words alone say nothing.
    return f"{type(error).__name__}, {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(". ") if lines else type(error).__name__
