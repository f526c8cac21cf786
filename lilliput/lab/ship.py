"""A model as something that one can give away, checked by what it says."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from lilliput.errors import LilliputError, NotFoundError, SpecError, nearest
from lilliput.files import write_atomically
from lilliput.lab.answering import Model, longest_answer
from lilliput.lab.load import load, resolve
from lilliput.lab.telling import TextModel
from lilliput.models.modelfile import Card, read_card
from lilliput.specs import GPTSpec
from lilliput.specs.sampling import Sampling

FORMS = ("c", "exe", "wasm", "hf", "safetensors")
GOLDEN = "Once upon a time"
"""What story tellers are checked with, where they know its characters."""
_PIECES = 100
_GREEDY = Sampling(temperature=0.0)


@dataclass(frozen=True)
class Shipped:
    """What left."""

    file: Path
    bytes: int
    checked: int
    """Texts that it was asked, and said as the model does; 0: it was not run."""
    why_not: str = ""


def ship(name: str, form: str, numbers: str, out: Path, target: str = "") -> Shipped:
    """Writes a model in a form, and asks what was made what the model itself is asked: in float32
    it must say PyTorch's greedy texts, in whole numbers the engine's.

    Args:
        form: one of FORMS.
        numbers: float32, int16 or int8; empty: as the model's file has them.
        target: the machine that a program is for, as zig names it; empty: this one.

    Raises:
        SpecError: no such form, or a model that is not ours.
        NotFoundError: a compiler that the form needs is not here.
        LilliputError: what was made says something else.
    """
    if form not in FORMS:
        raise SpecError(f"no form {form!r} to ship as" + nearest(form, FORMS))
    if target and form != "exe":
        raise SpecError(f"--target is for programs (--as exe); --as {form} is for every machine")
    path = resolve(name)
    if numbers and numbers != read_card(path).numbers:
        return _in_other_numbers(name, form, numbers, out, target)
    if form == "safetensors":
        write_atomically(out, path.read_bytes(), then="")
        return Shipped(out, out.stat().st_size, 0, "a copy of the model's own file")
    model = load(str(path))
    if form == "hf":
        return _as_folder(model, out)
    if form == "wasm":
        return _as_page(model, out)
    source = _source(model)
    expected = _golden(model)
    if form == "exe":
        count, why_not = _build(source, out, model, expected, target)
        return Shipped(out, out.stat().st_size, count, why_not)
    with tempfile.TemporaryDirectory() as folder:
        try:
            count, why_not = _build(source, Path(folder) / "program", model, expected, "")
        except NotFoundError as error:
            count, why_not = 0, str(error)
    write_atomically(out, source.encode(), then="")
    return Shipped(out, out.stat().st_size, count, why_not)


def _in_other_numbers(name: str, form: str, numbers: str, out: Path, target: str) -> Shipped:
    from lilliput.lab.quantising import quantise

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / f"{numbers}.safetensors"
        quantise(name, numbers, small, measure=False)
        return ship(str(small), form, "", out, target)


def _as_folder(model: "Model | TextModel", out: Path) -> Shipped:
    """transformers' own form; asked what the model is asked, before formats are read."""
    from lilliput.models import modelfile
    from lilliput.shipping import hf

    card = _card(model)
    if not isinstance(card.spec.model, GPTSpec):
        raise SpecError(
            f"transformers has no {card.spec.model.kind}; take --as c, exe or safetensors"
        )
    hf.shape_of(card.spec.model)
    network, _ = modelfile.load(resolve(model.name))
    hf.write_folder(out, dict(network.named_parameters()), card)
    size = sum(file.stat().st_size for file in out.iterdir())
    if isinstance(model, TextModel):
        prompts, most = [model.mapped(GOLDEN)], _PIECES
        expected = [text.removeprefix(prompts[0]) for text in _golden(model).values()]
    else:
        prompts = [model.prompt(problem.question)[0] for problem in model.task.exam("valid")[:20]]
        most = longest_answer(model.task) or card.context
        expected = [text.removesuffix(card.end) for text in model.answerer(prompts)]
    try:
        said = hf.say(out, prompts, card.spec.training.opens_with_end, most)
    except NotFoundError as error:
        return Shipped(out, size, 0, str(error))
    if said != expected:
        raise LilliputError(f"transformers says {said!r} to {prompts!r}; the model: {expected!r}")
    return Shipped(out, size, len(said))


