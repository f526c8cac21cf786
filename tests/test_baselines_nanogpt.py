"""nanoGPT's checkpoints: golden logits of its own network; files that are not what they seem."""

import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from baselines_nanogpt import ARITHMETIC, WIDTH, checkpoint, write, write_meta

from lilliput.baselines import nanogpt
from lilliput.errors import FileError, NotFoundError
from lilliput.exam.decode import greedy
from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.telling import TextModel
from lilliput.tasks.vocabulary import Vocabulary

IDS_BT = torch.tensor([[0, 8, 9, 1, 3, 1, 9, 11, 1, 17, 1]])
GOLDEN = {
    False: ([-0.47573, 0.62723, -1.35593], [-0.06354, 0.2453, -1.45064]),
    True: ([0.64741, -0.56328, -0.43642], [0.57815, -0.4967, -0.43939]),
}
"""Logits of symbols 0, 9 and 17 after 4 and after all of `IDS_BT`, without biases and with: from
nanoGPT's model.py (3adf61e) with these weights. The tanh approximation of GELU gives others."""


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_logits_are_those_of_nanogpt(tmp_path: Path, bias: bool, prefix: str) -> None:
    read = nanogpt.read(write(tmp_path, bias=bias, prefix=prefix))
    with torch.no_grad():
        logits_BTV = nanogpt.network_of(read)(IDS_BT)
    for place, expected in zip((3, -1), GOLDEN[bias], strict=True):
        torch.testing.assert_close(
            logits_BTV[0, place, [0, 9, 17]], torch.tensor(expected), rtol=0, atol=1e-5
        )


def test_arithmetic_answers_and_other_text_goes_on(tmp_path: Path) -> None:
    model = load(str(write(tmp_path / "sums")))
    assert isinstance(model, Model)
    assert model.task.spec.format == "plain"  # type: ignore[union-attr]
    assert model.card.marks == {"learned lines unknown": "yes"}
    assert model.engine is None
    network = nanogpt.network_of(nanogpt.read(tmp_path / "sums" / "ckpt.pt"))
    known = Vocabulary(ARITHMETIC)
    written = greedy(network, known, [known.encode("\n12 + 24 =")], 24)[0]
    (answer,) = model.answerer(["12 + 24 ="])
    assert len(answer) > 3
    assert written.startswith(answer)
    story = load(str(write(tmp_path / "text", "\n abcdefgh")))
    assert isinstance(story, TextModel)
    assert story.family == "nanoGPT 2 x 8"
    assert story("ab").startswith("ab")
    assert len(story("ab")) == 23  # The line's end before it fills the window of 24.


def test_another_order_of_symbols_is_the_same_model(tmp_path: Path) -> None:
    """Ours open with the end mark, wherever nanoGPT's table has it."""
    one, other = (tmp_path / name for name in ("one", "other"))
    path = write(one)
    turned = ARITHMETIC[::-1]
    loaded = torch.load(path, weights_only=True)
    for name in ("transformer.wte.weight", "lm_head.weight"):
        loaded["model"][name] = loaded["model"][name].flip(0)
    other.mkdir()
    torch.save(loaded, other / "ckpt.pt")
    write_meta(other / "meta.pkl", turned)
    models = [load(str(path)), load(str(other / "ckpt.pt"))]
    answers = [model.answerer(["12 + 24 =", "7 * 8 ="]) for model in models]  # type: ignore[union-attr]
    assert answers[0] == answers[1]


def test_the_vocabulary_may_lie_where_nanogpt_has_it(tmp_path: Path) -> None:
    path = write(tmp_path / "out-sums")
    (tmp_path / "data" / "sums").mkdir(parents=True)
    path.with_name("meta.pkl").rename(tmp_path / "data" / "sums" / "meta.pkl")
    assert nanogpt.read(path).symbols == list(ARITHMETIC)


