"""`lilliput find`: the search for the smallest model that passes, shown live, and its answer."""

import hashlib
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from lilliput.errors import LilliputError, UserError, nearest
from lilliput.faces.cli_flags import (
    Flag,
    given,
    parse,
    primitive,
    spec_flags,
    spec_of,
    typed_value,
)
from lilliput.faces.corpus_live import taught
from lilliput.faces.find_start import (
    descent_of,
    name_of,
    refuse_shrink,
    teaches,
    train_first,
    unfinished,
)
from lilliput.faces.find_values import read_bits, read_budget, read_share
from lilliput.faces.found import Levels, answer, best_so_far, levels_of, to_dict
from lilliput.faces.train_spec import TASKS, fit_stages, fit_text, kept_digests, make_ready
from lilliput.files import json_text
from lilliput.lab import shrinking
from lilliput.lab.bases import Base, base_of
from lilliput.lab.sealing import sealed_task
from lilliput.lab.starting import TEACHER, Descent, model_of, search_below
from lilliput.specs import FAMILIES, HFSpec, RunSpec, TaskSpec, TrainingSpec, digest
from lilliput.specs.recipes import search_of, training_of
from lilliput.specs.search import SearchSpec

if TYPE_CHECKING:
    from lilliput.search.result import Snapshot

ABOUT = (
    "Finds the smallest model that passes a task's exam, and the frontier of score against size."
    " Stopped with Ctrl-C, or run again with another --budget, it goes on where it was. The"
    " tasks: arithmetic, lines with --file QUESTIONS.tsv, and stories with --text FILES, whose pass"
    " mark is in bits per character. With --shrink each size is a trained gpt cut down and trained"
    " on, which often is better than one that was small from the first; what passes is then trained"
    " from nothing too, with as many steps. With --teacher each size is tried with its teacher and"
    " without, from the same seed. The answer says what either bought."
    " With --start hf:NAME a model of transformers is trained on the task first, as the baseline;"
    " then the search goes down from it: the same model with every second block, every fourth, and"
    " so on (the family hf), and our own families, each size with the baseline as its teacher, if"
    " that reaches the pass mark, and without."
)
_BITS_HELP = "Bits per character that the upper end of the interval must not be above."
NAMES = {"width": "slices"}
"""The search's width is not a model's."""
_SIZES = ("width", "hidden")
"""Fields of a shape that a search solves for."""


_BITS = Annotated[float, primitive("BITS", read_bits, lambda score: f"{-score:g}")]
_SHARE = Annotated[float, primitive("70%", read_share, lambda share: f"{100 * share:g}%")]


def flags_of(task: str, base: Base | None = None, start: SearchSpec | None = None) -> list[Flag]:
    """All flags of a search for a task.

    Args:
        base: of one that cuts a model down: its values are the defaults.
        start: of one that goes down from a model of transformers: what it searches by default.
    """
    left_out = ("seconds", "steps")
    usual = start or search_of(task)
    if base:
        usual = shrinking.search_below(base.start, task)
    search = spec_flags(SearchSpec, leave_out=left_out, names=NAMES, base=usual, group="search")
    hint, mark = (_BITS, _BITS_HELP) if task == "stories" else (_SHARE, "")
    search = [
        replace(flag, hint=hint, spelled="pass", help=mark or flag.help)
        if flag.name == "pass_mark"
        else flag
        for flag in search
    ]
    shape = {
        flag.name: replace(flag, help=f"The same at every size. {flag.help}")
        for cls in reversed(FAMILIES.values())
        for flag in spec_flags(cls, leave_out=_SIZES, group="shape")
    }
    return [
        Flag("budget", str, "10m", "A time (90s, 10m, 1h30m) or training steps (200k-steps)."),
        *search,
        Flag("folder", str, "", "Where it is kept; empty: searches/TASK-DIGEST."),
        Flag("json", bool, False, "Print the result as JSON, and nothing else."),
        Flag(
            "shrink",
            str,
            "",
            "A trained gpt (zoo:NAME, a run, a file) that is cut down to each size: neurons, heads,"
            " keys, ranks or layers go, and it is trained on. Its values are the defaults of all"
            " flags, its size the ladder's top.",
        ),
        Flag(
            "start",
            str,
            "",
            "A model of transformers (hf:OWNER/NAME, hf:FOLDER) to go down from. What is typed of a"
            " training holds for it too; its --steps and rates are else those of `train hf:NAME`.",
        ),
        *spec_flags(TASKS[task], base=base.task if base else None, group="task"),
        *spec_flags(
            TrainingSpec, base=base.training if base else training_of(task), group="training"
        ),
        *shape.values(),
    ]


