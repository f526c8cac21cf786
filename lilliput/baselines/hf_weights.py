"""Whether the weights in a folder of transformers are those of its config.json: all that the model
has, and no block that it has not.

transformers itself goes on in both cases, with random numbers or without a word. Knows no file.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lilliput.errors import FileError, SpecError
from lilliput.models.hf_parts import blocks_of, count_words

_BUFFERS = (".attn.bias", ".attention.bias", "masked_bias", "inv_freq")
"""Ends of the names of masks and angles with a closed form that older versions of transformers kept
in each block. Models that they wrote (roneneldan/TinyStories-1M is one) hold them still."""


def check_weights(
    folder: Path, model: Any, missing: Iterable[str], left_over: Iterable[str]
) -> None:
    """Looks at what transformers says that it found.

    Args:
        missing: names of the model's tensors that were not there.
        left_over: of those that were there and that it has no place for, without what it ignores
            by design.

    Raises:
        FileError: tensors are missing, or blocks hold more than the config says.
    """
    if names := sorted(map(str, missing)):
        raise FileError(
            f"{folder} has weights without {', '.join(names[:3])}"
            f" ({len(names)} missing in all): they are of another model than its config.json, or"
            " incomplete; copy its files again"
        )
    try:
        prefix, blocks = blocks_of(model)
    except SpecError:
        return
    # A file may leave out the name of the model around its blocks, as GPT-2's own does.
    short = prefix.removeprefix(f"{model.base_model_prefix}.")
    place = re.compile(rf"(?:{re.escape(prefix)}|{re.escape(short)})\.(\d+)\.")
    found = {
        str(name): int(match[1])
        for name in left_over
        if (match := place.match(str(name))) and not str(name).endswith(_BUFFERS)
    }
    if not found:
        return
    held = max(found.values()) + 1
    if held > len(blocks):
        field = model.config.attribute_map.get("num_hidden_layers", "num_hidden_layers")
        raise FileError(
            f"{folder} has a config.json that says {field} {len(blocks)}, and weights of"
            f" {count_words(held)}: write {field} {held} there, or copy its files again (--every"
            " leaves blocks out)"
        )
    raise FileError(
        f"{folder} has weights that the model of its config.json has no place for:"
        f" {', '.join(sorted(found)[:3])} ({len(found)} in all); they are of another model: copy"
        " its files again"
    )
