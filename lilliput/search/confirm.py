"""Which runs are asked for `unseen`, in which order, with what share of the error.

A fixed sequence: runs are named beforehand, one a rung, and asked from the largest rung to the
smallest, up to the first that fails; so each may use its family's whole share. Confirmation number
r spends 5 % / 2^r on one side: the first has the usual two-sided 95 % interval, and all together
stay within 5 % however often a search is gone on with. Families share equally. Knows no exam.
"""

from collections.abc import Sequence, Set
from statistics import NormalDist

from lilliput.search.ladder import chance_of_confirming
from lilliput.search.trial import Look, Trial, counted
from lilliput.specs.search import SearchSpec

ERROR = 0.05
"""Probability that anything is confirmed whose true score is under the mark."""


def z_of_round(spec: SearchSpec, round: int) -> float:
    """Quantile for the interval of confirmation number `round`, from 1."""
    return NormalDist().inv_cdf(1 - ERROR / 2**round / len(spec.families))


def refuted(looks: Sequence[Look], mark: float) -> set[int]:
    """Trials that unseen said no to."""
    return {look.trial for look in looks if look.unseen is not None and not look.confirms(mark)}


def next_look(spec: SearchSpec, trials: Sequence[Trial], looks: Sequence[Look]) -> Look | None:
    """The next named look of the latest confirmation; None: it is over, or there was none."""
    latest = [look for look in looks if look.round == looks[-1].round]
    for family in spec.families:
        for look in (look for look in latest if trials[look.trial].family == family):
            if look.unseen is None:
                return look
            if not look.confirms(spec.pass_mark):
                break
    return None


def name_looks(
    spec: SearchSpec, trials: Sequence[Trial], looks: Sequence[Look], given_up: Set[int]
) -> list[Look]:
    """The runs of a new confirmation; empty where nothing smaller than what is confirmed passes."""
    mark, round = spec.pass_mark, (looks[-1].round if looks else 0) + 1
    z = z_of_round(spec, round)
    asked = {look.trial for look in looks if look.unseen is not None}
    confirmed = asked - refuted(looks, mark)
    named: list[Trial] = []
    for family in spec.families:
        limit = min((trials[n].rung for n in confirmed if trials[n].family == family), default=None)
        best: dict[int, Trial] = {}
        for trial in counted(trials):
            if trial.family != family or trial.number in asked | given_up:
                continue
            if not trial.passes(mark) or (limit is not None and trial.rung >= limit):
                continue
            rival = best.get(trial.rung)
            if rival is None or _validation_low(trial) > _validation_low(rival):
                best[trial.rung] = trial
        named += _sequence(list(best.values()), mark, z)
    return [Look(round, place, trial.number, z) for place, trial in enumerate(named)]


def _sequence(candidates: list[Trial], mark: float, z: float) -> list[Trial]:
    """From the largest to the smallest, without large ones that stand in the way.

    A large run stopped just as it passed may well fail, and would end the sequence. So it begins
    at the smallest run that is likely to be confirmed, with larger ones only if likelier still.
    """
    candidates.sort(key=lambda trial: trial.rung)
    chosen: list[Trial] = []
    most = 0.0
    for trial in candidates:
        chance = chance_of_confirming(trial.points[-1].validation, mark, z)
        if not chosen or most < 0.9 or chance > 0.99:
            chosen.append(trial)
            most = max(most, chance)
    return chosen[::-1]


def _validation_low(trial: Trial) -> float:
    return trial.points[-1].validation.low