def _as_page(model: "Model | TextModel", out: Path) -> Shipped:
    """A page of its own, whose engine is asked in node."""
    from lilliput.engine.flat import of_file
    from lilliput.shipping import wasm

    card = _card(model)
    flat, expected = of_file(resolve(model.name)), _golden(model)
    with tempfile.TemporaryDirectory() as folder:
        file, why_not, count = Path(folder) / "model.flat", "", len(expected)
        file.write_bytes(flat)
        try:
            said = wasm.say(file, list(expected), _PIECES)
        except NotFoundError as error:
            why_not, count, said = str(error), 0, []
    if isinstance(model, Model):
        said = [_line(model, q, a) for q, a in zip(expected, said, strict=True)] if count else []
    wanted = list(expected.values())[:count]
    if said != wanted:
        raise LilliputError(f"the page's engine says {said!r}; the model: {wanted!r}")
    facts = {
        "family": card.spec.model.kind,
        "parameters": f"{card.parameters:,} in {card.numbers}",
        "task": card.spec.task.kind,
        "spec": card.spec.digest,
    }
    kind = "storyteller" if isinstance(model, TextModel) else "calculator"
    title = f"A {kind} of {card.parameters:,} parameters"
    page = wasm.one_page(flat, title, "It runs in this page; nothing leaves it.", facts, GOLDEN)
    write_atomically(out, page.encode(), then="")
    return Shipped(out, out.stat().st_size, count, why_not)


def _source(model: "Model | TextModel") -> str:
    from lilliput.engine.binding import Engine
    from lilliput.engine.flat import of_file
    from lilliput.shipping.source import one_file

    card = _card(model)
    flat = of_file(resolve(model.name))
    engine = Engine(flat)
    title = (
        f"Lilliput: {card.spec.model.kind}, {card.parameters:,} parameters in {card.numbers},"
        f" {card.spec.task.kind}, spec {card.spec.digest}"
    )
    return one_file(flat, engine.room, engine.vocabulary_size, title)


def _card(model: "Model | TextModel") -> Card:
    if model.card is None:
        raise SpecError(f"{model.name} is no model of Lilliput's own; only those are shipped")
    return model.card


def _golden(model: "Model | TextModel") -> dict[str, str]:
    """Lines, and what must be said to each."""
    exact = _card(model).numbers == "float32"
    if isinstance(model, TextModel):
        from lilliput.exam.telling import tell

        prompt = model.mapped(GOLDEN)
        if exact:
            told = "".join(tell(model.reader, prompt, sampling=_GREEDY, pieces=_PIECES))
        else:
            told = "".join(model.tell(prompt, sampling=_GREEDY, pieces=_PIECES))
        return {prompt: prompt + told}
    questions = [problem.question for problem in model.task.exam("valid")[:20]]
    answers = model.answers_of_pytorch(questions) if exact else model.answer(questions)
    return {q: _line(model, q, a) for q, a in zip(questions, answers, strict=True)}


def _line(model: Model, question: str, answer: str) -> str:
    """A question and its answer, as a program prints them."""
    return f"{question}{chr(9) if model.task.format.kind == 'lines' else ' = '}{answer}"


def _build(
    source: str, out: Path, model: "Model | TextModel", expected: dict[str, str], target: str
) -> tuple[int, str]:
    """Compiles the source to a program; how many lines it was asked, all of which it answered as
    expected, or why none.

    Raises:
        NotFoundError: no compiler for the target is here.
        LilliputError: the program says something else, and is not written.
    """
    from lilliput.shipping import exe

    runner = exe.runner(target)
    options = ("-t", "0", "-n", str(_PIECES)) if isinstance(model, TextModel) else ()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "program"
        exe.build(source, made, small=_card(model).numbers != "float32", target=target)
        for line, wanted in expected.items() if runner is not None else ():
            assert runner is not None
            said = exe.say([*runner, made], line, *options)
            if said != wanted:
                raise LilliputError(
                    f"what was made says {said!r} to {line!r}; the model: {wanted!r}"
                )
        write_atomically(out, made.read_bytes(), then="")
    out.chmod(0o755)
    if runner is None:
        return 0, f"nothing here runs a program for {target}"
    return len(expected), ""