def main(argv: Sequence[str]) -> int:
    task, rest = (argv[0], argv[1:]) if argv else ("", [])
    if task in ("-h", "--help"):
        task, rest = "arithmetic", ["--help"]
    if task not in TASKS:
        what = f"unknown task {task!r}" if task else "which task? write `lilliput find arithmetic`"
        raise UserError(what + nearest(task, TASKS))
    base = _base(task, typed_value(rest, "--shrink"))
    model = _model(typed_value(rest, "--start"), typed_value(rest, "--folder"))
    flags = flags_of(task, base, search_below(task, model) if model else None)
    values = parse(f"find {task}", ABOUT, flags, rest)
    typed = given(flags, rest)
    if model:
        _check_start(values)
    fit_text(values, typed, base)
    made: TaskSpec = spec_of(TASKS[task], values, **kept_digests(base and base.task, typed))
    fit_stages(values, typed, base)
    kept = kept_digests(base and base.training, typed)
    training: TrainingSpec = spec_of(TrainingSpec, values, **kept)
    shape = _shape(values, typed)
    if base and (shape or values.families != ("gpt",)):
        named = ["--families"] if values.families != ("gpt",) else []
        named += [f"--{name.replace('_', '-')}" for name in shape]
        raise UserError(f"{values.shrink} has its shape: leave out {' and '.join(named)}")
    if base is None and model is None:
        made = taught(made, values.teacher, typed)
    make_ready(made, typed, base, values.json)
    made = sealed_task(made)
    parent = _parent(base, made, training) if base else None
    if parent:
        _fit_ladder(values, typed, parent)
    search = spec_of(SearchSpec, values, NAMES, **_budget(values))
    descent = descent_of(model, made, training, typed, search) if model else None
    return _find(search, made, training, shape, values, parent, descent)


def _model(start: str, folder: str) -> HFSpec | None:
    """The model of transformers to go down from; None: there is none."""
    return model_of(name_of(start), Path(folder) if folder else None) if start else None


def _check_start(values: Any) -> None:
    """What a search from a model of transformers must not be told, and what goes without saying."""
    if values.shrink:
        raise UserError(
            "one search starts from one model: leave out --start, to cut down"
            f" {values.shrink}, or --shrink, to go down from {values.start}"
        )
    if values.teacher:
        raise UserError("--start brings a baseline that teaches: leave out --teacher")
    values.teacher, values.teacher_answers = TEACHER, True
    if "hf" not in values.families:
        values.families = ("hf", *values.families)


def _base(task: str, shrink: str) -> Base | None:
    refuse_shrink(shrink)
    base = base_of(start=shrink, task=task)
    if base and base.task is None:
        raise UserError(
            f"{shrink} was not trained here on {task}; cut down a model that was, or train this one"
            f" on with `lilliput train --start {shrink} --task {task}`"
        )
    # Each worker would compile for a minute, which short trials of small nets never bring back.
    return base and base._replace(training=replace(base.training, compile=False))


def _parent(base: Base, task: TaskSpec, training: TrainingSpec) -> RunSpec:
    return shrinking.parent_of(base.start, base.model, task, training)


