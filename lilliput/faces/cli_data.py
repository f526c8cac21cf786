"""`lilliput data`: a task's problems or documents as files, for other tools."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from lilliput.errors import UserError, nearest
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.specs import ArithmeticSpec, StoriesSpec

ABOUT = {
    "arithmetic": (
        "Writes lines such as `27 / 86 = 0.31` (TinyMath's form): every problem once in a random"
        " order, or as many as --lines says, drawn with replacement. The held-out range is left"
        " out. With --source they are the lines of that file, in its order, without those that the"
        " exam asks (--leaked keeps them). --as nanogpt writes a folder that nanoGPT trains on"
        " instead: train.bin (seen, or the lines of --source), val.bin (valid) and meta.pkl,"
        " without unseen and beyond: those `lilliput grade` asks its model. `lilliput data stories`"
        " does the same with documents of text."
    ),
    "stories": (
        "Writes documents as we split them, a line of <|endoftext|> behind each. --as nanogpt"
        " writes a folder that nanoGPT trains on instead: train.bin (seen), val.bin (valid) and"
        " meta.pkl, in characters or, with --vocabulary, in byte-pair pieces; documents of unseen"
        " are in neither: those `lilliput grade --text` may ask its model."
    ),
}
_NOT_OF_LINES = ("format", "reverse")
"""Fields that say how a model reads a problem."""
_SECTION = "Only {} of {}; empty: all."


def flags_of(task: str = "arithmetic") -> list[Flag]:
    if task == "stories":
        own = [
            *spec_flags(StoriesSpec),
            Flag("section", str, "", _SECTION.format("documents", "seen, valid or unseen")),
        ]
    else:
        own = [
            *spec_flags(ArithmeticSpec, leave_out=_NOT_OF_LINES),
            Flag("lines", int, 0, "How many, drawn with replacement; 0: every problem once."),
            Flag("section", str, "", _SECTION.format("problems", "seen, valid, unseen or beyond")),
            Flag("seed", int, 0, "What the order and the draws come from."),
        ]
    return [
        *own,
        Flag("kind", Literal["text", "nanogpt"], "text", "What is written.", spelled="as"),
        Flag("out", str, "", "A file, written whole or not at all; empty: standard output."),
    ]


def main(argv: Sequence[str]) -> int:
    task, rest = (argv[0], argv[1:]) if argv else ("", [])
    if task in ("-h", "--help"):
        task, rest = "arithmetic", ["--help"]
    if task not in ABOUT:
        what = f"no data of {task!r}" if task else "which task? write `lilliput data arithmetic`"
        raise UserError(what + nearest(task, ABOUT))
    values = parse(f"data {task}", ABOUT[task], flags_of(task), rest)
    if values.kind == "nanogpt":
        _check_nanogpt(task, values)
    return _stories(values) if task == "stories" else _arithmetic(values)


def _check_nanogpt(task: str, values: Any) -> None:
    if not values.out:
        raise UserError(f"--as nanogpt writes a folder; name it, such as --out data/{task}")
    if values.section:
        raise UserError(
            f"--as nanogpt trains on seen and validates on valid; leave --section {values.section}"
            " out"
        )


def _arithmetic(values: Any) -> int:
    spec = spec_of(ArithmeticSpec, values)
    if spec.source and values.section in ("", "seen"):
        from lilliput.tasks.arithmetic import Arithmetic
        from lilliput.tasks.source import read_source

        # On stderr, as the lines themselves may go to standard output.
        print(read_source(Arithmetic(spec)).words(spec.source), file=sys.stderr)
    if values.kind == "nanogpt":
        from lilliput.lab.nanogpt_data import write_problems

        written = write_problems(spec, Path(values.out), values.lines, values.seed)
        print(_written(written, "characters", values.out))
        return 0
    from lilliput.lab.writing import data

    lines = (f"{line}\n" for line in data(spec, values.lines, values.seed, values.section))
    _write(lines, "lines", values.out)
    return 0


def _stories(values: Any) -> int:
    from lilliput.faces.corpus_live import prepare

    spec = spec_of(StoriesSpec, values)
    if values.kind == "text":
        if spec.vocabulary:
            raise UserError("text is written as it is: leave --vocabulary out, or add --as nanogpt")
        from lilliput.lab.writing import documents

        told = documents(spec, values.section)
        prepare(spec)
        _write((f"{one}\n<|endoftext|>\n" for one in told), "documents", values.out)
        return 0
    from lilliput.lab.nanogpt_data import write_documents

    prepare(spec)
    written = write_documents(spec, Path(values.out))
    print(_written(written, "pieces" if spec.vocabulary else "characters", values.out))
    print(
        "an end mark, U+0003, stands behind each document: nanoGPT's sample.py begins one with"
        " --start=$'\\x03'"
    )
    if spec.vocabulary:
        print(
            "it reads a prompt character by character, which is not how the pieces were learned;"
            " `lilliput tell --model out/ckpt.pt` cuts it rightly (meta.pkl has the merges)"
        )
    return 0


def _written(written: dict[str, int], unit: str, out: str) -> str:
    told = " and ".join(f"{number:,} in {name}.bin" for name, number in written.items())
    return f"{told} ({unit}), and meta.pkl, in {out}"


def _write(parts: Iterable[str], unit: str, out: str) -> None:
    """Writes to a file, and says how many; or to standard output."""
    if not out:
        for part in parts:
            print(part, end="")
        return
    from lilliput.files import write_atomically

    count = 0

    def counted() -> Iterable[bytes]:
        nonlocal count
        for part in parts:
            count += 1
            yield part.encode()

    write_atomically(Path(out), counted(), then="; choose another file with --out")
    print(f"{count:,} {unit} in {out}")
