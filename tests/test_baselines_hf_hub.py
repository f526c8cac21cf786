"""How a model's name becomes a folder: the Hub, its cache, and what is said where neither helps.

Nothing here touches a network: the Hub's client is told that there is none.
"""

import shutil
import sys
from pathlib import Path

import baselines_hf as tiny
import huggingface_hub
import pytest
import torch
import transformers
from huggingface_hub import errors
from safetensors.torch import load_file

from lilliput.baselines import hf
from lilliput.errors import FileError, LilliputError, NotFoundError


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def test_offline_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"Hub cannot be reached.* hf:FOLDER, or set HF_HOME"):
        hf.load("someone/some-model")
    with pytest.raises(NotFoundError, match="no model 'no name!' on the Hub and no folder"):
        hf.load("no name!")
    for name in ("./none", str(tmp_path / "none"), "a/b/c"):
        with pytest.raises(NotFoundError, match="there is no folder"):
            hf.load(name)


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_cache_holds_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    repository = tmp_path / "cache" / "models--someone--some-model"
    commit = "0123456789" * 4
    tiny.save(repository / "snapshots" / commit, tiny.lively("gpt_neo"))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    if not whole:
        # The Hub's client refuses a folder that lacks a file of the repository, needed or not.
        fail_with(monkeypatch, errors.LocalEntryNotFoundError("incomplete"))
    assert hf.load("someone/some-model").family == "gpt_neo"
    shutil.rmtree(repository)
    with pytest.raises(NotFoundError):
        hf.load("someone/some-model")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)


def test_what_the_hub_refuses_has_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, words in {
        errors.GatedRepoError: "accepted its terms; accept them .* `hf auth login`",
        errors.RepositoryNotFoundError: "no model 'someone/some-model' on the Hub",
        ConnectionError: "Hub cannot be reached; offline, copy",
    }.items():
        # Made without the answer of a server that they carry.
        fail_with(monkeypatch, kind.__new__(kind))
        with pytest.raises(NotFoundError, match=words):
            hf.load("someone/some-model")


@pytest.mark.parametrize("kind_of_file", ["model.safetensors", "pytorch_model.bin"])
def test_only_one_kind_of_weights_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind_of_file: str
) -> None:
    there, here = tmp_path / "hub", tmp_path / "here"
    tiny.save(there, tiny.lively("gpt2"))
    torch.save(load_file(there / "model.safetensors"), there / "pytorch_model.bin")
    if kind_of_file == "pytorch_model.bin":
        (there / "model.safetensors").unlink()
    (there / "flax_model.msgpack").write_bytes(b"much")
    here.mkdir()

    def fetch(_: str, allow_patterns: list[str]) -> str:
        for pattern in allow_patterns:
            for path in there.glob(pattern):
                shutil.copy(path, here)
        return str(here)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert hf.load("someone/some-model").bytes == (there / kind_of_file).stat().st_size
    fetched = {path.name for path in here.iterdir() if path.suffix not in (".json", ".txt")}
    assert fetched == {kind_of_file}


def test_without_transformers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(LilliputError, match=r"pip install transformers"):
        hf.load("someone/some-model")


def test_what_transformers_says_elsewhere_is_left_as_it_was(tmp_path: Path) -> None:
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    try:
        logging.set_verbosity_info()
        logging.enable_progress_bar()
        with pytest.raises(FileError):
            hf.load(str(tmp_path))
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(before)
