"""The card of a shipped model: what it is, its grade with intervals, and how it was made."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lilliput.errors import FileError
from lilliput.lab.exams import Part, Score, read_exam
from lilliput.lab.words import format_words, task_words
from lilliput.models.card import Card
from lilliput.models.modelfile import read_card
from lilliput.specs.codec import to_dict
from lilliput.units import score_words
from lilliput.zoo import Entry, entries, shape_words

MARK = "<!-- a model card by `lilliput ship` -->"
"""Stands in every card, so that nobody else's file is taken for one and written over."""
NO_SCORE = "no score is recorded with this file; `lilliput grade` gives it one"
"""Not that there was none: an exam stays in the run's folder, and a file may have left it."""


@dataclass(frozen=True)
class ModelCard:
    """What is said of a model wherever it goes."""

    title: str
    rows: tuple[tuple[str, str], ...]
    """Facts by their names."""
    spec: dict[str, Any]
    """All that decided its training."""

    def text(self) -> str:
        """Plain lines, for the head of a source file."""
        width = max(len(name) for name, _ in self.rows)
        return "\n".join([self.title, "", *(f"{n:{width}}  {words}" for n, words in self.rows)])

    def markdown(self, checked: str, use: str = "") -> str:
        """The card as a README.

        Args:
            checked: how the shipped form was checked.
            use: for transformers: the lines that load it; a hub of models finds its own in front.
        """
        head = ["---", "library_name: transformers", "pipeline_tag: text-generation",
                "tags:", "- lilliput", "---"]  # fmt: skip
        rows = [*self.rows, ("this form", checked)]
        table = [f"| {_cell(name)} | {_cell(words)} |" for name, words in rows]
        spec = json.dumps(self.spec, indent=1, ensure_ascii=False)
        return "\n".join(
            [
                *(head if use else []),
                MARK,
                f"# {html.escape(self.title, quote=False)}",
                "",
                "| what | |",
                "| --- | --- |",
                *table,
                "",
                *([f"```python\n{use}```\n"] if use else []),
                "The spec, which decides every number of it:",
                "",
                f"```json\n{spec}\n```\n",
            ]
        )


def _cell(words: str) -> str:
    """A text as a table's cell, in which it is a text and nothing else: some come from a file."""
    return html.escape(words, quote=False).replace("|", chr(92) + "|")


def _one_line(words: str) -> str:
    """What a file says, without the line ends that would end a row."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def model_card(name: str, path: Path, card: Card) -> ModelCard:
    """What is known of a model.

    Args:
        name: as it was asked for.
        path: the file that the name stands for, in the numbers that it was graded in.
        card: of what is shipped, perhaps in other numbers.
    """
    graded_in, spec = read_card(path).numbers, card.spec
    entry = next((e for e in entries() if name == f"zoo:{e.name}"), None)
    grades = _zoo_grades(entry) if entry else _exam_grades(path, spec.digest)
    rows = [
        ("task", entry.task if entry else task_words(spec.task) + format_words(spec.task)),
        ("family", f"{spec.model.kind}, {shape_words(spec.model)}"),
        ("parameters", f"{card.parameters:,}, matrices in {card.numbers}"),
        *(grades or [("grade", NO_SCORE)]),
    ]
    if grades and graded_in != card.numbers:
        rows.append(("graded in", f"{graded_in}; in {card.numbers} it was not graded again"))
    rows.append(("seeds", _seeds(entry, spec.seed)))
    if entry:
        rows.append(("made by", f"{entry.command} ({entry.minutes:g} minutes on {entry.machine})"))
    rows += [
        ("spec", spec.digest),
        *((_one_line(n), _one_line(w)) for n, w in sorted(card.marks.items())),
    ]
    kind = {"stories": "storyteller", "arithmetic": "calculator"}.get(spec.task.kind, "model")
    title = f"{name.removeprefix('zoo:')}: a {kind} of {card.parameters:,} parameters"
    return ModelCard(title, tuple(rows), to_dict(spec))


def _seeds(entry: Entry | None, seed: int) -> str:
    if entry is None:
        return f"this is seed {seed}; how many others were trained is not recorded with it"
    tried = "; ".join(
        f"{number}: {score_words(right / total, 0, 0)}" for number, right, total in entry.seeds
    )
    return f"{len(entry.seeds)} trained, this is seed {seed} (validation by seed: {tried})"


def _zoo_grades(entry: Entry) -> list[tuple[str, str]]:
    unit = "characters" if entry.excerpt else "right of"
    parts = {}
    for section in ("unseen", "valid"):
        right, total = getattr(entry, section)
        score = Score(right / total, *getattr(entry, f"{section}_interval"))
        counted = f"{total:,} {unit}" if entry.excerpt else f"{right:,} {unit} {total:,}"
        parts[section] = Part(score, counted)
    rows = _sections(parts)
    if not entry.excerpt:
        each = entry.unseen_by_operation.items()
        rows.append(("by operation", ", ".join(f"{n} {r:,}/{t:,}" for n, (r, t) in each)))
    if entry.beyond[1]:
        rows.append(("held-out range", f"{entry.beyond[0]:,} right of {entry.beyond[1]:,}"))
    return rows


_SECTIONS = {"unseen": "grade, unseen", "valid": "grade, validation", "beyond": "held-out range"}


def _exam_grades(path: Path, digest: str) -> list[tuple[str, str]]:
    """Of the exam beside a model, where it is of this model and can be read."""
    try:
        exam = read_exam(path, digest)
    except FileError:
        return []
    if exam is None:
        return []
    return [*_sections(exam.parts), *([("verdict", exam.verdict)] if exam.verdict else [])]


def _sections(parts: Mapping[str, Part]) -> list[tuple[str, str]]:
    """A row for each section; one for all where every problem was trained on."""
    unseen = parts.get("unseen")
    if unseen and unseen.of_all:
        return [("grade, all problems, all trained on", _graded(unseen))]
    return [(said, _graded(parts[name])) for name, said in _SECTIONS.items() if name in parts]


def _graded(part: Part) -> str:
    interval = "" if part.of_all else "95 % interval; "
    return f"{part.score} ({interval}{part.counted})"
