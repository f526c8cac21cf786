"""The exam of a model of text as terminal tables and as Markdown. Knows no verb and no flag."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.faces.text import console, curve, mark_words, plain_table
from lilliput.units import format_bytes

if TYPE_CHECKING:
    from lilliput.exam.card import StoryCard
    from lilliput.lab.stories import TextGraded

CARD = {
    "real_words": "real words",
    "repeated_4grams": "repeated 4-grams",
    "distinct_words": "distinct words of the first 50",
    "names_kept": "names of the prompt kept",
    "closed_quotes": "closed quotation marks",
    "ended": "ended by itself",
}
"""Figures of a story card, in words."""
WIDTH = 100


def card_rows(card: "StoryCard", real: "StoryCard") -> list[list[str]]:
    """Each figure of a model's card beside that of real stories."""
    return [[words, str(getattr(card, name)), str(getattr(real, name))]
            for name, words in CARD.items()]  # fmt: skip


def print_story_grade(graded: "TextGraded") -> None:
    """Bits per character, context, card, speed, and the five stories."""
    out, grade, model = console(), graded.grade, graded.model
    out.print(f"{model.name}: {model.family}, {model.parameters:,} parameters,"
              f" {format_bytes(model.bytes)}{mark_words(model.marks)}")  # fmt: skip
    out.print()
    table = plain_table(
        "text", "documents", "characters", "bits per character [95 %]", right=(1, 2)
    )
    for name, section in grade.sections.items():
        words = f"{section.bits:.3f} [{section.low:.3f}, {section.high:.3f}]"
        table.add_row(name, f"{section.documents:,}", f"{section.characters:,}", words)
    if graded.unigram is not None:
        table.add_row("", "", "", f"{graded.unigram:.3f}  who knows frequencies alone")
    out.print(table)
    out.print()
    out.print(context_words(graded))
    out.print(speed_words(graded))
    if graded.spectrum:
        out.print(spectrum_words(graded.spectrum))
    if graded.num_looks > 1:
        out.print(f"unseen was asked {graded.num_looks:,} times")
    out.print()
    table = plain_table(f"story card, {grade.card.stories} stories", "the model's", "real ones")
    for row in card_rows(grade.card, grade.real):
        table.add_row(*row)
    out.print(table)
    for prompt, story in grade.stories:
        out.print()
        for line in f"{prompt}{story}".split("\n"):
            out.print(textwrap.fill(line, WIDTH), markup=False)


def context_words(graded: "TextGraded") -> str:
    """`effective context: 64 of 512 pieces (175 characters); loss by window ▇▅▃▂▁`"""
    context = graded.grade.context
    high, low = max(context.bits), min(context.bits)
    shares = [(bits - low) / max(high - low, 1e-9) for bits in context.bits]
    return (
        f"effective context: {context.effective:,} of {context.windows[-1]:,} pieces"
        f" ({context.effective_characters:,} characters); bits by window from"
        f" {context.windows[0]} pieces {curve(shares)} {context.bits[0]:.3f} to"
        f" {context.bits[-1]:.3f}"
    )


def spectrum_words(spectrum: Mapping[str, float]) -> str:
    """`spectral radius, reset 0.81; …`"""
    return "; ".join(f"{name} {value:.3f}" for name, value in spectrum.items())


def speed_words(graded: "TextGraded") -> str:
    speed = graded.grade.speed
    return (
        f"speed: {speed.characters_per_second:,.0f} characters/s, {speed.pieces_per_second:,.0f}"
        f" pieces/s (median of {speed.runs}, {speed.threads} thread"
        f"{'s' if speed.threads != 1 else ''}, behind {speed.prompt_pieces} pieces)"
    )


def compared_rows(graded: Mapping[str, "TextGraded"]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a comparison: what is compared down, models across."""
    models = list(graded.values())
    rows: list[list[str]] = []

    def row(words: str, cells: Sequence[str]) -> None:
        rows.append([words, *cells])

    row("family", [one.model.family for one in models])
    row("parameters", [f"{one.model.parameters:,}" for one in models])
    row("bytes on disk", [format_bytes(one.model.bytes) for one in models])
    for name in models[0].grade.sections if models else ():
        row(f"bits/character, {name}", [str_bits(one.grade.sections[name]) for one in models])
    row("characters/s", [f"{one.grade.speed.characters_per_second:,.0f}" for one in models])
    row("pieces/s", [f"{one.grade.speed.pieces_per_second:,.0f}" for one in models])
    row("effective context, chars",
        [f"{one.grade.context.effective_characters:,}" for one in models])  # fmt: skip
    for name, words in CARD.items():
        row(words, [str(getattr(one.grade.card, name)) for one in models])
    if models:
        header = ["", *map(short, graded), "real stories"]
        for cells in rows:
            figure = next((n for n, words in CARD.items() if words == cells[0]), "")
            cells.append(str(getattr(models[0].grade.real, figure)) if figure else "")
        return header, rows
    return ["", "real stories"], rows


def short(name: str) -> str:
    """A model's name at the head of a column: without its folders."""
    return name if name.startswith(("zoo:", "hf:")) else Path(name).name


def str_bits(section: Any) -> str:
    return f"{section.bits:.3f} [{section.low:.3f}, {section.high:.3f}]"


def markdown(graded: Mapping[str, "TextGraded"]) -> str:
    """A comparison as Markdown: the table, then each prompt with every model's story."""
    header, rows = compared_rows(graded)
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    for number, (prompt, _) in enumerate(next(iter(graded.values())).grade.stories):
        lines += ["", f"**{_plain(prompt)}**"]
        for name, one in graded.items():
            # Its own prompt: a model of other letters was given another.
            lines += ["", f"*{name}*: {_plain(''.join(one.grade.stories[number]))}"]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing to set."""
    for mark in "\\|*_`<[#":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")
