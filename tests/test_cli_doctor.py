"""`lilliput doctor` says what is here, and what to do about what is not."""

import json

import pytest

from lilliput.engine import binding
from lilliput.faces.cli import main


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
