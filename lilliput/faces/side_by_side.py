"""Tables of models side by side, in a terminal and as Markdown. Knows no exam."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lilliput.faces.text import GAP, plain_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


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


def print_tables(parts: Sequence[Figures], out: "Console") -> None:
    """Tables, as many as the window's width asks for, each group with its note."""
    for part in parts:
        for table in fitted(part.header, part.rows, out.width):
            out.print(table)
            out.print()
        if part.note:
            out.print(part.note)
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


def table_lines(parts: Sequence[Figures]) -> list[str]:
    """Tables as lines of Markdown, an empty one behind each table and each note."""
    lines = []
    for part in parts:
        header = [words.replace("\n", " ") for words in part.header]
        lines += [_line(header), _line(["---"] * len(header)), *map(_line, part.rows), ""]
        if part.note:
            lines += [plain(part.note), ""]
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(plain(cell) for cell in cells)} |"


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to set."""
    for mark in "\\|*_`<[#":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")
