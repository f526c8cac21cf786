"""Models that others made, side by side with each other: bits are those of a plain reading."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import baselines_hf
import baselines_llama2c
import numpy as np
import pytest
import test_baselines_tinystoriesgru as published
import torch

from lilliput.errors import LilliputError
from lilliput.exam import story as stories_exam
from lilliput.exam.bits import frequency_bits
from lilliput.faces.cli import main
from lilliput.lab.comparing import compare
from lilliput.lab.load import load_text

DOCUMENTS = ["ab c. abab c. ba.", "c. ab ab ab cab.", "abc. a b c."]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("\n<|endoftext|>\n".join(DOCUMENTS))
    published.write(tmp_path)
    baselines_llama2c.write(tmp_path)
    baselines_hf.save(tmp_path / "theirs", baselines_hf.lively("gpt_neo"))
    return ["pure.pt", "attention.pt", "attention-int8.pt", "model_q8.bin", "tiny.bin", "theirs"]


def test_all_kinds_are_asked_the_same(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = ["compare", *names, "hf:theirs", "--text", "text.txt", "--json"]
    assert main(line) == 0
    found = {row["model"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(found) == [*names, "hf:theirs"]
    for row in found.values():
        section = row["grade"]["sections"]["text"]
        assert section["documents"] == len(DOCUMENTS)
        assert 0 < section["bits"] < 30
        assert row["parameters"] > 0
        assert row["bytes"] > 0
        assert len(row["grade"]["stories"]) in (3, 5)
    # What is read without a start mark does not foretell its first character.
    whole = sum(map(len, DOCUMENTS))
    characters = {
        name: row["grade"]["sections"]["text"]["characters"] for name, row in found.items()
    }
    assert characters["pure.pt"] == whole - len(DOCUMENTS)
    assert characters["tiny.bin"] == characters["theirs"] == whole
    assert found["theirs"]["grade"]["sections"] == found["hf:theirs"]["grade"]["sections"]
    assert "reset" in " ".join(found["pure.pt"]["spectrum"])


def test_bits_of_the_published_layout_by_hand(names: list[str]) -> None:
    model = load_text("attention.pt")
    reference = published.closed_form(6).eval()
    symbols = model.reader.vocabulary
    nats, characters = 0.0, 0
    for document in DOCUMENTS:
        ids = torch.tensor([symbols.encode(document)])
        with torch.no_grad():
            log_p = torch.log_softmax(reference(ids[:, :-1]), dim=-1)
        nats -= float(log_p[0].gather(1, ids[0, 1:, None]).sum())
        characters += len(document) - 1
    graded = dict(compare(["attention.pt"], ["text.txt"]))["attention.pt"]
    assert not isinstance(graded, LilliputError)
    bits = graded.grade.sections["text"].bits
    assert bits == pytest.approx(nats / math.log(2) / characters, rel=1e-4)


def test_bits_of_llama2c_by_hand(names: list[str]) -> None:
    """Documents that one window holds, and one that is read in two."""
    tokens = load_text("tiny.bin").reader.vocabulary
    window = baselines_llama2c.WINDOW
    nats, two = 0.0, 0
    for document in DOCUMENTS:
        ids = [1, *tokens.encode(document)]
        first = ids[: window + 1]
        nats -= sum(log_p[n] for log_p, n in zip(log_chances(first), first[1:], strict=False))
        if rest := ids[window + 1 :]:
            assert len(rest) <= window // 2
            two += 1
            second = ids[len(ids) - window - 1 :]
            new = list(zip(log_chances(second), second[1:], strict=False))[-len(rest) :]
            nats -= sum(log_p[number] for log_p, number in new)
    assert 0 < two < len(DOCUMENTS)
    graded = dict(compare(["tiny.bin"], ["text.txt"]))["tiny.bin"]
    assert not isinstance(graded, LilliputError)
    bits = graded.grade.sections["text"].bits
    assert bits == pytest.approx(nats / math.log(2) / sum(map(len, DOCUMENTS)), rel=1e-4)


def log_chances(ids: list[int]) -> np.ndarray[Any, Any]:
    logits = baselines_llama2c.forward(ids[:-1])
    chances: np.ndarray[Any, Any] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return chances


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.bin", "cut short"),
        ("noise.pt", "cut short or damaged"),
        ("none.pt", "none.pt"),
        ("hf:nobody/nothing", "nobody/nothing"),
        ("folder", "folder"),
    ],
)
def test_what_cannot_be_had_says_why_and_the_others_are_asked(
    names: list[str],
    name: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Path("cut.bin").write_bytes(Path("tiny.bin").read_bytes()[:-4])
    Path("noise.pt").write_bytes(b"PK\x03\x04 and noise")
    Path("folder").mkdir()
    Path("folder/config.json").write_text("{}")
    assert main(["compare", name, "pure.pt", "--text", "text.txt", "--json"]) in (1, 2)
    found = capsys.readouterr()
    assert words in found.err
    assert [row["model"] for row in json.loads(found.out)] == ["pure.pt"]


def test_a_model_given_twice_is_refused(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "pure.pt", "tiny.bin", "./pure.pt", "--text", "text.txt"]) == 2
    assert "./pure.pt was given twice; give each model once" in capsys.readouterr().err


def test_files_of_one_name_are_told_apart(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("aa", "bb"):
        Path(folder).mkdir()
        Path(folder, "model.pt").write_bytes(Path("pure.pt").read_bytes())
    assert main(["compare", "aa/model.pt", "bb/model.pt", "--text", "text.txt", "--markdown"]) == 0
    out = capsys.readouterr().out
    for label in ("aa/model.pt", "bb/model.pt"):
        assert out.count(f"\n| {label} |") == 3
    # The same model, whatever its name: no figure of the exam but its speed differs.
    assert "cannot be told from the next, bb/model.pt, which has 0.000 [0.000, 0.000] more" in (
        out.replace("\\", "")
    )


@pytest.mark.parametrize("shown", ["--markdown", "--json"])
def test_what_was_asked_is_kept_where_it_is_interrupted(
    names: list[str],
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    def stopped(reader: Any, *args: Any, **kwargs: Any) -> Any:
        told.append("asked")
        if len(told) == 3:
            raise KeyboardInterrupt
        return speed_of(reader, *args, **kwargs)

    speed_of = stories_exam.speed_of
    monkeypatch.setattr(stories_exam, "speed_of", stopped)
    line = ["compare", "pure.pt", "none.pt", "tiny.bin", "attention.pt", "theirs"]
    assert main([*line, "--text", "text.txt", shown, "--report", "side"]) == 130
    found = capsys.readouterr()
    said = "interrupted: not asked to the end: attention.pt, theirs"
    assert found.err.count(said) == 1
    assert "lilliput: no file none.pt;" in found.err
    if shown == "--json":
        assert [row["model"] for row in json.loads(found.out)] == ["pure.pt", "tiny.bin"]
    else:
        assert found.out.startswith(said)
        assert "\n| tiny.bin |" in found.out
        assert "attention.pt |" not in found.out
    page = Path("side/report.html").read_text()
    assert f"I{said[1:]}." in page
    assert "2 models of text, side by side" in page
    # Before the first is asked there is nothing to show.
    told[:] = ["", ""]
    assert main([*line, "--text", "text.txt", shown, "--report", "none"]) == 130
    found = capsys.readouterr()
    assert found.out == ""
    assert "not asked to the end: pure.pt, none.pt, tiny.bin" in found.err
    assert not Path("none").exists()


def test_an_exam_says_how_far_it_is(names: list[str]) -> None:
    told: list[tuple[str, float]] = []
    asked = ["pure.pt", "none.pt", "tiny.bin"]
    list(compare(asked, ["text.txt"], lambda what, share: told.append((what, share))))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] < 1
    for number, name in enumerate(asked):
        mine = [one for one in told if one[0].startswith(f"{number + 1} of 3, ")]
        if name == "none.pt":
            assert not mine, "what cannot be had is said before any is asked"
            continue
        assert mine[0][1] == pytest.approx(number / 3)
        assert all(what.endswith(f": {name}") for what, _ in mine)
    assert len([what for what, _ in told if "story card, 3 stories" in what]) == 2


def test_the_unigram_of_a_text_by_hand(names: list[str]) -> None:
    whole = "".join(DOCUMENTS)
    by_hand = sum(-math.log2(n / len(whole)) * n for n in Counter(whole).values()) / len(whole)
    graded = dict(compare(["tiny.bin"], ["text.txt"]))["tiny.bin"]
    assert not isinstance(graded, LilliputError)
    assert graded.unigram == pytest.approx(by_hand)
    assert frequency_bits(["aa", "bb", "cc", "dd"]) == pytest.approx(2)
    assert frequency_bits(["aaaa"]) == 0
