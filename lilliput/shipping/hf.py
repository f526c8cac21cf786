"""A model as a folder that transformers loads: a gpt of Llama's or GPT-2's shape as it is, all else
with code of ours that the folder holds.

E width, M MLP width, K numbers of all key heads.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lilliput.errors import LilliputError, NotFoundError
from lilliput.files import write_atomically
from lilliput.models.card import Card
from lilliput.shipping.hf_code import modeling
from lilliput.shipping.hf_tokenizer import tokenizer
from lilliput.specs import GPTSpec
from lilliput.specs.codec import to_dict
from lilliput.specs.model import ModelSpec
from lilliput.tasks.vocabulary import Vocabulary

CODE = "modeling_lilliput"
"""The folder's own code, without its ending."""


def write_folder(folder: Path, network: nn.Module, card: Card) -> None:
    """Writes config.json, model.safetensors, the tokenizer's files and, where transformers lacks
    the model, modeling_lilliput.py."""
    from safetensors.torch import save

    spec = card.own
    tensors: dict[str, Tensor] = dict(network.named_parameters())
    shape = shape_of(spec)
    if isinstance(spec, GPTSpec) and shape:
        write = _llama if shape == "llama" else _gpt2
        config, weights = write(spec, tensors, card.context)
    else:
        config, weights = _custom(card), {f"network.{n}": t for n, t in tensors.items()}
        # A loader that makes models without memory would leave tables that no file holds empty.
        weights |= {f"network.{name}": buffer for name, buffer in network.named_buffers()}
        code = modeling(spec.kind)
        write_atomically(folder / f"{CODE}.py", code.encode(), then="")
    config |= {
        "vocab_size": len(card.vocabulary),
        "tie_word_embeddings": bool(shape) and spec.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "dtype": "float32",
    }
    vocabulary = card.vocabulary
    assert isinstance(vocabulary, Vocabulary), "a model of ours has no other"
    files = tokenizer(vocabulary, card.context, card.spec.training.opens_with_end)
    files["config.json"] = config
    generation = {"bos_token_id": 0, "eos_token_id": 0}
    if card.format["kind"] == "lines":  # no format of ours says how long an answer may be
        generation["max_length"] = card.context
    files["generation_config.json"] = generation
    for name, content in files.items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        write_atomically(folder / name, text.encode(), then="")
    whole = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    write_atomically(folder / "model.safetensors", save(whole, metadata={"format": "pt"}), then="")


def shape_of(spec: ModelSpec) -> str:
    """`llama`, `gpt2`, or empty: transformers has no such model."""
    if not isinstance(spec, GPTSpec) or spec.loops > 1 or spec.rank or spec.line_length:
        return ""
    if (spec.norm, spec.mlp, spec.positions, spec.bias) == ("rms", "swiglu", "rotary", False):
        return "llama"
    parts = (spec.norm, spec.mlp, spec.positions, spec.bias, spec.num_kv_heads, spec.tied)
    return "gpt2" if parts == ("layer", "gelu", "learned", True, spec.heads, True) else ""


def _custom(card: Card) -> dict[str, Any]:
    """What the code beside it reads (hf_model.txt)."""
    window = {"max_position_embeddings": card.context} if card.spec.model.kind == "gpt" else {}
    return {
        "architectures": ["LilliputForCausalLM"],
        "model_type": "lilliput",
        "auto_map": {
            "AutoConfig": f"{CODE}.LilliputConfig",
            "AutoModelForCausalLM": f"{CODE}.LilliputForCausalLM",
        },
        "shape": to_dict(card.spec.model),
        "context": card.context,
        **window,
    }


def _llama(
    spec: GPTSpec, tensors: dict[str, Tensor], context: int
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    width, hidden, kv_width = spec.width, spec.mlp_width, spec.num_kv_heads * spec.head_size
    weights = {
        "model.embed_tokens.weight": tensors["embedding"],
        "model.norm.weight": tensors["norm.weight"],
    }
    if not spec.tied:
        weights["lm_head.weight"] = tensors["head"]
    for layer in range(spec.layers):
        ours, theirs = f"blocks.{layer}", f"model.layers.{layer}"
        parts = torch.split(tensors[f"{ours}.qkv.weight"], [width, kv_width, kv_width])
        for name, part in zip("qkv", parts, strict=True):
            weights[f"{theirs}.self_attn.{name}_proj.weight"] = part
        gate, up = torch.split(tensors[f"{ours}.up.weight"], hidden)
        weights[f"{theirs}.mlp.gate_proj.weight"] = gate
        weights[f"{theirs}.mlp.up_proj.weight"] = up
        weights[f"{theirs}.mlp.down_proj.weight"] = tensors[f"{ours}.down.weight"]
        weights[f"{theirs}.self_attn.o_proj.weight"] = tensors[f"{ours}.out.weight"]
        weights[f"{theirs}.input_layernorm.weight"] = tensors[f"{ours}.norm_1.weight"]
        weights[f"{theirs}.post_attention_layernorm.weight"] = tensors[f"{ours}.norm_2.weight"]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": width,
        "intermediate_size": hidden,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "num_key_value_heads": spec.num_kv_heads,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-6,
        "rope_theta": spec.rotary_base,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
    }
    return config, weights


