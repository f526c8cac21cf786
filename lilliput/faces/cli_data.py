"""`lilliput data`: a task's problems as text, for other tools."""

from collections.abc import Sequence
from pathlib import Path

from lilliput.errors import UserError, nearest
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.specs import ArithmeticSpec

ABOUT = (
    "Writes lines such as `27 / 86 = 0.31` (TinyMath's form): every problem once in a random"
    " order, or as many as --lines says, drawn with replacement. The held-out range is left out."
)
_NOT_OF_LINES = ("format", "reverse", "source", "source_digest", "leaked")
"""Fields that say how a model reads a problem, or where else problems come from."""


def flags_of() -> list[Flag]:
    return [
        *spec_flags(ArithmeticSpec, leave_out=_NOT_OF_LINES),
        Flag("lines", int, 0, "How many, drawn with replacement; 0: every problem once."),
        Flag("section", str, "", "Only problems of seen, valid, unseen or beyond; empty: all."),
        Flag("seed", int, 0, "What the order and the draws come from."),
        Flag("out", str, "", "A file, written whole or not at all; empty: standard output."),
    ]


def main(argv: Sequence[str]) -> int:
    task, rest = (argv[0], argv[1:]) if argv else ("", [])
    if task in ("-h", "--help"):
        task, rest = "arithmetic", ["--help"]
    if task != "arithmetic":
        what = f"no data of {task!r}" if task else "which task? write `lilliput data arithmetic`"
        raise UserError(what + nearest(task, ["arithmetic"]))
    values = parse("data arithmetic", ABOUT, flags_of(), rest)
    from lilliput.files import write_atomically
    from lilliput.lab.writing import data

    spec = spec_of(ArithmeticSpec, values)
    lines = data(spec, values.lines, values.seed, values.section)
    if values.out:
        text = "".join(f"{line}\n" for line in lines)
        write_atomically(Path(values.out), text.encode(), then="; choose another file with --out")
        print(f"{text.count(chr(10)):,} lines in {values.out}")
    else:
        for line in lines:
            print(line)
    return 0
