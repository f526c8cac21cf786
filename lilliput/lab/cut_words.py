"""How it is told what a trial was cut out of a larger model by, wherever the trial is shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lilliput.search.trial import Trial

Cut = Mapping[str, tuple[int, int]] | None
"""As `Trial.cut`."""
_NAMES = {
    "neurons": "neurons",
    "heads": "heads",
    "keys": "key heads",
    "rank": "rank",
    "share": "shared layers",
    "drop": "layers",
}
"""Of `models.cuts.CUTS`."""
FROM_NOTHING = "from nothing"


def moves_words(cut: Cut) -> str:
    """`heads 4 to 2, neurons 48 to 31`; `nothing` where all of the model is left."""
    told = (f"{_NAMES[kind]} {before} to {after}" for kind, (before, after) in (cut or {}).items())
    return ", ".join(told) or "nothing"


def kinds_words(cut: Cut) -> str:
    """The same without numbers, where there is little room: `heads, neurons`; empty: nothing."""
    return ", ".join(_NAMES[kind] for kind in cut or {})


def kind_words(trial: "Trial") -> str:
    """After a trial's family, where there is little room: `, heads, neurons` or `, from nothing`;
    empty where nothing was cut."""
    words = FROM_NOTHING if trial.from_nothing else kinds_words(trial.cut)
    return f", {words}" if words else ""


def way_words(trial: "Trial") -> str:
    """A cell of a table: `neurons 48 to 31`, `nothing`, or `from nothing`; empty where a search
    cuts no model down."""
    if trial.from_nothing:
        return FROM_NOTHING
    return "" if trial.cut is None else moves_words(trial.cut)


def tail_words(trial: "Trial") -> str:
    """After a trial's shape: `, cut down (neurons 48 to 31)`, `, not cut down` or `, from nothing`;
    empty where a search cuts no model down."""
    if trial.from_nothing:
        return f", {FROM_NOTHING}"
    if trial.cut is None:
        return ""
    return f", cut down ({moves_words(trial.cut)})" if trial.cut else ", not cut down"
