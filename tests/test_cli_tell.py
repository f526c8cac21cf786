"""`lilliput tell` with models of no training: prompts and their temperature, what is refused."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_cli_models import piped
from text_toys import story
from torch import nn

from lilliput.faces.cli import main
from lilliput.faces.cli_tell import split_temperature
from lilliput.lab.telling import TextModel
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.specs import GPTSpec, GRUSpec, MemoryGRUSpec, RunSpec, StoriesSpec
from lilliput.specs.recipes import training_of
from lilliput.specs.sampling import Sampling
from lilliput.tasks.pieces import learn_merges
from lilliput.tasks.stories import StoriesFormat
from lilliput.tasks.vocabulary import END_OF_TEXT, Vocabulary

STORIES = [story(number) for number in range(20)]
CHARACTERS = Vocabulary.of(STORIES, END_OF_TEXT)


def save(path: Path, network: nn.Module, vocabulary: Vocabulary = CHARACTERS) -> None:
    card = Card(
        spec=RunSpec(task=StoriesSpec(), model=network.spec, training=training_of("stories")),
        characters=vocabulary.characters,
        merges=[list(pair) for pair in vocabulary.merges],
        end=END_OF_TEXT,
        context=64,
        format=StoriesFormat().to_dict(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    modelfile.save(path, network, card)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two models of random numbers: of characters, and of pieces."""
    folder = tmp_path_factory.mktemp("home")
    before = Path.cwd()
    os.chdir(folder)
    gpt = build(GPTSpec(layers=1, width=16, heads=2), len(CHARACTERS), 64, seed=1)
    save(folder / "letters.safetensors", gpt)
    pieces = Vocabulary(CHARACTERS.characters, learn_merges(CHARACTERS, 256, STORIES))
    save(folder / "pieces.safetensors", build(GRUSpec(width=16), len(pieces), 64, seed=1), pieces)
    yield folder
    os.chdir(before)


def test_a_story_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["tell", "The cat", "--model", "letters.safetensors", "--pieces", "30"]
    assert main(line) == 0
    first = capsys.readouterr().out
    assert first.startswith("The cat")
    assert len(first.rstrip("\n")) <= len("The cat") + 30
    assert main(line) == 0
    assert capsys.readouterr().out == first
    assert main([*line, "--seed", "5"]) == 0
    assert capsys.readouterr().out != first
    # A colon gives the temperature, as in tinystoriesgru's chat.
    assert main(["tell", "The cat : 0", *line[2:]]) == 0
    greedy = capsys.readouterr().out
    assert main(["tell", "The cat", "--temperature", "0", *line[2:]]) == 0
    assert capsys.readouterr().out == greedy
    assert main([*line, "--top-k", "1"]) == 0
    assert capsys.readouterr().out == greedy


