"""`lilliput zoo`: the models that come with the package, listed, or graded again and compared."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.faces.text import mark_words
from lilliput.units import format_bytes

if TYPE_CHECKING:
    from lilliput.zoo import Entry

ABOUT = "Lists the models that come with the package: load one as zoo:NAME."


def flags_of() -> list[Flag]:
    return [
        Flag("verify", bool, False, "Grade every model again; fail on any difference."),
        Flag("json", bool, False, "Print JSON."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("zoo", ABOUT, flags_of(), argv)
    from lilliput.zoo import entries

    found = entries()
    if values.verify:
        return _verify(found, values.json)
    if values.json:
        rows = [{**asdict(entry), "marks": _marks(entry)} for entry in found]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    if not found:
        print("the zoo is empty; `lilliput find arithmetic` makes a model")
        return 0
    for line in _table(found):
        print(line)
    return 0


def _table(found: "Sequence[Entry]") -> list[str]:
    """Aligned columns; without rich, whose import would be most of the time of this verb."""
    header = ["name", "task", "model", "parameters", "size", "unseen [95 %]", "beyond", "format"]
    rows = [header, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    right = {3, 4}
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(entry: "Entry") -> list[str]:
    low, high = entry.unseen_interval
    right, total = entry.unseen
    score = f"{100 * right / total:.1f} %"
    if low == high:
        score += f" of all {total:,}, all trained on"
    else:
        score += f" [{100 * low:.1f}, {100 * high:.1f}]"
    beyond = f"{100 * entry.beyond[0] / entry.beyond[1]:.1f} %" if entry.beyond[1] else ""
    return [
        entry.name + mark_words(_marks(entry)),
        entry.task,
        f"{entry.family} {entry.shape}",
        f"{entry.parameters:,}",
        format_bytes(entry.bytes),
        score,
        beyond,
        entry.format,
    ]


def _marks(entry: "Entry") -> dict[str, str]:
    """What must be said of a model; nothing where its file is damaged, which --verify says."""
    from lilliput.models.modelfile import read_card
    from lilliput.zoo import path_of

    try:
        return read_card(path_of(entry.name)).marks
    except LilliputError:
        return {}


def _verify(found: "Sequence[Entry]", as_json: bool) -> int:
    """Exit code 0 where every model is what zoo.toml says, else 1."""
    differences = {}
    for entry in found:
        try:
            wrong = _differences(entry)
        except LilliputError as error:  # a damaged file; the others are looked at all the same
            wrong = {"file": ("a model", str(error))}
        differences[entry.name] = wrong
        if not as_json:
            print(f"{entry.name}: {'verified' if not wrong else 'DIFFERS'}", flush=True)
        for name, (says, has) in wrong.items():
            print(f"  {name}: zoo.toml says {says}, it has {has}", file=sys.stderr)
    if as_json:
        print(json.dumps(differences, ensure_ascii=False))
    return 1 if any(differences.values()) else 0


def _differences(entry: "Entry") -> dict[str, tuple[Any, Any]]:
    """What zoo.toml says and what the model has, where these differ."""
    import hashlib

    from lilliput.lab.verbs import grade
    from lilliput.zoo import path_of, shape_words

    content = path_of(entry.name).read_bytes()
    graded = grade(f"zoo:{entry.name}", ("valid", "unseen", "beyond"), keep=False)
    sections = graded.grade.sections
    unseen = sections["unseen"]
    beyond, card = sections.get("beyond"), graded.model.card
    seed, valid = card.spec.seed, _counts(sections["valid"])
    has: dict[str, Any] = {
        "bytes": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "parameters": sum(p.numel() for p in graded.model.network.parameters()),
        "family": card.spec.model.kind,
        "shape": shape_words(card.spec.model),
        "format": card.format["kind"],
        "task": _task(entry.task, card.spec.task),
        "seeds": (seed, *valid),
        "valid": valid,
        "unseen": _counts(unseen),
        "unseen_interval": tuple(round(end, 4) for end in unseen.overall.interval[1:]),
        "unseen_by_operation": {
            name: (tally.right, tally.total) for name, tally in unseen.groups.items()
        },
        "beyond": _counts(beyond) if beyond else (0, 0),
        "characters": round(unseen.length, 2),
    }
    says = {name: getattr(entry, name) for name in has}
    says["seeds"] = next((row for row in entry.seeds if row[0] == seed), None)
    says["unseen_interval"] = tuple(round(end, 4) for end in entry.unseen_interval)
    says["characters"] = round(entry.characters, 2)
    return {name: (says[name], has[name]) for name in has if says[name] != has[name]}


def _task(words: str, task: Any) -> str:
    """The same words where they fit the task that a model was trained on; else what it is."""
    if not hasattr(task, "operands"):
        return words
    names = {"+": "addition", "-": "subtraction", "*": "multiplication", "/": "division"}
    name = names.get(task.operations, "arithmetic")
    named = words.partition(" ")[0]
    right = named == name or named not in (*names.values(), "arithmetic")
    return words if right and words.split()[-1] == task.operands else f"{name} {task.operands}"


def _counts(section: Any) -> tuple[int, int]:
    return section.overall.right, section.overall.total
