"""The exam of a model of text in words and as terminal tables. Knows no verb and no flag."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lilliput.faces.text import console, curve, mark_words, plain_table, shown
from lilliput.units import bits_words, format_bytes

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
UNIGRAM = "unigram baseline (frequencies of characters)"
WIDTH = 100
"""Columns of a story's lines at most."""


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
        words = bits_words(section.bits, section.low, section.high)
        table.add_row(name, f"{section.documents:,}", f"{section.characters:,}", words)
    if graded.unigram is not None:
        table.add_row("", "", "", f"{graded.unigram:.3f}  {UNIGRAM}")
    out.print(table)
    for name, section in grade.sections.items():
        if section.replaced:
            words = replaced_words(section.replaced, section.replaced_share)
            lacking = "characters that the model lacks, read as the nearest known"
            out.print(f"{name}: {lacking}: {words}")
    out.print()
    exam = graded.to_dict()
    if failure := failure_words(exam):
        out.print(failure)
    out.print(context_words(graded))
    out.print(f"speed: {speed_words(exam['grade']['speed'])}")
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
        out.print(wrapped(f"{prompt}{story}"))


def wrapped(story: str, indent: str = "") -> str:
    """A story in lines that a window holds; its paragraphs stay apart.

    Args:
        indent: stands before every line.
    """
    width = min(WIDTH, console().width)
    lines = (textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent)
             for line in shown(story).split("\n"))  # fmt: skip
    return "\n".join(lines)


def failure_words(exam: Mapping[str, Any]) -> str:
    """That a model is a total failure; empty where it is none, or where the unigram's bits are not
    known.

    Args:
        exam: the content of exam.json.
    """
    sections, unigram = exam["grade"]["sections"], exam["unigram"]
    # The unigram's bits are those of validation, where there is one.
    section = sections.get("valid") or list(sections.values())[-1]
    worst = section["bits"] if section["high"] is None else section["high"]
    if unigram is None or worst < unigram:
        return ""
    found = bits_words(section["bits"], section["low"], section["high"])
    return (
        f"total failure: {found} bits per character are not shown to be fewer than the"
        f" {unigram:.3f} of the {UNIGRAM}"
    )


def replaced_words(replaced: int, share: float) -> str:
    """`1,234 (0.61 %)`"""
    return f"{replaced:,} ({100 * share:.2g} %)" if replaced else "0"


def context_words(graded: "TextGraded") -> str:
    """`effective context: at most 64 of 512 pieces (175 characters); loss by window ▇▅▃▂▁`"""
    context = graded.grade.context
    high, low = max(context.bits), min(context.bits)
    shares = [(bits - low) / max(high - low, 1e-9) for bits in context.bits]
    return (
        f"effective context: at most {context.effective:,} of {context.windows[-1]:,} pieces"
        f" ({context.effective_characters:,} characters); bits by window from"
        f" {context.windows[0]} pieces {curve(shares)} {context.bits[0]:.3f} to"
        f" {context.bits[-1]:.3f}"
    )


def spectrum_words(spectrum: Mapping[str, float]) -> str:
    """`spectral radius, reset 0.81; …`"""
    return "; ".join(f"{name} {value:.3f}" for name, value in spectrum.items())


def speed_words(speed: Mapping[str, Any]) -> str:
    """`837 characters/s (812 to 2,018), 306 pieces/s; greedy in PyTorch, …` of exam.json."""
    ends = ""
    # An exam that an older version kept has no range, and was PyTorch's.
    by = "by the engine" if speed.get("by") == "engine" else "in PyTorch"
    if "slowest" in speed:
        ends = f" ({speed['slowest']:,.0f} to {speed['fastest']:,.0f})"
    return (
        f"{speed['characters_per_second']:,.0f} characters/s{ends},"
        f" {speed['pieces_per_second']:,.0f} pieces/s; greedy {by}, {timing_words(speed)},"
        f" behind a prompt of {speed['prompt_pieces']:,} pieces"
    )


def timing_words(speed: Mapping[str, Any]) -> str:
    """How it was timed: `one text at a time, median of 5 runs on 1 thread`; of 0 threads nothing is
    said."""
    spread = " (slowest to fastest)" if "slowest" in speed else ""
    on = f" on {thread_words(speed['threads'])}" if speed["threads"] else ""
    return f"one text at a time, median of {speed['runs']} runs{spread}{on}"


def thread_words(number: int) -> str:
    return f"{number} thread{'s' if number != 1 else ''}"
