"""A gpt of Llama's or GPT-2's shape as a folder that transformers loads without code of ours.

E width, M MLP width, K numbers of all key heads.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lilliput.errors import NotFoundError, SpecError
from lilliput.files import write_atomically
from lilliput.models.modelfile import Card
from lilliput.specs import GPTSpec
from lilliput.tasks.vocabulary import Vocabulary

_WORDS = r" ?[^\W\d_]+| ?(?:[\d_]|[^\w \n])+|[ \n]"
"""tasks.vocabulary's words, as the tokenizers library writes regular expressions."""


def write_folder(folder: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Writes config.json, model.safetensors and the tokenizer's files.

    Raises:
        SpecError: the model has neither shape, and says what it has too much of.
    """
    from safetensors.torch import save

    spec = card.spec.model
    assert isinstance(spec, GPTSpec), "lab.ship asks shape_of first"
    shape = shape_of(spec)
    write = _llama if shape == "llama" else _gpt2
    config, weights = write(spec, tensors, card.context)
    config |= {
        "vocab_size": len(card.vocabulary),
        "tie_word_embeddings": spec.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "float32",
    }
    files = _tokenizer(card.vocabulary, card.context)
    files["config.json"] = config
    files["generation_config.json"] = {"bos_token_id": 0, "eos_token_id": 0}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        write_atomically(folder / name, text.encode(), then="")
    whole = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    write_atomically(folder / "model.safetensors", save(whole, metadata={"format": "pt"}), then="")


def shape_of(spec: GPTSpec) -> str:
    """`llama` or `gpt2`.

    Raises:
        SpecError: neither.
    """
    odd = {
        f"{spec.loops} loops": spec.loops > 1,
        f"matrices of rank {spec.rank}": spec.rank > 0,
        f"lines of {spec.line_length}": spec.line_length > 0,
        f"positions {spec.positions}": spec.positions not in ("rotary", "learned"),
    }
    llama = (spec.norm, spec.mlp, spec.positions, spec.bias) == ("rms", "swiglu", "rotary", False)
    parts = (spec.norm, spec.mlp, spec.positions, spec.bias, spec.num_kv_heads, spec.tied)
    gpt2 = parts == ("layer", "gelu", "learned", True, spec.heads, True)
    wrong = [what for what, is_so in odd.items() if is_so]
    if wrong or not (llama or gpt2):
        raise SpecError(
            "transformers knows no such model"
            + (f" ({', '.join(wrong)})" if wrong else "")
            + "; it has Llama's shape (rms, swiglu, rotary, no bias) and GPT-2's (layer norm, gelu,"
            " learned positions, bias, tied); take --as c, exe or safetensors"
        )
    return "llama" if llama else "gpt2"


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


def _tokenizer(vocabulary: Vocabulary, context: int) -> dict[str, Any]:
    """tokenizer.json and its settings: byte-pair merges within our words, or characters alone."""
    pieces = [vocabulary.decode([number]) for number in range(len(vocabulary))]
    merges = [[pieces[left], pieces[right]] for left, right in vocabulary.merges]
    end = vocabulary.end
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {
                "id": 0, "content": end, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Split", "pattern": {"Regex": _WORDS}, "behavior": "Isolated", "invert": False,
        },
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            # A piece that two merges make has two numbers; text is written with the first.
            "vocab": {piece: number for number, piece in reversed(list(enumerate(pieces)))},
            "merges": merges,
        },
    }  # fmt: skip
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": end,
        "eos_token": end,
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": settings}


def say(folder: Path, prompts: list[str], start: bool, most: int) -> list[str]:
    """What transformers goes on with, greedily, from the folder alone.

    Args:
        start: whether the end mark is read before a prompt.
        most: pieces at most, the end mark among them.

    Raises:
        NotFoundError: transformers is not installed.
    """
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar
    except ImportError:
        raise NotFoundError(
            "transformers is not installed, so it was not asked; pip install 'lilliput[hf]'"
        ) from None

    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    texts = []
    for prompt in prompts:
        ids = [0] * start + tokenizer(prompt).input_ids
        room = min(most, model.config.max_position_embeddings - len(ids))
        out_BT = model.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=room, pad_token_id=0
        )
        texts.append(tokenizer.decode(out_BT[0, len(ids) :], skip_special_tokens=True))
    return texts
