"""What a search found, in sentences. Knows the search's result, and no flag."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from statistics import NormalDist
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lilliput.faces import bought
from lilliput.faces.text import ALL_TRAINED_ON, interval, mark_words
from lilliput.lab.cut_words import tail_words
from lilliput.search.trial import CUT_DOWN, TAUGHT, counted
from lilliput.specs import StoriesSpec
from lilliput.units import format_seconds, pass_words, point_words

if TYPE_CHECKING:
    from lilliput.search.job import Evidence
    from lilliput.search.result import Family, Result, Size, Snapshot
    from lilliput.search.trial import Look, Trial

Levels = Mapping[int, float]
"""Trials by number, and how sure the interval of their look at unseen is (0.95)."""


def levels_of(looks: "Iterable[Look]") -> Levels:
    return {look.trial: level_of(look.z) for look in looks}


def level_of(z: float) -> float:
    """How sure an interval of a quantile of the normal distribution is: 0.95 for 1.96."""
    return 2 * NormalDist().cdf(z) - 1


def asks_all(evidence: "Evidence") -> bool:
    """Whether all problems of the space were asked, all of them trained on: no interval then."""
    return evidence.low == evidence.high


def asked_words(evidence: "Evidence") -> str:
    """What decides: validation, or all problems where none is kept unseen."""
    return f"all {evidence.total:,} problems" if asks_all(evidence) else "validation"


def evidence_words(evidence: "Evidence", level: float = 0.95) -> str:
    """`72.0 % [70.4, 73.3]`, and ` at 97.5 %` where the interval is not of 95 %."""
    words = interval(evidence.right, evidence.total, evidence.low, evidence.high)
    usual = asks_all(evidence) or abs(level - 0.95) < 1e-6
    return words if usual else f"{words} at {100 * level:.4g} %"


def marks_of(spec: Any) -> dict[str, str]:
    """What must be said wherever a trial is shown, as in the card of its model."""
    if not isinstance(spec, Mapping):
        return dict(getattr(spec, "marks", {}))
    own = {
        "leaked": spec.get("task", {}).get("leaked"),
        "pretrained": spec.get("model", {}).get("kind") == "hf",
        "taught": spec.get("training", {}).get("teacher"),
    }
    marks = [name for name, marked in own.items() if marked]
    return dict.fromkeys([*marks, *spec.get("start_marks", ())], "yes")


def shape_words(trial: "Trial") -> str:
    """`gpt, 2 layers × 24, 14,928 parameters`, *leaked* where it is, and what was cut."""
    model = _model(trial.spec)
    layers = model.get("layers")
    if model.get("kind") == "hf":
        return f"{trial.family}, {blocks_words(model['every'])}, {_tail(trial)}"
    shape = f"{layers} layer{'s' if layers != 1 else ''} × {model.get('width')}, " if layers else ""
    return f"{trial.family}, {shape}{_tail(trial)}"


def _tail(trial: "Trial") -> str:
    return f"{trial.parameters:,} parameters{mark_words(marks_of(trial.spec))}{tail_words(trial)}"


def blocks_words(every: int) -> str:
    """What a student keeps of a model's blocks: `every 2nd block`; 1: `all blocks`."""
    return "all blocks" if every == 1 else f"every {every}{'nd' if every == 2 else 'th'} block"


def _model(spec: Any) -> Mapping[str, Any]:
    if isinstance(spec, Mapping):
        return dict(spec.get("model", {}))
    model = getattr(spec, "model", None)
    return {field.name: getattr(model, field.name) for field in fields(model)} if model else {}


def size_words(size: "Size", levels: Levels = MappingProxyType({})) -> str:
    """The winner's sentence: `gpt, 2 layers × 24, 14,928 parameters: validation 72.0 %, unseen
    71.9 % [70.4, 73.3], 4 of 5 seeds pass`; where all problems are trained on, `100.0 % of all 390
    problems, all trained on`. The model that is cut down, as it is, has no seeds."""
    seen, unseen = size.validation, size.unseen
    score = point_words(seen.score)
    if asks_all(seen):
        score += f" of all {seen.total:,} problems, all trained on"
    else:
        score = f"validation {score}"
        if unseen is not None:
            score += f", unseen {evidence_words(unseen, levels.get(size.trial.number, 0.95))}"
    if not size.trial.given:
        score += f", {size.passed} of {size.tried} seeds pass"
    return f"{shape_words(size.trial)}: {score}"


