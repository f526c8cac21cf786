"""Models of transformers read as ours: the same logits, step by step too; every wrong folder."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import baselines_hf as tiny
import pytest
import torch
import transformers
from models_specs import assert_close
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lilliput.baselines import hf
from lilliput.errors import CharacterError, FileError, SpecError

IDS_BT = torch.randint(0, tiny.V, (3, tiny.WINDOW), generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=tiny.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_logits_are_transformers(tmp_path: Path, kind: str) -> None:
    theirs = tiny.lively(kind)
    network = hf.load(tiny.save(tmp_path, theirs)).network
    with torch.no_grad():
        all_BTV = theirs(IDS_BT).logits
        assert_close(network(IDS_BT), all_BTV, 1e-6)
        assert_close(network(IDS_BT, first=5), all_BTV[:, 5:], 1e-5)
        assert_close(network(IDS_BT, first=tiny.WINDOW - 1), all_BTV[:, -1:], 1e-5)
        # Some classes cannot be asked for the last positions alone.
        network._keeps = False
        assert_close(network(IDS_BT, first=5), all_BTV[:, 5:], 1e-5)


def test_reading_on_equals_reading_at_once_and_rows_are_picked(tmp_path: Path, kind: str) -> None:
    network = hf.load(tiny.save(tmp_path, tiny.lively(kind))).network
    rows_B = torch.tensor([2, 0, 2, 1])
    with torch.no_grad():
        all_BTV = network(IDS_BT)
        logits_BV, state = network.extend(IDS_BT[:, :5], network.begin(3))
        assert_close(logits_BV, all_BTV[:, 4], 1e-5)
        logits_BV, state = network.extend(IDS_BT[:, 5:7], state)
        assert_close(logits_BV, all_BTV[:, 6], 1e-5)
        picked = network.pick(state, rows_B)
        for t in range(7, tiny.WINDOW):
            logits_BV, picked = network.extend(IDS_BT[rows_B, t : t + 1], picked)
            assert_close(logits_BV, all_BTV[rows_B, t], 1e-5)
        # Neither picking nor reading on with what was picked has touched the state.
        logits_BV, _ = network.extend(IDS_BT[:, 7:8], state)
        assert_close(logits_BV, all_BTV[:, 7], 1e-5)
        first_BV, _ = network.extend(IDS_BT[:1, :2], network.pick(network.begin(3), rows_B[:1]))
        assert_close(first_BV, all_BTV[:1, 1], 1e-5)


def test_a_sequence_longer_than_the_window_is_refused(tmp_path: Path, kind: str) -> None:
    network = hf.load(tiny.save(tmp_path, tiny.lively(kind))).network
    with pytest.raises(SpecError, match="13 tokens is longer than the window of 12"):
        network(torch.zeros(1, 13, dtype=torch.long))
    _, state = network.extend(IDS_BT, network.begin(3))
    with pytest.raises(SpecError, match="13 tokens"):
        network.extend(IDS_BT[:, :1], state)


def numbers_in(folder: Path) -> int:
    """As they lie in the files, where a tie is written once."""
    count = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            count += sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118
    return count


@pytest.mark.parametrize("shard", ["5GB", "2KB"])
def test_what_a_table_says_of_it(tmp_path: Path, kind: str, shard: str) -> None:
    model = hf.load(tiny.save(tmp_path, tiny.lively(kind), max_shard_size=shard))
    files = list(tmp_path.glob("*.safetensors"))
    assert (len(files) > 1) == (shard == "2KB")
    assert model.bytes == sum(file.stat().st_size for file in files)
    assert model.parameters == numbers_in(tmp_path)
    assert (model.window, model.family) == (tiny.WINDOW, kind)
    assert (model.start, model.ends) == ((1,), (2,))
    assert not model.network.training


def test_weights_of_half_precision_and_pickled_ones_are_read(tmp_path: Path) -> None:
    theirs = tiny.lively("gpt_neo").half()
    tiny.save(tmp_path, theirs)
    with torch.no_grad():
        wanted_BTV = copy.deepcopy(theirs).float()(IDS_BT).logits
        network = hf.load(str(tmp_path)).network
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
        assert_close(network(IDS_BT), wanted_BTV, 1e-5)
        torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
        (tmp_path / "model.safetensors").unlink()
        model = hf.load(str(tmp_path))
        assert_close(model.network(IDS_BT), wanted_BTV, 1e-5)
    assert model.bytes == (tmp_path / "pytorch_model.bin").stat().st_size


def test_tokens_come_back_as_the_text_and_marks_are_not_added(tmp_path: Path) -> None:
    vocabulary = hf.load(tiny.save(tmp_path, tiny.lively("gpt2"))).vocabulary
    assert len(vocabulary) == 8
    for text in ("", "a", " ab", "ab  c. ."):
        ids = vocabulary.encode(text)
        assert len(ids) == len(text)
        assert vocabulary.decode(ids) == text
        assert vocabulary.decode([1, *ids, 2]) == text


def test_text_without_tokens_is_refused_not_scored(tmp_path: Path) -> None:
    made = tiny.tokenizer(unknown=True)
    vocabulary = hf.load(tiny.save(tmp_path, tiny.lively("gpt2"), made)).vocabulary
    assert vocabulary.encode("ab") == [3, 4]
    with pytest.raises(CharacterError, match="no token for part of 'abz'"):
        vocabulary.encode("abz")
    # GPT-2 gives one mark both offices, and has tokens for all text.
    made = tiny.tokenizer()
    made.unk_token = "</s>"
    vocabulary = hf.load(tiny.save(tmp_path, tiny.lively("gpt2"), made)).vocabulary
    assert vocabulary.encode("a</s>b") == [3, 2, 4]


def test_an_end_mark_that_also_pads_is_read_without_a_remark(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = hf.load(tiny.save(tmp_path, tiny.lively("gpt2"))).network
    caplog.clear()
    transformers.utils.logging.warning_once.cache_clear()
    network(torch.tensor([[2, 3, 2]]))
    assert not caplog.records


def test_all_end_marks_count_and_only_those_that_can_be_written(tmp_path: Path) -> None:
    model = tiny.lively("gpt2")
    model.generation_config.eos_token_id = [2, 5, 900]
    assert hf.load(tiny.save(tmp_path, model)).ends == (2, 5)
    made = tiny.tokenizer()
    made.bos_token = None
    assert hf.load(tiny.save(tmp_path, model, made)).start == (2,)
    made.eos_token = None
    assert hf.load(tiny.save(tmp_path, model, made)).start == ()


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_that_lacks_something_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for missing, words in {
        "config.json": "config.json is missing",
        "model.safetensors": "no weights; put model.safetensors",
        "tokenizer.json": "no tokenizer that can be used",
    }.items():
        tiny.save(folder, tiny.lively("llama"))
        (folder / missing).unlink()
        with pytest.raises(FileError, match=words):
            hf.load(str(folder))
    # Without any file of it, transformers makes a GPT-2 tokenizer that knows no token.
    tiny.save(folder, tiny.lively("gpt2"))
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(FileError, match="no tokenizer that can be used: it makes nothing of text"):
        hf.load(str(folder))


def test_damaged_or_other_weights_are_refused(tmp_path: Path) -> None:
    folder = Path(tiny.save(tmp_path / "model", tiny.lively("llama")))
    path, words = folder / "model.safetensors", "cannot be loaded as a causal language model"
    whole, weights = path.read_bytes(), load_file(path)
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match=words):
            hf.load(str(folder))
    del weights["model.norm.weight"], weights["lm_head.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(FileError, match=r"lm_head.weight, model.norm.weight \(2 missing"):
        hf.load(str(folder))
    path.write_bytes(whole)
    edit(folder / "config.json", hidden_size=16)
    with pytest.raises(FileError, match=words):
        hf.load(str(folder))


class Harmful:
    """A pickle that would write a file when opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path: Path) -> None:
    folder = Path(tiny.save(tmp_path / "model", tiny.lively("llama")))
    (folder / "model.safetensors").unlink()
    mark = tmp_path / "ran"
    for content in (pickle.dumps(Harmful(mark)), b"no pickle"):
        (folder / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(FileError, match="cannot be loaded as a causal language model"):
            hf.load(str(folder))
    torch.save({"model.norm.weight": Harmful(mark)}, folder / "pytorch_model.bin")
    with pytest.raises(FileError, match="cannot be loaded as a causal language model"):
        hf.load(str(folder))
    assert not mark.exists()


def test_code_of_a_repositorys_own_is_not_run(tmp_path: Path) -> None:
    folder = Path(tiny.save(tmp_path / "model", tiny.lively("llama")))
    mark = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')")
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    edit(folder / "config.json", model_type="own", auto_map=own)
    with pytest.raises(FileError, match=r"config.json cannot be used"):
        hf.load(str(folder))
    assert not mark.exists()


def test_a_vocabulary_that_does_not_fit_the_weights_is_refused(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, tiny.lively("gpt2"), tiny.tokenizer("abcdefgh"))
    with pytest.raises(FileError, match="token number 10, but weights for 9 tokens"):
        hf.load(folder)


def test_a_model_that_is_not_causal_is_refused(tmp_path: Path) -> None:
    sizes = {"vocab_size": 9, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    bert = transformers.BertConfig(**sizes, num_hidden_layers=1, max_position_embeddings=12)
    with pytest.raises(FileError, match=r"reads ahead \(bert\)"):
        hf.load(tiny.save(tmp_path / "bert", transformers.BertLMHeadModel(bert)))
    t5 = transformers.T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with pytest.raises(FileError, match=r"causal language model: a t5 is none; give one that is"):
        hf.load(tiny.save(tmp_path / "t5", transformers.T5ForConditionalGeneration(t5)))
    mamba = transformers.MambaConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1)
    with pytest.raises(FileError, match=r"without keys and values to remember \(mamba\)"):
        hf.load(tiny.save(tmp_path / "mamba", transformers.MambaForCausalLM(mamba)))
    for content in ("{", '{"model_type": "nonsense"}', "{}"):
        folder = tiny.save(tmp_path / "config", tiny.lively("gpt2"))
        Path(folder, "config.json").write_text(content)
        with pytest.raises(FileError, match=r"config.json cannot be used"):
            hf.load(folder)
