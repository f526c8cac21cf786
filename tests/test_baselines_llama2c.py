"""llama2.c's files: logits, tokens, and every way in which a file can be wrong."""

import struct
import time
from pathlib import Path

import baselines_llama2c as tiny
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models_specs import assert_close

from lilliput.baselines import llama2c
from lilliput.baselines.llama2c_tokens import Llama2cTokens, read_tokens
from lilliput.errors import CharacterError, FileError, NotFoundError

IDS = [1, 265, 264, 7, 260, 3, 269, 1, 262, 100]
GOLDEN = {
    True: [0.02346, -0.019721, -0.012877],
    False: [1.246795, -0.564169, -0.706198],
}
"""Logits of tokens 0, 100 and 265 after the last of IDS, tied and untied, from the plain forward
pass; to make them anew after the formula has changed, and only then, print them from it."""


@pytest.mark.parametrize("tied", [True, False])
def test_logits_are_llama2cs(tmp_path: Path, tied: bool) -> None:
    model = llama2c.load(tiny.write(tmp_path, tied=tied))
    theirs_TV = torch.tensor(tiny.forward(IDS, tied=tied))
    with torch.no_grad():
        ours_BTV = model.network(torch.tensor([IDS]))
        assert_close(ours_BTV[0].double(), theirs_TV)
        assert_close(ours_BTV[0, -1, [0, 100, 265]], torch.tensor(GOLDEN[tied]))
        assert_close(model.network(torch.tensor([IDS]), first=7), ours_BTV[:, 7:])


def test_reading_on_and_picking_rows(tmp_path: Path) -> None:
    network = llama2c.load(tiny.write(tmp_path)).network
    ids_BT = torch.tensor([IDS, IDS[::-1], IDS[3:] + IDS[:3]])
    with torch.no_grad():
        all_BTV = network(ids_BT)
        logits_BV, state = network.extend(ids_BT[:, :4], network.begin(3))
        assert_close(logits_BV, all_BTV[:, 3])
        rows_B = torch.tensor([2, 0])
        state = network.pick(state, rows_B)
        for t in range(4, len(IDS)):
            logits_BV, state = network.extend(ids_BT[rows_B, t : t + 1], state)
            assert_close(logits_BV, all_BTV[rows_B, t])


def test_what_a_table_says_of_it(tmp_path: Path) -> None:
    for tied in (True, False):
        model = llama2c.load(tiny.write(tmp_path, tied=tied))
        sizes = {name: array.size for name, array in tiny.arrays(tied=tied).items()}
        # Cosines and sines have a closed form.
        assert model.parameters == sum(sizes.values()) - sizes["cosines"] - sizes["sines"]
        assert model.bytes == 28 + 4 * sum(sizes.values())
        assert (model.window, model.family) == (tiny.WINDOW, "llama2.c 2 x 16")
        assert (model.start, model.ends) == ((1,), (1, 2))
        assert len(model.vocabulary) == tiny.VOCABULARY


def sections(tied: bool) -> list[tuple[str, int, int]]:
    """Each section with its first byte and the one after its last."""
    place, found = 28, []
    for name, array in tiny.arrays(tied=tied).items():
        found.append((name, place, place + array.nbytes))
        place += array.nbytes
    return found


@pytest.mark.parametrize("tied", [True, False])
def test_a_checkpoint_cut_short_is_refused_with_its_place(tmp_path: Path, tied: bool) -> None:
    path = tiny.write(tmp_path, tied=tied)
    whole = path.read_bytes()
    for name, begin, end in sections(tied):
        for length in (begin, begin + 3, (begin + end) // 2, end - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(
                FileError, match=f"cut short in {name}: {length:,} of {len(whole):,}"
            ):
                llama2c.load(path)
    for length in range(28):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match=f"cut short in its header: {length} of 28"):
            llama2c.load(path)


