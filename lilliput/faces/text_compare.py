"""Models of text side by side, as terminal tables and as Markdown. Knows no verb and no flag."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from lilliput.faces.side_by_side import Figures, labels, plain, print_tables, table_lines
from lilliput.faces.text import console
from lilliput.faces.text_story import CARD, replaced_words, thread_words, timing_words, wrapped
from lilliput.units import bits_words, format_bytes

if TYPE_CHECKING:
    from lilliput.exam.story import SectionBits
    from lilliput.lab.stories import TextGraded

    Compared = Mapping[str, TextGraded]
    """Exams by the names of the models, as they were typed."""


_SIZE = ("model", "family", "parameters", "bytes")
BEFORE_BITS = len(_SIZE)
"""Columns before those of bits per character, of which each text has one; context is the last."""


def figures(graded: "Compared") -> list[Figures]:
    """Size and bits per character, story card, speed."""
    return [_bits(graded), _card(graded), _speed(graded)]


def _bits(graded: "Compared") -> Figures:
    first = next(iter(graded.values()))
    sections = list(first.grade.sections)
    header = list(_SIZE)
    header += [f"bits per character,\n{name} [95 %]" for name in sections]
    header.append("effective context,\ncharacters")
    rows = []
    for name, label in labels(graded).items():
        model, grade = graded[name].model, graded[name].grade
        size = [model.family, f"{model.parameters:,}", format_bytes(model.bytes)]
        bits = [_bits_words(one) for one in grade.sections.values()]
        rows.append([label, *size, *bits, f"{grade.context.effective_characters:,}"])
    if first.unigram is not None:
        rows.append(["unigram", *[""] * (len(sections) + 2), f"{first.unigram:.3f}", ""])
    return Figures(header, rows, f"{fewest_words(graded)} {how_words(graded)}")


def _bits_words(section: "SectionBits") -> str:
    """Bits per character, and how many characters were replaced to read the text at all."""
    words = bits_words(section.bits, section.low, section.high)
    if not section.replaced:
        return words
    return f"{words} ({replaced_words(section.replaced, section.replaced_share)} replaced)"


def how_words(graded: "Compared") -> str:
    """How the bits are to be read."""
    words = "Intervals take documents as clusters."
    if len(graded) > 1:
        words += " The difference of two models is paired by document."
    if any(s.replaced for one in graded.values() for s in one.grade.sections.values()):
        words += (
            " Where a model lacks a character the nearest known one was read, and counted as"
            " replaced: so far the documents are not the same for all."
        )
    if next(iter(graded.values())).unigram is None:
        return words
    return f"{words} The unigram knows how often each character is in this text, and nothing else."


def _card(graded: "Compared") -> Figures:
    first = next(iter(graded.values())).grade
    header = [f"story card,\n{first.card.stories} stories", *map(_in_two, CARD.values())]
    cards = [(label, graded[name].grade.card) for name, label in labels(graded).items()]
    # They are the same for all, but that a short window wants short prompts.
    real = max(graded.values(), key=lambda one: one.grade.prompt_characters).grade.real
    cards.append(("real stories", real))
    rows = [[label, *(str(getattr(card, name)) for name in CARD)] for label, card in cards]
    return Figures(header, rows, "")


def _in_two(words: str) -> str:
    """Words in two lines, as near as can be in the middle."""
    spaces = [place for place, letter in enumerate(words) if letter == " "]
    middle = min(spaces, key=lambda place: abs(2 * place + 1 - len(words)))
    return f"{words[:middle]}\n{words[middle + 1 :]}"


def _speed(graded: "Compared") -> Figures:
    header = ["speed", "characters/s", "slowest\nto fastest", "pieces/s", "prompt,\npieces", "by"]
    speeds = {name: graded[name].grade.speed for name in graded}
    alike = len({speed.threads for speed in speeds.values()}) == 1
    rows = []
    for name, label in labels(graded).items():
        speed = speeds[name]
        row = [
            label,
            f"{speed.characters_per_second:,.0f}",
            f"{speed.slowest:,.0f} to {speed.fastest:,.0f}",
            f"{speed.pieces_per_second:,.0f}",
            f"{speed.prompt_pieces:,}",
            speed.by if alike else f"{speed.by}, {thread_words(speed.threads)}",
        ]
        rows.append(row)
    facts = asdict(next(iter(speeds.values())))
    how = timing_words(facts if alike else {**facts, "threads": 0})
    return Figures(header, rows, f"Speed: greedy, {how}.")


def last_section(one: "TextGraded") -> "SectionBits":
    """The text that decides: the last one, or all together where there were several."""
    return list(one.grade.sections.values())[-1]


def fewest_words(graded: "Compared") -> str:
    """Who has the fewest bits per character, and whether that is more than chance: the difference
    from the next one, paired by document."""
    from lilliput.exam.bits import difference

    called = labels(graded)
    first, *others = sorted(graded, key=lambda name: last_section(graded[name]).bits)
    section = last_section(graded[first])
    known = bits_words(section.bits, section.low, section.high)
    if not others:
        return f"{called[first]} has {known} bits per character."
    words = f"{called[first]} has the fewest bits per character, {known}"
    second, next_ = last_section(graded[others[0]]), called[others[0]]
    found = difference(section.per_document, second.per_document)
    if found is None:
        more = f"{second.bits - section.bits:.3f} more"
        return f"{words}; the next, {next_}, has {more} on this one document."
    more = f"{found.score:.3f} [{found.low:.3f}, {found.high:.3f}] more"
    if found.low > 0:
        return f"{words}; the next, {next_}, has {more}."
    return f"{words}, but cannot be told from the next, {next_}, which has {more}."


def told(graded: "Compared") -> list[tuple[str, dict[str, str]]]:
    """Each prompt, and how the models go on with it, by their labels.

    A model of other letters or of a short window was given another prompt: it is a part of its
    story. One that was given fewer is left out of the last.
    """
    called = labels(graded)
    most = max((one.grade.stories for one in graded.values()), key=len)
    found = [(prompt, dict[str, str]()) for prompt, _ in most]
    for name, label in called.items():
        for (prompt, stories), (own, story) in zip(found, graded[name].grade.stories, strict=False):
            stories[label] = (story if own == prompt else own + story).strip()
    return found


def print_comparison(graded: "Compared") -> None:
    """The tables, as many as the window's width asks for, then the stories."""
    out = console()
    print_tables(figures(graded), out)
    for prompt, stories in told(graded):
        out.print(wrapped(prompt), style="bold")
        for label, story in stories.items():
            out.print(wrapped(f"{label}: {story}", indent="  "))
        out.print()


def markdown(graded: "Compared", note: str = "") -> str:
    """The tables, then each prompt with every model's story.

    Args:
        note: said before all.
    """
    lines = [plain(note), ""] if note else []
    lines += table_lines(figures(graded))
    for prompt, stories in told(graded):
        lines += [f"**{plain(prompt)}**", ""]
        for label, story in stories.items():
            lines += [f"*{plain(label)}*: {plain(story)}", ""]
    return "\n".join(lines[:-1]) + "\n"