def _gpt2(
    spec: GPTSpec, tensors: dict[str, Tensor], context: int
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    weights = {
        "transformer.wte.weight": tensors["embedding"],
        "transformer.wpe.weight": tensors["positions"],
        "transformer.ln_f.weight": tensors["norm.weight"],
        "transformer.ln_f.bias": tensors["norm.bias"],
    }
    names = {"norm_1": "ln_1", "norm_2": "ln_2", "qkv": "attn.c_attn", "out": "attn.c_proj"}
    names |= {"up": "mlp.c_fc", "down": "mlp.c_proj"}
    for layer in range(spec.layers):
        for ours, theirs in names.items():
            for kind in ("weight", "bias"):
                tensor = tensors[f"blocks.{layer}.{ours}.{kind}"]
                # Its matrices lie the other way round.
                turned = tensor.T if tensor.ndim == 2 else tensor
                weights[f"transformer.h.{layer}.{theirs}.{kind}"] = turned
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "n_embd": spec.width,
        "n_inner": spec.mlp_width,
        "n_layer": spec.layers,
        "n_head": spec.heads,
        "n_positions": context,
        "layer_norm_epsilon": 1e-5,
        "activation_function": "gelu_new",
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }
    return config, weights


_ASK = """
import json, sys
from pathlib import Path
from lilliput.shipping.hf import continue_all
folder, prompts, most = json.loads(sys.stdin.read())
print(json.dumps(continue_all(Path(folder), prompts, most)))
"""


def say(folder: Path, prompts: list[str], most: int) -> list[str]:
    """What transformers goes on with, greedily, from the folder alone, as its card says; where that
    takes the code in it, in a process of its own, whose copy of the code is gone afterwards.

    Args:
        most: pieces at most, the end mark among them; 0: as the folder says.

    Raises:
        NotFoundError: transformers is not installed.
        LilliputError: it fails.
    """
    if find_spec("transformers") is None:
        raise NotFoundError(
            "transformers is not installed, so it was not asked; pip install transformers"
        )
    if not (folder / f"{CODE}.py").exists():
        return continue_all(folder, prompts, most)
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", _ASK],
            input=json.dumps([str(folder.resolve()), prompts, most]),
            env={**os.environ, "HF_MODULES_CACHE": cache, "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise LilliputError(f"transformers fails: {done.stderr[-2_000:]}")
    return [str(text) for text in json.loads(done.stdout.splitlines()[-1])]


def continue_all(folder: Path, prompts: list[str], most: int) -> list[str]:
    """As `say`, in this process."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    trusted = (folder / f"{CODE}.py").exists()
    how = {"local_files_only": True, "trust_remote_code": trusted}
    reader = AutoTokenizer.from_pretrained(folder, **how)
    model = AutoModelForCausalLM.from_pretrained(folder, **how).eval()
    # A model that began with one of transformers may read on further than it has learned.
    own = getattr(model.config, "max_position_embeddings", None)
    window = own if trusted else reader.model_max_length
    texts = []
    for prompt in prompts:
        asked = reader(prompt, return_tensors="pt")
        length = asked["input_ids"].shape[1]
        room = min(most, window - length) if window else most
        limit = {"max_new_tokens": room} if most else {}
        out_BT = model.generate(**asked, do_sample=False, pad_token_id=0, **limit)
        told = reader.decode(out_BT[0, length:], skip_special_tokens=False)
        texts.append(told.removesuffix(reader.eos_token))
    return texts


def use(folder: str, own_code: bool, prompt: str, most: int, remark: str) -> str:
    """How the folder is loaded and asked, as lines of Python.

    Args:
        own_code: the folder holds code that its model needs.
        most: pieces at most that it goes on with; 0: as the folder says.
        remark: what must be known of prompt and answer; empty: nothing.
    """
    trusted = ", trust_remote_code=True" if own_code else ""
    said = f"  # {remark}" if remark else ""
    limit = f"max_new_tokens={most}, " if most else ""
    return f"""from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}"{trusted})
model = AutoModelForCausalLM.from_pretrained("{folder}"{trusted})
asked = tokenizer({prompt!r}, return_tensors="pt"){said}
told = model.generate(**asked, do_sample=False, {limit}pad_token_id=0)
print(tokenizer.decode(told[0], skip_special_tokens=True))
"""
