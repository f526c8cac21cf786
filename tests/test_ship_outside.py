"""Models that began with one of transformers, shipped in transformers' own form."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import baselines_hf
import hf_toys
import pytest
import torch
import transformers
from test_transfer_refused import tokenizer_of

from lilliput.faces import cli
from lilliput.lab.load import load_answerer
from lilliput.models import modelfile
from lilliput.models.hf import HFNetwork

TRAIN = "--operands 0-9 --operations +- --steps 30 --batch 32 --learning-rate 1e-2 --warmup 2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with runs whose start is gone."""
    folder = tmp_path_factory.mktemp("home")
    with chdir(folder):
        baselines_hf.save(folder / "toy", hf_toys.pretrained(width=32), hf_toys.bpe())
        for name, part in {"whole": "", "low": "--lora 4", "open": "--loss all"}.items():
            words = f"train hf:toy {TRAIN} --evaluate-every 30 --name {name} {part} --json"
            assert cli.main(words.split()) == 0
        shutil.rmtree(folder / "toy")
        yield folder


def read(folder: str) -> tuple[Any, Any]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("name", ["whole", "low", "open"])
def test_transformers_says_what_the_run_says(
    home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ship", name, "--as", "hf", "--out", f"{name}-hf", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["checked"] == 20
    assert err == ""
    theirs, tokenizer = read(f"{name}-hf")
    ours, card = modelfile.load(home / "runs" / name / "model.safetensors")
    assert isinstance(ours, HFNetwork)
    weights = dict(ours.model.named_parameters())
    for parameter, tensor in theirs.named_parameters():
        assert torch.equal(tensor, weights[parameter])
    opened = [card.vocabulary.end_number] if name == "open" else []  # type: ignore[union-attr]
    assert tokenizer("3+4=").input_ids == [*opened, *card.vocabulary.encode("3+4=")]
    assert {file.stat().st_mode & 0o777 for file in Path(f"{name}-hf").iterdir()} == {0o644}


def test_what_the_card_says_to_type_says_what_the_run_says(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main("ship whole --as hf --out typed".split()) == 0
    card = Path("typed/README.md").read_text()
    assert "checked: 20 texts as the model says them" in card
    assert "| grade, all problems, all trained on |" in card
    assert "pretrained | yes" in card
    (code,) = re.findall(r"```python\n(.*?)```", card, re.S)
    assert "trust_remote_code" not in code
    capsys.readouterr()
    exec(code, {})
    question, _, answer = capsys.readouterr().out.strip().partition("=")
    model = load_answerer("whole")
    assert (model.task.format.read("+", answer) or answer) == model(question)
    # It is a folder to start from, as any other of transformers.
    assert cli.main(f"train hf:typed {TRAIN} --name again --json".split()) == 0


def test_whole_numbers_and_what_says_something_else(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main("ship whole --as hf --numbers int8 --out small".split()) == 0
    assert "checked: 20 texts" in capsys.readouterr().out
    rough, exact = (read(folder)[0].state_dict() for folder in ("small", "whole-hf"))
    assert any(not torch.equal(rough[name], exact[name]) for name in exact)
    from lilliput.shipping import hf

    monkeypatch.setattr(hf, "say", lambda folder, prompts, most: ["7"] * len(prompts))
    assert cli.main("ship whole --as hf --out wrong".split()) == 1
    assert "transformers says '7'; the model: '" in capsys.readouterr().err
    assert not Path("wrong").exists()


def test_a_tokenizer_that_writes_marks_of_its_own(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its makers' start mark was not there in training, and is not in the shipped folder."""
    made = tokenizer_of("0123456789+-=. abc", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    from tokenizers.processors import TemplateProcessing

    made.backend_tokenizer.post_processor = TemplateProcessing(  # type: ignore[attr-defined]
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    baselines_hf.save(home / "theirs", hf_toys.gpt2(), made)
    assert transformers.AutoTokenizer.from_pretrained("theirs")("3").input_ids[0] == 0
    assert cli.main(f"train hf:theirs {TRAIN} --name marked --json".split()) == 0
    capsys.readouterr()
    assert cli.main("ship marked --as hf --out marked-hf".split()) == 0
    assert "checked: 20 texts" in capsys.readouterr().out
    tokenizer = read("marked-hf")[1]
    assert len(tokenizer("3").input_ids) == 1
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("</s>", 1)


def test_it_stops_where_the_run_stops(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of questions from a file nobody knows how long an answer is; one that never ends is cut at
    the length that was learned, which is less than what the model could read."""
    lines = [f"{a} and {b}\t{a + b}\n" for a in range(30) for b in range(10)]
    (home / "sums.tsv").write_text("".join(lines))
    baselines_hf.save(home / "fresh", hf_toys.gpt2(), hf_toys.bpe())
    train = "train hf:fresh --task lines --file sums.tsv --steps 2 --batch 8 --name lines --json"
    assert cli.main(train.split()) == 0
    card = modelfile.read_card(home / "runs" / "lines" / "model.safetensors")
    assert card.context < 64
    capsys.readouterr()
    assert cli.main("ship lines --as hf --out lines-hf".split()) == 0
    assert "checked: 20 texts" in capsys.readouterr().out
    assert read("lines-hf")[1].model_max_length == card.context


def test_other_forms_are_refused_and_the_word_says_which_are_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("c", "exe", "wasm", "mcu", "onnx"):
        assert cli.main(["ship", "whole", "--as", form, "--out", "x"]) == 2
        assert "take --as hf or safetensors" in capsys.readouterr().err
    assert cli.main(["ship", "whole", "--as", "safetensors", "--out", "x.safetensors"]) == 0
