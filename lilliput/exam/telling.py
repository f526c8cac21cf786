"""Continuing texts with any reader: one as a stream, or many at once. Knows no task.

B rows, T pieces, V vocabulary.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lilliput.errors import SpecError
from lilliput.exam.decode import draw
from lilliput.exam.reader import Reader, Tokenizer
from lilliput.specs.sampling import PLAIN, Sampling

LONGEST = 1_000
"""Pieces after which a story is cut off, where nothing else is said."""
HALF = "\ufffd"
"""What a part of a character is decoded as."""
_TAIL = 16
"""Pieces that are decoded again with a new one: more than there are spaces in a row, which some
tokenizers leave out where they open a text."""


def read_prompt(reader: Reader, prompt: str) -> list[int]:
    """The pieces that are read before the first one is written.

    Raises:
        SpecError: they leave no room in the window, or there is nothing to begin with.
        CharacterError: an unknown character.
    """
    ids = [*reader.start, *reader.vocabulary.encode(prompt)]
    if reader.room and len(ids) >= reader.room:
        raise SpecError(
            f"the prompt has {len(ids):,} pieces; this model reads {reader.room:,}, prompt and"
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
) -> Generator[str, None, bool]:
    """What comes after a prompt, a piece at a time, until an end mark, which is left out.

    Returns:
        Whether it came to its end mark; otherwise it was cut off.

    Raises:
        SpecError, CharacterError: see `read_prompt`.
    """
    ids = read_prompt(reader, prompt)
    model = reader.network
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    room = min(pieces, reader.room - len(ids)) if reader.room else pieces
    text = _Stream(reader.vocabulary, ids)
    logits_BV, state = model.extend(  # type: ignore[operator]
        torch.tensor([ids], device=device),
        model.begin(1),  # type: ignore[operator]
    )
    for written in range(room):
        chosen = draw(logits_BV[0], sampling, generator)
        if chosen in reader.ends:
            return True
        if (piece := text.add(chosen)) is not None:
            yield piece
        if written + 1 < room:
            step_BT = torch.tensor([[chosen]], device=device)
            logits_BV, state = model.extend(step_BT, state)  # type: ignore[operator]
    return False


class _Stream:
    """A text that grows by pieces, decoded as a whole text is, but only its end each time."""

    def __init__(self, vocabulary: Tokenizer, ids: Sequence[int]) -> None:
        self._vocabulary, self._ids = vocabulary, list(ids)
        # Where the latest whole characters ended: nowhere else may decoding begin.
        self._whole = deque([0, len(ids)], maxlen=_TAIL + 1)

    def add(self, piece: int) -> str | None:
        """What a piece adds to the text; None where the text then ends within a character.

        By itself it may say something else: it may be a part of a character, or a space, which some
        tokenizers leave out where it opens a text.
        """
        self._ids.append(piece)
        begin, end = self._whole[0], self._whole[-1]
        text = self._vocabulary.decode(self._ids[begin:])
        if text.endswith(HALF):
            return None
        added = text[len(self._vocabulary.decode(self._ids[begin:end])) :]
        if not added:  # a mark, which is no text to begin with
            self._whole.pop()
        self._whole.append(len(self._ids))
        return added


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
    for begin in range(0, len(prompts), reader.at_once):
        part = [read_prompt(reader, prompt) for prompt in prompts[begin : begin + reader.at_once]]
        told += _side_by_side(reader, part, sampling, seed + begin, characters)
    return told


@dataclass
class _Row:
    """One of the stories that are told side by side."""

    ids: list[int]
    asked: int
    """Pieces that are read before the first is written."""
    generator: torch.Generator
    ended: bool = False

    def write(self, reader: Reader, logits_V: Tensor, sampling: Sampling) -> bool:
        """Draws the next piece; False where it ends the story."""
        chosen = draw(logits_V, sampling, self.generator)
        self.ended = chosen in reader.ends
        if not self.ended:
            self.ids.append(chosen)
        return not self.ended

    def text(self, reader: Reader) -> str:
        before = reader.vocabulary.decode(self.ids[: self.asked])
        return reader.vocabulary.decode(self.ids)[len(before) :]


@torch.inference_mode()
def _side_by_side(
    reader: Reader, prompts: list[list[int]], sampling: Sampling, seed: int, characters: int
) -> list[tuple[str, bool]]:
    model = reader.network
    device = next(model.parameters()).device
    rows = [
        _Row(ids, len(ids), torch.Generator().manual_seed(seed + number))
        for number, ids in enumerate(prompts)
    ]
    going, place = rows, 0
    state = model.begin(len(rows))  # type: ignore[operator]
    while going and not (reader.room and place >= reader.room):
        step_BT = torch.tensor([[row.ids[place]] for row in going], device=device)
        logits_BV, state = model.extend(step_BT, state)  # type: ignore[operator]
        place += 1
        kept = []
        for number, row in enumerate(going):
            reads = place < row.asked
            # One more than asked for, since an end mark may come right behind the last.
            if reads or (
                row.write(reader, logits_BV[number], sampling)
                and len(row.text(reader)) <= characters
            ):
                kept.append(number)
        if len(kept) < len(going):
            rows_B = torch.tensor(kept, dtype=torch.long, device=device)
            state = model.pick(state, rows_B)  # type: ignore[operator]
            going = [going[number] for number in kept]
    texts = [row.text(reader) for row in rows]
    return [(text[:characters], row.ended) for text, row in zip(texts, rows, strict=True)]
