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


SMALL = 500_000
"""Parameters under which a model of transformers is trained at our own families' rate. A GPT-2 of
two layers, 37,120 parameters, after 1,000 steps on 0-9: 15 % at 3e-4, 71 % at 1e-3, 99.5 % at 3e-3;
of 443,392: 94, 100 and 100 %; of four layers, 3.3 million, after 250 steps: 86, 84 and 29 %."""


def transfer(parameters: int = SMALL) -> TrainingSpec:
    """A model that has learned before: AdamW alone, and unless it is small at a tenth of our own
    families' rate, so that what it knows is not lost.

    Args:
        parameters: of the model, as HFSpec counts them.
    """
    return TrainingSpec(
        steps=2_000,
        batch=64,
        optimizer="adamw",
        learning_rate=3e-4 if parameters >= SMALL else TrainingSpec().learning_rate,
        weight_decay=0.01,
        evaluate_every=200,
    )