def answer(snapshot: "Snapshot", folder: Path, levels: Levels = MappingProxyType({})) -> str:
    """All that is said at the end of a search."""
    result = snapshot.result
    assert result is not None
    mark = pass_words(result.pass_mark)
    lines = [""]
    if result.winner is not None:
        # Where no problem is kept unseen, nothing can confirm.
        whole = asks_all(result.winner.validation)
        smallest = "Smallest model" if whole else "Smallest confirmed model"
        lines.append(f"{smallest} that passes {mark}: {size_words(result.winner, levels)}")
    else:
        lines.append(f"{_none_words(snapshot)} {mark}. {best_so_far(snapshot)}")
    if result.baseline is not None:
        lines.append(f"  baseline: {size_words(result.baseline, levels)}; {folder / 'baseline'}")
        if not any(TAUGHT in trial.inner for trial in snapshot.trials[1:]):
            lines.append(f"  {untaught_words(result)}")
    for family in result.families:
        lines += _family_lines(family, result.winner, levels)
    if any(asks_all(size.validation) for family in result.families for size in family.sizes):
        lines.append(f"  {ALL_TRAINED_ON}")
    lines += [f"  {error}" for error in snapshot.errors]
    lines += bought.lines(result.gains)
    trials = f"{result.num_trials} trials, {result.steps:,} steps"
    lines.append(f"\n{trials}, {format_seconds(result.seconds)} of training in all")
    if not result.finished:
        # A budget in steps counts those of every sitting: spent, it trains nothing more.
        more = "with a larger --budget " if snapshot.spec.steps else "again "
        lines.append(f"the budget ended it before all was decided; run it {more}to go on")
    if result.winner is not None:
        model = folder / "models" / f"trial-{result.winner.trial.number}"
        lines.append(f"model:  {model / 'model.safetensors'}")
        lines.append(f"try it: {try_words(result.winner.trial.spec, model)}")
    report = f"report: {folder / 'report.html'}; " if (folder / "report.html").exists() else ""
    lines.append(f"{report}ledger: {folder / 'ledger.json'}, *.csv")
    return "\n".join(lines)


def _none_words(snapshot: "Snapshot") -> str:
    seen = [trial.last for trial in snapshot.trials if trial.last is not None]
    return "No model passes" if any(map(asks_all, seen)) else "No model was confirmed to pass"


def untaught_words(result: "Result") -> str:
    """Why nothing below a baseline had it as its teacher."""
    if result.baseline_teaches:
        return "nothing below it was taught by it yet"
    return f"it is below the pass mark of {pass_words(result.pass_mark)}, so it teaches nothing"


def floor_words(score: float) -> str:
    """Who has learned nothing, by what is scored."""
    return "the unigram" if score < 0 else "the best constant answer"


def try_words(spec: Any, model: Path) -> str:
    """The command that asks a model something."""
    if isinstance(spec.task, StoriesSpec):
        return f"lilliput tell 'Once upon a time' --model {shlex.quote(str(model))}"
    return f"lilliput calc {shlex.quote(_question(spec))} --model {shlex.quote(str(model))}"


def _question(spec: Any) -> str:
    """A question of the task that a trial has learned."""
    import random

    from lilliput.tasks.arithmetic import Arithmetic
    from lilliput.tasks.task import task_of

    task = task_of(spec.task)
    if isinstance(task, Arithmetic):
        return next(task.draw(random.Random(0))).question
    question: str = task.section("seen")[0].question
    return question