def test_stories_of_a_pipe_and_of_the_prompt(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = piped(
        "lilliput tell --model pieces.safetensors --pieces 10", home, "The dog\n\nThe ? dog\nTom\n"
    )
    assert done.returncode == 2
    told = [part for part in done.stdout.split("\n\n") if part.strip()]
    assert [story[:3] for story in told] == ["The", "Tom"]
    assert "unknown character '?'" in done.stderr
    typed = iter(["The cat", "The ?", "exit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["tell", "--model", "letters.safetensors", "--pieces", "5"]) == 0
    found = capsys.readouterr()
    assert "letters.safetensors: " in found.out
    assert "The cat" in found.out
    assert "unknown character '?'" in found.err


def test_no_two_stories_of_a_pipe_draw_from_one_seed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["tell", "--model", "letters.safetensors", "--pieces", "30"]
    monkeypatch.setattr("sys.stdin", io.StringIO("The cat\nThe ?\nThe cat\n"))
    assert main([*line, "--seed", "4"]) == 2
    told = capsys.readouterr().out
    alone = []
    for seed in ("4", "6"):
        assert main([*line, "The cat", "--seed", seed]) == 0
        alone.append(capsys.readouterr().out)
    assert told == "\n".join([*alone, ""])
    assert alone[0] != alone[1]


@pytest.mark.parametrize(("terminal", "out"), [(True, "Tom�[2J\n\n"), (False, "Tom\x1b[2J\n\n")])
def test_a_story_steers_no_terminal(
    terminal: bool,
    out: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TextModel, "tell", lambda *_, **__: iter(["\x1b[", "2J", "\n"]))
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert main(["tell", "Tom", "--model", "letters.safetensors"]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["The cat “sat”"], "unknown character '“' in 'The cat “sat”'"),
        (["The", "--temperature", "-1"], "temperature must be 0 or more; got -1"),
        (["The", "--temperature", "nan"], "temperature must be a finite number"),
        (["The", "--top-p", "0"], "top-p must be above 0"),
        (["The", "--pieces", "0"], "pieces must be 1 or more"),
        (["The cat : -0.5"], "temperature must be 0 or more; got -0.5"),
        (["The cat : inf"], "temperature must be a finite number; got inf"),
        (["The cat : NaN"], "temperature must be a finite number; got nan"),
        (["The", "--seed", "-1"], "seed must be from 0 to 2147483647; got -1"),
        (["The", "--seed", "9" * 23], f"seed must be from 0 to 2147483647; got {'9' * 23}"),
        (["the cat " * 20], "this model reads 64, prompt and story together"),
    ],
)
def test_what_cannot_be_told(
    home: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    assert main(["tell", *argv, "--model", "letters.safetensors"]) == 2
    assert words in capsys.readouterr().err


def test_unknown_characters_are_replaced_where_that_is_asked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "tell",
        "Thé “cat” : 0.5",
        "--model",
        "letters.safetensors",
        "--map-unknown",
        "--pieces",
        "3",
    ]
    assert main([line[0], "Thé  é “cat”", *line[2:]]) == 0
    found = capsys.readouterr()
    assert found.out.startswith("The  e  cat ")
    said = "lilliput: unknown characters replaced: 'é' by 'e', '“' by ' ', '”' by ' '\n"
    assert found.err == said
    assert main(["tell", "The cat", *line[2:]]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("prompt", "text", "temperature"),
    [
        ("A cat : 0.9", "A cat", 0.9),
        ("A cat  :  2 ", "A cat", 2.0),
        ("A cat :.5", "A cat", 0.5),
        ("Tom: a cat : 1.", "Tom: a cat", 1.0),
        ("One line\nand another : 0.5", "One line\nand another", 0.5),
        ("It was 10:30", "It was 10:30", None),
        ("It was 10: 30", "It was 10: 30", None),
        ("Tom : a cat", "Tom : a cat", None),
        ("A cat : 0.9 dogs", "A cat : 0.9 dogs", None),
        (" : 0.9", "", 0.9),
        (": 0.9", "", 0.9),
        ("Once : information", "Once : information", None),
    ],
)
def test_a_colon_after_a_space_and_a_number_at_the_end_are_the_temperature(
    prompt: str, text: str, temperature: float | None
) -> None:
    usual = Sampling(temperature=0.65)
    expected = usual if temperature is None else Sampling(temperature=temperature)
    assert split_temperature(prompt, usual) == (text, expected)


def test_help_says_what_a_colon_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tell", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "a space, a colon and a number at the end of a prompt" in words


def test_anchors_bring_a_name_of_the_prompt_to_mind(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that writes `a` for ever, unless its memory holds the embedding of an `m`."""
    network = build(MemoryGRUSpec(width=16, tied=False), len(CHARACTERS), 64)
    number = CHARACTERS.characters.index
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.embedding[number("m"), 0] = 1
        network.cell_memory[2 * 16, 0] = 100  # of the new state
        network.bias_input[16:32] = -30  # which is not mixed with the old one
        network.priority_bias.fill_(-30)  # and is never written into the memory
        network.norm.weight.fill_(1)
        network.head_bias[number("a")] = 1
        network.head[number("b"), 0] = 10
    save(home / "by-hand.safetensors", network)
    line = ["--model", "by-hand.safetensors", "--temperature", "0", "--pieces", "5"]
    for prompt, flag, expected in (
        ("so Tom ran", "--anchors", "bbbbb"),
        ("so Tom ran", "--no-anchors", "aaaaa"),
        ("so tomorrow", "--anchors", "aaaaa"),
        ("so Lily ran", "--anchors", "aaaaa"),
        # What is written right behind a name was foretold before it was kept.
        ("so Lily and Tom", "--anchors", "abbbb"),
    ):
        assert main(["tell", prompt, flag, *line]) == 0
        assert capsys.readouterr().out == f"{prompt}{expected}\n", (prompt, flag)
