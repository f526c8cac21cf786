"""`lilliput serve`: the web page, on this machine or as a folder of files."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from lilliput.errors import UserError
from lilliput.faces.cli_flags import Flag, given, parse
from lilliput.files import write_atomically
from lilliput.units import format_bytes

ABOUT = (
    "The web page: score against size of every model here, a calculator with heat maps, a teller of"
    " stories, two models side by side, and trainings as they go. It shows the zoo, and runs/ and"
    " searches/ of this folder; models run in the visitor's browser. Without --host only this"
    " machine can see it. With --out the same pages become files for any web server."
)


def flags_of() -> list[Flag]:
    return [
        Flag("port", int, 8420, "Where it listens; 0: any free one."),
        Flag(
            "host",
            str,
            "127.0.0.1",
            "Who can see it: 0.0.0.0 is everyone in the network who has the token, which is then"
            " part of the address.",
        ),
        Flag("out", str, "", "Write the pages to this folder instead; but for trainings."),
    ]


def main(argv: Sequence[str]) -> int:
    values = parse("serve", ABOUT, flags_of(), argv)
    if values.out:
        if idle := sorted(given(flags_of(), argv) & {"port", "host"}):
            raise UserError(
                f"--out writes files and listens nowhere; leave --{' and --'.join(idle)} out"
            )
        return _write(Path(values.out))
    from lilliput.faces.web.server import serve

    serve(values.host, values.port)
    return 0


def _write(folder: Path) -> int:
    from lilliput.faces.web.site import Site

    others = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if others and not (folder / "models.json").is_file():
        raise UserError(
            f"{folder} holds something else; give a new folder, or one that serve wrote"
        )
    # All is made before anything is written: half of the pages would be no site.
    files = list(Site(live=False).everything())
    for path, content in files:
        write_atomically(folder / path, content, then="")
    size = sum(len(content) for _, content in files)
    print(f"{folder}: {len(files)} files, {format_bytes(size)}; put it on any web server")
    print(f"here:  python -m http.server --directory {shlex.quote(str(folder))} --bind 127.0.0.1")
    print("Browsers run no such page by a double click; `lilliput ship MODEL --as wasm` makes one.")
    return 0
