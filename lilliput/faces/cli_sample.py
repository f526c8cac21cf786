"""`lilliput sample`: lines that a model writes when it runs on freely; pipes into `grade -`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

from lilliput.errors import UserError
from lilliput.exam.sampling import Sampling
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.faces.text import mark_words

ABOUT = (
    "Lets a model run on freely and prints its lines. Where it has learned answers only, problems"
    " are drawn for it. `lilliput sample MODEL | lilliput grade -` grades what it wrote."
)


def flags_of() -> list[Flag]:
    return [
        Flag("model", str, help="zoo:NAME, a run, or a model file", positional=True),
        Flag("lines", int, 10, "How many."),
        *spec_flags(Sampling),
        Flag("seed", int, 0, "What the draws come from."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("sample which model? `lilliput zoo` lists some")
    values = parse("sample", ABOUT, flags_of(), argv)
    sampling = spec_of(Sampling, values)
    from lilliput.lab.load import load_answerer
    from lilliput.lab.verbs import sample

    marks = mark_words(load_answerer(values.model).card.marks)
    if marks:
        print(f"lilliput: {values.model}{marks}", file=sys.stderr)
    for line in sample(
        values.model,
        lines=values.lines,
        seed=values.seed,
        **asdict(sampling),
    ):
        print(line, flush=True)
    return 0
