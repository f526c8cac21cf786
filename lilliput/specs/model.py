"""The families' shapes, as data. Vocabulary and window come from the task, not from here."""

from dataclasses import dataclass
from typing import Literal

from lilliput.errors import SpecError
from lilliput.specs.choices import check_choices
from lilliput.specs.codec import later


def _positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise SpecError(f"{name} must be 1 or more; got {value}")


MOST_LOOPS = 48
"""The engine decodes no more; and loops share their weights, so that a file does not grow with
them, but the time that it takes does."""


@dataclass(frozen=True, kw_only=True)
class GPTSpec:
    """A decoder of attention and MLP blocks. The defaults have the shape of Llama."""

    kind: Literal["gpt"] = "gpt"
    layers: int = 2
    """Blocks with weights of their own."""
    loops: int = 1
    """How often the stack of blocks is applied (Universal Transformer, arXiv 1807.03819)."""
    width: int = 24
    """Size of the residual stream (E)."""
    heads: int = 4
    """Query heads (N)."""
    head_width: int = later(0)
    """Numbers of a head (H); 0: the width is shared out among the heads."""
    kv_heads: int = 0
    """Key and value heads, each for heads/kv_heads queries (arXiv 2305.13245); 0: as heads."""
    hidden: int = 0
    """Width of the MLP (M); 0: four times the width, or 8/3 of it for SwiGLU (arXiv 2002.05202)."""
    mlp: Literal["swiglu", "gelu", "gelu-erf", "relu", "relu2"] = "swiglu"
    """Activation; `gelu` is the approximation by tanh, as in GPT-2, `gelu-erf` the function itself,
    as in nanoGPT (arXiv 1606.08415), `relu2` the square of ReLU (arXiv 2109.08668)."""
    norm: Literal["rms", "layer"] = "rms"
    """Before attention, MLP and output: `rms` divides by the root mean square (arXiv 1910.07467),
    `layer` takes the mean away first (arXiv 1607.06450), as GPT-2 does."""
    positions: Literal["rotary", "learned", "sinusoidal", "none"] = "rotary"
    """How a model knows where a character stands: `rotary` turns queries and keys by it (arXiv
    2104.09864), `learned` adds a row of a trained table, `sinusoidal` sines and cosines (arXiv
    1706.03762)."""
    rotary_base: float = 100.0
    """Base of the rotary wavelengths (arXiv 2104.09864); texts here are short, so under the usual
    10,000."""
    line_length: int = 0
    """Characters of a line, where text comes in lines of one length, as working does. The place in
    the line is then added to the embeddings as sines and cosines, and rotary wavelengths are odd
    fractions of the line, six lines, and endless. 0: text has no lines. Where none is typed,
    `train` and `find` take that of the task's format."""
    rank: int = 0
    """Rank of every matrix inside the blocks, as a product of two; 0: full."""
    tied: bool = True
    """The embedding is also the output matrix."""
    bias: bool = False
    """Biases in matrices and layer norms, as GPT-2 has."""

    def __post_init__(self) -> None:
        check_choices(self)
        _positive(layers=self.layers, loops=self.loops, width=self.width, heads=self.heads)
        if self.loops > MOST_LOOPS:
            raise SpecError(f"loops must be at most {MOST_LOOPS}; got {self.loops:,}")
        if self.head_width < 0:
            raise SpecError(f"head_width must be 0 or more; got {self.head_width}")
        if not self.head_width and self.width % self.heads:
            raise SpecError(f"width {self.width} must be a multiple of heads {self.heads}")
        if self.kv_heads < 0 or self.heads % self.num_kv_heads:
            raise SpecError(f"heads {self.heads} must be a multiple of kv_heads {self.kv_heads}")
        if self.positions == "rotary" and self.head_size % 2:
            raise SpecError(
                f"rotary positions need an even head size; width {self.width} / heads {self.heads}"
                f" = {self.head_size}; choose another number of heads or positions"
            )
        if self.rotary_base <= 0:
            raise SpecError(f"rotary_base must be above 0; got {self.rotary_base}")
        if self.line_length < 0:
            raise SpecError(f"line_length must be 0 or more; got {self.line_length}")
        if self.hidden < 0 or self.rank < 0:
            raise SpecError(f"hidden and rank must be 0 or more; got {self.hidden}, {self.rank}")

    @property
    def head_size(self) -> int:
        return self.head_width or self.width // self.heads

    @property
    def attention_width(self) -> int:
        """Numbers of all heads together."""
        return self.heads * self.head_size

    @property
    def num_kv_heads(self) -> int:
        return self.kv_heads or self.heads

    @property
    def mlp_width(self) -> int:
        if self.hidden:
            return self.hidden
        return round(8 * self.width / 3) if self.mlp == "swiglu" else 4 * self.width


