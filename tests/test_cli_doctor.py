"""`lilliput doctor` says what is here, and what to do about what is not."""

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from lilliput.engine import binding
from lilliput.errors import NotFoundError
from lilliput.faces.cli import main
from lilliput.shipping import exe


def test_each_thing_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = [finding["name"] for finding in found]
    assert names[:4] == ["python", "torch", "engine", "C compiler"]
    assert all(finding["words"] for finding in found)
    assert found[1]["works"]


def test_what_is_missing_comes_with_its_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "library", lambda: None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    assert main(["doctor"]) == 0
    lines = {line[6:].split("  ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["engine"].startswith("none")
    assert "pip install" in lines["engine"]
    assert lines["C compiler"].startswith("none")
    assert "apt install gcc" in lines["C compiler"]


def test_without_onnxruntime_graphs_are_not_verified(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "exported ONNX graphs are not verified; pip install onnxruntime" in out
    assert "no programs for other machines (ship --target); pip install" in out


@pytest.mark.skipif(not shutil.which("cc") or not shutil.which("env"), reason="no C compiler")
def test_cc_may_put_words_around_the_compiler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "env cc -DLEFT=0")
    exe.build("int main(void) { return LEFT; }", tmp_path / "made", small=False)
    assert exe.say([tmp_path / "made"], []) == ""
    assert main(["doctor"]) == 0
    assert "env cc -DLEFT=0\n" in capsys.readouterr().out
    for wrong in ("no-such-cc -m64", 'cc "'):
        monkeypatch.setenv("CC", wrong)
        with pytest.raises(NotFoundError, match="correct CC or unset it"):
            exe.compiler()
        assert main(["doctor"]) == 0
        assert f"CC says {wrong!r}" in capsys.readouterr().out
