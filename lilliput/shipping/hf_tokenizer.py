"""A vocabulary of ours as the tokenizers library and transformers read it."""

from typing import Any

from lilliput.tasks.vocabulary import Vocabulary

_WORDS = r" ?[^\W\d_]+| ?(?:[\d_]|[^\w \n])+|[ \n]"
"""tasks.vocabulary's words, as the tokenizers library writes regular expressions."""


def tokenizer(vocabulary: Vocabulary, context: int, opens: bool) -> dict[str, Any]:
    """tokenizer.json and its settings: byte-pair merges within our words, or characters alone.

    Args:
        opens: the model reads the end mark before a text, so the tokenizer writes it there.
    """
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
        "post_processor": opening(end, 0) if opens else None,
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
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": settings}


def opening(end: str, number: int) -> dict[str, Any]:
    """The end mark, of that number, in front of a text, or of each of two."""
    mark = {"SpecialToken": {"id": end, "type_id": 0}}
    one, other = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "type": "TemplateProcessing",
        "single": [mark, one],
        "pair": [mark, one, mark, other],
        "special_tokens": {end: {"id": end, "ids": [number], "tokens": [end]}},
    }
