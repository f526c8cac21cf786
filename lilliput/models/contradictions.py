"""Whether a model file's card agrees with its tensors and with itself: looked at before anything is
made or asked, for whoever makes a file can give it a true digest too. Reads no weights."""

import math
from typing import TYPE_CHECKING, Any

from lilliput.models.size import count_parameters
from lilliput.specs.task import ArithmeticSpec, LinesSpec
from lilliput.tasks.task import task_of

if TYPE_CHECKING:
    from lilliput.models.card import Card

_SIZES = {"F32": 4, "I16": 2, "I8": 1}
"""Bytes of a number of ours."""
_LONGEST_CONTEXT = 1 << 20
"""Less than this is a model's own; no tensor would show that it is too much, and tables of so many
positions are made before anything is read."""
_SHORTEST_LINE = 4
"""Characters of a question, a tab, an answer and the end mark."""


def is_whole(header: dict[str, Any], card: "Card") -> bool:
    """Whether a file holds as many numbers as its card's shape has, in as many bytes as they take:
    looked at before anything of that shape is made."""
    held = 0
    try:
        for name, entry in header.items():
            if name != "__metadata__":
                count, (begin, end) = math.prod(entry["shape"]), entry["data_offsets"]
                if end - begin != count * _SIZES[entry["dtype"]]:
                    return False
                held += 0 if name.endswith(".scale") else count
        told = count_parameters(card.own, len(card.vocabulary), card.context)
    except (TypeError, ValueError, KeyError):
        return False
    return held == told == card.parameters


def contradiction(card: "Card") -> str:
    """What in a card cannot be true of one model; empty: nothing.

    Raises:
        SpecError: its task has no such format.
    """
    task = task_of(card.spec.task)
    if card.format != (written := task.format.to_dict()):
        return f"its task is written as {written}, but its format is {card.format}"
    if card.outside:
        return ""
    if not card.end or card.end != card.characters[:1]:
        return f"its end mark {card.end!r} is not the first of its characters"
    if card.context >= _LONGEST_CONTEXT:
        return f"its context of {card.context:,} is not under {_LONGEST_CONTEXT:,}"
    needed, shortest = "", 0
    if isinstance(card.spec.task, ArithmeticSpec):
        needed, shortest = task.vocabulary.characters, task.context
    elif isinstance(card.spec.task, LinesSpec):
        # What else its file has is not known without it, and a model must answer without it.
        needed, shortest = "\t", _SHORTEST_LINE
    if lacking := [character for character in needed if character not in card.characters]:
        return f"its vocabulary lacks {', '.join(map(repr, lacking))}, which its task writes"
    shortest += card.spec.training.opens_with_end
    if card.context < shortest:
        return f"its context of {card.context:,} is under the {shortest:,} that its task takes"
    return ""
