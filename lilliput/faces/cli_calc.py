"""`lilliput calc`: a model answers; one question, a prompt with history, or lines from a pipe."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError, UserError
from lilliput.faces.cli_flags import Flag, parse
from lilliput.faces.text import mark_words, shown
from lilliput.specs.sampling import Sampling, check_seed
from lilliput.units import format_seconds

if TYPE_CHECKING:
    from lilliput.lab.answering import Model

ABOUT = (
    "Answers a problem such as `12 + 24`. Without one it asks for problems, until `exit`; from a"
    " pipe it reads one a line. The answer is the model's own: it may be wrong."
)
DEFAULT_TASK = "arithmetic 0-89"
"""The zoo's task whose best model answers where none is named."""
BATCH = 1024
"""Lines of a pipe that PyTorch answers at once, at most."""
_CHUNK = 1 << 16
"""Bytes of a pipe that are read at once, at most."""


def flags_of() -> list[Flag]:
    problem = "A problem such as `12 + 24`; without it, a prompt or the lines of a pipe."
    return [
        Flag("problem", tuple[str, ...], (), problem, positional=True),
        Flag("model", str, "", "zoo:NAME, a run or a model file; empty: the best of the zoo."),
        Flag("check", bool, False, "Show the right answer beside the model's."),
        Flag("temperature", float, 0.0, "0: the likeliest answer; more: drawn, for a second try."),
        Flag("seed", int, 0, "What the draws come from; each further question has the next."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("calc", ABOUT, flags_of(), argv)
    Sampling(temperature=values.temperature)  # refused before a model is loaded
    check_seed(values.seed)
    model = _model(values.model)
    if model.card.marks:
        print(f"lilliput: {model.name}{mark_words(model.card.marks)}", file=sys.stderr)
    if values.problem:
        _one(model, " ".join(values.problem), values)
        return 0
    if sys.stdin.isatty():
        return _prompt(model, values)
    return _pipe(model, values)


def _model(name: str) -> "Model":
    from lilliput.lab.load import load_answerer

    if name:
        return load_answerer(name)
    from lilliput.zoo import best

    return load_answerer(f"zoo:{best(DEFAULT_TASK).name}")


def _one(model: "Model", question: str, values: Any, number: int = 0) -> None:
    """Prints `12 + 24 = 36.00   (0.02 s)`.

    Args:
        number: questions before it, so that none draws from another's seed.
    """
    question = _read(model, question)
    # Refused first: of a question that cannot be asked there is nothing to warn of.
    model.prompt(question)
    _warn(model, question)
    model.prepare()  # before the clock starts: the time is the answer's
    started = time.perf_counter()
    answer = _ask(model, [question], values, number)[0]
    took = format_seconds(time.perf_counter() - started)
    print(f"{_line(model, question, answer, values.check)}   ({took})")


def _read(model: "Model", question: str) -> str:
    """A question as it is asked: a sum may be typed with × · ÷ −; what is of a user's own file is
    left as it is."""
    from lilliput.tasks.expressions import plain_signs

    return question if model.task.format.kind == "lines" else plain_signs(question)


def _ask(model: "Model", questions: Sequence[str], values: Any, number: int) -> list[str]:
    return model.said(questions, temperature=values.temperature, seed=values.seed + number)


def _line(model: "Model", question: str, answer: str, check: bool) -> str:
    from lilliput.tasks.expressions import parse_expression, right_answer

    answer = shown(answer)
    if model.task.format.kind == "lines":
        return f"{question}\t{answer}{_checked_line(model, question, answer) if check else ''}"
    expression = parse_expression(question)
    line = f"{expression} = {answer}"
    if not check:
        return line
    spec: Any = model.card.spec.task
    right = right_answer(expression, spec.decimals, spec.rounding)
    return f"{line}   {_verdict(answer, right)}"


def _checked_line(model: "Model", question: str, answer: str) -> str:
    """Beside an answer to a question of the user's own file, where that has it."""
    everything = [p for name in ("seen", "valid", "unseen") for p in model.task.section(name)]
    known = {problem.question: problem.answer for problem in everything}
    return f"   {_verdict(answer, known[question])}" if question in known else "   not in the file"


def _verdict(answer: str, right: str) -> str:
    return f"Correct, right is {right}" if answer == right else f"Incorrect, right is {right}"


def _warn(model: "Model", question: str) -> None:
    words = model.warning(question)
    if words:
        from lilliput.tasks.expressions import parse_expression

        print(f"lilliput: {parse_expression(question)}: {words}", file=sys.stderr)


def _prompt(model: "Model", values: Any) -> int:
    """Asks until `exit` or Ctrl-D; a mistake costs a word, not the session."""
    with suppress(ImportError):  # Windows has none
        import readline  # noqa: F401  gives input() its history and line editing
    print(f"{model.name}: {model.card.parameters:,} parameters; `exit` or Ctrl-D ends")
    number = 0
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            print()
            return 0
        if question in ("exit", "quit"):
            return 0
        if question:
            try:
                _one(model, question, values, number)
                number += 1
            except LilliputError as error:
                print(f"lilliput: {error}", file=sys.stderr)


def _pipe(model: "Model", values: Any) -> int:
    """Answers lines as they come, each by itself where the engine does, which is as fast. One that
    cannot be read gets a word on stderr; the code is then 2 at the end."""
    model.prepare()  # as in `_one`
    code, answered, took = 0, 0, 0.0
    for batch in _batches(1 if model.engine is not None else BATCH):
        questions = [_read(model, line) for line in batch]
        if len(questions) > 1:
            code = _leave_out(model, questions) or code
        started = time.perf_counter()
        try:
            answers = _ask(model, questions, values, answered)
        except UserError as error:  # of one alone: it is read no second time
            code = _refuse(error)
            continue
        took += time.perf_counter() - started
        for question, answer in zip(questions, answers, strict=True):
            _warn(model, question)
            print(_line(model, question, answer, values.check))
        answered += len(questions)
        sys.stdout.flush()
    words = "1 answer" if answered == 1 else f"{answered:,} answers"
    print(f"{words} in {format_seconds(took)}", file=sys.stderr)
    return code


def _leave_out(model: "Model", questions: list[str]) -> int:
    """Takes out what would keep the others from being answered, with a word for each; returns the
    exit code, 0 where all can be asked."""
    code = 0
    for question in questions[:]:
        try:
            model.prompt(question)
        except UserError as error:
            code = _refuse(error)
            questions.remove(question)
    return code


def _refuse(error: UserError) -> int:
    print(f"lilliput: {error}", file=sys.stderr)
    return error.exit_code


def _batches(most: int) -> Iterator[list[str]]:
    """The lines of stdin that have come, at most so many together; without empty ones."""
    left = b""
    while chunk := os.read(sys.stdin.fileno(), _CHUNK):
        *whole, left = (left + chunk).split(b"\n")
        yield from _cut(whole, most)
    yield from _cut([left], most)


def _cut(lines: Sequence[bytes], most: int) -> Iterator[list[str]]:
    read = (line.decode(sys.stdin.encoding, "replace").strip() for line in lines)
    asked = [line for line in read if line]
    return (asked[at : at + most] for at in range(0, len(asked), most))
