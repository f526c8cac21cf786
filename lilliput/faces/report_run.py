"""What a single run's page says: its learning curve, its grade, its maps. Knows no search."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lilliput.faces import charts, report_again
from lilliput.faces.found import marks_of
from lilliput.faces.report_exam import draw_maps, exam_table, read_exam
from lilliput.faces.report_page import Html, chart, headline, join, note, section, tag
from lilliput.faces.report_story import context_chart, is_story, loss_rows, story_exam
from lilliput.faces.text import ALL_TRAINED_ON, interval, mark_words
from lilliput.faces.text_story import failure_words
from lilliput.lab.job import count
from lilliput.lab.words import format_words, task_words
from lilliput.specs import HFSpec, RunSpec, StoriesSpec
from lilliput.training.kept import read_records, read_spec
from lilliput.units import bits_words, format_seconds


@dataclass(frozen=True)
class Run:
    spec: RunSpec
    parameters: int
    records: list[dict[str, Any]]
    """Fields of training.record.Record, by step."""
    exam: dict[str, Any] | None


def read_run(folder: Path) -> Run:
    """Raises FileError where the folder is no run, or a file in it is damaged."""
    spec, records = read_spec(folder), [asdict(record) for record in read_records(folder)]
    return Run(spec, count(spec), records, read_exam(folder))


def shape_words(run: Run) -> str:
    model = run.spec.model
    if isinstance(model, HFSpec):
        words = f"hf:{model.name}, {run.parameters:,} parameters"
        return words + mark_words(marks_of(run.spec))
    number = getattr(model, "layers", 1)
    layers = f"{number} layer{'s' if number != 1 else ''}"
    words = f"{model.kind}, {layers} × {model.width}, {run.parameters:,} parameters"
    return words + mark_words(marks_of(run.spec))


def title(run: Run) -> str:
    return f"{task_words(run.spec.task)}{format_words(run.spec.task)}: {shape_words(run)}"


def curves(run: Run) -> dict[str, charts.Spec]:
    """Validation and loss against steps, by the names of their charts."""
    head = {"trial": 0, "family": run.spec.model.kind, "parameters": run.parameters}
    rows = [
        {
            **head,
            "step": record["step"],
            "score": round(record["right"] / record["total"], 4),
            "low": round(record["low"], 4),
            "high": round(record["high"], 4),
            "loss": round(record["loss"], 5),
            "text": shape_words(run),
        }
        for record in run.records
    ]
    if rows and rows[0]["score"] < 0:
        training = run.spec.training
        told = loss_rows(run.records, training.batch * training.block)
        lines = ["training", "validation"]
        made = {"validation": charts.curves(told, by_family=lines, y="score", title="")}
        if run.exam is not None:
            made["context"] = context_chart(run.exam)
        return made
    marked = mark_words(marks_of(run.spec))
    loss = f"training loss, nats a character{marked}"
    whole = bool(rows) and rows[-1]["low"] == rows[-1]["high"]
    title = ("score on all problems" if whole else "validation score") + marked
    return {
        "validation": charts.curves(rows, by_family=None, y="score", title=title),
        "loss": charts.curves(rows, by_family=None, y="loss", title=loss),
    }


def _answer(run: Run) -> str:
    if isinstance(run.spec.task, StoriesSpec):
        return f"{shape_words(run)}: {_bits(run)}"
    if run.exam is not None and "unseen" in run.exam["grade"]["sections"]:
        section = run.exam["grade"]["sections"]["unseen"]
        unseen = section["overall"]
        if section["exhaustive"]:
            score = f"{100 * unseen['right'] / unseen['total']:.1f} %"
            return (
                f"{shape_words(run)}: {score} of all {unseen['total']:,} problems, all trained on"
            )
        score = interval(unseen["right"], unseen["total"], unseen["low"], unseen["high"])
        return f"{shape_words(run)}: {_validation(run)}unseen {score}"
    return f"{shape_words(run)}: {_validation(run).rstrip(', ') or 'not validated yet'}"


def _bits(run: Run) -> str:
    """`validation 1.327 [1.308, 1.345], unseen 1.351 [1.331, 1.370] bits per character`"""
    words = []
    if run.records:
        last = run.records[-1]
        bits = -last["right"] / last["total"]
        words.append(f"validation {bits_words(bits, -last['high'], -last['low'])}")
    if run.exam is not None:
        # The text that decides is the last: unseen, or what was asked where that is not at hand.
        name, section = list(run.exam["grade"]["sections"].items())[-1]
        words.append(f"{name} {bits_words(section['bits'], section['low'], section['high'])}")
    return f"{', '.join(words)} bits per character" if words else "not validated yet"


def _validation(run: Run) -> str:
    if not run.records:
        return ""
    last = run.records[-1]
    if last["low"] == last["high"]:
        return f"{100 * last['right'] / last['total']:.1f} % of all {last['total']:,} problems, "
    return f"validation {interval(last['right'], last['total'], last['low'], last['high'])}, "


def _curve_charts(spec: RunSpec, what: str) -> list[Html]:
    if isinstance(spec.task, StoriesSpec):
        words = "Bits per character of training and validation"
        return [chart("validation", f"{words} against steps", f"{words}, on one scale.")]
    return [
        chart("validation", f"Score on {what} against steps", f"Score on {what}."),
        chart("loss", "Training loss against steps", "Mean nats per learned character."),
    ]


def body(run: Run, folder: Path) -> tuple[Html, dict[str, Any]]:
    """The page, and what its maps say; draws the maps' files."""
    spec = run.spec
    last = run.records[-1] if run.records else None
    done = f"{last['step']:,} of {spec.training.steps:,} steps" if last else "no step yet"
    if last:
        done += f", {format_seconds(last['seconds'])} of training"
    parts = [
        tag("h1", task_words(spec.task) + format_words(spec.task)),
        headline(_answer(run)),
        note(f"{done}. Spec {spec.digest}, seed {spec.seed}."),
    ]
    if getattr(spec.task, "leaked", False):
        leaked = "leaked: this model was trained on problems of its own exam."
        parts.insert(2, tag("p", leaked, class_="warning"))
    if run.exam is not None and is_story(run.exam) and (failure := failure_words(run.exam)):
        parts.insert(2, tag("p", f"{failure}.", class_="warning"))
    whole = bool(last and last["low"] == last["high"])
    if whole:
        parts.append(note(ALL_TRAINED_ON))
    what = "all problems" if whole else "validation problems, with its 95 % interval"
    exam, readable = note("Not graded yet: `lilliput grade` does it."), {}
    if run.exam is not None and is_story(run.exam):
        exam = story_exam(run.exam, charted=True)
    elif run.exam is not None:
        maps = draw_maps(run.exam, folder / "charts")
        exam, readable = join(exam_table(run.exam), maps.html), maps.readable
    lines = [
        ("Trained again from its spec, it has the same weights on the same kind of CPU.",
         f"lilliput train --spec {shlex.quote(str(folder / 'spec.json'))} --name again"),
        ("Its exam.", f"lilliput grade {shlex.quote(str(folder))}"),
    ]  # fmt: skip
    made = join(
        tag("header", join(*parts)),
        section(
            "curves",
            "Learning curve",
            *_curve_charts(spec, what),
        ),
        section("exams", "What it knows", exam),
        section(
            "again",
            "How to make each number again",
            report_again.commands(*lines),
            report_again.spec_words(spec, spec.digest),
        ),
    )
    return made, readable
