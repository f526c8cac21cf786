"""What a run's folder says of it, read without torch: its spec and its learning curve."""

from pathlib import Path

from lilliput.errors import FileError
from lilliput.files import read_json, read_lines
from lilliput.specs import RunSpec, from_dict
from lilliput.training.record import Record
from lilliput.units import ends


def read_spec(folder: Path) -> RunSpec:
    """Raises FileError where the folder is no run."""
    if not (folder / "spec.json").exists():
        raise FileError(f"{folder} is no run: it has no spec.json; `lilliput train` makes one")
    return from_dict(RunSpec, read_json(folder / "spec.json"))


def read_records(folder: Path) -> list[Record]:
    """The learning curve; where a killed run did steps twice, the last time counts."""
    lines = read_lines(folder / "metrics.jsonl")
    rows = {row["step"]: Record(**{**row, **ends(row)}) for row in lines}
    return [rows[step] for step in sorted(rows)]
