"""A model as something that one can give away, checked by what it says."""

import tempfile
from pathlib import Path

from lilliput.engine.limits import over_limit
from lilliput.errors import NotFoundError, SpecError, nearest
from lilliput.files import write_atomically
from lilliput.lab.load import load, resolve_own
from lilliput.lab.modelcard import model_card
from lilliput.lab.shipped import THEN, Job, Shipped, check_out, golden, same, says, write_card
from lilliput.models.modelfile import read_card

FORMS = ("c", "exe", "hf", "mcu", "onnx", "safetensors", "wasm")
ANY = ("hf", "safetensors")
"""Forms that models of transformers are made into too."""
NUMBERS = ("float32", "int16", "int8")
_OF_ENGINE = ("c", "exe", "mcu", "wasm")
FOLDERS = ("hf", "mcu")
"""Forms that are more than one file."""


def ship(name: str, form: str, numbers: str, out: Path, target: str = "") -> Shipped:
    """Writes a model in a form, with its card, and asks what was made what the model itself is
    asked: in float32 it must say PyTorch's greedy texts, in whole numbers the engine's (hf and onnx
    work in floats in any case, so there PyTorch's; mcu without a float, so it must say what the
    same C says on this machine).

    >>> import lilliput
    >>> shipped = lilliput.ship("zoo:addition-368", "safetensors", "", Path("sums.safetensors"))
    >>> print(shipped.words)
    checked: 20 texts as the model says them

    Args:
        form: one of FORMS.
        numbers: float32, int16 or int8; empty: as the model's file has them, for mcu int8 in place
            of float32.
        target: the machine that a program is for, as zig names it; empty: this one.

    Raises:
        SpecError: no such form, a model that no training of ours wrote, or an `out` that is
            somebody's.
        NotFoundError: a compiler or library that the form needs is not here.
        LilliputError: what was made says something else, and is not written.
    """
    if form not in FORMS:
        raise SpecError(f"no form {form!r} to ship as" + nearest(form, FORMS))
    if target and form != "exe":
        why = (
            "is compiled by the Makefile in its folder" if form == "mcu" else "is for every machine"
        )
        raise SpecError(f"--target is for programs (--as exe); --as {form} {why}")
    if numbers and numbers not in NUMBERS:
        raise SpecError(f"no numbers {numbers!r}" + nearest(numbers, NUMBERS))
    if target:
        from lilliput.shipping.targets import check_target

        check_target(target)
    if form == "mcu" and numbers == "float32":
        raise SpecError(
            "--as mcu is for chips that count in whole numbers; take --numbers int8 or int16, or"
            " --as c, which compiles for chips with floats"
        )
    path = resolve_own(name)
    check_out(out, path, form in FOLDERS)
    card = read_card(path)
    before = card.numbers
    if form not in ANY:
        card.own  # noqa: B018  refused here where it is none
    if form == "mcu" and not numbers and before == "float32":
        numbers = "int8"
    if form in _OF_ENGINE and (why := over_limit(card.own, numbers or before)):
        raise SpecError(
            f"--as {form} is for what the engine decodes, and of {name} {why}; take --as hf, onnx"
            " or safetensors"
        )
    if numbers in ("", before):
        return _ship(form, _job(name, path, path, out, target))
    if numbers == "float32":
        raise SpecError(
            f"{name} is in {before}, and what that rounded off is gone; leave --numbers out, or"
            " give the model that it was made of"
        )
    from lilliput.lab.quantising import quantise

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / f"{numbers}.safetensors"
        quantise(name, numbers, small, measure=False)
        return _ship(form, _job(name, path, small, out, target))


def _job(name: str, graded: Path, path: Path, out: Path, target: str) -> Job:
    model = load(str(path))
    if model.card is None:
        raise SpecError(f"{name} is no model of Lilliput's own; only those are shipped")
    return Job(model, path, model.card, model_card(name, graded, model.card), out, target)


def _model_file(job: Job) -> Shipped:
    """The model file itself, in the numbers asked for, loaded again and asked. One of transformers
    is a mere copy, and so is one whose questions are not here any more."""
    expected, why_not = {}, "a copy of the model's own file"
    if not job.card.outside:
        try:
            expected, why_not = golden(job), ""
        except NotFoundError as error:
            why_not = str(error)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "model.safetensors"
        made.write_bytes(job.path.read_bytes())
        if expected:
            same("the model file", says(load(str(made)), list(expected)), expected)
        write_atomically(job.out, made.read_bytes(), then=THEN)
    return write_card(job, Shipped(job.out, job.out.stat().st_size, len(expected), why_not))


def _ship(form: str, job: Job) -> Shipped:
    from lilliput.lab import ship_engine, ship_floats

    match form:
        case "safetensors":
            return _model_file(job)
        case "c":
            return ship_engine.source(job)
        case "exe":
            return ship_engine.program(job)
        case "mcu":
            return ship_engine.chip(job)
        case "wasm":
            return ship_engine.page(job)
        case "hf":
            return ship_floats.folder(job)
        case _:
            return ship_floats.graph(job)
