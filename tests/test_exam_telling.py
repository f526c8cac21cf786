"""Laws of a text as a stream: what is shown piece by piece is the whole text, at no more cost."""

from collections.abc import Sequence

import torch
from hypothesis import example, given
from hypothesis import strategies as st
from text_toys import Table

from lilliput.exam.reader import Reader
from lilliput.exam.telling import _TAIL, _Stream, tell


class Foreign:
    """A tokenizer as others have them: bytes, a mark that is no text, no space before a text."""

    PIECES = (b"", b" ", b"a", b" the", b"\n", *(bytes([byte]) for byte in "é😀".encode()), b"\xff")

    def __init__(self) -> None:
        self.decoded = 0

    def __len__(self) -> int:
        return len(self.PIECES)

    def encode(self, text: str) -> list[int]:
        return [3] * len(text)

    def decode(self, ids: Sequence[int]) -> str:
        self.decoded += len(ids)
        text = b"".join(self.PIECES[number] for number in ids).decode(errors="replace")
        return text.removeprefix(" ")


@example([*[0] * (_TAIL + 2), 3, 8, 0, 0, 1, 3])
@example([1] * (_TAIL + 2))
@given(st.lists(st.integers(0, len(Foreign.PIECES) - 1), max_size=60))
def test_a_stream_is_the_whole_text_and_never_ends_within_a_character(written: list[int]) -> None:
    vocabulary, ids = Foreign(), [0, 1, 2]
    stream, known, wanted, found = _Stream(vocabulary, ids), vocabulary.decode(ids), [], []
    for number in written:
        ids.append(number)
        text = vocabulary.decode(ids)
        wanted.append(None if text.endswith("\ufffd") else text[len(known) :])
        known = known if wanted[-1] is None else text
        found.append(stream.add(number))
    assert found == wanted


def test_a_piece_of_a_long_story_costs_no_more_than_one_of_a_short_one() -> None:
    logits = torch.zeros(len(Foreign.PIECES), len(Foreign.PIECES))
    decoded = []
    for pieces in (200, 400):
        vocabulary = Foreign()
        reader = Reader(Table(logits), vocabulary, 0, (0,), ())
        assert "".join(tell(reader, "abc", pieces=pieces))
        decoded.append(vocabulary.decoded / pieces)
    assert decoded[1] < 1.1 * decoded[0]
