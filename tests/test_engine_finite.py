"""Models whose numbers are none or overflow: refused by name, never answered by."""

import dataclasses
from pathlib import Path

import pytest
import torch

from lilliput.engine.binding import library
from lilliput.faces.cli import main
from lilliput.models import modelfile
from lilliput.zoo import path_of

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
NAN = float("nan")


def damaged(name: str, number: float, path: Path, numbers: str = "float32") -> str:
    """A model of the zoo all of whose numbers are `number`; where that is none, one of them."""
    network, card = modelfile.load(path_of(name))
    with torch.no_grad():
        if number != number:
            network.embedding[1, 1] = number  # type: ignore[index]
        else:
            for parameter in network.parameters():
                parameter.fill_(number)
    modelfile.save(path, network, dataclasses.replace(card, numbers=numbers))
    return str(path)


@pytest.mark.parametrize(
    ("number", "numbers"), [(3e38, "float32"), (3e38, "int8"), (NAN, "float32")]
)
@pytest.mark.parametrize("name", ["arithmetic-12k", "stories-60k"])
def test_by_the_engine_and_by_pytorch(
    name: str,
    number: float,
    numbers: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = damaged(name, number, tmp_path / "bad.safetensors", numbers)
    verb = ["calc", "12 + 24"] if name == "arithmetic-12k" else ["tell", "Once upon a time"]

    def refused() -> str:
        assert main([*verb, "--model", path]) == 1
        out, err = capsys.readouterr()
        assert out in ("", "Once upon a time\n"), "a story's beginning is the user's own"
        assert err.count("\n") == 1
        assert path in err
        return err

    words = "numbers that no model has" if number != number else "its weights are NaN or overflow"
    assert words in refused()
    monkeypatch.setattr("lilliput.engine.binding.library", lambda: None)
    assert "its weights are NaN or overflow" in refused()


@pytest.mark.parametrize("number", [3e38, NAN])
def test_nothing_is_made_of_them(
    number: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = damaged("addition-368", number, tmp_path / "bad.safetensors"), tmp_path / "out"
    for form in ("exe", "mcu", "wasm", "safetensors", "hf", "exe --numbers int8"):
        assert main(["ship", path, "--out", str(out), "--as", *form.split()]) == 1
        said = capsys.readouterr().err
        assert path in said
        assert said.count("\n") == 1
        assert not out.exists()
    assert main(["quantise", path, "--out", str(out)]) == 1
    assert path in capsys.readouterr().err
    assert not out.exists()
