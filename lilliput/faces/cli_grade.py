"""`lilliput grade`: the exam of a model, or a text of expressions with the right answers beside."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lilliput.errors import SpecError, UserError, nearest
from lilliput.faces.cli_flags import WHOLE, Flag, given, parse
from lilliput.faces.text import print_grade
from lilliput.specs.task import Rounding

ABOUT = (
    "Asks a model the exam of its task: right answers by section and operation, with 95 %"
    " intervals, kinds of error and a verdict. A text file of lines such as `12 + 24 = 36.00`,"
    " or - for standard input, is graded line by line, at 2 decimals unless told. A model of text"
    " is asked bits per character, context, a story card and its speed."
)
_MODEL_ENDS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


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
    text = stdin or _is_text(values.what)
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


def _is_text(name: str) -> bool:
    """A file that is no model: neither by its name nor by its first bytes."""
    path = Path(name)
    if name.startswith("zoo:") or not path.is_file() or path.suffix in _MODEL_ENDS:
        return False
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file opens with a length of 8 bytes and a JSON table; a text has no zero byte.
    return not (start[8:9] == b"{" and b"\0" in start[:8])


def _model(values: Any) -> int:
    from lilliput.lab.answering import Model
    from lilliput.lab.load import load
    from lilliput.lab.verbs import SECTIONS, grade

    model = load(values.what)
    if not isinstance(model, Model):
        return _story(values, model.taken)
    if values.text or values.anchors:
        raise UserError(
            f"{values.what} answers questions; --text and --anchors are for models of text"
        )
    for name in values.sections:
        if name not in SECTIONS:
            raise SpecError(f"unknown section {name!r}" + nearest(name, SECTIONS))
    whole = not values.sections
    graded = grade(values.what, values.sections or SECTIONS, keep=whole)
    if values.json:
        print(json.dumps(graded.to_dict(), ensure_ascii=False))
    else:
        print_grade(graded)
    if graded.unkept:
        print(f"lilliput: the grade is not kept: {graded.unkept}", file=sys.stderr)
    return 0


def _story(values: Any, taken: str) -> int:
    from lilliput.faces.exam_live import exam_bar
    from lilliput.faces.text_story import print_story_grade
    from lilliput.lab.stories import grade_text

    if values.sections:
        told = taken or f"{values.what} tells stories"
        raise UserError(f"{told}; its exam has no sections: leave them out")
    if taken:
        print(f"lilliput: {taken}", file=sys.stderr)
    with exam_bar() as progress:
        graded = grade_text(values.what, values.text, values.anchors, progress=progress)
    if values.json:
        print(json.dumps(graded.to_dict(), ensure_ascii=False))
    else:
        print_story_grade(graded)
    if graded.remark:
        print(f"lilliput: {graded.remark}", file=sys.stderr)
    if graded.unkept:
        print(f"lilliput: the grade is not kept: {graded.unkept}", file=sys.stderr)
    return 0


def _text(content: bytes, name: str, values: Any) -> int:
    from lilliput.exam.expressions import grade_text, score_words, to_dict

    lines = grade_text(content, name, values.decimals, values.rounding)
    if values.json:
        print(json.dumps(to_dict(lines), ensure_ascii=False))
        return 0
    for line in lines:
        print(line.listed if values.plain else line.graded)
    if not values.plain:
        print(f"\n{score_words(lines)}")
    return 0
