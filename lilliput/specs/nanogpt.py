"""nanoGPT's settings (`name = value` lines of `config/*.py`) as specs of ours; nothing is executed.

A file is parsed, and only assignments of constants, or sums of them, are understood. Names that it
does not set have the values of nanoGPT's `train.py`. Source: https://github.com/karpathy/nanoGPT.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lilliput.errors import SpecError, nearest
from lilliput.specs.model import GPTSpec
from lilliput.specs.recipes import nanogpt_shape
from lilliput.specs.training import TrainingSpec

Value = int | float | str | None
_USED: dict[str, Value] = {
    "n_layer": 12,
    "n_head": 12,
    "n_embd": 768,
    "bias": False,
    "dropout": 0.0,
    "block_size": 1024,
    "batch_size": 12,
    "gradient_accumulation_steps": 40,
    "max_iters": 600_000,
    "learning_rate": 6e-4,
    "weight_decay": 0.1,
    "beta1": 0.9,
    "beta2": 0.95,
    "grad_clip": 1.0,
    "decay_lr": True,
    "warmup_iters": 2_000,
    "lr_decay_iters": 600_000,
    "min_lr": 6e-5,
    "eval_interval": 2_000,
    "init_from": "scratch",
    "dtype": "auto",
}
"""Names that mean something here, as `train.py` has them unless a file says otherwise."""
_IDLE = {
    "out_dir": "runs go to runs/; --name names the folder",
    "log_interval": "how far a training is, is shown all the time",
    "eval_iters": "all that is kept for validation is asked",
    "always_save_checkpoint": "a run is saved at each validation and goes on where it was stopped",
    "wandb_log": "the learning curve is in the run's metrics.jsonl",
    "wandb_project": "the learning curve is in the run's metrics.jsonl",
    "wandb_run_name": "the learning curve is in the run's metrics.jsonl",
    "dataset": "what is learned is named by --source, or by --task stories --text",
    "backend": "one process trains one model",
    "device": "write --device",
    "compile": "write --compile",
    "eval_only": "a model is asked its exam by `lilliput grade`",
}
"""Names that do not, and what there is instead."""
_LONGEST = 100_000
_SUMS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


class Read(NamedTuple):
    """What a file of settings says."""

    model: GPTSpec
    training: TrainingSpec
    remarks: tuple[str, ...]
    """One for each name without a meaning here."""


def read_config(text: str, name: str) -> Read:
    """A configuration file's text as specs.

    Args:
        name: of the file, for messages.

    Raises:
        SpecError: a statement that is no assignment of a constant, with its line; an unknown name;
            settings that no spec of ours can hold.
    """
    settings = assignments(text, name)
    for known, (line, _) in settings.items():
        if known not in _USED and known not in _IDLE:
            hint = nearest(known, [*_USED, *_IDLE])
            raise SpecError(f"{name}, line {line}: unknown setting {known!r}{hint}")
    values = {known: value for known, (_, value) in settings.items()}
    try:
        model, training = specs_of(values)
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from None
    remarks = [f"{known} has no effect: {_IDLE[known]}" for known in values if known in _IDLE]
    if values.get("dtype") == "float16":
        remarks.append("dtype float16 is not used here: --precision chooses by itself")
    remarks += decay_remarks(values)
    return Read(model, training, tuple(remarks))


def assignments(text: str, name: str) -> dict[str, tuple[int, Value]]:
    """Line and value of every name that a file sets.

    Raises:
        SpecError: see `read_config`.
    """
    if len(text) > _LONGEST:
        raise SpecError(f"{name} is too long for a configuration file: {len(text):,} characters")
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise SpecError(f"{name}, line {error.lineno}: cannot be read: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise SpecError(f"{name} is no configuration file of nanoGPT") from None
    settings: dict[str, tuple[int, Value]] = {}
    for statement in body:
        where = f"{name}, line {statement.lineno}"
        known = {key: value for key, (_, value) in settings.items()}
        match statement:
            case ast.Assign(targets=[ast.Name(id=key)], value=value):
                try:
                    settings[key] = (statement.lineno, _value(value, known))
                except (ValueError, ArithmeticError, RecursionError) as error:
                    raise SpecError(
                        f"{where}: the value of {key} must be a constant, or a sum of some; got"
                        f" {ast.unparse(value)[:60]!r} ({error})"
                    ) from None
            case _:
                raise SpecError(
                    f"{where}: {ast.unparse(statement)[:60]!r} is no line `name = value`; nothing"
                    " in a configuration file is executed, so take it out"
                )
    return settings


def _value(node: ast.expr, known: Mapping[str, Value]) -> Value:
    """A constant, a name that was set before, or a sum of numbers.

    Raises:
        ValueError, ArithmeticError: it is none of them.
    """
    match node:
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SUMS:
            made: Value = _SUMS[type(op)](_number(left, known), _number(right, known))
            return made
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, known)
    try:
        value = ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError):
        raise ValueError("nothing is called or looked up") from None
    if value is not None and not isinstance(value, int | float | str):
        raise ValueError(f"a {type(value).__name__} is no setting")
    return value


def _number(node: ast.expr, known: Mapping[str, Value]) -> int | float:
    value = _value(node, known)
    if isinstance(value, str | None) or abs(value) > 1e15:
        raise ValueError("only numbers below 1e15 are summed up")
    return value


def specs_of(values: Mapping[str, Value]) -> tuple[GPTSpec, TrainingSpec]:
    """The network and the training that nanoGPT's settings describe; names of no meaning are left
    out of account.

    Raises:
        SpecError: a value of a wrong kind, or one that no spec of ours can hold.
    """
    set_ = {**_USED, **{name: value for name, value in values.items() if name in _USED}}
    for name, usual in _USED.items():
        set_[name] = _kind(name, set_[name], usual)
    s: Any = set_
    if s["init_from"] != "scratch":
        how = "--start CKPT.PT" if s["init_from"] == "resume" else "`lilliput train hf:NAME`"
        raise SpecError(f"init_from {s['init_from']!r} is written as {how} here; leave it out")
    if s["beta1"] != 0.9:
        raise SpecError(f"beta1 is 0.9 here; got {s['beta1']:g}")
    steps, warmup = s["max_iters"], s["warmup_iters"]
    decays = s["decay_lr"]
    if decays and not 0 <= warmup < steps:
        raise SpecError(f"warmup_iters {warmup:,} must be less than max_iters {steps:,}")
    precision: Any = s["dtype"] if s["dtype"] in ("float32", "bfloat16") else "auto"
    model = nanogpt_shape(layers=s["n_layer"], width=s["n_embd"], heads=s["n_head"], bias=s["bias"])
    training = TrainingSpec(
        steps=steps,
        batch=s["batch_size"] * s["gradient_accumulation_steps"],
        layout="stream",
        block=s["block_size"],
        loss="all",
        optimizer="adamw",
        learning_rate=s["learning_rate"],
        weight_decay=s["weight_decay"],
        beta2=s["beta2"],
        # nanoGPT's rise is (step + 1) / (warmup_iters + 1), and its fall begins at warmup_iters.
        warmup=warmup + 1 if decays else 0,
        decay=1 - warmup / steps if decays else 0.0,
        decay_shape="cosine" if decays else "linear",
        decay_to=s["min_lr"] / s["learning_rate"] if s["learning_rate"] and decays else 0.0,
        dropout=s["dropout"],
        clip=s["grad_clip"],
        evaluate_every=s["eval_interval"],
        precision=precision,
    )
    return model, training


def decay_remarks(values: Mapping[str, Value]) -> list[str]:
    """What is said of settings whose learning rate falls to another step than the last, which no
    spec of ours can hold; of a rate that falls to itself there is nothing to say.

    Args:
        values: that `specs_of` has taken.
    """
    s: Any = {**_USED, **values}
    steps, end = s["max_iters"], s["lr_decay_iters"]
    if not s["decay_lr"] or end == steps or s["min_lr"] == s["learning_rate"]:
        return []
    return [
        f"the learning rate falls to the end of the training here, at max_iters {steps:,}:"
        f" lr_decay_iters {end:,} has no effect"
    ]


def _kind(name: str, value: Value, usual: Value) -> Value:
    """The value, of the kind that the name has; a whole number is one with a point, too."""
    if type(usual) is float and type(value) is int:
        return float(value)
    if type(value) is not type(usual):
        raise SpecError(f"{name} must be {type(usual).__name__}, such as {usual}; got {value!r}")
    return value
