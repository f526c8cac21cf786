"""`lilliput data`: a task's problems as text, for other tools."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from lilliput.errors import UserError, nearest
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.specs import ArithmeticSpec

ABOUT = (
    "Writes lines such as `27 / 86 = 0.31` (TinyMath's form): every problem once in a random"
    " order, or as many as --lines says, drawn with replacement. The held-out range is left out."
    " --as nanogpt writes a folder that nanoGPT trains on instead: train.bin (seen), val.bin"
    " (valid) and meta.pkl, without unseen and beyond: those `lilliput grade` asks its model."
)
_NOT_OF_LINES = ("format", "reverse", "source", "source_digest", "leaked")
"""Fields that say how a model reads a problem, or where else problems come from."""


def flags_of() -> list[Flag]:
    return [
        *spec_flags(ArithmeticSpec, leave_out=_NOT_OF_LINES),
        Flag("lines", int, 0, "How many, drawn with replacement; 0: every problem once."),
        Flag("section", str, "", "Only problems of seen, valid, unseen or beyond; empty: all."),
        Flag("seed", int, 0, "What the order and the draws come from."),
        Flag("kind", Literal["text", "nanogpt"], "text", "What is written.", spelled="as"),
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
    if values.kind == "nanogpt":
        return _nanogpt(spec, values)
    lines = data(spec, values.lines, values.seed, values.section)
    if values.out:
        text = "".join(f"{line}\n" for line in lines)
        write_atomically(Path(values.out), text.encode(), then="; choose another file with --out")
        print(f"{text.count(chr(10)):,} lines in {values.out}")
    else:
        for line in lines:
            print(line)
    return 0


def _nanogpt(spec: ArithmeticSpec, values: Any) -> int:
    from lilliput.lab.nanogpt import write_data

    if not values.out:
        raise UserError("--as nanogpt writes a folder; name it, such as --out data/arithmetic")
    if values.section:
        raise UserError(
            f"--as nanogpt trains on seen and validates on valid; leave --section {values.section}"
            " out"
        )
    written = write_data(spec, Path(values.out), values.lines, values.seed)
    told = " and ".join(f"{number:,} in {name}.bin" for name, number in written.items())
    print(f"{told} (characters), and meta.pkl, in {values.out}")
    return 0
