"""The ledger: every trial, every slice, every look at `unseen`; SQLite with a write-ahead log.

One process writes. A transaction holds all that was decided or learned at one moment: whenever it
is killed, nothing is lost or counted twice. States are files beside it, named by their step; one
is only removed after the ledger names a later one. Knows no job.
"""

import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lilliput.errors import LedgerError, NotFoundError
from lilliput.files import cannot_write, json_text, write_atomically
from lilliput.search import schema
from lilliput.search.job import Evidence, Progress
from lilliput.search.lock import check_identity, refusal, take_folder
from lilliput.search.trial import Look, Point, Trial, counted
from lilliput.specs import from_dict, to_dict

_PLAIN = ("number", "family", "rung", "asked", "seed", "parameters", "num_steps", "purpose")
"""Columns of `trials` that are fields of a Trial as they are."""


class Ledger:
    """A search's record, in a folder or (None) in memory.

    Args:
        identity: what must not change between two sittings of one search; JSON-ready.
        spec_type: the trials' specs.
        write: False reads without the lock, while another process may be writing.

    Raises:
        LedgerError: newer schema, another search's identity, in use by another search, damaged.
        FileError: the folder cannot be written; also later, by any writing method.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: dict[str, Any] | None = None,
        spec_type: type[Any] = object,
        *,
        write: bool = True,
    ) -> None:
        self.folder, self.spec_type = folder, spec_type
        self.trials: list[Trial] = []
        self.looks: list[Look] = []
        self.given_up: dict[int, str] = {}
        """Trials that broke, and how; in the order of their numbers once read again."""
        self._states: dict[int, bytes] = {}
        self._lock: sqlite3.Connection | None = None
        path = ":memory:" if folder is None else str(folder / "ledger.sqlite")
        if folder is not None:
            if not write and not Path(path).exists():
                raise NotFoundError(f"no ledger in {folder}; `lilliput find` makes one")
            if write:
                self._lock = take_folder(folder)
        try:
            # Autocommit: every transaction below is begun and ended in plain sight.
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            try:
                self._open(identity, write)
            except BaseException:
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            self._release()
            raise refusal(path, error) from None
        except BaseException:
            self._release()
            raise

    def _open(self, identity: dict[str, Any] | None, write: bool) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > schema.VERSION:
            raise LedgerError(
                f"the ledger in {self.folder} has schema version {version}, newer than"
                f" {schema.VERSION} which this program knows; update lilliput"
            )
        if write:
            if self.folder is not None:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
            if version < schema.VERSION:
                with self._transaction():
                    for statement in schema.since(version):
                        self._db.execute(statement)
                    if version == 0:
                        value = json.dumps(identity, sort_keys=True)
                        self._db.execute("INSERT INTO meta VALUES ('identity', ?)", (value,))
                version = schema.VERSION
        elif version == 0:
            raise LedgerError(f"the ledger in {self.folder} is empty; run `lilliput find` again")
        self.identity: dict[str, Any] = json.loads(
            self._db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()[0]
        )
        if write and identity is not None:
            check_identity(self.identity, json.loads(json.dumps(identity)), self.folder)
        self._read(version)

    def _read(self, version: int) -> None:
        for row in self._select("trials"):
            data = json.loads(row["spec"])
            spec = data if self.spec_type is object else from_dict(self.spec_type, data)
            plain = {name: row[name] for name in _PLAIN}
            told = {"inner": json.loads(row["inner"]), "cut": _read_cut(row.get("cut"))}
            self.trials.append(Trial(**plain, **told, spec=spec))
        for row in self._select("slices"):
            self.trials[row["trial"]].points.append(
                Point(
                    row["step"],
                    bool(row["done"]),
                    _from_row(row),
                    # SQLite has no NaN.
                    math.nan if row["train_loss"] is None else row["train_loss"],
                    row["seconds"],
                    tuple(json.loads(row["metrics"])),
                )
            )
        for row in self._select("looks"):
            unseen = None if row["right"] is None else _from_row(row)
            self.looks.append(Look(row["round"], row["place"], row["trial"], row["z"], unseen))
        if version >= 2:
            self.given_up = {row["trial"]: row["what"] for row in self._select("given_up")}

    def _select(self, table: str) -> list[dict[str, Any]]:
        names, rows = self.rows(table)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _insert(self, table: str, **values: Any) -> None:
        holes = ", ".join("?" * len(values))
        self._db.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({holes})", tuple(values.values())
        )

    def record(
        self,
        begun: Sequence[Trial],
        progress: Iterable[tuple[int, Progress]],
        given_up: Mapping[int, str] | None = None,
    ) -> None:
        """Adds what was begun, came back and broke, at one moment: all or nothing."""
        slices = list(progress)
        for number, result in slices:
            self._write_state(number, result.step, result.state)
        with self._transaction():
            for trial in begun:
                data = {
                    "inner": json.dumps(dict(trial.inner)),
                    "spec": json.dumps(to_dict(trial.spec)),
                    "cut": None if trial.cut is None else json.dumps(dict(trial.cut)),
                }
                self._insert("trials", **{name: getattr(trial, name) for name in _PLAIN}, **data)
            for number, result in slices:
                self._insert(
                    "slices",
                    trial=number,
                    step=result.step,
                    done=result.done,
                    train_loss=result.train_loss,
                    seconds=result.seconds,
                    time=time.time(),
                    metrics=json_text(result.metrics),
                    **_to_row(result.validation),
                )
            for number, what in (given_up or {}).items():
                self._insert("given_up", trial=number, what=what, time=time.time())
        self.trials.extend(begun)
        self.given_up.update(given_up or {})
        for number, result in slices:
            trial = self.trials[number]
            before = trial.step
            shared = {name: getattr(result, name) for name in Point.__dataclass_fields__}
            trial.points.append(Point(**shared))
            if self.folder is not None and before:
                self.state_path(number, before).unlink(missing_ok=True)

    def fill_in_cuts(self, cut_of: Callable[[Any], Mapping[str, tuple[int, int]]]) -> None:
        """Adds what was cut for trials that were begun under a schema that did not know it."""
        known = {t.number: cut_of(t.spec) for t in counted(self.trials) if t.cut is None}
        with self._transaction():
            for number, cut in known.items():
                self._db.execute(
                    "UPDATE trials SET cut = ? WHERE number = ?", (json.dumps(dict(cut)), number)
                )
        for number, cut in known.items():
            self.trials[number] = replace(self.trials[number], cut=cut)

    def name_looks(self, looks: Sequence[Look]) -> None:
        """Writes down which runs a confirmation will ask, before any is asked."""
        with self._transaction():
            for look in looks:
                self._insert(
                    "looks", round=look.round, place=look.place, trial=look.trial, z=look.z
                )
        self.looks.extend(looks)

    def record_look(self, look: Look, unseen: Evidence) -> Look:
        """Adds what a named look saw."""
        with self._transaction():
            values = {**_to_row(unseen), "pid": os.getpid(), "time": time.time()}
            self._db.execute(
                f"UPDATE looks SET {', '.join(f'{name} = ?' for name in values)}"
                " WHERE round = ? AND place = ?",
                (*values.values(), look.round, look.place),
            )
        seen = Look(look.round, look.place, look.trial, look.z, unseen)
        self.looks[self.looks.index(look)] = seen
        return seen

    def state(self, number: int) -> bytes | None:
        """The state after the latest slice of a trial; None: nothing trained yet."""
        if not self.trials[number].points:
            return None
        step = self.trials[number].step
        if self.folder is None:
            return self._states[number]
        path = self.state_path(number, step)
        try:
            return path.read_bytes()
        except OSError as error:
            raise LedgerError(
                f"the ledger names {path}, which cannot be read: {error.strerror}; put it back"
            ) from None

    def state_path(self, number: int, step: int) -> Path:
        assert self.folder is not None
        return self.folder / "trials" / f"{number:04d}" / f"state-{step:07d}.bin"

    def _write_state(self, number: int, step: int, state: bytes) -> None:
        if self.folder is None:
            self._states[number] = state
            return
        path = self.state_path(number, step)
        write_atomically(path, state)
        known = self.trials[number].step if number < len(self.trials) else 0
        for old in (*path.parent.glob("state-*"), *path.parent.glob(".state-*.part")):
            # Left by a death between file and ledger, or while a state was written: under the
            # ledger's lock nobody else is at it.
            if old not in (path, self.state_path(number, known)):
                old.unlink()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise cannot_write(self.folder, error) from None
            raise

    def rows(self, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a table of `files.TABLES`, in order."""
        cursor = self._db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        return [column[0] for column in cursor.description], cursor.fetchall()

    def close(self) -> None:
        self._db.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _to_row(evidence: Evidence) -> dict[str, Any]:
    operations = json.dumps({name: list(pair) for name, pair in evidence.operations.items()})
    numbers = {name: getattr(evidence, name) for name in ("right", "total", "low", "high")}
    return {**numbers, "operations": operations}


def _read_cut(text: str | None) -> dict[str, tuple[int, int]] | None:
    if text is None:
        return None
    return {kind: (before, after) for kind, (before, after) in json.loads(text).items()}


def _from_row(row: dict[str, Any]) -> Evidence:
    operations = {name: tuple(pair) for name, pair in json.loads(row["operations"]).items()}
    return Evidence(row["right"], row["total"], row["low"], row["high"], operations)
