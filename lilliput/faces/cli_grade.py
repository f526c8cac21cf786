"""`lilliput grade`: the exam of a model, or a text of expressions with the right answers beside."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lilliput.errors import UserError
from lilliput.faces.cli_flags import WHOLE, Flag, given, parse
from lilliput.faces.text import print_grade
from lilliput.files import json_text
from lilliput.specs.task import Rounding

ABOUT = (
    "Asks a model the exam of its task: right answers by section and operation, with 95 %"
    " intervals, kinds of error and a verdict. A text file of lines such as `12 + 24 = 36.00`,"
    " or - for standard input, is graded line by line, at 2 decimals unless told. A model of text"
    " is asked bits per character, context, a story card and its speed."
)


def flags_of() -> list[Flag]:
    return [
        Flag("what", str, help="zoo:NAME, a run, a model file, a text file, or -", positional=True),
        Flag("sections", tuple[str, ...], (), "Only these of seen, valid, unseen, beyond."),
        Flag("text", tuple[str, ...], (), "Of a model of text: files that it is asked."),
        Flag("anchors", bool, False, "Of a memory-gru: its story card with names kept in mind."),
        Flag("plain", bool, False, "Of expressions: only the right answer beside each line."),
        Flag("decimals", WHOLE, 2, "Of expressions: places of a right quotient, as in the task."),
        Flag("rounding", Rounding, "float", "Of expressions: how a quotient is rounded."),
        Flag("json", bool, False, "Print JSON."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("grade what? a model (`lilliput zoo` lists some), a text file, or -")
    flags, argv = flags_of(), ["./-" if a == "-" else a for a in argv]
    values = parse("grade", ABOUT, flags, argv)
    stdin = values.what == "./-"
    from lilliput.lab.grading import is_expressions

    text = stdin or is_expressions(values.what)
    _refuse(flags, argv, text, "standard input" if stdin else values.what)
    if stdin:
        return _text(sys.stdin.buffer.read(), "standard input", values)
    return _text(Path(values.what).read_bytes(), values.what, values) if text else _model(values)


def _refuse(flags: Sequence[Flag], argv: Sequence[str], text: bool, what: str) -> None:
    """Raises UserError where a flag was typed that has no effect on what is graded."""
    idle = ("sections", "text") if text else ("plain", "decimals", "rounding")
    for flag in flags:
        if flag.name in idle and flag.name in given([flag], argv):
            kind = "a text of expressions" if text else "a model"
            other = "a model" if text else "a text of expressions"
            raise UserError(f"{what} is {kind}; {flag.typed} is for {other}: leave it out")


def _model(values: Any) -> int:
    from lilliput.faces.exam_live import exam_bar
    from lilliput.lab.grading import grade
    from lilliput.lab.stories import TextGraded

    with exam_bar() as progress:
        graded: Any = grade(
            values.what, values.sections, values.text, anchors=values.anchors, progress=progress
        )
    told = isinstance(graded, TextGraded)
    if told and graded.model.taken:
        print(f"lilliput: {graded.model.taken}", file=sys.stderr)
    if values.json:
        print(json_text(graded.to_dict(), ensure_ascii=False))
    elif told:
        from lilliput.faces.text_story import print_story_grade

        print_story_grade(graded)
    else:
        print_grade(graded)
    if told and graded.remark:
        print(f"lilliput: {graded.remark}", file=sys.stderr)
    if graded.unkept:
        print(f"lilliput: the grade is not kept: {graded.unkept}", file=sys.stderr)
    return 0


def _text(content: bytes, name: str, values: Any) -> int:
    from lilliput.exam.expressions import grade_text, score_words, to_dict

    lines = grade_text(content, name, values.decimals, values.rounding)
    if values.json:
        print(json_text(to_dict(lines), ensure_ascii=False))
        return 0
    for line in lines:
        print(line.listed if values.plain else line.graded)
    if not values.plain:
        print(f"\n{score_words(lines)}")
    return 0
