"""Why a folder of transformers cannot be used, in words of ours.

What transformers and torch say of it names options of their own calls, or bids the reader to run
code that lies in the folder. Knows no model.
"""

import json
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
)  # fmt: skip


def check_config(folder: Path) -> None:
    """Looks at config.json before transformers does.

    Raises:
        FileError: it is damaged, or names a model that transformers has not, that is not causal, or
            that is more than a config and its weights.
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
    if isinstance(error, ValueError | OSError):
        return _first_line(error)
    # Of an error inside another's code the words alone say nothing.
    return f"{type(error).__name__}, {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(". ") if lines else type(error).__name__
