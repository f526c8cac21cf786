"""The forms that the engine is in: a C file, a program, a page, and C for a microcontroller."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.errors import NotFoundError
from lilliput.files import write_atomically
from lilliput.lab.answering import longest_answer
from lilliput.lab.shipped import (
    GOLDEN,
    PIECES,
    THEN,
    Job,
    Shipped,
    between,
    folder_size,
    golden,
    line,
    new_folder,
    same,
    write_card,
)
from lilliput.lab.telling import TextModel
from lilliput.lab.words import outside_words
from lilliput.specs import ArithmeticSpec
from lilliput.units import format_bytes

if TYPE_CHECKING:
    from lilliput.engine.binding import Engine
    from lilliput.shipping.source import Learned

_WHOLE = "integer only: no float, and no float in software either"


def source(job: Job) -> Shipped:
    """One C file, compiled here and asked where there is a compiler."""
    code = _source(job, packed=False)
    with tempfile.TemporaryDirectory() as folder:
        try:
            count, why_not = _build(code, Path(folder) / "program", job)
        except NotFoundError as error:
            count, why_not = 0, str(error)
    write_atomically(job.out, code.encode(), then=THEN)
    return write_card(job, Shipped(job.out, job.out.stat().st_size, count, why_not))


def program(job: Job) -> Shipped:
    """A program, for this machine or another."""
    count, why_not = _build(_source(job, packed=job.card.numbers != "float32"), job.out, job)
    return write_card(job, Shipped(job.out, job.out.stat().st_size, count, why_not))


def chip(job: Job) -> Shipped:
    """A folder of C for a Cortex-M, linked and asked in QEMU where both are here."""
    from lilliput.engine.flat import of_file
    from lilliput.shipping import exe, mcu, whole

    model, spec, engine = job.model, job.card.own, _engine(of_file(job.path), job)
    flat = whole.of_file(job.path)
    longest = 0 if isinstance(model, TextModel) else longest_answer(model.task) or job.card.context
    sizes = mcu.Sizes(
        weights=len(flat),
        room=whole.room(flat),
        vocabulary=engine.vocabulary_size,
        longest=max(256, longest),
        blocks=max(spec.layers, getattr(spec, "loops", 1)),
    )
    needs, count, why_not, alike = mcu.estimate(sizes), 0, "", ""
    with new_folder(job.out) as folder, tempfile.TemporaryDirectory() as elsewhere:
        elf = Path(elsewhere) / "model.elf"
        mcu.write_folder(folder, flat, sizes, between(model), job.words.text())
        try:
            needs = mcu.link(folder, elf)
            here, expected = Path(elsewhere) / "here", golden(job)
            mcu.reference(folder, here)
            said = exe.say([here], list(expected))
            same("the chip", mcu.say(elf, list(expected)), said)
            count, alike = len(expected), _alike(job, said, expected)
        except NotFoundError as error:
            why_not = str(error)
        figures = f"flash {format_bytes(needs.flash)}, RAM {format_bytes(needs.ram)} ({needs.how})"
        notes = (figures, _WHOLE + alike)
        shipped = Shipped(job.out, 0, count, why_not, notes, "the same C on this machine")
        told = job.words.markdown("; ".join([figures, shipped.words, notes[-1]]))
        write_atomically(folder / "README.md", told.encode(), then=THEN)
    return replace(shipped, bytes=folder_size(job.out))


def page(job: Job) -> Shipped:
    """A page of its own, whose engine is asked in node."""
    from lilliput.engine.flat import of_file
    from lilliput.shipping import wasm

    model, expected = job.model, golden(job)
    facts = dict(job.words.rows)
    about = "It runs in this page; nothing leaves it."
    title, flat = job.words.title, of_file(job.path)
    made = wasm.one_page(flat, title, about, facts, GOLDEN, _learned(job))
    with tempfile.TemporaryDirectory() as folder:
        file, why_not, count = Path(folder) / "page.html", "", len(expected)
        file.write_bytes(made)
        try:
            said = wasm.say(file, list(expected), PIECES)
        except NotFoundError as error:
            why_not, count, said = str(error), 0, []
    if not isinstance(model, TextModel):
        said = [line(model, q, a) for q, a in zip(expected, said, strict=True)] if count else []
    same("the page's engine", said, list(expected.values())[:count])
    write_atomically(job.out, made, then=THEN)
    return write_card(job, Shipped(job.out, job.out.stat().st_size, count, why_not))


def _engine(flat: bytes, job: Job) -> "Engine":
    from lilliput.engine.binding import Engine, library

    if library() is None:
        raise NotFoundError(
            "the engine is not built here, and what is made of it could not be asked; `lilliput"
            " doctor` says what is missing, or take --as hf, onnx or safetensors"
        )
    return Engine(flat, str(job.path))


def _alike(job: Job, said: str, expected: dict[str, str]) -> str:
    """How much of what a chip says is what the engine says in the same numbers, which rounds
    elsewhere.

    Raises:
        LilliputError: of a calculator's answers not even half are.
    """
    wanted, who = _lines(expected), f"the engine's in {job.card.numbers}, to the letter"
    if isinstance(job.model, TextModel):
        pairs = enumerate(zip(said, wanted, strict=False))
        common = next((at for at, (one, other) in pairs if one != other), len(wanted))
        return f"; of a text of {len(wanted):,} characters the first {common:,} are {who}"
    answers = zip(said.splitlines(), expected.values(), strict=True)
    alike = sum(one == other for one, other in answers)
    if 2 * alike < len(expected):
        same("the chip", said, wanted)
    return f"; {alike} of {len(expected)} are {who}"


def _lines(expected: dict[str, str]) -> str:
    """What must be said to all lines."""
    return "".join(f"{text}\n" for text in expected.values())


def _source(job: Job, packed: bool) -> str:
    from lilliput.engine.flat import of_file
    from lilliput.shipping.source import one_file

    flat = of_file(job.path)
    engine = _engine(flat, job)
    words, size = job.words.text(), engine.vocabulary_size
    return one_file(flat, engine.room, size, words, packed, _learned(job))


def _learned(job: Job) -> "Learned | None":
    """What a calculator warns by; None: the model is of another task."""
    from lilliput.shipping.source import Learned

    task = job.card.spec.task
    if not isinstance(task, ArithmeticSpec):
        return None
    return Learned(task.learned_ranges, outside_words(task))


def _build(code: str, out: Path, job: Job) -> tuple[int, str]:
    """Compiles the source to a program; how many lines it was asked, all of which it answered as
    expected, or why none.

    Raises:
        NotFoundError: no compiler for the target is here.
        LilliputError: the program says something else, and is not written.
    """
    from lilliput.shipping import exe

    runner = exe.runner(job.target)
    options = ("-t", "0", "-n", str(PIECES)) if isinstance(job.model, TextModel) else ()
    expected = golden(job)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "program"
        exe.build(code, made, small=job.card.numbers != "float32", target=job.target)
        if runner is not None:
            said = exe.say([*runner, made], list(expected), *options)
            same("the program", said, _lines(expected))
        write_atomically(out, made.read_bytes(), then=THEN)
    out.chmod(0o755)
    if runner is None:
        return 0, f"nothing here runs a program for {job.target}"
    return len(expected), ""
