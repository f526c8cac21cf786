"""A network of transformers with the interface of models of ours, made from its config alone too.

B batch, T positions, S positions asked for (the last ones), V tokens of the vocabulary.
Knows no file.
"""

import copy
import inspect
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lilliput.errors import FileError, LilliputError, SpecError


@dataclass(frozen=True)
class HFState:
    """What transformers remembers of `length` tokens; None: nothing is read yet."""

    cache: Any
    length: int


class HFNetwork(nn.Module):
    """A model of transformers with the interface of models.gpt."""

    def __init__(self, model: nn.Module, window: int) -> None:
        super().__init__()
        self.model, self.window = model, window
        # Without it logits of all positions are made: 50,000 numbers each.
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters

    def forward(self, ids_BT: Tensor, first: int = 0) -> Tensor:
        """Logits (B, S, V) of the positions from `first` on.

        Raises:
            SpecError: the sequence is longer than the window.
        """
        length = ids_BT.shape[1]
        self._check(length)
        asked = length - first
        logits: Tensor = self.model(ids_BT, use_cache=False, **self._keep(asked)).logits
        return logits[:, -asked:]

    def begin(self, batch_size: int) -> HFState:
        """The memory of nothing read yet."""
        return HFState(None, 0)

    def extend(self, ids_BT: Tensor, state: HFState) -> tuple[Tensor, HFState]:
        """Reads on: logits (B, V) after the last token, and the memory of all read so far.

        The state given is used up.

        Raises:
            SpecError: the sequence grows longer than the window.
        """
        length = state.length + ids_BT.shape[1]
        self._check(length)
        read = self.model(ids_BT, past_key_values=state.cache, use_cache=True, **self._keep(1))
        logits: Tensor = read.logits
        return logits[:, -1], HFState(read.past_key_values, length)

    def pick(self, state: HFState, rows_B: Tensor) -> HFState:
        """The memory of some of the rows, in the order of their numbers in `rows_B`."""
        if state.cache is None:
            return state
        # transformers picks in place, but by tensors of its own: copies of the holders are enough
        # to leave the state given as it is.
        cache = copy.copy(state.cache)
        cache.layers = [copy.copy(layer) for layer in cache.layers]
        cache.batch_select_indices(rows_B)
        return HFState(cache, state.length)

    def _keep(self, asked: int) -> dict[str, int]:
        return {"logits_to_keep": asked} if self._keeps else {}

    def _check(self, length: int) -> None:
        if self.window and length > self.window:
            raise SpecError(
                f"a sequence of {length} tokens is longer than the window of {self.window}; give a"
                " shorter one"
            )


def window_of(config: Any) -> int:
    """Tokens of the longest sequence that a model of transformers reads; 0: no limit."""
    text = config.get_text_config()
    limits = (getattr(text, key, 0) for key in ("max_position_embeddings", "n_positions", "n_ctx"))
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), 0)


def need_transformers() -> None:
    """Raises LilliputError where transformers is not installed."""
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise LilliputError(
            "models of the Hub need transformers, which is not installed; type"
            " `pip install transformers`"
        ) from None


def network_of(config: Any) -> HFNetwork:
    """A network of a config's shape, its numbers still to be filled in; in float32, on the CPU.
    torch's global generator is not touched."""
    import transformers

    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    # Nothing here is padded, and the model would warn of it.
    model.config.pad_token_id = None
    return HFNetwork(model, window_of(config)).eval()


def config_text(config: Any) -> str:
    """A config as JSON, every field written out."""
    return json.dumps(config.to_dict(), sort_keys=True)


def config_of(text: str) -> Any:
    """The config that `config_text` wrote. Only classes of transformers itself are made.

    Raises:
        LilliputError: transformers is not installed.
        FileError: it has no class for this config.
    """
    need_transformers()
    import transformers

    try:
        fields = json.loads(text)
        return transformers.CONFIG_MAPPING[fields["model_type"]].from_dict(fields)
    except Exception as error:
        raise FileError(
            f"transformers cannot use the config of this model ({type(error).__name__}); take the"
            " version that requirements-dev.txt names"
        ) from None
