"""A model of transformers as training starts from it: network, config, tokenizer, and their digest.

Read from where others keep it, or from a model file that such a training wrote. Knows no task.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from lilliput.baselines.hf import Opened, open_model, refuse_file
from lilliput.baselines.hf_tokens import unknown_of
from lilliput.errors import FileError
from lilliput.models import modelfile
from lilliput.models.hf import HFNetwork, config_text
from lilliput.models.hf_parts import check_every, with_every
from lilliput.specs.hf import HFSpec
from lilliput.tasks.tokens import TokenVocabulary

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)


class Start(NamedTuple):
    """What a training starts from."""

    network: HFNetwork
    config: str
    """As models.hf writes it."""
    vocabulary: TokenVocabulary
    digest: str
    """sha256 of weights, config and tokenizer."""

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())


def start_of(spec: HFSpec) -> Start:
    """The model that a spec names, with the blocks that it wants.

    Raises:
        LilliputError: transformers is not installed.
        NotFoundError: no such folder or name, or the Hub cannot be reached.
        FileError: damaged or incomplete, of no causal model, or another than the spec was made for.
        SpecError: it has no blocks to drop, or fewer than one is to be kept of.
    """
    path = Path(spec.name)
    if path.suffix != ".safetensors":
        refuse_file(spec.name)
    kept = path / "model.safetensors" if path.is_dir() else path
    own = kept.is_file() and not (path / "config.json").is_file() and not _lacks_config(path)
    start = _own(kept) if own else _theirs(open_model(spec.name))
    if spec.digest and start.digest != spec.digest:
        raise FileError(
            f"{spec.name} has changed since this run was specified; bring the old files back, or"
            " train anew under another --name"
        )
    if spec.every > 1:
        # What was once specified goes on: searches kept one block so.
        if not spec.digest:
            check_every(start.network, spec.every)
        network = with_every(start.network, spec.every)
        start = start._replace(network=network, config=config_text(network.model.config))
    return start


def _lacks_config(folder: Path) -> bool:
    """Whether a folder without config.json holds what else `save_pretrained` writes."""
    from safetensors import SafetensorError, safe_open

    if not folder.is_dir() or (folder / "spec.json").is_file():
        return False
    try:
        with safe_open(folder / "model.safetensors", "pt") as file:
            return "lilliput" not in (file.metadata() or {})
    except (SafetensorError, OSError):
        return any((folder / name).is_file() for name in _TOKENIZER)


def _own(path: Path) -> Start:
    network, card = modelfile.load(path)
    vocabulary = card.vocabulary
    if not isinstance(network, HFNetwork) or not isinstance(vocabulary, TokenVocabulary):
        raise FileError(
            f"{path} holds a {card.spec.model.kind} of Lilliput and no model of transformers; give"
            " a folder that `save_pretrained` wrote, or a run that began with one"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Start(network, card.outside["config"], vocabulary, digest)


def _theirs(opened: Opened) -> Start:
    tokenizer, folder = opened.tokenizer, opened.folder
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise FileError(
            f"{folder} has a tokenizer that the tokenizers library cannot read; put its"
            " tokenizer.json there"
        )
    marks = (tokenizer.eos_token_id, tokenizer.bos_token_id)
    unknown = unknown_of(tokenizer)
    ends = [mark for mark in marks if mark is not None and mark < opened.rows]
    if not ends:
        raise FileError(
            f"{folder} has a tokenizer without an end mark, by which an answer would be known to be"
            " over; name its eos_token in tokenizer_config.json"
        )
    vocabulary = TokenVocabulary(
        tokenizer=backend.to_str(),
        end_number=ends[0],
        size=opened.rows,
        unknown=-1 if unknown is None else unknown,
    )
    read = hashlib.sha256()
    for file in [folder / "config.json", *opened.files, *(folder / name for name in _TOKENIZER)]:
        if file.is_file():
            with file.open("rb") as opened_file:
                read.update(hashlib.file_digest(opened_file, "sha256").digest())
    return Start(opened.network, config_text(opened.config), vocabulary, read.hexdigest())
