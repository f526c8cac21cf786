"""How each kind of task is learned unless told otherwise: whole specs, a function each."""

from lilliput.specs.model import GPTSpec
from lilliput.specs.search import SearchSpec
from lilliput.specs.training import TrainingSpec


def search_of(task: str) -> SearchSpec:
    """The search that a task's kind starts from."""
    if task == "stories":
        return SearchSpec(smallest=2_000, largest=64_000, pass_mark=-2.0)
    return SearchSpec()


def training_of(task: str, family: str = "") -> TrainingSpec:
    """The training that a task's kind (arithmetic, lines, stories) starts from.

    Args:
        family: `hf` where a model of transformers is trained on.
    """
    if family == "hf":
        return transfer()
    return stories() if task == "stories" else TrainingSpec()


def stories() -> TrainingSpec:
    """Text as one stream in blocks of 256 characters or pieces, all of it learned."""
    return TrainingSpec(
        steps=4_000,
        batch=32,
        layout="stream",
        block=256,
        loss="all",
        muon_learning_rate=1e-2,
        weight_decay=0.1,
        decay=0.5,
        evaluate_every=500,
    )


def baby_model() -> GPTSpec:
    """nanoGPT's baby GPT: GPT-1 at half its layers, heads and width, without biases."""
    return nanogpt_shape(layers=6, width=384, heads=6, bias=False)


def nanogpt_shape(*, layers: int, width: int, heads: int, bias: bool) -> GPTSpec:
    """nanoGPT's network (`model.py`): GPT-2's, with the exact GELU, and biases if wanted."""
    return GPTSpec(
        layers=layers,
        width=width,
        heads=heads,
        mlp="gelu-erf",
        norm="layer",
        positions="learned",
        bias=bias,
    )


def baby_training() -> TrainingSpec:
    """How nanoGPT trains it (`config/train_shakespeare_char.py`), and TinyMath on its arithmetic:
    one stream of characters, in float32 as on a CPU. Only the first weights are drawn as ours are.

    `lilliput train baby --source math_dataset_90.txt --leaked` is TinyMath's run: 77 % of what it
    wrote itself, after about 36 hours on its author's machine.
    """
    return TrainingSpec(
        steps=5_000,
        batch=64,
        layout="stream",
        block=256,
        loss="all",
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.1,
        beta2=0.99,
        # nanoGPT's rise is (step + 1) / (100 + 1), and its fall begins at step 100.
        warmup=101,
        decay=0.98,
        decay_shape="cosine",
        decay_to=0.1,
        dropout=0.2,
        evaluate_every=250,
        precision="float32",
    )


SMALL = {100_000: 3e-3, 1_000_000: 1e-3}
"""Rates of models of transformers with fewer parameters than this. Validation of GPT-2s, one seed
each, at 3e-4, 1e-3 and 3e-3: 37,120 parameters, 0-9, 1,000 steps: 15, 71 and 99.5 %; 443,392, 0-29,
600 steps: 8, 17 and 12 %; 3.3 million, 0-9, 250 steps: 86, 84 and 29 %."""


def transfer(parameters: int | None = None) -> TrainingSpec:
    """A model that has learned before: AdamW alone, and unless it is small at a tenth of our own
    families' rate.

    Args:
        parameters: of the model, as HFSpec counts them; None: it is not small.
    """
    size = max(SMALL) if parameters is None else parameters
    rate = next((rate for below, rate in SMALL.items() if size < below), 3e-4)
    return TrainingSpec(
        steps=2_000,
        batch=64,
        optimizer="adamw",
        learning_rate=rate,
        weight_decay=0.01,
        evaluate_every=200,
    )
