"""Continuing texts with any reader: one as a stream, or many at once. Knows no task.

B rows, T pieces, V vocabulary.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.exam.decode import draw
from lilliput.exam.reader import Reader
from lilliput.exam.sampling import PLAIN, Sampling

LONGEST = 1_000
"""Pieces after which a story is cut off, where nothing else is said."""
AT_ONCE = 64
"""Stories that are told side by side."""


def read_prompt(reader: Reader, prompt: str) -> list[int]:
    """The pieces that are read before the first one is written.

    Raises:
        SpecError: they leave no room in the window, or there is nothing to begin with.
        CharacterError: an unknown character.
    """
    ids = [*reader.start, *reader.vocabulary.encode(prompt)]
    if reader.window and len(ids) >= reader.window:
        raise SpecError(
            f"the prompt has {len(ids):,} pieces; this model reads {reader.window:,}, prompt and"
            " story together: shorten the prompt"
        )
    if not ids:
        raise SpecError("this model needs a prompt to begin with; write the first words")
    return ids


@torch.inference_mode()
def tell(
    reader: Reader,
    prompt: str,
    *,
    sampling: Sampling = PLAIN,
    seed: int = 0,
    pieces: int = LONGEST,
) -> Iterator[str]:
    """What comes after a prompt, a piece at a time, until an end mark, which is left out.

    Raises:
        SpecError, CharacterError: see `read_prompt`.
    """
    ids = read_prompt(reader, prompt)
    model = reader.network
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    room = min(pieces, reader.window - len(ids)) if reader.window else pieces
    logits_BV, state = model.extend(  # type: ignore[operator]
        torch.tensor([ids], device=device),
        model.begin(1),  # type: ignore[operator]
    )
    for written in range(room):
        chosen = draw(logits_BV[0], sampling, generator)
        if chosen in reader.ends:
            return
        yield reader.vocabulary.decode([chosen])
        if written + 1 < room:
            step_BT = torch.tensor([[chosen]], device=device)
            logits_BV, state = model.extend(step_BT, state)  # type: ignore[operator]


def tell_all(
    reader: Reader,
    prompts: Sequence[str],
    *,
    sampling: Sampling = PLAIN,
    seed: int = 0,
    characters: int,
) -> list[tuple[str, bool]]:
    """Continuations of at most `characters`, and whether each ended by itself.

    Rows go side by side, a piece at a time: one whose prompt is over writes while others still
    read. Row n draws from `seed` + n alone.
    """
    told: list[tuple[str, bool]] = []
    for begin in range(0, len(prompts), AT_ONCE):
        part = [read_prompt(reader, prompt) for prompt in prompts[begin : begin + AT_ONCE]]
        told += _side_by_side(reader, part, sampling, seed + begin, characters)
    return told


@torch.inference_mode()
def _side_by_side(
    reader: Reader, rows: list[list[int]], sampling: Sampling, seed: int, characters: int
) -> list[tuple[str, bool]]:
    model = reader.network
    device = next(model.parameters()).device
    generators = [torch.Generator().manual_seed(seed + row) for row in range(len(rows))]
    texts, ended = [""] * len(rows), [False] * len(rows)
    going = list(range(len(rows)))
    state = model.begin(len(rows))  # type: ignore[operator]
    place = 0
    while going and not (reader.window and place >= reader.window):
        step_BT = torch.tensor([[rows[row][place]] for row in going], device=device)
        logits_BV, state = model.extend(step_BT, state)  # type: ignore[operator]
        place += 1
        kept = [
            number
            for number, row in enumerate(going)
            if place < len(rows[row])
            or (
                _write(reader, row, logits_BV[number], rows, texts, ended, sampling, generators)
                and len(texts[row]) < characters
            )
        ]
        if len(kept) < len(going):
            state = model.pick(state, torch.tensor(kept, device=device))  # type: ignore[operator]
            going = [going[number] for number in kept]
    return [(text[:characters], end) for text, end in zip(texts, ended, strict=True)]


def _write(
    reader: Reader,
    row: int,
    logits_V: Tensor,
    rows: list[list[int]],
    texts: list[str],
    ended: list[bool],
    sampling: Sampling,
    generators: list[torch.Generator],
) -> bool:
    """Draws a row's next piece; False where it ends the text."""
    chosen = draw(logits_V, sampling, generators[row])
    if chosen in reader.ends:
        ended[row] = True
        return False
    rows[row].append(chosen)
    texts[row] += reader.vocabulary.decode([chosen])
    return True
