"""The code that goes with a model that transformers lacks: our own files of the family as one, so
that there is no second implementation, and around it what transformers calls (hf_model.txt)."""

import ast
import re
from collections.abc import Collection
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_FILES = {
    "gpt": ("attention", "layers", "gpt"),
    "gru": ("gru",),
    "memory-gru": ("attention", "layers", "memory_state", "recurrence", "window", "memory_gru"),
    "mingru": ("layers", "mingru"),
}
"""Of `models`, in the order in which they need each other."""
_CLASSES = {
    "gpt": ("GPTSpec", "GPT"),
    "gru": ("GRUSpec", "GRU"),
    "memory-gru": ("MemoryGRUSpec", "MemoryGRU"),
    "mingru": ("MinGRUSpec", "MinGRU"),
}
_IMPORTS = """from typing import Any
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast
"""
_OPENING = '''"""A {kind} of Lilliput's for transformers. Load it with:

    AutoModelForCausalLM.from_pretrained(FOLDER, trust_remote_code=True)

This file is put together from Lilliput's own sources and needs torch and transformers alone.
"""
'''


def modeling(kind: str) -> str:
    """The source of modeling_lilliput.py.

    Args:
        kind: a family's name in a spec.
    """
    spec, network = _CLASSES[kind]
    imports, parts = _lines_of_imports(_IMPORTS), []
    pieces = [
        ("errors.py", ("LilliputError", "UserError", "SpecError")),
        ("specs/choices.py", None),
        ("specs/codec.py", ("T", "later")),
        ("specs/model.py", ("_positive", "MOST_LOOPS", spec)),
        *((f"models/{name}.py", None) for name in _FILES[kind]),
    ]
    for name, wanted in pieces:
        source = (_PACKAGE / name).read_text(encoding="utf-8")
        imports |= _lines_of_imports(source)
        parts.append(_part(source, wanted))
    # A loader that makes models without memory first would leave tables that no file holds empty.
    body = "\n\n\n".join(parts).replace("persistent=False", "persistent=True")
    around = (Path(__file__).parent / "hf_model.txt").read_text(encoding="utf-8")
    body = f"{body}\n\n\nSpec, Network = {spec}, {network}\n\n\n{around}"
    used = [line for line in sorted(imports) if re.search(rf"\b{imports_as(line)}\b", body)]
    return _OPENING.format(kind=kind) + "\n" + "\n".join(used) + f"\n\n\n{body}"


def imports_as(line: str) -> str:
    """The name that a line which imports one name gives it."""
    return line.split()[-1].split(".")[0]


def _lines_of_imports(source: str) -> set[str]:
    """What a file imports from elsewhere, one name a line."""
    lines = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            lines |= {ast.unparse(ast.Import([alias])) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith("lilliput"):
            lines |= {ast.unparse(ast.ImportFrom(node.module, [alias], 0)) for alias in node.names}
    return lines


def _part(source: str, wanted: Collection[str] | None) -> str:
    """A file without its docstring and imports, or some of its definitions by their names."""
    lines, kept = source.splitlines(), []
    body = ast.parse(source).body
    for node in body[1:]:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.If):
            continue
        if wanted is not None and not _names(node) & set(wanted):
            continue
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        kept.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n\n\n".join(kept)


def _names(node: ast.stmt) -> set[str]:
    """What a statement defines."""
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {getattr(node, "name", "")}
