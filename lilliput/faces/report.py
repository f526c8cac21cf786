"""report.html: what a search or a run found, on one page that opens offline. Knows no flag.

The same charts lie beside it as SVG and PNG, in charts/.
"""

import shlex
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from lilliput.errors import LilliputError
from lilliput.faces import bought, charts, report_again, report_beside, report_search, report_tables
from lilliput.faces.found import floor_words, shape_words, size_words
from lilliput.faces.report_exam import draw_maps, exam_table, read_exam, write_chart
from lilliput.faces.report_page import Html, chart, headline, join, note, page, section, tag
from lilliput.faces.report_search import Search
from lilliput.faces.report_story import is_story, story_exam
from lilliput.faces.text import ALL_TRAINED_ON
from lilliput.files import write_atomically
from lilliput.lab.words import format_words, task_words
from lilliput.units import format_seconds, pass_words, point_words


def write_report(folder: Path) -> Path:
    """Writes `report.html` and charts/ into a search's folder, at any moment of the search.

    Raises:
        NotFoundError, LedgerError: no ledger there, or one that cannot be read.
        FileError: the folder cannot be written, or an exam in it is damaged.
    """
    with _Bundle() as bundle:
        search = report_search.read_search(folder)
        specs = {
            "frontier": report_search.frontier(search),
            "learning-curves": report_search.curves(search),
        }
        for name, spec in specs.items():
            write_chart(folder / "charts", name, spec)
        exams, maps = _exams(search, folder)
        body = join(
            _header(search),
            _frontier(search),
            bought.sections(search.result.gains),
            exams,
            _curves(search),
            section(
                "trials",
                "All trials",
                note(_trials_note(search)),
                report_tables.trials_table(search),
            ),
            report_beside.others(search.task),
            _again(search, folder),
        )
        return _write(folder, _title(search), body, specs, maps, bundle.text())


