"""What a search found, in sentences. Knows the search's result, and no flag."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.faces.text import interval
from lilliput.units import format_seconds

if TYPE_CHECKING:
    from lilliput.search.job import Evidence
    from lilliput.search.result import Family, Result, Size, Snapshot
    from lilliput.search.trial import Trial


def evidence_words(evidence: "Evidence") -> str:
    return interval(evidence.right, evidence.total, evidence.low, evidence.high)


def shape_words(trial: "Trial") -> str:
    """`gpt, 2 layers × 24, 14,928 parameters`"""
    model = _model(trial.spec)
    layers = model.get("layers")
    shape = f"{layers} layer{'s' if layers != 1 else ''} × {model.get('width')}, " if layers else ""
    return f"{trial.family}, {shape}{trial.parameters:,} parameters"


def _model(spec: Any) -> Mapping[str, Any]:
    if isinstance(spec, Mapping):
        return dict(spec.get("model", {}))
    model = getattr(spec, "model", None)
    return {field.name: getattr(model, field.name) for field in fields(model)} if model else {}


def size_words(size: "Size") -> str:
    """The winner's sentence: `gpt, 2 layers × 24, 14,928 parameters: validation 72.0 %, unseen
    71.9 % [70.4, 73.3], 4 of 5 seeds pass`."""
    words = f"{shape_words(size.trial)}: validation {100 * size.validation.score:.1f} %"
    if size.unseen is not None:
        words += f", unseen {evidence_words(size.unseen)}"
    return f"{words}, {size.passed} of {size.tried} seeds pass"


def answer(snapshot: "Snapshot", folder: Path) -> str:
    """All that is said at the end of a search."""
    result = snapshot.result
    assert result is not None
    mark = f"{100 * result.pass_mark:g} %"
    lines = [""]
    if result.winner is not None:
        lines.append(f"Smallest confirmed model that passes {mark}: {size_words(result.winner)}")
    else:
        lines.append(f"No model was confirmed to pass {mark}. {best_so_far(snapshot)}")
    lines += [line for family in result.families for line in _family_lines(family, result.winner)]
    lines += [f"  {error}" for error in snapshot.errors]
    trials = f"{result.num_trials} trials, {result.steps:,} steps"
    lines.append(f"\n{trials}, {format_seconds(result.seconds)} of training in all")
    if not result.finished:
        lines.append("the budget ended it before all was decided; run it again to go on")
    if result.winner is not None:
        model = folder / "models" / f"trial-{result.winner.trial.number}"
        lines.append(f"model:  {model / 'model.safetensors'}")
        lines.append(f'try it: lilliput calc "12 + 24" --model {model}')
    lines.append(f"report: {folder / 'report.html'}; ledger: {folder / 'ledger.json'}, *.csv")
    return "\n".join(lines)


def _family_lines(family: "Family", winner: "Size | None") -> list[str]:
    """The smallest passing size and where it fails totally; the winner has been named before."""
    lines = []
    passing, confirmed = family.smallest_passing, family.smallest_confirmed
    if confirmed is not None and confirmed is not winner:
        lines.append(f"  {family.name}: smallest confirmed {size_words(confirmed)}")
    if passing is not None and passing is not confirmed:
        lines.append(f"  {family.name}: smallest passing on validation {size_words(passing)}")
    if passing is None and family.sizes:
        lines.append(f"  {family.name}: none passes; the best is {size_words(_best(family))}")
    if family.fails_totally is not None:
        fails = family.fails_totally
        score = f"{100 * fails.validation.score:.1f} %"
        lines.append(
            f"  {family.name}: fails totally at {fails.parameters:,} parameters ({score}, no better"
            " than the best constant answer)"
        )
    return lines


def _best(family: "Family") -> "Size":
    return max(family.sizes, key=lambda size: size.validation.score)


def best_so_far(snapshot: "Snapshot") -> str:
    """The best that a search in progress has, in one sentence."""
    best = snapshot.best
    if best is not None:
        assert best.last is not None
        words = f"{shape_words(best)}, validation {evidence_words(best.last)}"
        return f"The smallest that passes on validation so far: {words}"
    tried = [trial for trial in snapshot.trials if trial.last is not None]
    if not tried:
        return "No trial has been validated yet."
    top = max(tried, key=lambda trial: trial.points[-1].validation.score)
    words = evidence_words(top.points[-1].validation)
    return f"None passes on validation so far; the best: {shape_words(top)}, validation {words}"


def to_dict(result: "Result") -> dict[str, Any]:
    """The result as JSON-ready tables."""
    families = [
        {
            "name": family.name,
            "smallest_passing": _parameters(family.smallest_passing),
            "smallest_confirmed": _parameters(family.smallest_confirmed),
            "fails_totally": _parameters(family.fails_totally),
            "sizes": [_size(size) for size in family.sizes],
        }
        for family in result.families
    ]
    return {
        "pass_mark": result.pass_mark,
        "winner": _size(result.winner) if result.winner else None,
        "families": families,
        "trials": result.num_trials,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "finished": result.finished,
        "folder": str(result.folder) if result.folder else None,
    }


def _parameters(size: "Size | None") -> int | None:
    return size.parameters if size else None


def _size(size: "Size") -> dict[str, Any]:
    return {
        "family": size.family,
        "parameters": size.parameters,
        "trial": size.trial.number,
        "model": json.loads(json.dumps(dict(_model(size.trial.spec)))),
        "validation": _evidence(size.validation),
        "unseen": _evidence(size.unseen) if size.unseen else None,
        "confirmed": size.confirmed,
        "passed": size.passed,
        "tried": size.tried,
        "typical": size.typical,
        "fails_totally": size.fails_totally,
    }


def _evidence(evidence: "Evidence") -> dict[str, Any]:
    return {**asdict(evidence), "score": evidence.score}
