"""What a search's page says: its ledger as an answer and as charts. Draws and writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lilliput.errors import LedgerError
from lilliput.faces import bought, charts
from lilliput.faces.found import (
    Levels,
    asked_words,
    asks_all,
    evidence_words,
    floor_words,
    levels_of,
    marks_of,
    shape_words,
    size_words,
)
from lilliput.faces.text import mark_words
from lilliput.lab.cut_words import FROM_NOTHING, kinds_words
from lilliput.search.ledger import Ledger
from lilliput.search.result import Result, Size, summarise
from lilliput.search.trial import CUT_DOWN, Look, Trial
from lilliput.specs import RunSpec, TaskSpec, from_dict
from lilliput.specs.search import SearchSpec
from lilliput.units import pass_words, point_words


@dataclass(frozen=True)
class Search:
    """All that the ledger of a folder says at a moment."""

    spec: SearchSpec
    key: str
    floor: float
    trials: Sequence[Trial]
    looks: Sequence[Look]
    result: Result

    @property
    def task(self) -> TaskSpec:
        task: TaskSpec = self.trials[0].spec.task
        return task

    @property
    def num_all(self) -> int:
        """Problems of a space that is asked whole, all of them trained on; 0: some are unseen."""
        seen = [trial.last for trial in self.trials if trial.last is not None]
        return next((evidence.total for evidence in seen if asks_all(evidence)), 0)

    @property
    def cuts(self) -> bool:
        """Whether it cuts a model down."""
        return any(trial.cut is not None for trial in self.trials)

    @property
    def levels(self) -> Levels:
        return levels_of(self.looks)

    @property
    def families(self) -> list[str]:
        """Those with a trial, as charts name them."""
        found = [_kind(trial) for trial in self.trials]
        order = self.spec.families
        known = sorted(dict.fromkeys(found), key=lambda kind: order.index(kind.split(",")[0]))
        return [kind + mark_words(self.marks[kind]) for kind in known]

    def label(self, trial: Trial) -> str:
        """A trial's family as charts name it: `gpt`, or `gpt, *leaked*` where all of it is, so that
        a chart that is shown alone says so too; `gpt, cut down` apart from `gpt, from nothing`."""
        return _kind(trial) + mark_words(self.marks[_kind(trial)])

    @cached_property
    def marks(self) -> dict[str, dict[str, str]]:
        """What must be said of every trial of a family, by its name; of every trial, by none."""
        found: dict[str, dict[str, str]] = {}
        for trial in self.trials:
            own = marks_of(trial.spec)
            for name in (_kind(trial), ""):
                found[name] = {k: v for k, v in found.get(name, own).items() if k in own}
        return found

    @property
    def shown(self) -> list[Size]:
        """Each family's smallest confirmed size, the winner first."""
        found = [s for family in self.result.families if (s := family.smallest_confirmed)]
        return sorted(found, key=lambda size: size.parameters)


def _kind(trial: Trial) -> str:
    if trial.from_nothing:
        return f"{trial.family}, {FROM_NOTHING}"
    return trial.family if trial.cut is None else f"{trial.family}, cut down"


def read_search(folder: Path) -> Search:
    """Raises LedgerError where there is none, or none of its trials has begun."""
    with Ledger(folder, spec_type=RunSpec, write=False) as ledger:
        identity = dict(ledger.identity)
        floor, key = float(identity.pop("floor")), str(identity.pop("key"))
        spec = from_dict(SearchSpec, identity)
        trials, looks = ledger.trials, ledger.looks
    if not trials:
        raise LedgerError(f"the ledger in {folder} has no trial yet; run `lilliput find` again")
    result = summarise(spec, trials, looks, floor, folder=folder)
    return Search(spec, key, floor, trials, looks, result)


def answer(search: Search) -> str:
    """The winner in one sentence with its evidence, or how near the search came."""
    mark = pass_words(search.spec.pass_mark)
    if search.result.winner is not None:
        return size_words(search.result.winner, search.levels)
    passing = [s for f in search.result.families if (s := f.smallest_passing)]
    if passing:
        smallest = min(passing, key=lambda size: size.parameters)
        on = asked_words(smallest.validation)
        none = "" if asks_all(smallest.validation) else "No model is confirmed yet. "
        return f"{none}Smallest to pass on {on}: {size_words(smallest)}"
    sizes = [size for family in search.result.families for size in family.sizes]
    if not sizes:
        return "No trial has been validated yet."
    best = max(sizes, key=lambda size: size.validation.score)
    return f"No model passes {mark}. The best: {size_words(best)}"


