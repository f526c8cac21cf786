"""`lilliput ship`: a model as a program, a page, C, a graph, or a folder for transformers."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lilliput.errors import UserError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.files import json_text
from lilliput.units import format_bytes

ABOUT = (
    "Writes a model as something that one can give away: a C file (engine, weights and a program in"
    " one), a program, a page that runs in any browser, C for a microcontroller, a folder that"
    " transformers loads, a graph for ONNX, or the model file; its card goes with it. What can run"
    " here is asked what the model is asked, and must say the same before it is called checked."
)
_ENDS = {
    "c": ".c",
    "exe": "",
    "hf": "-hf",
    "mcu": "-mcu",
    "onnx": ".onnx",
    "safetensors": ".safetensors",
    "wasm": ".html",
}


def flags_of() -> list[Flag]:
    return [
        Flag("model", str, help="zoo:NAME, a run, or a model file.", positional=True),
        Flag(
            "form",
            str,
            "exe",
            "c, exe, wasm (a page), mcu (integer-only C for a microcontroller), hf (for"
            " transformers), onnx (one decoding step), safetensors.",
            spelled="as",
        ),
        Flag(
            "numbers",
            str,
            "",
            "float32, int16 or int8; empty: as the model's file has them (mcu, of float32: int8).",
        ),
        Flag(
            "target",
            str,
            "",
            "Of a program: x86_64-linux-musl, aarch64-linux-musl, x86_64-windows-gnu, aarch64-macos"
            " or any of zig's; empty: this machine.",
        ),
        Flag(
            "out",
            str,
            "",
            "The file, of hf and mcu the folder; empty: the model's name here, and its target's.",
        ),
        Flag("json", bool, False, "Print JSON."),
    ]


def main(argv: Sequence[str]) -> int:
    if not argv:
        raise UserError("ship which model? `lilliput zoo` lists some")
    values = parse("ship", ABOUT, flags_of(), argv)
    from lilliput.lab.ship import ship

    form = values.form
    stem = values.model.removeprefix("zoo:").rstrip("/").split("/")[-1]
    stem = stem.removesuffix(".safetensors")
    if values.target:
        stem += f"-{values.target}"  # programs for several machines stand side by side
    end = ".exe" if "windows" in values.target else _ENDS.get(form, "")
    out = Path(values.out or stem + end)
    shipped = ship(values.model, form, values.numbers, out, values.target)
    if values.json:
        print(json_text({**asdict(shipped), "file": str(out)}))
        return 0
    print(f"{out}, {format_bytes(shipped.bytes)}, {shipped.words}")
    for note in shipped.notes:
        print(note)
    return 0