@dataclass(frozen=True, kw_only=True)
class GRUSpec:
    """Stacked gated recurrent units (Cho et al. 2014), PyTorch's variant."""

    kind: Literal["gru"] = "gru"
    layers: int = 1
    """Units, one upon the other."""
    width: int = 48
    """Hidden units a layer (H)."""
    embedding: int = 0
    """Width of the character embedding; 0: as width."""
    tied: bool = True
    """The embedding is also the output matrix; needs embedding = width."""

    def __post_init__(self) -> None:
        check_choices(self)
        _positive(layers=self.layers, width=self.width)
        if self.embedding < 0:
            raise SpecError(f"embedding must be 0 or more; got {self.embedding}")
        if self.tied and self.embedding not in (0, self.width):
            raise SpecError(
                f"tied needs embedding {self.embedding} = width {self.width}; write --no-tied"
            )

    @property
    def embedding_width(self) -> int:
        return self.embedding or self.width


@dataclass(frozen=True, kw_only=True)
class MemoryGRUSpec:
    """One gated recurrent unit with a gated memory beside it, and attention over the window's
    embeddings: tinystoriesgru (Kavya Mali, 2025). As published: not tied."""

    kind: Literal["memory-gru"] = "memory-gru"
    width: int = 96
    """Hidden units (H), and numbers in the memory."""
    embedding: int = 0
    """Width of the character embedding (E); 0: as width, as published."""
    attention: Literal["none", "full", "query", "sigmoid"] = "none"
    """What looks back over the window. `none`: the published pure GRU. `full` and `query` are one
    model, the cell reads what softmax attention finds among the embeddings: while a text is
    written, `full` works attention out anew for the whole window at each character, as published,
    and `query` asks for the last position alone. `sigmoid`, an early variant: the output is the
    sum of the hidden states so far, each by the sigmoid of query times key."""
    heads: int = 6
    """Heads of the attention (N); embedding and width are shared out among them."""
    positions: Literal["learned", "none"] = "learned"
    """A table of the window's positions: added to what attention sees or, where there is none, to
    what the cell reads."""
    tied: bool = True
    """The embedding is also the output matrix; needs embedding = width."""
    leash: float = 0.0
    """Largest size that an eigenvalue of the recurrent matrices (reset, update, new, memory
    writer) may have after a training step; 0: any. The published pure GRU had 0.95."""

    def __post_init__(self) -> None:
        check_choices(self)
        _positive(width=self.width, heads=self.heads)
        if self.embedding < 0:
            raise SpecError(f"embedding must be 0 or more; got {self.embedding}")
        if self.tied and self.embedding not in (0, self.width):
            raise SpecError(
                f"tied needs embedding {self.embedding} = width {self.width}; write --no-tied"
            )
        if self.attention != "none" and self.embedding_width % self.heads:
            raise SpecError(
                f"embedding {self.embedding_width} must be a multiple of heads {self.heads}"
            )
        if self.attention == "sigmoid" and self.width % self.heads:
            raise SpecError(f"width {self.width} must be a multiple of heads {self.heads}")
        if self.leash < 0:
            raise SpecError(f"leash must be 0 or more; got {self.leash}")

    @property
    def embedding_width(self) -> int:
        return self.embedding or self.width

    @property
    def layers(self) -> int:
        return 1

    @property
    def reads_context(self) -> bool:
        """Whether the cell reads what attention found."""
        return self.attention in ("full", "query")

    @property
    def windowed(self) -> bool:
        """Whether a text is read in windows; if not, hidden state and memory are all there is."""
        return self.attention != "none" or self.positions == "learned"


@dataclass(frozen=True, kw_only=True)
class MinGRUSpec:
    """Blocks of a minimal gated unit, whose gates see the input alone (arXiv 2410.01201), and an
    MLP; the paper's language model puts a short convolution before each unit."""

    kind: Literal["mingru"] = "mingru"
    layers: int = 2
    """Blocks, one upon the other."""
    width: int = 48
    """Size of the residual stream (E)."""
    state: int = 0
    """Numbers that a unit remembers (H); 0: as width."""
    convolution: int = 4
    """Characters that the convolution before a unit sees, its own included; 0: none."""
    hidden: int = 0
    """Width of the MLP (M); 0: twice the width."""
    tied: bool = True
    """The embedding is also the output matrix."""

    def __post_init__(self) -> None:
        check_choices(self)
        _positive(layers=self.layers, width=self.width)
        for name in ("state", "convolution", "hidden"):
            if getattr(self, name) < 0:
                raise SpecError(f"{name} must be 0 or more; got {getattr(self, name)}")

    @property
    def state_width(self) -> int:
        return self.state or self.width

    @property
    def mlp_width(self) -> int:
        return self.hidden or 2 * self.width


ModelSpec = GPTSpec | GRUSpec | MemoryGRUSpec | MinGRUSpec
FAMILIES: dict[str, type[ModelSpec]] = {
    "gpt": GPTSpec,
    "gru": GRUSpec,
    "memory-gru": MemoryGRUSpec,
    "mingru": MinGRUSpec,
}
