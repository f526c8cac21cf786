"""A model of transformers to start from, as data: which one, and how much of it is trained."""

from dataclasses import dataclass
from typing import Literal

from lilliput.errors import SpecError
from lilliput.specs.choices import check_choices


@dataclass(frozen=True, kw_only=True)
class HFSpec:
    """A causal model that others trained, with its own tokenizer: transfer learning."""

    kind: Literal["hf"] = "hf"
    name: str
    """OWNER/NAME on the Hub, a folder that `save_pretrained` wrote, or a run that began so."""
    every: int = 1
    """Blocks that are kept: 2 for every second one, the first among them; 1: all."""
    last: int = 0
    """Train only so many of the last blocks and what comes after them; 0: everything."""
    lora: int = 0
    """Train only products of two matrices of this rank beside every matrix inside the blocks, which
    are added to it in the end (LoRA, arXiv 2106.09685); 0: the matrices themselves."""
    digest: str = ""
    """sha256 of weights, config and tokenizer, so that the spec names their content; filled in when
    they are first read."""
    parameters: int = 0
    """Unique numbers of what is kept, ties once; filled in with the digest."""

    def __post_init__(self) -> None:
        check_choices(self)
        if not self.name:
            raise SpecError("a model to start from needs a name; write hf:OWNER/NAME or hf:FOLDER")
        if self.every < 1:
            raise SpecError(f"every must be 1 or more; got {self.every}")
        for name in ("last", "lora", "parameters"):
            if getattr(self, name) < 0:
                raise SpecError(f"{name} must be 0 or more; got {getattr(self, name)}")
        if self.last and self.lora:
            raise SpecError(
                f"last {self.last} and lora {self.lora} are two ways to train a part of a model:"
                " leave one out"
            )