class Evil:
    """Would create a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_never_run(tmp_path: Path) -> None:
    path, trap = write(tmp_path), tmp_path / "trap"
    meta = {"vocab_size": 1, "itos": {0: "a"}, "stoi": Evil(trap)}
    path.with_name("meta.pkl").write_bytes(pickle.dumps(meta))
    with pytest.raises(FileError, match=r"meta.pkl holds more than a table.*could run code"):
        nanogpt.read(path)
    torch.save({**checkpoint(18), "config": Evil(trap)}, path)
    with pytest.raises(FileError, match=r"ckpt.pt holds more than weights.*could run code"):
        nanogpt.read(path)
    path.write_bytes(pickle.dumps(Evil(trap)))
    with pytest.raises(FileError, match="bare pickle, which could run code"):
        load(str(path))
    assert not trap.exists()
    pickle.loads(pickle.dumps(Evil(trap))).close()  # It would have.
    assert trap.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short or damaged"),
        (pickle.dumps({"itos": {0: "a"}})[:-3], "cut short or damaged"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "more than a table"),
        (pickle.dumps({"itos": {0: 1.5}}), "more than a table"),
        (pickle.dumps([1]), "no table itos"),
        (pickle.dumps({"itos": {0: 5}}), "no table itos"),
        (pickle.dumps({"itos": {0: "a", 1: "b"}}), "names 2 symbols, but the model .* 18"),
        (pickle.dumps({"itos": dict.fromkeys(range(18), "a")}), "of two models"),
    ],
)
def test_a_vocabulary_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path)
    path.with_name("meta.pkl").write_bytes(content)
    with pytest.raises(FileError, match=words):
        nanogpt.read(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_vocabulary_of_any_protocol(tmp_path: Path, protocol: int) -> None:
    path = write(tmp_path)
    meta = {"itos": dict(enumerate(ARITHMETIC)), "vocab_size": 18}
    path.with_name("meta.pkl").write_bytes(pickletools.optimize(pickle.dumps(meta, protocol)))
    assert nanogpt.read(path).symbols == list(ARITHMETIC)


def test_no_vocabulary(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.with_name("meta.pkl").unlink()
    with pytest.raises(FileError, match=r"has no meta.pkl beside it, which says what its tokens"):
        nanogpt.read(path)
    with pytest.raises(NotFoundError, match="no file"):
        nanogpt.read(tmp_path / "none.pt")


def changed(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["model_args"].update(changes)


def without(name: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        del data["model"][name]

    return change


def put(name: str, tensor: torch.Tensor) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["model"].update({name: tensor})


WTE = "transformer.wte.weight"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(n_embd=10), "do not fit its model_args: .* is .*8, and by them .*10"),
        (changed(n_layer=3), "h.2.attn.c_attn.weight is not there, and by them 24 x 8"),
        (changed(n_layer=10**6), "tensors for 1000000 layers"),
        (changed(n_layer=1), "h.1.* is .*, and by them not there"),
        (changed(block_size=12), "wpe.weight is 24 x 8, and by them 12 x 8"),
        (changed(vocab_size=19), "wte.weight is 18 x 8, and by them 19 x 8"),
        (changed(n_head=3), "sizes that no model has"),
        (changed(n_head="2"), "impossible model_args: n_head '2'"),
        (changed(bias=True), "bias is not there"),
        (without("transformer.ln_f.weight"), "ln_f.weight is not there, and by them 8"),
        (put(WTE, torch.full((18, WIDTH), float("nan"))), "embedding has numbers that are not"),
        (put(WTE, torch.zeros(1, 1).expand(1 << 20, WIDTH)), "do not fit"),
        (put("lm_head.weight", torch.ones(18, WIDTH)), "output matrix apart"),
        (put("more", torch.ones(2)), "more is 2, and by them not there"),
        (lambda data: data.update(model=None), "tensors for 2 layers"),
        (lambda data: data.update(model_args=[3]), "impossible model_args"),
    ],
)
def test_weights_that_do_not_fit(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    path = write(tmp_path)
    data = checkpoint(18)
    change(data)
    torch.save(data, path)
    with pytest.raises(FileError, match=words):
        nanogpt.read(path)


def test_few_bytes_that_pose_as_many_numbers(tmp_path: Path) -> None:
    path, rows = write(tmp_path), 1 << 20
    data = checkpoint(18)
    data["model_args"]["block_size"] = rows
    data["model"]["transformer.wpe.weight"] = torch.zeros(1, 1).expand(rows, WIDTH)
    torch.save(data, path)
    with pytest.raises(FileError, match="too short for the weights that it names"):
        nanogpt.read(path)


def test_a_checkpoint_that_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match="cut short"):
        load(str(path))
    with pytest.raises(FileError, match="cut short or damaged"):
        nanogpt.read(path)
