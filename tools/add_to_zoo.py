"""Puts a finished run into the zoo: grades it on every section, copies its file, writes its line.

    python tools/add_to_zoo.py NAME RUN --task "arithmetic 0-89" --machine "2 cores of …" \\
        --command "lilliput train …" [--seeds RUN …] [--minutes 31]

Every seed that was trained is recorded, passed or not. A line that is there already is replaced.
"""

import argparse
import datetime
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

from lilliput import zoo
from lilliput.files import write_atomically
from lilliput.lab.verbs import grade
from lilliput.models.modelfile import read_card

FOLDER = Path(zoo.__file__).parent


def row_of(path: Path, seeds: list[Path], words: argparse.Namespace) -> dict[str, Any]:
    """The fields of zoo.Entry, JSON-ready."""
    content = path.read_bytes()
    graded = grade(str(path), ("valid", "unseen", "beyond"), keep=False)
    sections, card = graded.grade.sections, graded.model.card
    unseen, beyond = sections["unseen"], sections.get("beyond")
    tries = {read_card(other).spec.seed: other for other in [path, *seeds]}
    valid = sections["valid"].overall
    marks = {card.spec.seed: (valid.right, valid.total)}
    for seed, other in tries.items():
        if seed not in marks:
            part = grade(str(other), ["valid"], keep=False).grade.sections["valid"].overall
            marks[seed] = (part.right, part.total)
    return {
        "task": words.task,
        "family": card.spec.model.kind,
        "shape": zoo.shape_words(card.spec.model),
        "parameters": card.parameters,
        "bytes": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "format": str(card.format["kind"]),
        "valid": [valid.right, valid.total],
        "valid_interval": [round(valid.low, 4), round(valid.high, 4)],
        "unseen": [unseen.overall.right, unseen.overall.total],
        "unseen_interval": [round(unseen.overall.low, 4), round(unseen.overall.high, 4)],
        "unseen_by_operation": {g: [t.right, t.total] for g, t in unseen.groups.items()},
        "beyond": [beyond.overall.right, beyond.overall.total] if beyond else [0, 0],
        "characters": round(unseen.length, 2),
        "seeds": [[seed, *marks[seed]] for seed in sorted(marks)],
        "command": words.command,
        "machine": words.machine,
        "minutes": words.minutes,
        "date": datetime.date.today().isoformat(),
    }


def as_toml(rows: dict[str, dict[str, Any]]) -> str:
    """Rows as TOML; their JSON values are TOML's, tables apart."""
    lines = ["# The models that come with the package, written by tools/add_to_zoo.py.", ""]
    for name, row in rows.items():
        lines.append(f"[{name}]")
        for key, value in row.items():
            if isinstance(value, dict):
                inner = ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {inner} }}")
            else:
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("run", type=Path)
    parser.add_argument("--task", required=True)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seeds", type=Path, nargs="*", default=[])
    words = parser.parse_args()
    path = words.run / "model.safetensors"
    seeds = [seed / "model.safetensors" for seed in words.seeds]
    table = FOLDER / "zoo.toml"
    rows = tomllib.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    rows[words.name] = row_of(path, seeds, words)
    write_atomically(FOLDER / f"{words.name}.safetensors", path.read_bytes())
    write_atomically(table, as_toml(rows).encode())
    print(as_toml({words.name: rows[words.name]}))


if __name__ == "__main__":
    main()
