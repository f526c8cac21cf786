"""`lilliput compare`: models of text side by side, ours and others', on the same text."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.errors import LilliputError, UserError
from lilliput.faces.cli_flags import Flag, parse

if TYPE_CHECKING:
    from lilliput.lab.stories import TextGraded

ABOUT = (
    "Asks models of text the same exam: size, bits per character on the same documents, story card,"
    " speed, and five stories each. Any mix of runs, zoo:NAME, model files, checkpoints of"
    " tinystoriesgru (.pt, …q8.bin, …q15.bin) and llama2.c (.bin with its tokN.bin beside"
    " it), and hf:NAME."
)


def flags_of() -> list[Flag]:
    return [
        Flag("models", tuple[str, ...], (), "Two or more.", positional=True),
        Flag("text", tuple[str, ...], (), "Files of documents; empty: the package's excerpt."),
        Flag("markdown", bool, False, "Print Markdown: the table and all stories."),
        Flag("json", bool, False, "Print JSON."),
        Flag("report", str, "", "A folder to write report.html and compare.md into."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("compare", ABOUT, flags_of(), argv)
    if not values.models:
        raise UserError("compare which models? `lilliput zoo` lists some")
    from lilliput.faces.text_story import markdown
    from lilliput.lab.stories import compare

    graded: dict[str, TextGraded] = {}
    code = 0
    for name, found in compare(values.models, values.text):
        if isinstance(found, LilliputError):
            print(f"lilliput: {name}: {found}", file=sys.stderr)
            code = found.exit_code
        else:
            graded[name] = found
            print(f"asked {name}", file=sys.stderr)
    if not graded:
        return code
    if values.json:
        print(json.dumps([one.to_dict() for one in graded.values()], ensure_ascii=False))
    elif values.markdown:
        print(markdown(graded), end="")
    else:
        _print(graded)
    if values.report:
        from lilliput.faces.report_compare import write_comparison

        print(f"report: {write_comparison(Path(values.report), graded)}", file=sys.stderr)
    return code


def _print(graded: "dict[str, TextGraded]") -> None:
    from lilliput.faces.text import console, plain_table
    from lilliput.faces.text_story import compared_rows

    out = console()
    header, rows = compared_rows(graded)
    table = plain_table(*header)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    for number, (prompt, _) in enumerate(next(iter(graded.values())).grade.stories):
        out.print(f"\n{prompt}", style="bold", markup=False)
        for name, one in graded.items():
            out.print(f"  {name}: {''.join(one.grade.stories[number])}", markup=False)
