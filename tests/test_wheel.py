"""The wheel is for every Python 3 of its system: ctypes opens its library, which links to none."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from lilliput.engine.binding import library

ROOT = Path(__file__).parents[1]


def test_a_wheel_is_for_every_python_of_its_system(monkeypatch: pytest.MonkeyPatch) -> None:
    setuptools = pytest.importorskip("setuptools")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", asked.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    made = setuptools.Distribution({"name": "lilliput", "ext_modules": asked["ext_modules"]})
    wheel = asked["cmdclass"]["bdist_wheel"](made)
    wheel.finalize_options()
    python, abi, system = wheel.get_tag()
    assert (python, abi) == ("py3", "none")
    assert system != "any", "the library is of one system"
    # One wheel is then built, and each Python of the list tests it.
    workflow = (ROOT / ".github/workflows/wheels.yml").read_text()
    assert "cp311-* cp312-* cp313-*" in workflow


@pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
def test_the_library_asks_no_python_for_anything() -> None:
    for path in (ROOT / "lilliput" / "engine").glob("_engine*"):
        content = path.read_bytes()
        assert b"libpython" not in content
        assert b"PyInit" not in content
        assert b"Py_" not in content
