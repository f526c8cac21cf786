"""`lilliput train`: one model from flags or a spec file; its progress, curve and grade."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from lilliput.errors import SpecError, UserError, nearest
from lilliput.faces.cli_flags import WHOLE, Flag, given, parse, spec_flags, typed_value
from lilliput.faces.text import print_grade
from lilliput.faces.train_live import print_curve, shown
from lilliput.faces.train_spec import TASKS, spec_from
from lilliput.files import json_text
from lilliput.lab.bases import BABY, Base, base_of
from lilliput.specs import (
    FAMILIES,
    HFSpec,
    RunSpec,
    StoriesSpec,
    TrainingSpec,
)
from lilliput.specs.recipes import SMALL, training_of
from lilliput.units import format_bytes, format_flops

if TYPE_CHECKING:
    from lilliput.lab.verbs import Graded

ABOUT = (
    "Trains one model, or goes on where it was stopped; the same spec is not trained twice."
    " With --params the largest shape under that number is solved for, and of the shape's flags"
    " only those that are typed stay as they are. `baby`, in a family's place, is nanoGPT's baby"
    " GPT trained its way: on lines of arithmetic as one stream (those of a file with --source;"
    " --leaked keeps what the exam asks) or on text (--task stories); flags change what it brings."
)
_SMALL_RATE = "Not typed, it is of models {}.".format(
    ", ".join(f"under {below:,} parameters {rate:g}" for below, rate in SMALL.items())
)
_OWN = [
    Flag(
        "task",
        str,
        "arithmetic",
        "What is to be learned: arithmetic, lines with --file, or stories.",
    ),
    Flag(
        "epochs",
        WHOLE,
        0,
        "Train until every problem, or all text, was learned so often; 0: as --steps says.",
    ),
    Flag("params", str, "", "Parameters at most, such as 50k; empty: the shape as its flags say."),
    Flag("name", str, "", "Folder in runs/; empty: made from family, parameters and digest."),
    Flag("device", str, "cpu", "Where it trains: cpu, cuda, mps, or auto for the first there is."),
    Flag("seed", int, 0, "Draws the first weights and the order of the problems."),
    Flag("spec", str, "", "A spec.json: its values are the defaults of all flags."),
    Flag(
        "config",
        str,
        "",
        "nanoGPT's configuration file (name = value lines, read and not executed): likewise.",
    ),
    Flag("resume", str, "", "The folder of a run that was stopped; it goes on there."),
    Flag(
        "start",
        str,
        "",
        "A model whose weights are taken over: zoo:NAME, a run, a model file, or nanoGPT's ckpt.pt"
        " with its meta.pkl. Its values are the defaults of all flags, if no others are.",
    ),
    Flag("report", bool, False, "Write report.html and its charts into the run's folder."),
    Flag("json", bool, False, "Print the grade as JSON."),
    Flag(
        "ten_fold",
        bool,
        False,
        "Train ten times, each with another tenth unseen: how well a"
        " recipe generalises where all problems are few.",
    ),
]


def main(argv: Sequence[str]) -> int:
    family, name, rest = _family(argv)
    base = _base(family if family == BABY else "", rest)
    family = "" if family == BABY else family
    if base is None and not family and not {"-h", "--help"} & set(rest):
        raise UserError(
            f"which family? write `lilliput train {next(iter(FAMILIES))}`; known:"
            f" {', '.join(FAMILIES)}, and hf:NAME to train a model of transformers further"
        )
    if base is not None and family not in ("", base.model.kind):
        flag = next(f"--{source}" for source in _SOURCES if typed_value(rest, f"--{source}"))
        raise UserError(f"{flag} brings a {base.model.kind}: leave out {flag}, or {argv[0]}")
    family = family or (base.model.kind if base else "gpt")
    task = base.kind if base else typed_value(rest, "--task") or "arithmetic"
    flags = flags_of(family, task, base)
    values = parse(f"train {argv[0] if rest != list(argv) else family}", ABOUT, flags, rest)
    if values.ten_fold and TASKS[task] is StoriesSpec:
        raise UserError("--ten-fold asks problems, and --task stories has none: leave it out")
    for remark in base.remarks if base else ():
        print(f"lilliput: {remark}", file=sys.stderr)
    spec = spec_from(family, name, values, given(flags, rest), base)
    return _train(spec, values)


def flags_of(family: str, task: str, base: Base | None = None) -> list[Flag]:
    """All flags of a training; the task and the family decide which."""
    if task not in TASKS:
        raise SpecError(f"unknown task {task!r}" + nearest(task, TASKS))
    parts = (
        (base.model, base.task, base.training) if base else (None, None, training_of(task, family))
    )
    hidden = ("name", "digest", "parameters") if family == "hf" else ()
    own = [
        replace(
            flag,
            default=getattr(base, flag.name)
            if base and flag.name in ("seed", "start")
            else flag.default,
            group="run",
        )
        for flag in _OWN
    ]
    training = [
        replace(flag, help=f"{flag.help} {_SMALL_RATE}")
        if flag.name == "learning_rate" and family == "hf" and base is None
        else flag
        for flag in spec_flags(TrainingSpec, base=parts[2], group="training")
    ]
    changes = base.changes if base else {}
    asked = [
        replace(flag, default=changes.get(flag.name, flag.default))
        for flag in spec_flags(TASKS[task], base=parts[1], group="task")
    ]
    return [
        *own,
        *spec_flags(_class_of(family), leave_out=hidden, base=parts[0], group="shape"),
        *asked,
        *training,
    ]


def _class_of(family: str) -> type[Any]:
    return HFSpec if family == "hf" else FAMILIES[family]


def _family(argv: Sequence[str]) -> tuple[str, str, list[str]]:
    """The family or preset, if the first word is one; of hf:NAME the name; and the rest."""
    if not argv or argv[0].startswith("-"):
        return "", "", list(argv)
    family, colon, name = argv[0].partition(":")
    if family == "hf":
        if not name:
            raise SpecError("which model? write hf:OWNER/NAME of the Hub, or hf:FOLDER")
        return family, name, list(argv[1:])
    if colon or family not in (*FAMILIES, BABY):
        known = [*FAMILIES, BABY, "hf:NAME"]
        raise SpecError(f"unknown family {argv[0]!r}" + nearest(argv[0], known))
    return family, "", list(argv[1:])


_SOURCES = ("spec", "resume", "config", "start")
"""Flags that bring a whole spec, in the order in which they count."""


def _base(preset: str, argv: Sequence[str]) -> Base | None:
    sources = {name: typed_value(argv, f"--{name}") for name in _SOURCES}
    return base_of(preset=preset, task=typed_value(argv, "--task"), **sources)


def _ten_fold(spec: RunSpec, folder: Path, values: Any) -> int:
    from lilliput.lab.folds import FOLDS, pooled, ten_fold

    say = sys.stderr if values.json else sys.stdout
    folds = []
    for fold in ten_fold(spec, folder, values.device):
        folds.append(fold)
        print(f"fold {fold.number + 1} of {FOLDS}: {fold.right} of {fold.total} unseen", file=say)
        say.flush()
    whole = pooled(folds)
    if values.json:
        rows = [[fold.right, fold.total] for fold in folds]
        print(
            json_text({"folds": rows, "score": whole.score, "low": whole.low, "high": whole.high})
        )
    else:
        print(f"ten-fold cross-validation: {whole}, every problem asked once while unseen")
    return 0


def _train(spec: RunSpec, values: Any) -> int:
    from lilliput.lab.verbs import run_folder, train

    folder = Path(values.resume) if values.resume else run_folder(spec, values.name)
    if values.ten_fold:
        return _ten_fold(spec, folder, values)
    from lilliput.training.run import is_over

    done = is_over(folder, spec)
    say = sys.stderr if values.json else sys.stdout

    def begin() -> None:
        """First words, once the run is not refused."""
        print(f"{_size_words(spec)}, in {folder}", file=say, flush=True)
        if not done and spec.training.teacher_answers and not (folder / "answers.json").exists():
            words = "the teacher is asked what it answers to the training problems"
            print(words, file=say, flush=True)

    if done:
        begin()
        print("this spec is trained already; here is its grade", file=say)
    step = 0
    try:
        moments = train(spec, folder, values.device, begin)
        for moment in shown(moments, spec, quiet=values.json):
            step = moment.step
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped at step {step:,} of {spec.training.steps:,}; go on with"
            f" `lilliput train --resume {folder}`"
        ) from None
    if not done:
        _print_source(spec, say)
    graded: Any
    if isinstance(spec.task, StoriesSpec):
        from lilliput.faces.exam_live import exam_bar
        from lilliput.faces.text_story import print_story_grade
        from lilliput.lab.stories import grade_text

        with exam_bar() as progress:
            graded = grade_text(str(folder), why="train", progress=progress)
        show = cast(Callable[[Any], None], print_story_grade)
        if graded.remark:
            print(f"lilliput: {graded.remark}", file=sys.stderr)
    else:
        graded, show = _problems_graded(str(folder)), print_grade
    if graded.unkept:
        print(f"lilliput: the grade is not kept: {graded.unkept}", file=sys.stderr)
    if values.report:
        from lilliput.faces.report import write_run_report

        print(f"report: {write_run_report(folder)}", file=say)
    if values.json:
        print(json_text(graded.to_dict(), ensure_ascii=False))
        return 0
    print_curve(folder)
    show(graded)
    print(f"\nthe model: {folder / 'model.safetensors'}")
    return 0


def _problems_graded(run: str) -> "Graded":
    """The grade that lies beside a run's model, or a fresh one."""
    from lilliput.faces.exam_live import exam_bar
    from lilliput.lab.kept_exam import kept_exam
    from lilliput.lab.verbs import grade_problems

    if kept := kept_exam(run):
        return kept
    with exam_bar() as progress:
        return grade_problems(run, why="train", progress=progress)


