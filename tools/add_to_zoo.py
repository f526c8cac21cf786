"""Puts a finished run into the zoo: grades it on every section, copies its file, writes its line.

    python tools/add_to_zoo.py NAME RUN --task "arithmetic 0-89" --machine "2 cores of …" \\
        --command "lilliput train …" [--seeds RUN …] [--minutes 31]

Every seed that was trained is recorded, passed or not. A line that is there already is replaced.
"""

import argparse
import datetime
import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from lilliput import zoo
from lilliput.files import write_atomically
from lilliput.lab.verbs import grade_problems
from lilliput.lab.zoofacts import answers_a_second, facts, text_facts
from lilliput.models.modelfile import read_card
from lilliput.specs import StoriesSpec

FOLDER = Path(zoo.__file__).parent


def row_of(path: Path, seeds: list[Path], words: argparse.Namespace) -> dict[str, Any]:
    """The fields of zoo.Entry, JSON-ready."""
    card = read_card(path)
    found = facts(str(path))
    if isinstance(card.spec.task, StoriesSpec):
        found |= text_facts(str(path))
    else:
        found["answers"] = answers_a_second(str(path))
    marks = {card.spec.seed: found["valid"]}
    for other in seeds:
        seed = read_card(other).spec.seed
        marks.setdefault(seed, _valid(other))
    row = {
        "task": words.task,
        **found,
        "seeds": [[seed, *marks[seed]] for seed in sorted(marks)],
        "command": words.command,
        "machine": words.machine,
        "minutes": words.minutes,
        "date": datetime.date.today().isoformat(),
    }
    order = [field.name for field in fields(zoo.Entry)]
    return {name: row[name] for name in order if name in row}


def baseline_of(path: Path, words: argparse.Namespace) -> dict[str, Any]:
    """The fields of zoo.Baseline, JSON-ready, of a model of problems."""
    found = facts(str(path))
    return {
        "task": words.task,
        "parameters": found["parameters"],
        "bytes": found["bytes"],
        "asked": "unseen",
        "score": found["unseen"],
        "interval": found["unseen_interval"],
        "beyond": found["beyond"],
        "leaked": "leaked" in read_card(path).marks,
        "machine": words.machine,
        "minutes": words.minutes,
        "answers": answers_a_second(str(path)),
        "source": words.command,
        "date": datetime.date.today().isoformat(),
    }


def _valid(path: Path) -> list[int]:
    if isinstance(read_card(path).spec.task, StoriesSpec):
        found: list[int] = text_facts(str(path))["valid"]
        return found
    part = grade_problems(str(path), ["valid"], keep=False).grade.sections["valid"].overall
    return [part.right, part.total]


def as_toml(rows: dict[str, dict[str, Any]]) -> str:
    """Rows as TOML; their JSON values are TOML's, tables apart."""
    lines = ["# The models that come with the package, written by tools/add_to_zoo.py.", ""]
    others = rows.get(zoo.BASELINES, {})
    own = {name: row for name, row in rows.items() if name != zoo.BASELINES}
    named = {f"{zoo.BASELINES}.{json.dumps(name)}": row for name, row in others.items()}
    for name, row in (own | named).items():
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
    parser.add_argument(
        "--baseline", action="store_true", help="only its line: it is too large for the package"
    )
    words = parser.parse_args()
    path = words.run / "model.safetensors"
    seeds = [seed / "model.safetensors" for seed in words.seeds]
    table = FOLDER / "zoo.toml"
    rows = tomllib.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    if words.baseline:
        rows.setdefault(zoo.BASELINES, {})[words.name] = row = baseline_of(path, words)
    else:
        rows[words.name] = row = row_of(path, seeds, words)
        write_atomically(FOLDER / f"{words.name}.safetensors", path.read_bytes())
    write_atomically(table, as_toml(rows).encode())
    print(as_toml({words.name: row}))


if __name__ == "__main__":
    main()
