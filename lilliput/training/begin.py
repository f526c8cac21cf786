"""What a training starts from: first numbers drawn from its seed, or a model that others trained.

Knows no batches and no optimizer.
"""

from pathlib import Path
from typing import NamedTuple

from torch import nn

from lilliput.errors import FileError, SpecError
from lilliput.models.build import build
from lilliput.models.hf import HFNetwork
from lilliput.specs.hf import HFSpec
from lilliput.specs.run import RunSpec
from lilliput.tasks.task import Task, context_of
from lilliput.tasks.tokens import AnyVocabulary, TokenVocabulary

_BYTES = 4
"""Most tokens of a character, where a tokenizer falls back to the bytes of UTF-8."""


class Begin(NamedTuple):
    """A model before its first step."""

    model: nn.Module
    vocabulary: AnyVocabulary
    context: int
    """Longest sequence, in numbers of the vocabulary."""
    outside: dict[str, str]
    """As models.modelfile keeps it of a model of transformers; empty: a model of ours."""


def begin(spec: RunSpec, task: Task, kept: Path | None = None) -> Begin:
    """The model that a spec starts from.

    Args:
        kept: a file of `keep`, which is read in place of what the spec names where it is there.

    Raises:
        SpecError: the model's tokenizer cannot write the task, or its window is too short for it.
        NotFoundError, FileError: a model to start from cannot be had; see baselines.hf_start.
    """
    least = context_of(task, spec.training)
    if not isinstance(spec.model, HFSpec):
        model = build(spec.model, len(task.vocabulary), least, seed=spec.seed)
        return Begin(model, task.vocabulary, least, {})
    network, config, vocabulary = _start(spec.model, kept)
    if lacking := vocabulary.cannot_write(task.vocabulary.known):
        raise SpecError(
            f"the tokenizer of {spec.model.name} cannot write {lacking!r}, which {spec.task.kind}"
            " needs; start from another model, or write the task in another --format"
        )
    most = max(_BYTES * task.context + spec.training.opens_with_end, least)
    context = min(most, network.window or 1 << 30)
    if context < least:
        raise SpecError(
            f"{spec.model.name} reads {network.window:,} tokens at once, and"
            f" {spec.task.kind} may need {least:,}: choose a shorter --format or --block, or"
            " another model"
        )
    from lilliput.models.hf_parts import choose_trained

    choose_trained(network, spec.model, spec.seed)
    outside = {
        "config": config,
        "tokenizer": vocabulary.tokenizer,
        "end": str(vocabulary.end_number),
        "size": str(vocabulary.size),
        "unknown": str(vocabulary.unknown),
    }
    return Begin(network, vocabulary, context, outside)


def _start(spec: HFSpec, kept: Path | None) -> tuple[HFNetwork, str, TokenVocabulary]:
    if kept is not None and kept.exists():
        from lilliput.models import modelfile

        network, card = modelfile.load(kept)
        vocabulary = card.vocabulary
        if not isinstance(network, HFNetwork) or not isinstance(vocabulary, TokenVocabulary):
            raise FileError(f"{kept} holds no model of transformers; take it away")
        return network, card.outside["config"], vocabulary
    from lilliput.baselines.hf_start import start_of

    start = start_of(spec)
    return start.network, start.config, start.vocabulary
