"""A model that began with one of transformers, as transformers itself writes it.

LoRA's products are in its matrices already (models.hf_parts). Knows no card for people.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.files import cannot_write, read_json, write_json
from lilliput.models.card import Card
from lilliput.models.hf import HFNetwork
from lilliput.shipping.hf_tokenizer import opening
from lilliput.tasks.tokens import TokenVocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def write_folder(folder: Path, network: HFNetwork, card: Card) -> None:
    """Writes what `save_pretrained` of model and tokenizer writes. The tokenizer opens a text as
    the model was trained to read it, and takes as long a one; its end mark is the one that ends an
    answer.

    Raises:
        FileError: the disk is full or the folder cannot be written.
    """
    from transformers import GenerationConfig, PreTrainedTokenizerFast
    from transformers.utils import logging

    vocabulary = card.vocabulary
    assert isinstance(vocabulary, TokenVocabulary), "a model of ours has another"
    tokenizer, mark = _tokenizer(vocabulary, card.spec.training.opens_with_end)
    model: Any = network.model
    end = vocabulary.end_number
    # Where it was read from on this machine is nobody's business.
    model.config.name_or_path = ""
    model.config.eos_token_id = end
    # No format of ours says how long an answer of lines may be.
    limit = {"max_length": card.context} if card.format["kind"] == "lines" else {}
    model.generation_config = GenerationConfig(eos_token_id=end, do_sample=False, **limit)
    reader = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=mark,
        clean_up_tokenization_spaces=False,
        model_max_length=card.context,
    )
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
        reader.save_pretrained(folder)
        settings = read_json(folder / "tokenizer_config.json")
        # The name that versions before the fifth know it by too.
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        write_json(folder / "tokenizer_config.json", settings)
        for file in folder.iterdir():
            file.chmod(0o644)  # safetensors lets nobody else read what it writes
    except OSError as error:
        raise cannot_write(folder, error, "; make room or choose another --out") from None
    finally:
        if bars:
            logging.enable_progress_bar()


def _tokenizer(vocabulary: TokenVocabulary, opens: bool) -> "tuple[Tokenizer, str]":
    """The tokenizer that writes in front of a text what the model was trained with, the end mark or
    nothing, whatever its makers wrote there; and the end mark's text."""
    from tokenizers import Tokenizer

    mark = str(Tokenizer.from_str(vocabulary.tokenizer).id_to_token(vocabulary.end_number))
    fields = json.loads(vocabulary.tokenizer)
    fields["post_processor"] = opening(mark, vocabulary.end_number) if opens else None
    fields["padding"] = fields["truncation"] = None
    return Tokenizer.from_str(json.dumps(fields)), mark
