"""`lilliput compare`: models side by side, ours and others', on the same exam."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError, UserError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.files import json_text

if TYPE_CHECKING:
    from lilliput.lab.comparing import Compared
    from lilliput.lab.stories import TextGraded

    Found = dict[str, TextGraded | Compared]

ABOUT = (
    "Asks models the same exam. Of those that answer questions: size, scores of seen, unseen and"
    " beyond, answers a second, and how each differs from the first on the same unseen problems"
    " (exact McNemar test). Of models of text: size, bits per character on the same documents,"
    " story card, speed, and five stories each. Any mix of runs, zoo:NAME, model files, checkpoints"
    " of nanoGPT (.pt), tinystoriesgru (.pt, …q8.bin, …q15.bin), llama2.c (.bin with its tokN.bin"
    " beside it), and hf:NAME."
)


def flags_of() -> list[Flag]:
    return [
        Flag("models", tuple[str, ...], (), "One or more, each once.", positional=True),
        Flag(
            "text",
            tuple[str, ...],
            (),
            "Of models of text: files of documents; empty: the package's excerpt, or what of it is"
            " unseen where a model learned it. It is a part of zoo:stories-211k's validation text.",
        ),
        Flag(
            "markdown",
            bool,
            False,
            "Print Markdown: the tables, and all stories of models of text.",
        ),
        Flag("json", bool, False, "Print JSON."),
        Flag("report", str, "", "A folder to write report.html and compare.md into."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("compare", ABOUT, flags_of(), argv)
    if not values.models:
        raise UserError("compare which models? `lilliput zoo` lists some")
    _refuse_twice(values.models)
    graded: Found = {}
    failed: dict[str, LilliputError] = {}
    note = ""
    try:
        _ask(values, graded, failed)
    except KeyboardInterrupt:
        missing = [name for name in values.models if name not in graded and name not in failed]
        note = f"interrupted: not asked to the end: {', '.join(missing)}"
        print(f"lilliput: {note}", file=sys.stderr)
    if graded:
        _show(values, graded, note)
    if note:
        return 130
    return max((error.exit_code for error in failed.values()), default=0)


def _refuse_twice(models: Sequence[str]) -> None:
    """Raises UserError where a model was typed twice: it would be asked twice and shown once."""
    seen: set[Path] = set()
    for name in models:
        if Path(name) in seen:
            raise UserError(f"{name} was given twice; give each model once")
        seen.add(Path(name))


def _ask(values: Any, graded: "Found", failed: "dict[str, LilliputError]") -> None:
    """Fills in what each model's exam found, one after another, so that what is there when it is
    interrupted can be shown."""
    from lilliput.faces.exam_live import exam_bar
    from lilliput.lab.comparing import Compared, compare

    with exam_bar() as progress:
        for name, found in compare(values.models, values.text, progress):
            if isinstance(found, LilliputError):
                failed[name] = found
                print(f"lilliput: {_named(name, str(found))}", file=sys.stderr)
            else:
                graded[name] = found
                print(f"graded {name}", file=sys.stderr)
                if isinstance(found, Compared):
                    said = [found.graded.unkept]
                else:
                    said = [found.model.taken, found.remark, found.unkept]
                for words in filter(None, said):
                    print(f"lilliput: {words}", file=sys.stderr)


def _named(name: str, words: str) -> str:
    """What went wrong with a model, with its name once."""
    said = {re.escape(one) for one in (name, str(Path(name)))}
    known = re.search(rf"(?<![^\s'\"])(?:{'|'.join(said)})(?![^\s'\",;:])", words)
    return words if known else f"{name}: {words}"


def _show(values: Any, graded: "Found", note: str) -> None:
    from lilliput.faces import text_answers, text_compare
    from lilliput.lab.comparing import Compared

    answered = {name: one for name, one in graded.items() if isinstance(one, Compared)}
    told = {name: one for name, one in graded.items() if not isinstance(one, Compared)}
    if values.json:
        print(json_text([one.to_dict() for one in graded.values()], ensure_ascii=False))
    elif values.markdown and answered:
        print(text_answers.markdown(answered, note), end="")
    elif values.markdown:
        print(text_compare.markdown(told, note), end="")
    elif answered:
        text_answers.print_answers(answered)
    else:
        text_compare.print_comparison(told)
    if values.report:
        from lilliput.faces.report_compare import write_answers, write_comparison

        folder = Path(values.report)
        if answered:
            path = write_answers(folder, answered, note)
        else:
            path = write_comparison(folder, told, note)
        print(f"report: {path}", file=sys.stderr)
