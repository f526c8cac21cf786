"""nanoGPT's settings as specs, its schedule, and digests that new fields leave as they were."""

import ast
import math
from dataclasses import fields, replace

import pytest

from lilliput.errors import SpecError
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    GRUSpec,
    RunSpec,
    StoriesSpec,
    TrainingSpec,
    from_dict,
    to_dict,
)
from lilliput.specs.nanogpt import assignments, read_config
from lilliput.specs.recipes import baby_model, baby_training, stories

CONFIG = """\
# train a miniature character-level model
out_dir = 'out-sums'  # where it goes
eval_interval = 250
wandb_log = False

dataset = 'sums'
gradient_accumulation_steps = 1
batch_size = 64
block_size = 256
n_layer = 6
n_head = 6
n_embd = 384
dropout = 0.2
learning_rate = 1e-3
max_iters = 5000
lr_decay_iters = max_iters
min_lr = learning_rate / 10
beta2 = 0.99
warmup_iters = 100
device = 'cpu'
compile = False
dtype = 'float32'
"""


def test_the_preset_is_what_the_published_settings_say() -> None:
    read = read_config(CONFIG, "config.py")
    assert read.model == baby_model()
    assert read.training == baby_training()
    said = [remark.split(" has no effect: ") for remark in read.remarks]
    assert [name for name, _ in said] == [
        "out_dir", "wandb_log", "dataset", "device", "compile",
    ]  # fmt: skip
    assert all(words for _, words in said)


def test_what_a_file_leaves_out_is_as_nanogpt_has_it() -> None:
    read = read_config("max_iters = 600_000\nbatch_size = 3 * (2 + 2)\n", "config.py")
    assert read.model == replace(baby_model(), layers=12, heads=12, width=768)
    training = read.training
    assert (training.batch, training.block, training.beta2) == (12 * 40, 1024, 0.95)
    assert (training.learning_rate, training.dropout, training.precision) == (6e-4, 0.0, "auto")
    constant = read_config(
        "decay_lr = False\nmax_iters = 20\nlearning_rate = 3e-5", "c.py"
    ).training
    assert {constant.schedule(step) for step in range(20)} == {1.0}


@pytest.mark.parametrize("warmup", [0, 7, 100])
def test_the_schedule_is_nanogpts(warmup: int) -> None:
    steps, peak, least = 300, 1e-3, 1e-4
    text = f"max_iters = {steps}\nlr_decay_iters = {steps}\nwarmup_iters = {warmup}\n"
    training = read_config(f"{text}learning_rate = {peak}\nmin_lr = {least}", "c.py").training
    for step in range(steps):
        if step < warmup:
            expected = peak * (step + 1) / (warmup + 1)
        else:
            part = (step - warmup) / (steps - warmup)
            expected = least + 0.5 * (1 + math.cos(math.pi * part)) * (peak - least)
        assert peak * training.schedule(step) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("end", [40, 600_000])
