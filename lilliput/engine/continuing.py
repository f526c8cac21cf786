"""Texts continued by the engine: one answer at a time, or a story as a stream. Knows no task."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from lilliput.engine.binding import END, Engine
from lilliput.errors import SpecError
from lilliput.specs.sampling import GREEDY, Sampling
from lilliput.tasks.vocabulary import Vocabulary


class Answerer(Protocol):
    """What continues prompts; prompt n draws from `seed` + n."""

    def __call__(
        self, prompts: Sequence[str], sampling: Sampling = GREEDY, seed: int = 0
    ) -> list[str]: ...


def answerer(
    engine: Engine, vocabulary: Vocabulary, limit: int, *, longest: int = 0, start: str = ""
) -> Answerer:
    """An engine as what continues prompts (exam.decode.answerer, which has the arguments)."""

    def answer(prompts: Sequence[str], sampling: Sampling = GREEDY, seed: int = 0) -> list[str]:
        answers = []
        text = engine.borrow()
        try:
            for number, prompt in enumerate(prompts):
                ids = vocabulary.encode(start + prompt)
                room = limit - len(ids)
                text.restart(seed + number)
                text.read(ids)
                answers.append(vocabulary.decode(text.write(min(room, longest or room), sampling)))
                text.check_finite()
        finally:
            engine.give_back(text)
        return answers

    return answer


def tell(
    engine: Engine,
    vocabulary: Vocabulary,
    prompt: str,
    *,
    sampling: Sampling,
    seed: int,
    pieces: int,
) -> Iterator[str]:
    """What comes after a prompt, a piece at a time, until the end mark, which is left out.

    Raises:
        SpecError: the prompt leaves no room in the model's window.
        CharacterError: an unknown character.
        FileError: the model's numbers overflow.
    """
    ids = [END, *vocabulary.encode(prompt)]
    if engine.window and len(ids) >= engine.window:
        raise SpecError(
            f"the prompt has {len(ids):,} pieces; this model reads {engine.window:,}, prompt and"
            " story together: shorten the prompt"
        )
    text = engine.begin()
    text.restart(seed)
    text.read(ids)
    room = min(pieces, engine.window - len(ids)) if engine.window else pieces
    for written in range(room):
        (piece,) = text.write(1, sampling)
        if piece == END:
            text.check_finite()
            return
        yield vocabulary.decode([piece])
        if written + 1 < room:
            text.read([piece])
