"""`lilliput zoo`: the models that come with the package, listed, or graded again and compared."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.faces.text import console, mark_words, plain_table
from lilliput.files import json_text
from lilliput.units import format_bytes, score_words

if TYPE_CHECKING:
    from lilliput.zoo import Entry

ABOUT = (
    "Lists the models that come with the package: load one as zoo:NAME. With --results also what"
    " others needed for the same job."
)


def flags_of() -> list[Flag]:
    return [
        Flag("verify", bool, False, "Grade every model again; fail on any difference."),
        Flag("json", bool, False, "Print JSON."),
        Flag("results", bool, False, "One table with others' models of the same job."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("zoo", ABOUT, flags_of(), argv)
    from lilliput.zoo import entries

    if values.results:
        return _results(values.json)
    found = entries()
    if values.verify:
        return _verify(found, values.json)
    if values.json:
        rows = [{**asdict(entry), "marks": _marks(entry)} for entry in found]
        print(json_text(rows, ensure_ascii=False, indent=1))
        return 0
    if not found:
        print("the zoo is empty; `lilliput find arithmetic` makes a model")
        return 0
    cells = [_row(entry) for entry in found]
    lines = _table(cells)
    width = get_terminal_size().columns if sys.stdout.isatty() else max(map(len, lines))
    for line in lines if max(map(len, lines)) <= width else _blocks(cells, width):
        print(line)
    return 0


def _results(as_json: bool) -> int:
    from lilliput.faces import results

    tables = {task: results.rows(task) for task in results.tasks()}
    if as_json:
        named = {
            task: [dict(zip(results.HEADER, row, strict=True)) for row in rows]
            for task, rows in tables.items()
        }
        print(json_text(named, ensure_ascii=False, indent=1))
        return 0
    out = console()
    for task, rows in tables.items():
        table = plain_table(*results.HEADER, right=results.RIGHT, folds=results.FOLDS)
        for row in rows:
            table.add_row(*row)
        print(f"{task}\n")
        out.print(table)
        print(f"\n{results.NOTE}")
        print("\n".join(results.sources(task)))
    return 0


_HEADER = (
    *("name", "task", "model", "parameters", "size", "validation [95 %]", "unseen [95 %]"),
    *("beyond", "format"),
)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns; without rich, whose import would be most of the time of this verb."""
    rows = [_HEADER, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    right = {3, 4}
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _blocks(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """A few lines a model, where the window is narrower than the table."""
    for name, task, model, parameters, size, valid, unseen, beyond, written in rows:
        yield f"{name}: {task}"
        facts = [f"{model}", f"{parameters} parameters", size, f"format {written}"]
        scores = [f"validation {valid}", f"unseen {unseen}"] if unseen else [valid]
        scores += [f"beyond {beyond}"] if beyond else []
        for words in (facts, scores):
            # The pieces stay whole: a score is not torn from its interval.
            line = "  "
            for number, piece in enumerate(words):
                piece += "" if number == len(words) - 1 else ", "
                if len(line) > 2 and len(line) + len(piece.rstrip()) > width:
                    yield line.rstrip()
                    line = "  "
                line += piece
            yield line


def _row(entry: "Entry") -> list[str]:
    beyond = f"{100 * entry.beyond[0] / entry.beyond[1]:.1f} %" if entry.beyond[1] else ""
    valid, unseen = _score(entry.valid, entry.valid_interval), ""
    if entry.unseen_interval[0] == entry.unseen_interval[1]:
        valid += f" of all {entry.unseen[1]:,}, all trained on"
    else:
        unseen = _score(entry.unseen, entry.unseen_interval)
    return [
        entry.name + mark_words(_marks(entry)),
        entry.task,
        f"{entry.family} {entry.shape}",
        f"{entry.parameters:,}",
        format_bytes(entry.bytes),
        valid,
        unseen,
        beyond,
        entry.format,
    ]


def _score(count: tuple[int, int], ends: tuple[float, float]) -> str:
    return score_words(count[0] / count[1], *ends)


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
        print(json_text(differences, ensure_ascii=False))
    return 1 if any(differences.values()) else 0


def _differences(entry: "Entry") -> dict[str, tuple[Any, Any]]:
    """What zoo.toml says and what the model has, where these differ."""
    from lilliput.lab.zoofacts import facts
    from lilliput.models.modelfile import read_card
    from lilliput.zoo import path_of

    spec = read_card(path_of(entry.name)).spec
    has = facts(f"zoo:{entry.name}")
    has["task"] = _task(entry.task, spec.task)
    says = {name: getattr(entry, name) for name in has}
    # As JSON has them: a tuple of the one is a list of the other.
    wrong = {
        name: (says[name], has[name])
        for name in has
        if json.dumps(says[name]) != json.dumps(has[name])
    }
    row = next((row for row in entry.seeds if row[0] == spec.seed), None)
    valid = has.get("valid", entry.valid)
    if row is None or list(row[1:]) != list(valid):
        wrong["seeds"] = (row, [spec.seed, *valid])
    return wrong


def _task(words: str, task: Any) -> str:
    """The same words where they fit the task that a model was trained on; else what it is."""
    if not hasattr(task, "operands"):
        return words
    names = {"+": "addition", "-": "subtraction", "*": "multiplication", "/": "division"}
    name = names.get(task.operations, "arithmetic")
    named = words.partition(" ")[0]
    right = named == name or named not in (*names.values(), "arithmetic")
    return words if right and words.split()[-1] == task.operands else f"{name} {task.operands}"
