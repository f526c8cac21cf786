"""Laws of the ledger: nothing lost or twice, one writer, clear words when it cannot go on."""

import errno
import json
import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lilliput.errors import FileError, LedgerError, NotFoundError, SpecError
from lilliput.search import schema
from lilliput.search.files import export
from lilliput.search.job import Evidence, Progress
from lilliput.search.ledger import Ledger
from lilliput.search.lock import refusal
from lilliput.search.trial import Look, Trial
from lilliput.specs.search import SearchSpec

IDENTITY = {"key": "sums", "pass_mark": 0.7}


@dataclass(frozen=True)
class Toy:
    width: int


def toy_trial(number: int) -> Trial:
    return Trial(number, "gpt", 3, 1000, {"rate": 0.5}, 7, Toy(8), 990, 160, "search")


def progress(step: int, state: bytes = b"state") -> Progress:
    evidence = Evidence(60, 100, 0.5, 0.69, {"+": (40, 50), "-": (20, 50)})
    return Progress(state, step, False, evidence, 0.25, 1.5, ({"loss": 0.25},))


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [])
        ledger.record([toy_trial(1)], [(0, progress(10)), (1, progress(10, b"one"))])
        ledger.record([], [(1, progress(20, b"two"))])
        ledger.name_looks([Look(1, 0, 1, 1.96), Look(1, 1, 0, 1.96)])
        ledger.record_look(ledger.looks[0], Evidence(80, 100, 0.71, 0.9))
        trials, looks = ledger.trials, ledger.looks
    with Ledger(tmp_path, IDENTITY, Toy) as again:
        assert again.trials == trials
        assert [trial.points for trial in again.trials] == [trial.points for trial in trials]
        assert again.looks == looks
        assert again.looks[1].unseen is None
        assert (again.state(0), again.state(1)) == (b"state", b"two")
    # One state a trial stays on disk.
    assert len(list(tmp_path.glob("trials/*/state-*"))) == 2


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [(0, progress(10, b"first"))])
        with pytest.raises(sqlite3.IntegrityError):
            ledger.record([toy_trial(1)], [(0, progress(20, b"lost")), (0, progress(20))])
    with Ledger(tmp_path, IDENTITY, Toy) as again:
        assert [trial.step for trial in again.trials] == [10]
        assert again.state(0) == b"first"


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path, IDENTITY, Toy).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    for write in (True, False):
        with pytest.raises(LedgerError, match=r"newer than .*update lilliput"):
            Ledger(tmp_path, IDENTITY, Toy, write=write)


def test_second_search_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [])
        with pytest.raises(LedgerError, match="another search is writing"):
            Ledger(tmp_path, IDENTITY, Toy)
        with Ledger(tmp_path, spec_type=Toy, write=False) as reader:
            assert len(reader.trials) == 1
    Ledger(tmp_path, IDENTITY, Toy).close()


def test_what_sqlite_refuses_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "lock.sqlite").mkdir()
    with pytest.raises(FileError, match=r"cannot open .*lock\.sqlite"):
        Ledger(tmp_path, IDENTITY, Toy)
    said = {}
    for code in ("BUSY", "FULL", "READONLY", "CORRUPT"):
        error = sqlite3.OperationalError(code)
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{code}")
        said[code] = str(refusal("folder/ledger.sqlite", error))
    assert "another search is writing folder;" in said["BUSY"]
    assert "make room" in said["FULL"]
    assert "may be read and written" in said["READONLY"]
    assert [code for code, words in said.items() if "move it away" in words] == ["CORRUPT"]


def test_a_ledger_of_the_first_schema_is_read_and_gone_on_with(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [])
        ledger._db.execute("DROP TABLE given_up")
        ledger._db.execute("ALTER TABLE trials DROP COLUMN cut")
        ledger._db.execute("PRAGMA user_version = 1")
    with Ledger(tmp_path, write=False) as old:
        assert len(old.trials) == 1
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([], [], {0: "MemoryError"})
    with Ledger(tmp_path, write=False) as again:
        assert again.given_up == {0: "MemoryError"}


