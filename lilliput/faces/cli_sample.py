"""`lilliput sample`: lines that a model writes when it runs on freely, which pipe into `grade -`;
stories of a model of text, which `train --text` learns."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lilliput.errors import UserError
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.faces.text import mark_words, shown
from lilliput.specs import ArithmeticSpec
from lilliput.specs.sampling import Sampling

if TYPE_CHECKING:
    from lilliput.lab.answering import Model

ABOUT = (
    "Lets a model run on freely and prints its lines. Where it has learned answers only, problems"
    " are drawn for it: of validation, or of a section that is named. A look of a run at `unseen`"
    " or `beyond`, which are kept for reports, is recorded in its looks.jsonl. `lilliput sample"
    " MODEL | lilliput grade -` grades what it wrote. A model of text, also of transformers'"
    " (hf:NAME), begins stories and ends each with a line of <|endoftext|>: `lilliput sample MODEL"
    " --lines 10000 > told.txt`, then `lilliput train gpt --task stories --text told.txt`, teaches"
    " a smaller one what it tells."
)
_SECTION = (
    "Draw problems of seen, valid, unseen or beyond; empty: valid. A run's looks at the last two"
    " are recorded."
)


def flags_of() -> list[Flag]:
    return [
        Flag("model", str, help="zoo:NAME, a run, a model file, or hf:NAME", positional=True),
        Flag("lines", int, 10, "How many lines, or stories of a model of text."),
        Flag("section", str, "", _SECTION),
        *spec_flags(Sampling),
        Flag("seed", int, 0, "What the draws come from."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("sample which model? `lilliput zoo` lists some")
    values = parse("sample", ABOUT, flags_of(), argv)
    sampling = spec_of(Sampling, values)
    from lilliput.lab.answering import Model
    from lilliput.lab.load import load
    from lilliput.lab.writing import sample_of
    from lilliput.tasks.documents import SEPARATOR

    model = load(values.model)
    if isinstance(model, Model):
        marks, end = mark_words(model.card.marks), ""
        said = [*_asked(model, values.section), *_graded_by(model)]
    else:
        marks, end = mark_words(model.marks), f"\n{SEPARATOR}"
        said = [model.taken] if model.taken else []
    said = [f"{values.model}{marks}", *said] if marks else said
    written = sample_of(model, values.lines, sampling, values.seed, values.section)
    for number, line in enumerate(written):
        if not number:  # once it is known that there is something to say it of
            for words in said:
                print(f"lilliput: {words}", file=sys.stderr)
        print(f"{shown(line)}{end}", flush=True)
    return 0


def _asked(model: "Model", section: str) -> Iterator[str]:
    """Which problems were drawn, and whether a score on them says what the model can do."""
    if model.start:  # it asks itself
        return
    if model.task.exhaustive and section != "beyond":
        yield "all problems of this task were trained on: a score on them flatters"
    elif section == "seen":
        yield "problems of seen, which were trained on: a score on them flatters"
    else:
        yield f"problems of {section or 'valid'}, never trained on"


def _graded_by(model: "Model") -> Iterator[str]:
    """Who can grade the lines, where it is not `lilliput grade -` as it stands."""
    task = model.card.spec.task
    if not isinstance(task, ArithmeticSpec):
        yield (
            "these are question, tab, answer, and `lilliput grade -` is for expressions;"
            f" `lilliput grade {model.name}` asks the model its exam"
        )
        return
    usual = ArithmeticSpec()
    words = [f"--decimals {task.decimals}"] if task.decimals != usual.decimals else []
    words += [f"--rounding {task.rounding}"] if task.rounding != usual.rounding else []
    if words:
        yield f"grade these with: lilliput grade - {' '.join(words)}"