def test_a_rate_that_falls_to_another_step_falls_to_the_last_and_says_so(end: int) -> None:
    text = "max_iters = 50\nwarmup_iters = 5\n"
    usual = read_config(f"{text}lr_decay_iters = 50", "c.py")
    read = read_config(f"{text}lr_decay_iters = {end}", "c.py")
    assert (read.training, usual.remarks) == (usual.training, ())
    assert read.remarks == (
        "the learning rate falls to the end of the training here, at max_iters 50:"
        f" lr_decay_iters {end:,} has no effect",
    )
    for rest in ("decay_lr = False", "min_lr = 1e-3\nlearning_rate = 1e-3"):
        assert read_config(f"{text}lr_decay_iters = {end}\n{rest}", "c.py").remarks == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n_layer = 2\nimport time\n", r"config.py, line 2: 'import time' is no line"),
        ("n_layer = 2\n\nif True:\n    n_head = 3", r"line 3: .* is no line `name = value`"),
        ("print('hello')", r"line 1: .* is no line `name = value`; nothing .* is executed"),
        ("n_layer = n_head = 2", "line 1: .* is no line"),
        ("n_layer += 2", "line 1: .* is no line"),
        ("a.b = 2", "line 1: .* is no line"),
        ("wandb_run_name = 'ft-' + str(1)", "line 1: the value of wandb_run_name must be a const"),
        ("n_layer = __import__('os').getpid()", "value of n_layer must be a constant"),
        ("n_layer = [2 for _ in 'ab']", "value of n_layer must be a constant"),
        ("n_layer = 9 ** 9", "value of n_layer must be a constant"),
        ("n_layer = 1 / 0", "value of n_layer must be a constant"),
        ("n_layer = 9999999999999999 * 10", "only numbers below 1e15 are summed up"),
        ("n_layer = 'a' * 10", "value of n_layer must be a constant"),
        ("n_layer = width", "value of n_layer must be a constant"),
        ("n_layer = (1, 2)", "a tuple is no setting"),
        ("n_layer = 2\nn_layers = 2", "line 2: unknown setting 'n_layers'; did you mean 'n_layer'"),
        ("n_layer = 2.5", "n_layer must be int, such as 12; got 2.5"),
        ("bias = 0", "bias must be bool, such as False; got 0"),
        ("n_layer = 0", "layers must be 1 or more; got 0"),
        ("n_head = 5", "width 768 must be a multiple of heads 5"),
        ("beta1 = 0.8", "beta1 is 0.9 here; got 0.8"),
        ("max_iters = 9\nlr_decay_iters = 9", "warmup_iters 2,000 must be less than max_iters 9"),
        ("init_from = 'resume'", "--start CKPT.PT"),
        ("init_from = 'gpt2-xl'", "lilliput train hf:NAME"),
        ("n_layer = (", r"config.py, line 1: cannot be read"),
        ("n_layer = '\0'", "cannot be read|no configuration file"),
        ("(" * 5000 + ")" * 5000, "cannot be read|no configuration file"),
        ("n_layer = " + "-" * 50_000 + "1", "cannot be read|no config|must be a constant"),
        ("#" * 200_000, "too long for a configuration file"),
    ],
)
def test_a_file_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_config(text, "config.py")


def test_names_and_numbers_are_folded() -> None:
    made = assignments("a = 2\nb = 3 * (a + 4) - 1\nc = b // 5 / 2\nd = -a\ne = None\nf = 'x'", "c")
    assert {name: value for name, (_, value) in made.items()} == {
        "a": 2, "b": 17, "c": 1.5, "d": -2, "e": None, "f": "x",
    }  # fmt: skip
    assert ast.literal_eval("1.5") == made["c"][1]


def test_digests_are_those_of_before() -> None:
    """Runs and the zoo's models keep their names, whatever fields have come since."""
    assert RunSpec().digest == "9af65e0ece5b56a9"
    assert RunSpec(model=GRUSpec()).digest == "68714e0543cd42f2"
    assert RunSpec(task=StoriesSpec(), training=stories()).digest == "a5df785bc1e47009"


CHANGES: list[tuple[str, object]] = [
    ("dropout", 0.1), ("decay_shape", "cosine"), ("decay_to", 0.1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_a_later_field_counts_where_it_is_set(name: str, value: object) -> None:
    usual = RunSpec()
    spec = replace(usual, training=replace(usual.training, **{name: value}))  # type: ignore[arg-type]
    assert spec.digest != usual.digest
    assert from_dict(RunSpec, to_dict(spec)) == spec
    assert name not in to_dict(usual)["training"]
    assert from_dict(RunSpec, to_dict(usual)) == usual


def test_a_start_counts_and_is_kept() -> None:
    spec = RunSpec(start="ckpt.pt", start_digest="ab", start_marks=("leaked",))
    assert from_dict(RunSpec, to_dict(spec)) == spec
    assert spec.digest not in (RunSpec().digest, replace(spec, start_digest="cd").digest)
    assert spec.marks == {"leaked": "yes"}
    both = replace(spec, task=ArithmeticSpec(source="a.txt", leaked=True), start_marks=("more",))
    assert both.marks == {"leaked": "yes", "more": "yes"}
    assert "start" in {field.name for field in fields(RunSpec)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"dropout": 1.0}, "dropout must be from 0 to under 1"), ({"decay_to": 1.5}, "decay_to must")],
)
def test_impossible_values(changes: dict[str, float], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        TrainingSpec(**changes)  # type: ignore[arg-type]


def test_dropout_is_for_a_gpt() -> None:
    with pytest.raises(SpecError, match="dropout is for a gpt; a gru has none"):
        RunSpec(model=GRUSpec(), training=TrainingSpec(dropout=0.1))
    assert RunSpec(model=GPTSpec(), training=TrainingSpec(dropout=0.1)).digest