_MAKE_BUNDLE = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle(None, "6.4").encode())
"""


class _Bundle:
    """Vega and what draws its charts, as one script; made by another process meanwhile, since it
    takes two seconds and vl-convert holds Python's lock all that time."""

    def __enter__(self) -> "_Bundle":
        self.process = Popen([sys.executable, "-c", _MAKE_BUNDLE], stdout=PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with self.process:
            pass

    def text(self) -> str:
        script = self.process.communicate()[0].decode()
        if self.process.returncode:
            raise LilliputError("vl-convert made no script for the page; see its message above")
        # A browser reads every line end as this one before it takes the script's digest.
        return script.replace("\r\n", "\n").replace("\r", "\n")


def _write(
    folder: Path,
    title: str,
    body: Html,
    specs: dict[str, charts.Spec],
    maps: dict[str, Any],
    bundle: str,
) -> Path:
    path = folder / "report.html"
    drawn = {name: charts.for_page(spec) for name, spec in specs.items()}
    write_atomically(path, page(title, body, drawn, maps, bundle).encode())
    return path


def _title(search: Search) -> str:
    return f"The smallest model for {task_words(search.task)}{format_words(search.task)}"


_NOTE_TRIALS = (
    "Every training of the search, in the order in which they were begun. A heading sorts."
)
_NOTE_UNSEEN = (
    " Validation decides; unseen was asked only of the runs that were named for it beforehand."
)


def _trials_note(search: Search) -> str:
    return _NOTE_TRIALS + ("" if search.num_all else _NOTE_UNSEEN)


def _header(search: Search) -> Html:
    spec, result = search.spec, search.result
    mark = pass_words(spec.pass_mark)
    words = (
        f"{result.num_trials:,} trials, {result.steps:,} training steps,"
        f" {format_seconds(result.seconds)} of training in all. A model passes when"
    )
    if search.num_all:
        words += (
            f" its score on all {search.num_all:,} problems, all trained on, is at least {mark}."
        )
        words += f" {ALL_TRAINED_ON}"
    elif spec.pass_mark < 0:
        words += " the upper end of its 95 % interval on documents it was never trained on is at"
        words += f" most {mark}."
    else:
        words += " the lower end of its 95 % interval on problems it was never trained on is at"
        words += f" least {mark}."
    parts = [tag("h1", _title(search)), headline(report_search.answer(search))]
    if getattr(search.task, "leaked", False):
        leaked = "leaked: these models were trained on problems of their own exam."
        parts.append(tag("p", leaked, class_="warning"))
    parts.append(note(words))
    places = {
        "frontier": "Frontier",
        **bought.places(result.gains),
        "exams": "Exam and heat maps" if search.task.kind == "arithmetic" else "Exam",
        "curves": "Learning curves",
        "trials": "Trials",
        **({"others": "Others"} if report_beside.others(search.task) else {}),
        "again": "Make it again",
    }
    links = join(*(tag("a", name, href=f"#{place}") for place, name in places.items()))
    return tag("header", join(*parts, tag("nav", links, aria_label="Sections")))


def _frontier(search: Search) -> Html:
    asked = "documents" if search.spec.pass_mark < 0 else "problems"
    possible = (
        f"a circle where it was confirmed on unseen {asked} (score and interval are unseen's, as"
        " wide as the confirmation's share of the error asks, 95 % or more), a square where only"
        " validation was asked"
    )
    if search.num_all:
        possible = "its score on all problems, all trained on"
    caption = (
        f"Solid line, possible: the best run of each size; {possible}. Dashed line, typical: the"
        " median of three or more fresh seeds of one recipe, on what decides; its bar goes from"
        " the lowest to the highest. Triangle: the largest size that is not shown to be better"
        f" than {floor_words(search.floor)}. Faint dots: all trials, those left early too."
    )
    if search.cuts:
        caption += (
            " Words at a point: what was cut there of the larger model. Cross: the same shape from"
            " nothing, trained as far; of several seeds their mean."
        )
    label = f"Score against parameters. {report_search.answer(search)}"
    families = []
    for family in search.result.families:
        found, lost = family.smallest_confirmed or family.smallest_passing, family.fails_totally
        how = "confirmed" if family.smallest_confirmed else "passing on validation"
        how = "passing" if search.num_all else how
        words = f"smallest {how}: {size_words(found, search.levels)}" if found else "no size passes"
        if lost is not None:
            words += f"; fails totally at {lost.parameters:,} parameters"
        families.append(join(tag("dt", family.name), tag("dd", words)))
    return section(
        "frontier",
        "Score against size",
        chart("frontier", label, caption),
        tag("dl", join(*families)),
        report_tables.sizes_table(search),
    )


def _exams(search: Search, folder: Path) -> tuple[Html, dict[str, Any]]:
    """Exams and maps of each family's smallest confirmed model."""
    parts: list[Html] = []
    readable: dict[str, Any] = {}
    for size in search.shown:
        exam = read_exam(folder / "models" / f"trial-{size.trial.number}")
        if exam is None:
            continue
        parts.append(tag("h3", f"{shape_words(size.trial)} (trial {size.trial.number})"))
        if is_story(exam):
            parts.append(story_exam(exam, charted=False))
        else:
            maps = draw_maps(exam, folder / "charts", f"{size.family}-")
            parts += [exam_table(exam), maps.html]
            readable |= maps.readable
    if not parts:
        what = "passes" if search.num_all else "is confirmed"
        parts = [note(f"Drawn when a model {what} and is graded, at the end of the search.")]
    return section("exams", "What the smallest models know", *parts), readable


def _curves(search: Search) -> Html:
    what = "Score on all problems" if search.num_all else "Validation score"
    if search.spec.pass_mark < 0:
        what = "Bits per character of validation"
    caption = f"{what} against steps, a line a trial. Point at a line to see whose it is."
    place = chart("learning-curves", f"{caption} The scores are in the trials table.", caption)
    return section("curves", "Learning curves", place)


def _again(search: Search, folder: Path) -> Html:
    command, sure = report_again.find_command(search.spec, search.trials, search.key)
    spent = search.result.steps
    whole = (
        "The whole search, with the steps that it took as its budget. If it had a budget in steps"
        " (and was not gone on with), this ends with the same ledger, times apart, on every"
        " machine that does the same arithmetic; if it had a time, which trials fitted in"
        " depended on the machine."
    )
    if not sure:
        whole += " Flags for the training recipe are missing here: every trial has another one."
    lines = [
        (whole, f"{command} --budget {spent}-steps --folder again"),
        ("More of this search, in its own folder.",
         f"{command} --budget 10m --folder {shlex.quote(str(folder))}"),
    ]  # fmt: skip
    take = (
        f"import json; print(json.load(open({str(folder / 'ledger.json')!r}))['trials'][N]['spec'])"
    )
    one = (
        "One trial, N in the table: its spec is in ledger.json, with its seed. The weights are the"
        " same, bit for bit, on the same kind of CPU; a trial that was stopped early is found at"
        " its number of steps in metrics.jsonl."
    )
    train = f'python -c "{take}" > trial-N.json\nlilliput train --spec trial-N.json --name trial-N'
    lines.append((one, train))
    specs = []
    for size in search.shown:
        home = folder / "models" / f"trial-{size.trial.number}"
        lines.append(
            (f"The exam of {shape_words(size.trial)}.", f"lilliput grade {shlex.quote(str(home))}")
        )
        name = f"trial {size.trial.number}, {size.trial.spec.digest}, seed {size.trial.seed}"
        specs.append(report_again.spec_words(size.trial.spec, name))
    facts = [
        ("search seed", search.spec.seed),
        ("task, training and fixed shape", search.key),
        ("steps trained", f"{spent:,}"),
        ("parameters × steps", f"{search.result.cost:,}"),
        (floor_words(search.floor).removeprefix("the "), point_words(search.floor)),
    ]
    rows = join(*(join(tag("dt", name), tag("dd", value)) for name, value in facts))
    return section(
        "again", "How to make each number again", report_again.commands(*lines), tag("dl", rows),
        *specs,
    )  # fmt: skip


def write_run_report(folder: Path) -> Path:
    """Writes `report.html` and charts/ into a run's folder.

    Raises:
        FileError: the folder is no run, cannot be written, or a file in it is damaged.
    """
    from lilliput.faces import report_run

    with _Bundle() as bundle:
        run = report_run.read_run(folder)
        specs = report_run.curves(run)
        for name, spec in specs.items():
            write_chart(folder / "charts", name, spec)
        body, maps = report_run.body(run, folder)
        return _write(folder, report_run.title(run), body, specs, maps, bundle.text())