def _fit_ladder(values: Any, typed: set[str], parent: RunSpec) -> None:
    """The ladder's ends of what is cut down for the task as typed, where none were."""
    fitting = shrinking.search_from(parent)
    for name in {"smallest", "largest"} - typed:
        setattr(values, name, getattr(fitting, name))


def _budget(values: Any) -> dict[str, Any]:
    return {"seconds": 0.0, "steps": 0, **read_budget(values.budget)}


def _shape(values: Any, typed: set[str]) -> dict[str, Any]:
    known = {field.name for cls in FAMILIES.values() for field in fields(cls)} - {"kind", *_SIZES}
    return {name: getattr(values, name) for name in sorted(known & typed)}


def folder_of(
    search: SearchSpec, task: TaskSpec, training: TrainingSpec, shape: dict[str, Any]
) -> Path:
    """Where a search lives, whatever its budget and the number of workers: it may go on."""
    from lilliput.lab.verbs import SEARCHES

    looked_for = replace(search, seconds=1.0, steps=0, workers=0)
    text = json.dumps([*map(digest, (looked_for, task, training)), sorted(shape.items())])
    return SEARCHES / f"{task.kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _find(
    search: SearchSpec,
    task: TaskSpec,
    training: TrainingSpec,
    shape: dict[str, Any],
    values: Any,
    parent: RunSpec | None,
    descent: Descent | None,
) -> int:
    from lilliput.lab.verbs import find

    began = time.monotonic()
    told = {"shrink": parent.start_digest} if parent else shape
    told = {**shape, **descent.told} if descent else told
    folder = Path(values.folder) if values.folder else folder_of(search, task, training, told)
    again = f"lilliput {shlex.join(sys.argv[1:])}" if sys.argv[1:2] == ["find"] else "it"
    quiet = values.json
    fresh = not folder.exists()
    last = None
    try:
        if descent and not train_first(descent, search, folder, shape, began, quiet):
            unfinished(folder, descent.baseline, quiet)
            return 0
        teaching = not descent or teaches(descent, search, folder, quiet)
        asked = quiet or (folder / "answers.json").exists()
        if teaching and training.teacher_answers and not asked:
            print("the teacher is asked what it answers to the training problems", flush=True)
        found = find(search, task, training, folder, shape, parent, descent, began)
        for snapshot in found if quiet else _shown(_announced(found, folder), fresh):
            last = snapshot
    except KeyboardInterrupt:
        if not quiet:
            print(best_so_far(last) if last else "Nothing was validated in this sitting.")
        raise KeyboardInterrupt(f"stopped; to go on, run again: {again}") from None
    assert last is not None
    assert last.result is not None
    _report(folder, quiet)
    if quiet:
        print(json_text(to_dict(last.result, _levels(folder)), ensure_ascii=False))
    else:
        print(answer(last, folder, _levels(folder)))
    return 0


def _levels(folder: Path) -> Levels:
    from lilliput.search.ledger import Ledger

    with Ledger(folder, write=False) as ledger:
        return levels_of(ledger.looks)


def _announced(snapshots: "Iterator[Snapshot]", folder: Path) -> "Iterator[Snapshot]":
    """Says where the search is once it has begun: a ledger may be refused, or be another's."""
    for number, snapshot in enumerate(snapshots):
        if not number:
            print(f"searching in {folder}; Ctrl-C stops it, the same command goes on", flush=True)
        yield snapshot


def _shown(snapshots: "Iterator[Snapshot]", fresh: bool) -> "Iterator[Snapshot]":
    from lilliput.faces.find_live import as_lines, as_table

    return as_table(snapshots) if sys.stdout.isatty() else as_lines(snapshots, fresh)


def _report(folder: Path, quiet: bool) -> None:
    """The page; a search's answer does not hang on its picture."""
    from lilliput.faces.report import write_report

    try:
        write_report(folder)
    except LilliputError as error:
        print(f"lilliput: no report: {error}", file=sys.stderr)
