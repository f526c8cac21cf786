"""Models of text side by side, as terminal tables and as Markdown. Knows no verb and no flag."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lilliput.faces.text import GAP, console, plain_table
from lilliput.faces.text_story import CARD, replaced_words, thread_words, timing_words, wrapped
from lilliput.units import bits_words, format_bytes

if TYPE_CHECKING:
    from rich.table import Table

    from lilliput.exam.story import SectionBits
    from lilliput.lab.stories import TextGraded

    Compared = Mapping[str, TextGraded]
    """Exams by the names of the models, as they were typed."""


_SIZE = ("model", "family", "parameters", "bytes")
BEFORE_BITS = len(_SIZE)
"""Columns before those of bits per character, of which each text has one; context is the last."""


class Figures(NamedTuple):
    """A table of a comparison: the models down, some figures of each across."""

    header: list[str]
    """Of a column each; `\\n` where it may be broken."""
    rows: list[list[str]]
    note: str
    """What is to be known of them."""


def labels(names: Iterable[str]) -> dict[str, str]:
    """What each model is called in a table: its name without its folders, but for those that tell
    it from another.

    >>> labels(["zoo:a", "runs/b", "runs/x/model.safetensors", "runs/y/model.safetensors"])
    {'zoo:a': 'zoo:a', 'runs/b': 'b', 'runs/x/model.safetensors': 'x/model.safetensors', \
'runs/y/model.safetensors': 'y/model.safetensors'}
    """
    parts = {
        name: (name,) if name.startswith(("zoo:", "hf:")) else Path(name).parts for name in names
    }
    found = {}
    for name, own in parts.items():
        others = [other for known, other in parts.items() if known != name]
        enough = (n for n in range(1, len(own)) if all(o[-n:] != own[-n:] for o in others))
        found[name] = str(Path(*own[-next(enough, len(own)) :]))
    return found


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
    for part in figures(graded):
        for table in fitted(part.header, part.rows, out.width):
            out.print(table)
            out.print()
        if part.note:
            out.print(part.note, markup=False)
            out.print()
    for prompt, stories in told(graded):
        out.print(wrapped(prompt), style="bold", markup=False)
        for label, story in stories.items():
            out.print(wrapped(f"{label}: {story}", indent="  "), markup=False)
        out.print()


def fitted(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> "Iterator[Table]":
    """Rows in as many tables as it takes to cut nothing; the first column is in each of them, and
    gives way where a window holds it and one other no longer."""
    names, *columns = zip(header, *rows, strict=True)
    while columns:
        number = 1
        while number < len(columns) and _width([names, *columns[: number + 1]]) <= width:
            number += 1
        shown, columns = [names, *columns[:number]], columns[number:]
        right = [n for n, cells in enumerate(shown) if n and all(map(_is_count, cells[1:]))]
        table = plain_table(*(cells[0] for cells in shown), right=right, folds=(0,))
        for row in list(zip(*shown, strict=True))[1:]:
            if any(row[1:]):
                table.add_row(*row)
        yield table


def _width(columns: Sequence[Sequence[str]]) -> int:
    lines = [[len(line) for cell in cells for line in cell.split("\n")] for cells in columns]
    return sum(map(max, lines)) + GAP * (len(columns) - 1)


def _is_count(cell: str) -> bool:
    return cell.replace(",", "").isdecimal() or not cell


def markdown(graded: "Compared", note: str = "") -> str:
    """The tables, then each prompt with every model's story.

    Args:
        note: said before all.
    """
    lines = [_plain(note), ""] if note else []
    for part in figures(graded):
        header = [words.replace("\n", " ") for words in part.header]
        lines += [_line(header), _line(["---"] * len(header)), *map(_line, part.rows), ""]
        if part.note:
            lines += [_plain(part.note), ""]
    for prompt, stories in told(graded):
        lines += [f"**{_plain(prompt)}**", ""]
        for label, story in stories.items():
            lines += [f"*{_plain(label)}*: {_plain(story)}", ""]
    return "\n".join(lines[:-1]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing to set."""
    for mark in "\\|*_`<[#":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")
