"""How the next token is drawn from a model's logits, as numbers. Knows no model and no torch."""

from dataclasses import dataclass

from lilliput.errors import SpecError
from lilliput.specs.choices import check_choices


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The likeliest tokens are kept by three filters, then one of them is drawn at a temperature.

    In this order: top_k, top_p, min_p, temperature (llama.cpp's default order; transformers puts
    the temperature first). So the filters judge what the model believes, and a high temperature
    chooses more freely among what they leave, but never brings back what they took.

    Raises:
        SpecError: a value that no distribution has.
    """

    temperature: float = 1.0
    """Logits are divided by it; 0 takes the likeliest token, whatever the filters."""
    top_k: int = 0
    """Keep the k likeliest tokens, and those as likely as the last of them; 0: all."""
    top_p: float = 1.0
    """Keep the fewest likeliest tokens whose probabilities, of those that top_k left, add up to it
    (nucleus: Holtzman et al., arXiv 1904.09751), and those as likely as the last; 1: all."""
    min_p: float = 0.0
    """Keep the tokens at least this times as likely as the likeliest (arXiv 2407.01082); 0: all."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.temperature < 0:
            raise SpecError(f"temperature must be 0 or more; got {self.temperature:g}")
        if self.top_k < 0:
            raise SpecError(f"top-k must be 0 (all) or more; got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise SpecError(f"top-p must be above 0 and at most 1 (all); got {self.top_p:g}")
        if not 0 <= self.min_p < 1:
            raise SpecError(f"min-p must be from 0 (all) to below 1; got {self.min_p:g}")


PLAIN = Sampling()
"""The model's own distribution."""


def check_seed(seed: int) -> None:
    """Raises SpecError unless draws can come from it."""
    if not 0 <= seed < 2**31:
        raise SpecError(f"seed must be from 0 to 2147483647; got {seed}")


GREEDY = Sampling(temperature=0.0)
"""The likeliest piece each time."""