def test_a_checkpoint_too_long_or_not_finite_is_refused(tmp_path: Path) -> None:
    path = tiny.write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0")
    with pytest.raises(FileError, match="1 bytes too long"):
        llama2c.load(path)
    # The head of an untied model, under a header that says tied.
    path.write_bytes(whole[:28] + tiny.checkpoint(tied=False)[28:])
    with pytest.raises(FileError, match="17,344 bytes too long"):
        llama2c.load(path)
    for name, begin, _ in sections(tied=True):
        for bad in (float("nan"), float("inf")):
            path.write_bytes(whole[:begin] + struct.pack("<f", bad) + whole[begin + 4 :])
            with pytest.raises(FileError, match=f"{name} has numbers that are not finite"):
                llama2c.load(path)


FOREIGN = {
    "zeros": bytes(4000),
    "ones": b"\xff" * 4000,
    "text": b"Once upon a time there was a little girl who loved to read files." * 9,
    "zip": b"PK\x03\x04" + bytes(range(256)) * 4,
    "pickle": b"\x80\x02}q\x00X\x04\x00\x00\x00" + bytes(range(200)) * 4,
    "safetensors": struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[2]' + bytes(400),
    "floats": struct.pack("<300f", *[0.01 * i - 1 for i in range(300)]),
    "int16": struct.pack("<300h", *[37 * i - 5000 for i in range(300)]),
    "odd heads": struct.pack("<7i", 15, 20, 2, 5, 5, 271, 12) + bytes(4000),
    "kv heads": struct.pack("<7i", 16, 20, 2, 4, 3, 271, 12) + bytes(4000),
    "no layers": struct.pack("<7i", 16, 20, 0, 4, 2, 271, 12) + bytes(4000),
    "huge": struct.pack("<7i", *[2**31 - 1] * 7) + bytes(4000),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tiny.write(tmp_path)
    path.write_bytes(FOREIGN[name])
    with pytest.raises(FileError, match=r"is no checkpoint of llama2\.c: as its sizes"):
        llama2c.load(path)
    assert not llama2c.recognises(FOREIGN[name])


def test_what_is_recognised_and_what_is_missing(tmp_path: Path) -> None:
    path = tiny.write(tmp_path)
    whole = path.read_bytes()
    assert llama2c.recognises(whole)
    assert llama2c.recognises(whole[:28])
    assert not llama2c.recognises(whole[:27])
    newer = struct.pack("<2i", 0x616B3432, 2) + bytes(248)
    assert llama2c.recognises(newer)
    path.write_bytes(newer)
    with pytest.raises(FileError, match=r"version 2; only version 0 .*export\.py --version 0"):
        llama2c.load(path)
    with pytest.raises(NotFoundError, match="no file"):
        llama2c.load(tmp_path / "none.bin")
    with pytest.raises(FileError, match="cannot read"):
        llama2c.load(tmp_path)
    path.write_bytes(whole)
    (tmp_path / "tok271.bin").rename(tmp_path / "tokenizer.bin")
    assert len(llama2c.load(path).vocabulary) == 271
    (tmp_path / "tokenizer.bin").unlink()
    with pytest.raises(FileError, match=r"no tokenizer beside it; put .* as .*tok271\.bin"):
        llama2c.load(path)


def test_a_tokenizer_cut_short_or_too_long_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "tok271.bin", tiny.tokenizer()
    # A byte's piece takes 14 bytes: steps of 11 meet each of them.
    for length in [*range(0, len(whole), 11), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match="cut short"):
            read_tokens(path, 271)
    path.write_bytes(whole + b"!")
    with pytest.raises(FileError, match="1 bytes too long for 271 pieces"):
        read_tokens(path, 271)
    path.write_bytes(whole)
    assert read_tokens(path, 271).pieces == tuple(tiny.PIECES)
    with pytest.raises(FileError, match="another model's"):
        read_tokens(path, 270)
    with pytest.raises(FileError, match="has 271 pieces, but the model's vocabulary has 272"):
        read_tokens(path, 272)


def test_a_foreign_tokenizer_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "tok271.bin", tiny.tokenizer()
    swapped = [tiny.PIECES[1], tiny.PIECES[0], *tiny.PIECES[3:5], *tiny.PIECES[4:]]
    spaceless = [piece if piece != " " else "_" for piece in tiny.PIECES]
    cases = {
        "longest piece would have 0 bytes": bytes(4) + whole[4:],
        "piece 0 would have 5 bytes, of 4 at most": b"\4\0\0\0" + whole[4:],
        "the score nan": whole[:4] + struct.pack("<f", float("nan")) + whole[8:],
        "would have -1 bytes": whole[:8] + struct.pack("<i", -1) + whole[12:],
        "piece 0 is no UTF-8": whole[:12] + b"\xff" + whole[13:],
        "pieces 3 to 258 must be": tiny.tokenizer(swapped),
        "and one a space": tiny.tokenizer(spaceless),
        "longest piece would have 1,701,": b"Once upon a time" * 99,
    }
    for words, content in cases.items():
        path.write_bytes(content)
        with pytest.raises(FileError, match=words):
            read_tokens(path, 271)


def test_tokens_known_by_hand() -> None:
    tokens = Llama2cTokens(tiny.PIECES, tiny.SCORES)
    numbers = {piece: number for number, piece in enumerate(tiny.PIECES)}
    for text, pieces in {
        "": [],
        "b": [" ", "b"],
        "a": [" a"],
        "a a": [" a", " a"],
        # Over the space, once ` a` is there.
        "ba a": [" ", "b", "a a"],
        # Of two equals the left one, and then no `bc` is left.
        "cabc": [" ", "c", "abc"],
        # ` a` scores better than `ab`.
        "abc": [" ab", "c"],
        "é": [" ", "é"],
        "ö": [" ", "<0xC3>", "<0xB6>"],
        "\n": [" ", "<0x0A>"],
    }.items():
        assert tokens.encode(text) == [numbers[piece] for piece in pieces], text
    assert tokens.decode([1, 265, 262, 2]) == "ac"
    # A piece of the least score is never made.
    never = Llama2cTokens(tiny.PIECES, [*tiny.SCORES[:264], -1e10, *tiny.SCORES[265:]])
    assert never.encode("bab") == [numbers[piece] for piece in (" ", "b", "a", "b")]
    assert tokens.decode([0xC3 + 3]) == "\ufffd"
    with pytest.raises(CharacterError, match="at 1 is half of a pair"):
        tokens.encode("a\ud800")


# Few characters, so that many pieces meet in a text.
TEXT = st.text(st.sampled_from("aaabbb   éö\n<"), max_size=30)
EXTRA = st.lists(st.text("ab ", min_size=2, max_size=4), max_size=8, unique=True)
LEVELS = st.lists(st.sampled_from([-2e10, -3.0, -2.0, -1.0]), min_size=8, max_size=8)


@given(text=TEXT, extra=EXTRA, levels=LEVELS)
def test_tokens_are_llama2cs_whatever_the_pieces(
    text: str, extra: list[str], levels: list[float]
) -> None:
    pieces = tiny.PIECES[:264] + extra
    scores = tiny.SCORES[:264] + levels[: len(extra)]
    tokens = Llama2cTokens(pieces, scores)
    ids = tokens.encode(text)
    assert ids == tiny.encode(text, pieces, scores)
    assert tokens.decode(ids) == text
    assert tokens.decode([1, *ids, 2]) == text


def test_a_text_of_one_endless_word_takes_no_time() -> None:
    tokens = Llama2cTokens(tiny.PIECES, tiny.SCORES)
    begin = time.perf_counter()
    assert tokens.decode(tokens.encode("abcc" * 20_000)) == "abcc" * 20_000
    # Pair by pair over the whole text it would be hours.
    assert time.perf_counter() - begin < 30
