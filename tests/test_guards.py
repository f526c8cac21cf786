"""What must stay so however the code grows: rooms, public names, flags, start-up, file length."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lilliput
from lilliput.faces import (
    cli,
    cli_calc,
    cli_compare,
    cli_data,
    cli_doctor,
    cli_find,
    cli_flags,
    cli_grade,
    cli_quantise,
    cli_sample,
    cli_serve,
    cli_ship,
    cli_tell,
    cli_train,
    cli_zoo,
)
from lilliput.faces.train_spec import TASKS
from lilliput.specs import FAMILIES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lilliput"
FILES = sorted(PACKAGE.rglob("*.py"))
GOLDEN = ROOT / "tests" / "golden" / "flags.txt"
ROOMS = (
    ("errors",),
    ("units", "files", "lock"),
    ("specs",),
    ("tasks",),
    ("models",),
    ("engine",),
    ("baselines",),
    ("exam",),
    ("training",),
    ("search",),
    ("shipping",),
    ("zoo",),
    ("lab",),
    ("faces",),
    ("__init__", "__main__"),
)
"""DESIGN, «The house»: a room imports from rooms before it, never from one after it."""
WITHOUT_TORCH = (
    *("errors", "units", "files", "lock", "specs", "tasks", "engine", "zoo", "lab", "faces"),
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(nodes: list[ast.stmt]) -> Iterator[str]:
    """Names of the modules that are imported by statements, nested ones too."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import):
                yield from (alias.name for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                assert inner.level == 0, "imports are absolute"
                assert inner.module
                # `from lilliput import zoo` names a room too.
                yield from (f"{inner.module}.{alias.name}" for alias in inner.names)


def at_top(path: Path) -> list[ast.stmt]:
    """Import statements that run when the file is imported."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_rooms_import_only_from_rooms_above() -> None:
    place = {name: number for number, names in enumerate(ROOMS) for name in names}
    wrong = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for module in imports(tree.body):
            parts = module.split(".")
            if parts[0] == "lilliput" and place[parts[1]] > place[room_of(path)]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_light_rooms_do_not_import_torch_at_the_top() -> None:
    heavy = ("torch", "safetensors.torch", "transformers")
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in FILES
        if room_of(path) in WITHOUT_TORCH
        for module in imports(at_top(path))
        if module.startswith(heavy)
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_short() -> None:
    everything = [*FILES, *ROOT.glob("tests/*.py"), *ROOT.glob("bench/*.py")]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in everything
    }
    assert {name: n for name, n in lengths.items() if n > 300} == {}


def test_files_say_what_they_are() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in FILES
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_public_names() -> None:
    assert lilliput.__all__ == [
        "ArithmeticSpec",
        "GPTSpec",
        "GRUSpec",
        "HFSpec",
        "LilliputError",
        "LinesSpec",
        "MemoryGRUSpec",
        "MinGRUSpec",
        "Model",
        "RunSpec",
        "SearchSpec",
        "Stage",
        "StoriesSpec",
        "TextModel",
        "TrainingSpec",
        "__version__",
        "compare",
        "data",
        "find",
        "grade",
        "load",
        "quantise",
        "sample",
        "ship",
        "tell",
        "train",
    ]
    # A calculator is a model that is called; the others are for people.
    assert set(cli.VERBS) - {"calc", "doctor", "serve", "zoo"} < set(lilliput.__all__)
    for name in lilliput.__all__:
        assert getattr(lilliput, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lilliput.nonsense


def commands() -> dict[str, list[str]]:
    """Each command and its flags."""
    flags = {
        f"train {family} --task {task}": cli_train.flags_of(family, task)
        for family in (*FAMILIES, "hf")
        for task in TASKS
    }
    flags |= {f"find {task}": cli_find.flags_of(task) for task in TASKS}
    flags |= {f"data {task}": cli_data.flags_of(task) for task in cli_data.ABOUT}
    others = (
        cli_calc,
        cli_compare,
        cli_doctor,
        cli_grade,
        cli_quantise,
        cli_sample,
        cli_serve,
        cli_ship,
        cli_tell,
        cli_zoo,
    )
    flags |= {module.__name__.rpartition("_")[2]: module.flags_of() for module in others}
    return {
        command: [flag.name if flag.positional else flag.typed for flag in made]
        for command, made in sorted(flags.items())
    }


def written() -> str:
    lines = [f"{command}: {' '.join(sorted(flags))}" for command, flags in commands().items()]
    return "\n".join(lines) + "\n"


def test_flags_are_these() -> None:
    assert written() == GOLDEN.read_text(encoding="utf-8"), (
        "the command line has changed; if that is meant, write the file anew with"
        " `python tests/test_guards.py` and say so in the commit"
    )


def test_no_two_flags_of_a_command_are_one() -> None:
    for command, flags in commands().items():
        assert len(set(flags)) == len(flags), command


def test_every_verb_has_its_file_and_its_flags() -> None:
    verbs = {command.split()[0] for command in commands()}
    assert verbs == set(cli.VERBS)


LIGHT = [
    (["--help"], ("torch", "numpy", "rich")),
    (["zoo"], ("torch", "numpy", "rich")),
    (["zoo", "--json"], ("torch", "numpy", "rich")),
    (["find", "--help"], ("torch", "numpy")),
    (["train", "--help"], ("torch", "numpy")),
    (["calc", "--help"], ("torch", "numpy")),
    (["serve", "--help"], ("torch", "numpy", "starlette", "uvicorn")),
    (["data", "arithmetic", "--operands", "0-5"], ("torch", "numpy")),
]


@pytest.mark.parametrize(("argv", "heavy"), LIGHT)
def test_start_up_is_light(argv: list[str], heavy: tuple[str, ...]) -> None:
    code = (
        "import sys; from lilliput.faces.cli import main; code = main(sys.argv[1:]);"
        f" assert code == 0; print(*(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr.split() == []
    assert done.stdout


def test_import_lilliput_costs_nothing() -> None:
    code = "import lilliput, sys; print(*({'torch', 'numpy', 'lilliput.lab'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == []


def readme_commands() -> list[str]:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    blocks = re.findall(r"```(?:sh|bash|console|text)?\n(.*?)```", text, re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(("lilliput ", "make "))]


@pytest.mark.parametrize("line", readme_commands())
def test_readme_commands_exist(line: str) -> None:
    for part in line.split(" | "):
        words = shlex.split(part, comments=True)
        if words[0] == "make":
            targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert words[1] in targets
        elif words[0] == "lilliput":
            check_flags(words[1:])


def check_flags(words: list[str]) -> None:
    assert words[0] in cli.VERBS
    ours = [flags for name, flags in commands().items() if name.split()[0] == words[0]]
    known = {flag for flags in ours for flag in flags} | {"--help", "--debug"}
    known |= {flag.replace("--", "--no-", 1) for flag in known}
    for word in words[1:]:
        if word.startswith("--"):
            assert word.split("=")[0] in known, f"no flag {word} in `lilliput {words[0]}`"


def test_field_docstrings_are_the_help() -> None:
    from lilliput.specs.search import SearchSpec

    words = cli_flags.field_words(SearchSpec)
    assert words["rungs"] == "Rungs of the ladder in a doubling of the parameters."


if __name__ == "__main__":
    GOLDEN.write_text(written(), encoding="utf-8")
