"""`lilliput tell`: a story, streamed; a prompt loop without arguments, or a line of a pipe each."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lilliput.errors import LilliputError, UserError
from lilliput.faces.cli_flags import Flag, parse, spec_flags, spec_of
from lilliput.faces.text import mark_words, shown
from lilliput.specs.sampling import Sampling, check_seed

if TYPE_CHECKING:
    from lilliput.lab.telling import TextModel

ABOUT = (
    "Goes on with a text, a piece at a time. `Once upon a time : 0.9` tells at temperature 0.9: a"
    " space, a colon and a number at the end of a prompt are no part of it, while `10:30` is text."
    " Without a prompt it asks for prompts, until `exit`; from a pipe it tells a story a line."
)
_AT = re.compile(
    r"(?:(.*\S)\s+|\s*):\s*([+-]?(?:\d+\.?\d*|\.\d+|inf|nan))\s*", re.DOTALL | re.IGNORECASE
)


def flags_of() -> list[Flag]:
    prompt = "How the story begins; without it, a prompt or the lines of a pipe."
    return [
        Flag("prompt", tuple[str, ...], (), prompt, positional=True),
        Flag(
            "model",
            str,
            "",
            "zoo:NAME, a run, a model file, a checkpoint of tinystoriesgru or llama2.c, or hf:NAME;"
            " empty: the best storyteller of the zoo.",
        ),
        *spec_flags(Sampling, base=Sampling(temperature=0.65)),
        Flag("pieces", int, 1_000, "Characters, or pieces of a model that has them, at most."),
        Flag("seed", int, 0, "What the draws come from; each further prompt has the next."),
        Flag(
            "anchors",
            bool,
            False,
            "Keep names and nouns of characters in mind as tinystoriesgru does (memory-gru).",
        ),
        Flag(
            "map_unknown",
            bool,
            False,
            "Replace characters that the model lacks by the nearest known ones.",
        ),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("tell", ABOUT, flags_of(), argv)
    sampling = spec_of(Sampling, values)  # refused before a model is loaded
    check_seed(values.seed)
    if values.pieces < 1:
        raise UserError(f"pieces must be 1 or more; got {values.pieces}")
    from lilliput.lab.writing import storyteller

    model = storyteller(values.model, values.anchors)
    if model.taken:
        print(f"lilliput: {model.taken}", file=sys.stderr)
    if model.marks:
        print(f"lilliput: {model.name}{mark_words(model.marks)}", file=sys.stderr)
    if values.prompt:
        _tell(model, " ".join(values.prompt), sampling, values)
        return 0
    return _loop(model, sampling, values) if sys.stdin.isatty() else _pipe(model, sampling, values)


def split_temperature(prompt: str, sampling: Sampling) -> tuple[str, Sampling]:
    """`A cat : 0.9` as the prompt and its temperature, as tinystoriesgru's chat has it.

    Raises:
        SpecError: a temperature below 0, or without an end.

    >>> split_temperature("A cat : 0.9", Sampling())[0]
    'A cat'
    """
    match = _AT.fullmatch(prompt)
    if match is None:
        return prompt, sampling
    return match[1] or "", replace(sampling, temperature=float(match[2]))


def _tell(
    model: "TextModel", prompt: str, sampling: Sampling, values: Any, number: int = 0
) -> None:
    """Prints a story.

    Args:
        number: prompts before it, so that two alike need not end alike.
    """
    prompt, sampling = split_temperature(prompt, sampling)
    if values.map_unknown:
        prompt = _mapped(model, prompt)
    seed = values.seed + number
    pieces = model.tell(prompt, sampling=sampling, seed=seed, pieces=values.pieces)
    # Asked for first: a prompt that cannot be read is said before anything is printed.
    first = next(pieces, "")
    print(prompt + shown(first), end="", flush=True)
    for piece in pieces:
        print(shown(piece), end="", flush=True)
    print()


def _mapped(model: "TextModel", prompt: str) -> str:
    """The prompt as the model can read it; what was replaced by what is said."""
    mapped = model.mapped(prompt)
    pairs = dict(pair for pair in zip(prompt, mapped, strict=True) if pair[0] != pair[1])
    if pairs:
        words = ", ".join(f"{unknown!r} by {known!r}" for unknown, known in pairs.items())
        print(f"lilliput: unknown characters replaced: {words}", file=sys.stderr)
    return mapped


def _loop(model: "TextModel", sampling: Sampling, values: Any) -> int:
    """Tells until `exit` or Ctrl-D; Ctrl-C ends a story, a mistake costs a word."""
    with suppress(ImportError):  # Windows has none
        import readline  # noqa: F401  gives input() its history and line editing
    print(f"{model.name}: {model.parameters:,} parameters; `exit` or Ctrl-D ends")
    number = 0
    while True:
        try:
            prompt = input("> ").strip()
        except EOFError:
            print()
            return 0
        if prompt in ("exit", "quit"):
            return 0
        if prompt:
            try:
                _tell(model, prompt, sampling, values, number)
            except KeyboardInterrupt:
                print(" …")
            except LilliputError as error:
                print(f"lilliput: {error}", file=sys.stderr)
            number += 1


def _pipe(model: "TextModel", sampling: Sampling, values: Any) -> int:
    """A story a line, blank lines between; a line that cannot be read gets a word, and the code is
    then 2 at the end."""
    code = 0
    for number, prompt in enumerate(_lines()):
        try:
            _tell(model, prompt, sampling, values, number)
            print()
        except LilliputError as error:
            print(f"lilliput: {error}", file=sys.stderr)
            code = error.exit_code
    return code


def _lines() -> Iterator[str]:
    return (line.strip() for line in sys.stdin if line.strip())
