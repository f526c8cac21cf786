"""What is known of a model wherever it goes: the run that made it, its vocabulary, its numbers.
Knows no file and no task: an answer format is carried as data.
"""

import dataclasses
from typing import Any

from lilliput.errors import SpecError
from lilliput.specs.codec import to_dict
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import ModelSpec
from lilliput.specs.run import RunSpec
from lilliput.tasks.tokens import AnyVocabulary, TokenVocabulary
from lilliput.tasks.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What a model file says of its model."""

    spec: RunSpec
    """The run that made it."""
    characters: str
    """The vocabulary in the order of its numbers."""
    merges: list[list[int]] = dataclasses.field(default_factory=list)
    """Pieces made of them (tasks.vocabulary): two earlier numbers each; a file of layout 1 has
    none."""
    end: str
    """The end mark, one of the characters."""
    context: int
    """Longest sequence, in characters or pieces."""
    format: dict[str, Any]
    """How problems or texts are written (tasks.formats, tasks.stories)."""
    parameters: int
    """Unique trained numbers, as counted in the file; scales of rows are not among them."""
    numbers: str = "float32"
    """What the matrices are kept in: float32, int16, int8 (models.quantise)."""
    marks: dict[str, str] = dataclasses.field(default_factory=dict)
    """What must be said wherever the model is shown, such as leaked: yes."""
    outside: dict[str, str] = dataclasses.field(default_factory=dict)
    """Of a model of transformers, which has no characters: `config` and `tokenizer` (JSON), and the
    numbers `end`, `size` and `unknown` of tasks.tokens. Empty: a model of ours."""

    @property
    def own(self) -> ModelSpec:
        """The shape of a model of one of our families.

        Raises:
            SpecError: it is one of transformers.
        """
        if isinstance(self.spec.model, HFSpec):
            raise SpecError(
                f"this is a model of transformers (hf:{self.spec.model.name}), and only families of"
                " Lilliput's own are made into this; take --as hf or safetensors, or train one of"
                " them on the same task: `lilliput train gpt`"
            )
        return self.spec.model

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready. A model of ours says nothing of `outside`, so that programs which know none
        of it read the card too."""
        fields = {**dataclasses.asdict(self), "spec": to_dict(self.spec)}
        if not self.outside:
            del fields["outside"]
        return fields

    @property
    def vocabulary(self) -> AnyVocabulary:
        if self.outside:
            numbers = (int(self.outside[name]) for name in ("end", "size", "unknown"))
            return TokenVocabulary(self.outside["tokenizer"], *numbers)
        return Vocabulary(self.characters, tuple((left, right) for left, right in self.merges))