def frontier(search: Search) -> charts.Spec:
    points = []
    for family in search.result.families:
        for size in family.sizes:
            points += [] if family.left_early(size) else _points(size, search)
        lost = family.fails_totally
        if lost is not None:
            score = lost.validation.score
            words = (
                f"{lost.parameters:,} parameters: not shown to be better than {floor_words(score)}"
            )
            points.append(_point(lost, search, charts.FAILURE, score, words))
    points += _beside(search)
    trials = [
        {
            "family": search.label(trial),
            "parameters": trial.parameters,
            "score": round(trial.last.score, 4),
            "text": f"trial {trial.number}: {shape_words(trial)}, {asked_words(trial.last)}"
            f" {evidence_words(trial.last)} after {trial.step:,} steps",
        }
        for trial in search.trials
        if trial.last is not None
    ]
    return charts.frontier(
        points,
        trials,
        families=search.families,
        pass_mark=search.spec.pass_mark,
        floor=search.floor,
    )


def _points(size: Size, search: Search) -> list[dict[str, Any]]:
    """The best run of a size, by the strictest exam that it took, and its recipe's median."""
    seen = size.unseen if size.confirmed and size.unseen is not None else size.validation
    kind = charts.CONFIRMED if size.confirmed else charts.VALIDATED
    kind = charts.WHOLE if asks_all(size.validation) else kind
    words = size_words(size, search.levels)
    possible = _point(size, search, kind, seen.score, words, seen.low, seen.high)
    if size.typical is None:
        return [possible]
    scores = ", ".join(map(point_words, sorted(size.typical_scores)))
    words = (
        f"{shape_words(size.trial)}: median of {len(size.typical_scores)} fresh seeds of one"
        f" recipe, {asked_words(size.validation)} {point_words(size.typical)} (of {scores})"
    )
    low, high = min(size.typical_scores), max(size.typical_scores)
    return [possible, _point(size, search, charts.TYPICAL, size.typical, words, low, high)]


def _point(
    size: Size,
    search: Search,
    kind: str,
    score: float,
    text: str,
    low: float | None = None,
    high: float = 0.0,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "family": search.label(size.trial), "parameters": size.parameters, "kind": kind,
        "score": round(score, 4), "text": text,
    }  # fmt: skip
    if low is not None:
        row |= {"low": round(low, 4), "high": round(high, 4)}
    if kind in (charts.CONFIRMED, charts.VALIDATED) and size.trial.cut:
        row["cut"] = kinds_words(size.trial.cut)
    return row


def _beside(search: Search) -> list[dict[str, Any]]:
    """Each size that was trained from nothing too, with nothing else changed."""
    rows = []
    label = next((search.label(trial) for trial in search.trials if trial.from_nothing), "")
    for gain in search.result.gains:
        if gain.way == CUT_DOWN and gain.pairs and gain.without:
            low, high = bought.ends(gain.without)
            words = (
                f"{label}, {gain.parameters:,} parameters:"
                f" validation {bought.mean_words(gain.without)}"
                f" after {gain.step:,} steps, {bought.seeds_words(gain)}"
            )
            rows.append({
                "family": label, "parameters": gain.parameters, "kind": charts.BESIDE,
                "score": round(gain.without.score, 4), "text": words,
                "low": round(low, 4), "high": round(high, 4),
            })  # fmt: skip
    return rows


def curves(search: Search) -> charts.Spec:
    rows = []
    for trial in search.trials:
        scores = {row["step"]: row["right"] / row["total"] for p in trial.points for row in
                  p.metrics if row.get("total")}  # fmt: skip
        scores |= {point.step: point.validation.score for point in trial.points}
        family = search.label(trial)
        head = {"trial": trial.number, "family": family, "parameters": trial.parameters}
        text = f"trial {trial.number}: {shape_words(trial)}, seed {trial.seed}"
        rows += [
            {**head, "step": step, "score": round(scores[step], 4), "text": text}
            for step in sorted(scores)
        ]
    several = search.families if len(search.families) > 1 else None
    title = f"score on all {search.num_all:,} problems" if search.num_all else "validation score"
    title += mark_words(search.marks[""])
    mark = search.spec.pass_mark
    return charts.curves(rows, by_family=several, y="score", title=title, pass_mark=mark)
