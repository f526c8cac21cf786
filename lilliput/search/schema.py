"""The ledger's tables, and what turns those of an older version into these. Knows no rows."""

VERSION = 3
_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE trials (number INTEGER PRIMARY KEY, family TEXT, rung INTEGER, asked INTEGER,
  inner TEXT, seed INTEGER, spec TEXT, parameters INTEGER, num_steps INTEGER, purpose TEXT) STRICT;
CREATE TABLE slices (trial INTEGER REFERENCES trials, step INTEGER, done INTEGER, right INTEGER,
  total INTEGER, low REAL, high REAL, operations TEXT, train_loss REAL, seconds REAL, time REAL,
  metrics TEXT, PRIMARY KEY (trial, step)) STRICT;
CREATE TABLE looks (round INTEGER, place INTEGER, trial INTEGER REFERENCES trials, z REAL,
  right INTEGER, total INTEGER, low REAL, high REAL, operations TEXT, pid INTEGER, time REAL,
  PRIMARY KEY (round, place)) STRICT
"""
_SECOND = """
CREATE TABLE given_up (trial INTEGER PRIMARY KEY REFERENCES trials, what TEXT, time REAL) STRICT
"""
_THIRD = "ALTER TABLE trials ADD COLUMN cut TEXT"
_STEPS = (_FIRST, _SECOND, _THIRD)


def since(version: int) -> list[str]:
    """Statements, one at a time, that lead from a version to this one; from 0, which is an empty
    file. Not for `executescript`, which would commit after each."""
    statements = [one for step in _STEPS[version:] for one in step.split(";")]
    return [*statements, f"PRAGMA user_version = {VERSION}"]
