"""Small models of transformers with a byte-pair tokenizer of their own, as others publish them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import baselines_hf
import tokenizers
import torch
import transformers

MARK = "<|endoftext|>"
TEXT = [f"There are {a} apples and {b} pears, {a} + {b} of them." for a in range(30) for b in "159"]


@cache
def bpe(size: int = 300) -> Any:
    """GPT-2's kind of tokenizer, trained once: ties between merges fall as they fall. Its mark is
    the last number, as GPT-2's is, not 0 as ours."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXT, trainer)
    made.add_special_tokens([MARK])
    assert made.token_to_id(MARK) == size - 1
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=MARK, eos_token=MARK, unk_token=MARK
    )


def gpt2(width: int = 16, layers: int = 2, size: int = 300) -> Any:
    config = transformers.GPT2Config(
        vocab_size=size,
        n_embd=width,
        n_layer=layers,
        n_head=4,
        n_positions=64,
        bos_token_id=size - 1,
        eos_token_id=size - 1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.GPT2LMHeadModel(config)


def pretrained(width: int = 16) -> Any:
    """Trained for a moment on text that has no answers in it, by PyTorch alone."""
    tokenizer, model = bpe(), gpt2(width)
    rows = [tokenizer(line)["input_ids"] for line in TEXT]
    ids_BT = torch.tensor([row[:12] for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    model.eval()  # without dropout
    for step in range(30):
        part = ids_BT[step % 3 :: 3]
        loss = model(part, labels=part).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 3
    return model


def published(folder: Path, **shape: int) -> str:
    """A folder as `save_pretrained` writes it."""
    return baselines_hf.save(folder, gpt2(**shape), bpe())


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
