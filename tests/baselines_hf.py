"""Tiny models of transformers, saved with a tokenizer of five characters."""

from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

V, WINDOW = 9, 12
MARKS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
COMMON = {"vocab_size": V, **MARKS}
KINDS: dict[str, Any] = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=8, n_layer=2, n_head=2, n_positions=WINDOW, **COMMON)
    ),
    # Every other layer looks at three tokens only.
    "gpt_neo": lambda: transformers.GPTNeoForCausalLM(
        transformers.GPTNeoConfig(
            hidden_size=8,
            num_layers=2,
            num_heads=2,
            attention_types=[[["global", "local"], 1]],
            window_size=3,
            max_position_embeddings=WINDOW,
            **COMMON,
        )
    ),
    "llama": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=WINDOW,
            tie_word_embeddings=False,
            **COMMON,
        )
    ),
}


def lively(kind: str) -> Any:
    """A model whose every parameter matters."""
    model = KINDS[kind]().eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return model


def tokenizer(characters: str = "ab c.", *, unknown: bool = False) -> Any:
    """Characters after the three marks; it writes a start mark where it is asked for marks."""
    names = ["<unk>", "<s>", "</s>", *characters]
    vocabulary = {name: number for number, name in enumerate(names)}
    unk = "<unk>" if unknown else None
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [], unk_token=unk))
    made.decoder = tokenizers.decoders.Fuse()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    marks = {"bos_token": "<s>", "eos_token": "</s>"} | ({"unk_token": unk} if unk else {})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **marks)


def save(folder: Path, model: Any, made: Any = None, **options: Any) -> str:
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder, **options)
    (made or tokenizer()).save_pretrained(folder)
    return str(folder)
