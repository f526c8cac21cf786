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
AS_GIVEN = "as given"
"""Of the model that is cut down, before anything is cut or trained."""


def moves_words(cut: Cut) -> str:
    """`heads 4 to 2, neurons 48 to 31`; `nothing` where all of the model is left."""
    told = (f"{_NAMES[kind]} {before} to {after}" for kind, (before, after) in (cut or {}).items())
    return ", ".join(told) or "nothing"


def kinds_words(cut: Cut) -> str:
    """The same without numbers, where there is little room: `heads, neurons`; empty: nothing."""
    return ", ".join(_NAMES[kind] for kind in cut or {})


def kind_words(trial: "Trial") -> str:
    """After a trial's family, where there is little room: `, heads, neurons`, `, as given` or
    `, from nothing`; empty where nothing was cut."""
    words = _other_way(trial) or kinds_words(trial.cut)
    return f", {words}" if words else ""


def way_words(trial: "Trial") -> str:
    """A cell of a table: `neurons 48 to 31`, `nothing`, `as given` or `from nothing`; empty where a
    search cuts no model down."""
    return _other_way(trial) or ("" if trial.cut is None else moves_words(trial.cut))


def tail_words(trial: "Trial") -> str:
    """After a trial's shape: `, cut down (neurons 48 to 31)`, `, not cut down`, `, as given` or
    `, from nothing`; empty where a search cuts no model down."""
    if words := _other_way(trial):
        return f", {words}"
    if trial.cut is None:
        return ""
    return f", cut down ({moves_words(trial.cut)})" if trial.cut else ", not cut down"


def _other_way(trial: "Trial") -> str:
    """What a trial is where it did not begin with a cut; empty: it did, or nothing is cut down."""
    return AS_GIVEN if trial.given else FROM_NOTHING if trial.from_nothing else ""
