"""Transfer learning on a small GPT-2 with its own tokenizer: it passes, and is exact throughout."""

import json
import math
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import baselines_hf
import hf_toys
import pytest
import torch
import transformers

import lilliput
from lilliput.faces import cli
from lilliput.faces.find_start import descent_of
from lilliput.lab.answering import Model
from lilliput.lab.sealing import sealed_model, steps_of
from lilliput.models import modelfile
from lilliput.models.hf import HFNetwork
from lilliput.specs import ArithmeticSpec, HFSpec, RunSpec, StoriesSpec, TrainingSpec, to_dict
from lilliput.specs.recipes import stories, transfer
from lilliput.specs.search import SearchSpec
from lilliput.tasks.task import task_of
from lilliput.tasks.tokens import TokenVocabulary
from lilliput.training.kept import read_records
from lilliput.training.loop import Training
from lilliput.training.run import run

CPU = torch.device("cpu")
TASK = ArithmeticSpec(operands="0-9", operations="+", format="plain")
QUICK = TrainingSpec(
    steps=12, batch=16, optimizer="adamw", learning_rate=3e-3, warmup=2, evaluate_every=4
)
PARTS: list[dict[str, int]] = [{}, {"last": 1}, {"lora": 2}, {"every": 2}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(hf_toys.published(tmp_path_factory.mktemp("hub") / "toy"))


def spec_of(folder: Path, training: TrainingSpec = QUICK, **part: int) -> RunSpec:
    model = sealed_model(HFSpec(name=str(folder), **part))
    return RunSpec(task=TASK, model=model, training=training)


def go(training: Training, end: int) -> Training:
    while training.step < end:
        training.one_step()
        if training.at_record:
            training.record()
    return training


def test_a_two_layer_gpt2_learns_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From pretrained weights to 70 % of all problems of 0-9, by one command."""
    monkeypatch.chdir(tmp_path)
    baselines_hf.save(tmp_path / "toy", hf_toys.pretrained(width=32), hf_toys.bpe())
    words = (
        "train hf:toy --operands 0-9 --epochs 48 --optimizer muon --muon-learning-rate 4e-2"
        " --learning-rate 1e-2 --warmup 20 --evaluate-every 100 --name ours --report --json"
    )
    assert cli.main(words.split()) == 0
    told = json.loads(capsys.readouterr().out)
    overall = told["grade"]["sections"]["unseen"]["overall"]
    assert overall["right"] / overall["total"] >= 0.7
    assert overall["total"] == 390
    assert told["marks"] == {"pretrained": "yes"}
    assert told["spec"]["training"]["steps"] == math.ceil(48 * 390 / 64)
    ours = tmp_path / "runs" / "ours"
    assert json.loads((ours / "exam.json").read_text())["grade"] == told["grade"]
    assert "hf:toy" in (ours / "report.html").read_text()
    assert [record.step for record in read_records(ours)] == [100, 200, 293]

    # What it wrote is enough without what it started from.
    shutil.rmtree(tmp_path / "toy")
    assert cli.main(["calc", "--model", "ours", "3 + 4"]) == 0
    assert re.match(r"3 \+ 4 = \d\.\d\d ", capsys.readouterr().out)
    assert cli.main(["train", "--resume", "runs/ours", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["grade"] == told["grade"]
    assert cli.main(["sample", "ours", "--lines", "2"]) == 0
    assert capsys.readouterr().out.count("=") == 2
    assert cli.main(["quantise", "ours", "--out", "small.safetensors"]) == 0
    assert cli.main(["ship", "ours", "--as", "c", "--out", "x.c"]) == 2
    assert "only families of Lilliput's own are made into this" in capsys.readouterr().err
    # A finished run is a model to start from.
    assert cli.main("train hf:runs/ours --every 2 --operands 0-9 --steps 1 --json".split()) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] < told["parameters"]


@pytest.mark.parametrize("part", PARTS)
def test_broken_and_resumed_it_is_the_same_bit_for_bit(
    folder: Path, tmp_path: Path, part: dict[str, int]
) -> None:
    away = tmp_path / "toy"
    shutil.copytree(folder, away)
    spec = spec_of(away, **part)
    for _ in run(spec, task_of(TASK), tmp_path / "whole", CPU):
        pass
    moments = run(spec, task_of(TASK), tmp_path / "broken", CPU)
    assert next(moments).step == 4
    signal.raise_signal(signal.SIGINT)
    assert next(moments).step == 5
    with pytest.raises(KeyboardInterrupt):
        next(moments)
    # It goes on where what it started from is gone.
    shutil.rmtree(away)
    steps = [moment.step for moment in run(spec, task_of(TASK), tmp_path / "broken", CPU)]
    assert steps[-1] == 12
    assert steps[0] > 4
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


@pytest.mark.parametrize("part", PARTS)
def test_only_what_was_asked_for_is_trained(folder: Path, part: dict[str, int]) -> None:
    spec = spec_of(folder, **part)
    before = dict(Training(spec, task_of(TASK)).finish().named_parameters())
    training = go(Training(spec, task_of(TASK)), 4)
    made = training.finish()
    after = dict(made.named_parameters())
    assert after.keys() == before.keys()
    assert sum(p.numel() for p in after.values()) == spec.model.parameters  # type: ignore[union-attr]
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    blocks = {name.split(".")[3] for name in changed if ".h." in name}
    outside = {name for name in changed if ".h." not in name}
    tables = {"model.transformer.wte.weight", "model.transformer.wpe.weight"}
    ends = {"model.transformer.ln_f.weight", "model.transformer.ln_f.bias"}
    if "last" in part:
        assert (blocks, outside) == ({"1"}, ends)
    elif "lora" in part:
        matrices = {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}
        assert {".".join(name.split(".")[4:-1]) for name in changed} == matrices
        assert (blocks, outside) == ({"0", "1"}, set())
    else:
        assert blocks == ({"0"} if "every" in part else {"0", "1"})
        assert outside == tables | ends
    ids_BT = torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        assert torch.allclose(made(ids_BT), training.graded(ids_BT), atol=1e-5)


def test_dropped_blocks_are_dropped_and_nothing_else(tmp_path: Path) -> None:
    """Every second block of four: what is left says what transformers' own model says without the
    others."""
    theirs = hf_toys.gpt2(layers=4)
    baselines_hf.save(tmp_path, theirs, hf_toys.bpe())
    spec = spec_of(tmp_path, every=2)
    ours = Training(spec, task_of(TASK)).model
    theirs.transformer.h = torch.nn.ModuleList([theirs.transformer.h[n] for n in (0, 2)])
    ids_BT = torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        wanted = theirs.eval()(ids_BT, use_cache=False).logits
        assert torch.allclose(ours(ids_BT), wanted, atol=1e-5)
        _, state = ours.extend(ids_BT[:, :5], ours.begin(2))  # type: ignore[operator]
        last, _ = ours.extend(ids_BT[:, 5:], state)  # type: ignore[operator]
        assert torch.allclose(last, wanted[:, -1], atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt_neo", "llama"])
@pytest.mark.parametrize("part", PARTS)
def test_other_kinds_train_in_parts_too(tmp_path: Path, kind: str, part: dict[str, int]) -> None:
    model = transformers.AutoModelForCausalLM.from_config(
        _config(kind, len(hf_toys.bpe())), attn_implementation="eager"
    )
    baselines_hf.save(tmp_path / "theirs", model, hf_toys.bpe())
    spec = spec_of(tmp_path / "theirs", **part)
    training = go(Training(spec, task_of(TASK)), 2)
    state = training.state()
    again = Training(spec, task_of(TASK))
    again.restore(state)
    for one in (training, again):
        go(one, 4)
    parts = (dict(one.finish().named_parameters()) for one in (training, again))
    first, second = parts
    assert all(torch.equal(first[name], second[name]) for name in first)


def _config(kind: str, size: int) -> Any:
    if kind == "llama":
        return transformers.LlamaConfig(
            vocab_size=size,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
        )
    return transformers.GPTNeoConfig(
        vocab_size=size,
        hidden_size=16,
        num_layers=2,
        num_heads=2,
        attention_types=[[["global", "local"], 1]],
        window_size=3,
        max_position_embeddings=64,
    )


def test_the_exam_asks_what_transformers_would_write(folder: Path, tmp_path: Path) -> None:
    """The model file alone, against `generate` of transformers with the same numbers."""
    training = replace(QUICK, steps=120, evaluate_every=120, optimizer="muon", batch=32)
    spec = spec_of(folder, replace(training, muon_learning_rate=4e-2, learning_rate=1e-2))
    for _ in run(spec, task_of(TASK), tmp_path / "run", CPU):
        pass
    model = lilliput.load(str(tmp_path / "run"))
    assert isinstance(model, Model)
    theirs = hf_toys.gpt2().eval()  # without dropout
    weights = modelfile.load(tmp_path / "run" / "model.safetensors")[0]
    assert isinstance(weights, HFNetwork)
    theirs.load_state_dict(weights.model.state_dict())
    tokenizer, mark = hf_toys.bpe(), len(hf_toys.bpe()) - 1
    prompts = [task_of(TASK).format.prompt(p.question) for p in task_of(TASK).section("seen")]  # type: ignore[union-attr]
    most = task_of(TASK).format.longest_answer("+")  # type: ignore[union-attr]
    answers = model.answerer(prompts[:30])
    assert sum(answer.endswith("\n") for answer in answers) > 20
    for prompt, answer in zip(prompts, answers, strict=False):
        ids = tokenizer(prompt)["input_ids"]
        out = theirs.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=most, pad_token_id=mark
        )[0, len(ids) :].tolist()
        wanted = tokenizer.decode(out, skip_special_tokens=False).replace(hf_toys.MARK, "\n")
        assert answer == wanted


def test_an_answer_ends_at_the_mark_and_at_nothing_else() -> None:
    made = hf_toys.bpe()
    mark = len(made) - 1
    vocabulary = TokenVocabulary(made.backend_tokenizer.to_str(), mark, len(made))
    ids = vocabulary.encode("3 + 4 = 7.00\n")
    assert ids[-1] == mark
    assert mark not in ids[:-1]
    assert vocabulary.decode(ids) == "3 + 4 = 7.00\n"
    assert vocabulary.encode("\n1\n\n2") == [mark, *vocabulary.encode("1"), mark, mark,
                                             *vocabulary.encode("2")]  # fmt: skip
    assert vocabulary.cannot_write("0123456789+-*/=. \n") == ""


def test_an_epoch_is_every_problem_once(folder: Path) -> None:
    spec = spec_of(folder)
    assert steps_of(spec, 3) == 19  # 3 x 100 problems, 16 a step
    streamed = replace(
        spec, training=replace(QUICK, layout="stream", loss="all", block=32, batch=2)
    )
    lines = [f"{p.question} = {p.answer}\n" for p in task_of(TASK).section("seen")]  # type: ignore[union-attr]
    made = hf_toys.bpe()
    tokens = sum(len(made(line.rstrip())["input_ids"]) + 1 for line in lines)
    # Question and answer are read one by one, and here that makes no difference.
    assert steps_of(streamed, 2) == -(-2 * tokens // 64)
    training = go(Training(streamed, task_of(TASK)), 2)
    assert training.mean_loss > 0


def test_the_rate_of_a_small_model_is_higher_unless_typed(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert transfer().learning_rate == 3e-4
    words = ["train", f"hf:{folder}", *"--operands 0-9 --batch 4 --json --steps 1".split()]
    for typed, rate in (([], 3e-3), (["--learning-rate", "3e-4"], 3e-4)):
        assert cli.main([*words, *typed]) == 0
        told = json.loads(capsys.readouterr().out)["spec"]["training"]
        assert (told["learning_rate"], told["optimizer"]) == (rate, "adamw")
    # A spec that was given has its own.
    (tmp_path / "spec.json").write_text(json.dumps(to_dict(spec_of(folder, transfer()))))
    assert cli.main("train --spec spec.json --steps 1 --json".split()) == 0
    assert json.loads(capsys.readouterr().out)["spec"]["training"]["learning_rate"] == 3e-4
    search = SearchSpec()
    for parameters, rate in ((99_999, 3e-3), (999_999, 1e-3), (1_000_000, 3e-4)):
        model = HFSpec(name="x", digest="y", parameters=parameters)
        made = descent_of(model, TASK, TrainingSpec(), set(), search)
        assert made.baseline.training.learning_rate == rate


def test_stories_are_refused(folder: Path) -> None:
    with pytest.raises(lilliput.LilliputError, match="has a tokenizer of its own"):
        RunSpec(task=StoriesSpec(), model=HFSpec(name=str(folder)), training=stories())
