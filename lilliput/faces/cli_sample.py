"""`lilliput sample`: lines that a model writes when it runs on freely; pipes into `grade -`."""

import sys
from collections.abc import Sequence

from lilliput.errors import UserError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.faces.text import mark_words

ABOUT = (
    "Lets a model run on freely and prints its lines. Where it has learned answers only, problems"
    " are drawn for it. `lilliput sample MODEL | lilliput grade -` grades what it wrote."
)


def flags_of() -> list[Flag]:
    return [
        Flag("model", str, help="zoo:NAME, a run, or a model file", positional=True),
        Flag("lines", int, 10, "How many."),
        Flag("temperature", float, 1.0, "0: the likeliest character each time."),
        Flag("top_k", int, 0, "Draw among the likeliest k characters only; 0: among all."),
        Flag("seed", int, 0, "What the draws come from."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("sample which model? `lilliput zoo` lists some")
    values = parse("sample", ABOUT, flags_of(), argv)
    from lilliput.lab.load import load
    from lilliput.lab.verbs import sample

    marks = mark_words(load(values.model).card.marks)
    if marks:
        print(f"lilliput: {values.model}{marks}", file=sys.stderr)
    for line in sample(
        values.model,
        lines=values.lines,
        temperature=values.temperature,
        top_k=values.top_k,
        seed=values.seed,
    ):
        print(line, flush=True)
    return 0
