"""A stage of training as it is typed, and back. Knows no command line."""

from typing import Any

from lilliput.errors import SpecError
from lilliput.specs.training import Stage
from lilliput.units import parse_count


def read_whole(text: str) -> int:
    """A whole number, also as `50k` or `14,928`."""
    return int(text) if text.lstrip("-").isdecimal() else parse_count(text)


def read_stage(text: str) -> Stage:
    """`2000 0-9 +- 3,1`: steps, then any of operands, operations and their weights.

    >>> read_stage("2000 0-9 +-").operations
    '+-'
    """
    steps, *rest = text.split() or [""]
    try:
        fields: dict[str, Any] = {"steps": read_whole(steps)}
    except SpecError:
        raise SpecError(
            f"cannot read {steps!r} as steps, which a stage begins with; write steps, then any of"
            " operands, operations and their weights, such as '2000 0-9 +- 3,1'"
        ) from None
    for word in rest:
        if set(word) <= set("+-*/"):
            fields["operations"] = word
        elif "-" in word:
            fields["operands"] = word
        else:
            try:
                fields["weights"] = tuple(float(weight) for weight in word.split(","))
            except ValueError:
                raise SpecError(
                    f"cannot read {word!r} in the stage {text!r}; write steps, then any of"
                    " operands, operations and their weights, such as '2000 0-9 +- 3,1'"
                ) from None
    return Stage(**fields)


def write_stage(stage: Stage) -> str:
    """What `read_stage` reads."""
    weights = ",".join(f"{weight:g}" for weight in stage.weights)
    return " ".join(filter(None, [str(stage.steps), stage.operands, stage.operations, weights]))
