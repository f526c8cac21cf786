"""Ctrl-C ends with one word and the code 130, whenever it comes."""

import signal
from collections.abc import Iterator

import pytest

from lilliput.errors import UserError
from lilliput.faces import cli


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_library_that_makes_another_error_of_it(
    number: signal.Signals, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def imports(_: object) -> int:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            raise UserError("copy its files again") from None
        return 0

    monkeypatch.setattr(cli, "_run", imports)
    assert cli.main([]) == 130
    assert capsys.readouterr().err == "lilliput: stopped\n"


def test_a_second_one_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python, as it ends, gives signals their first meaning back, unless they are ignored."""
    monkeypatch.setattr("sys.argv", ["lilliput", "zoo"])
    monkeypatch.setattr(cli, "_run", lambda _: signal.raise_signal(signal.SIGINT))
    assert cli.main() == 130
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_what_is_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`nohup` and a script's `&` ask for that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(cli, "_run", lambda _: signal.raise_signal(signal.SIGINT) or 0)
    assert cli.main([]) == 0