_SHAPE = ("layers", "width", "heads", "hidden", "every", "last", "lora")


def _size_words(spec: RunSpec) -> str:
    """`gpt, 30,132 parameters (layers 2, …), 120.5 kB in float32, 60.3 kFLOP a character`"""
    from lilliput.lab.job import count, flops

    told = {f.name: getattr(spec.model, f.name) for f in fields(spec.model) if f.name in _SHAPE}
    shape = ", ".join(
        f"{name} {value}" for name, value in told.items() if value and (name, value) != ("every", 1)
    )
    parameters, work = count(spec), flops(spec)
    words = f"{spec.model.kind}, {parameters:,} parameters{f' ({shape})' if shape else ''}"
    words += f", {format_bytes(4 * parameters)}"
    piece = "piece" if getattr(spec.task, "vocabulary", 0) else "character"
    return f"{words} in float32" + (f", {format_flops(work)} a {piece}" if work else "")


def _print_source(spec: RunSpec, say: TextIO) -> None:
    """How much of a file of problems was trained on."""
    from lilliput.tasks.arithmetic import Arithmetic
    from lilliput.tasks.source import read_source
    from lilliput.tasks.task import task_of

    task = task_of(spec.task)
    if isinstance(task, Arithmetic) and task.spec.source:
        print(read_source(task).words(task.spec.source), file=say)