def test_what_an_older_ledger_does_not_say_of_cuts_is_filled_in(tmp_path: Path) -> None:
    twin = replace(toy_trial(1), inner={"rate": 0.5, "cut_down": False})
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0), twin, replace(toy_trial(2), cut={})], [])
        assert [trial.cut for trial in ledger.trials] == [None, None, {}]
        ledger._db.execute("ALTER TABLE trials DROP COLUMN cut")
        ledger._db.execute("PRAGMA user_version = 2")
    with Ledger(tmp_path, write=False) as old:
        assert [trial.cut for trial in old.trials] == [None, None, None]
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.fill_in_cuts(lambda spec: {"heads": (16, spec.width)})
        assert ledger.trials[0].cut == {"heads": (16, 8)}
    with Ledger(tmp_path, IDENTITY, Toy) as again:
        # Nothing was cut of what was trained from nothing, and what is known stays.
        assert [t.cut for t in again.trials] == [{"heads": (16, 8)}, None, {"heads": (16, 8)}]
        again.fill_in_cuts(lambda spec: {"heads": (99, 9)})
        assert again.trials[2].cut == {"heads": (16, 8)}


def test_another_question_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path, IDENTITY, Toy).close()
    with pytest.raises(LedgerError, match=r"pass_mark was 0\.7, is now 0\.8"):
        Ledger(tmp_path, {**IDENTITY, "pass_mark": 0.8}, Toy)


def test_what_is_no_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no ledger in"):
        Ledger(tmp_path, write=False)
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match="cannot be read as a ledger"):
        Ledger(tmp_path, IDENTITY, Toy)


def test_lost_state_is_named(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [(0, progress(10))])
        ledger.state_path(0, 10).unlink()
        with pytest.raises(LedgerError, match=r"state-0000010\.bin, which cannot be read"):
            ledger.state(0)


def test_a_state_that_a_kill_cut_short_is_cleared_away(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [(0, progress(10))])
        left = ledger.state_path(0, 10).with_name(".state-0000020.bin.elsewhere.7.part")
        left.touch()
        ledger.record([], [(0, progress(30))])
        assert not left.exists()
        assert ledger.state(0) == progress(30).state


def fill(ledger: Ledger) -> None:
    for step in range(20, 4000, 10):
        ledger.record([], [(0, progress(step))])


@pytest.mark.parametrize("where", ["state", "database"])
def test_full_disk_keeps_what_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [(0, progress(10, b"kept"))])
        with monkeypatch.context() as patch:
            if where == "state":

                def full(_: int) -> None:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

                patch.setattr(os, "fsync", full)
            else:
                ledger._db.execute("PRAGMA max_page_count = 1")
            with pytest.raises(FileError, match=r"full|No space"):
                fill(ledger)
        reached = ledger.trials[0].step
    with Ledger(tmp_path, IDENTITY, Toy) as again:
        assert again.trials[0].step == reached
        assert again.state(0) == (b"kept" if reached == 10 else b"state")
        again.record([], [(0, progress(5000, b"on"))])
        assert again.state(0) == b"on"


def test_export_holds_every_row(tmp_path: Path) -> None:
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        ledger.record([toy_trial(0)], [(0, progress(10))])
        paths = export(ledger, tmp_path)
    names = ["trials.csv", "slices.csv", "looks.csv", "given_up.csv", "ledger.json"]
    assert [path.name for path in paths] == names
    assert (tmp_path / "slices.csv").read_text().splitlines()[1].startswith("0,10,0,60,100,0.5,")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pass_mark": 1.2}, "between 0 and 1.*; got 1.2"),
        ({"pass_mark": 0.0}, "between 0 and 1.*; got 0"),
        ({"seconds": 60.0, "steps": 100}, "leave one out"),
        ({"smallest": 9, "largest": 8}, "smallest 9"),
        ({"families": ("gtp",)}, "did you mean 'gpt'"),
        ({"rungs": 0}, "rungs must be from 1 to 8"),
        ({"steps": -1}, "0 or more"),
    ],
)
def test_impossible_searches_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        SearchSpec(**fields)  # type: ignore[arg-type]


def test_what_has_no_end_is_null_in_the_exported_ledger(tmp_path: Path) -> None:
    """The interval of one document, in a ledger from when so few were not refused."""
    endless = Evidence(-150, 100, float("-inf"), 0.0)
    metrics = ({"low": float("-inf")},)
    with Ledger(tmp_path, IDENTITY, Toy) as ledger:
        step = replace(progress(10), validation=endless, metrics=metrics)
        ledger.record([toy_trial(0)], [(0, step)])
        path = export(ledger, tmp_path)[-1]
    with Ledger(tmp_path, IDENTITY, Toy) as again:
        assert again.trials[0].last == endless

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    (row,) = json.loads(path.read_text(), parse_constant=refuse)["slices"]
    assert (row["low"], row["high"]) == (None, 0.0)
    assert json.loads(row["metrics"], parse_constant=refuse) == [{"low": None}]
