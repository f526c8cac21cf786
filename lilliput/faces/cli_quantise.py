"""`lilliput quantise`: a model in int8 or int16, and what that costs, measured."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lilliput.errors import UserError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.files import json_text
from lilliput.units import format_bytes, point_words

ABOUT = (
    "Writes a model with its matrices in whole numbers, a scale a row, and grades it before and"
    " after. The file loads, tells and answers as any other."
)


def flags_of() -> list[Flag]:
    return [
        Flag("model", str, help="zoo:NAME, a run, or a model file.", positional=True),
        Flag("numbers", str, "int8", "int8 or int16."),
        Flag("out", str, "", "A new file; empty: NAME-int8.safetensors here."),
        Flag("json", bool, False, "Print JSON."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("quantise which model? `lilliput zoo` lists some")
    values = parse("quantise", ABOUT, flags_of(), argv)
    from lilliput.lab.load import resolve
    from lilliput.lab.quantising import quantise

    stem = values.model.removeprefix("zoo:").rstrip("/").split("/")[-1]
    stem = stem.removesuffix(".safetensors")
    out = Path(values.out or f"{stem}-{values.numbers}.safetensors")
    costs = quantise(values.model, values.numbers, out)
    if values.json:
        print(json_text({"file": str(out), "costs": [asdict(cost) for cost in costs]}))
        return 0
    sizes = [format_bytes(file.stat().st_size) for file in (resolve(values.model), out)]
    print(f"{values.model}, {sizes[0]} -> {out}, {sizes[1]}")
    for cost in costs:
        lost = f"{cost.lost:.4f} bits" if cost.before < 0 else f"{100 * cost.lost:.2f} points"
        before, after = point_words(cost.before), point_words(cost.after)
        print(f"{cost.section}: {before} before, {after} after: {lost} lost")
    return 0