def _family_lines(family: "Family", winner: "Size | None", levels: Levels) -> list[str]:
    """The smallest passing size and where it fails totally; the winner has been named before."""
    lines = []
    passing, confirmed = family.smallest_passing, family.smallest_confirmed
    if confirmed is not None and confirmed is not winner:
        how = "that passes" if asks_all(confirmed.validation) else "confirmed"
        lines.append(f"  {family.name}: smallest {how} {size_words(confirmed, levels)}")
    if passing is not None and passing is not confirmed:
        on = asked_words(passing.validation)
        lines.append(f"  {family.name}: smallest passing on {on} {size_words(passing, levels)}")
    if passing is None and family.sizes:
        lines.append(
            f"  {family.name}: none passes; the best is {size_words(_best(family), levels)}"
        )
    if family.fails_totally is not None:
        fails = family.fails_totally
        score = fails.validation.score
        lines.append(
            f"  {family.name}: fails totally at {fails.parameters:,} parameters"
            f" ({point_words(score)}, not shown to be better than {floor_words(score)})"
        )
    return lines


def _best(family: "Family") -> "Size":
    return max(family.sizes, key=lambda size: size.validation.score)


def best_so_far(snapshot: "Snapshot") -> str:
    """The best that a search in progress has, in one sentence."""
    best = snapshot.best
    if best is not None:
        assert best.last is not None
        on = asked_words(best.last)
        return f"The smallest that passes on {on} so far: {validated_words(best)}"
    tried = [trial for trial in counted(snapshot.trials) if trial.last is not None]
    if not tried:
        return "No trial has been validated yet."
    top = max(tried, key=lambda trial: trial.points[-1].validation.score)
    on = asked_words(top.points[-1].validation)
    return f"None passes on {on} so far; the best: {validated_words(top)}"


def validated_words(trial: "Trial") -> str:
    """`gpt, 2 layers × 24, 14,928 parameters, validation 72.0 % [70.4, 73.3]`"""
    seen = trial.points[-1].validation
    return f"{shape_words(trial)}, {asked_words(seen)} {evidence_words(seen)}"


def to_dict(result: "Result", levels: Levels = MappingProxyType({})) -> dict[str, Any]:
    """The result as JSON-ready tables; nothing is confirmed where all problems are trained on."""
    families = [
        {
            "name": family.name,
            "smallest_passing": _parameters(family.smallest_passing),
            "smallest_confirmed": _confirmed(family),
            "fails_totally": _parameters(family.fails_totally),
            "sizes": [_size(size, levels) for size in family.sizes],
        }
        for family in result.families
    ]
    return {
        "pass_mark": result.pass_mark,
        "winner": _size(result.winner, levels) if result.winner else None,
        "families": families,
        "baseline": _size(result.baseline, levels) if result.baseline else None,
        "baseline_teaches": result.baseline_teaches if result.baseline else None,
        "teacher": bought.to_dict(result.gains, TAUGHT),
        "shrink": bought.to_dict(result.gains, CUT_DOWN),
        "trials": result.num_trials,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "finished": result.finished,
        "folder": str(result.folder) if result.folder else None,
    }


def _parameters(size: "Size | None") -> int | None:
    return size.parameters if size else None


def _confirmed(family: "Family") -> int | None:
    size = family.smallest_confirmed
    return size.parameters if size and not asks_all(size.validation) else None


def _size(size: "Size", levels: Levels) -> dict[str, Any]:
    unseen = None
    if size.unseen and not asks_all(size.unseen):
        level = levels.get(size.trial.number, 0.95)
        unseen = {**_evidence(size.unseen), "level": round(level, 6)}
    return {
        "family": size.family,
        "parameters": size.parameters,
        "trial": size.trial.number,
        "model": json.loads(json.dumps(dict(_model(size.trial.spec)))),
        "cut": None if size.trial.cut is None else dict(size.trial.cut),
        "as_given": size.trial.given,
        "validation": _evidence(size.validation),
        "unseen": unseen,
        "all_trained_on": asks_all(size.validation),
        "marks": marks_of(size.trial.spec),
        "confirmed": size.confirmed and not asks_all(size.validation),
        "passed": size.passed,
        "tried": size.tried,
        "typical": size.typical,
        "fails_totally": size.fails_totally,
    }


def _evidence(evidence: "Evidence") -> dict[str, Any]:
    return {**asdict(evidence), "score": evidence.score}
