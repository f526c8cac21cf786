"""Flags made from the fields of specs: their types, defaults and docstrings. Knows no verb."""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from lilliput.errors import UserError
from lilliput.faces.stages import read_stage, read_whole, write_stage
from lilliput.specs.training import Stage

T = TypeVar("T")
NONE: Mapping[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag of a verb."""

    name: str
    """Where its value is found after parsing."""
    hint: Any
    default: Any = tyro.MISSING
    help: str = ""
    spelled: str = ""
    """On the command line; empty: as its name."""
    positional: bool = False
    group: str = ""
    """What it is of, where --help lists such flags by themselves."""

    @property
    def typed(self) -> str:
        """`--learning-rate`"""
        return "--" + (self.spelled or self.name).replace("_", "-")


def spec_flags(
    cls: type,
    *,
    leave_out: Collection[str] = (),
    names: Mapping[str, str] = NONE,
    base: Any = None,
    group: str = "",
) -> list[Flag]:
    """A flag for each field of a spec but its kind and the digests of files, which are filled in.

    Args:
        names: fields whose flag has another name than theirs.
        base: a spec whose values are the defaults.
        group: of these flags.
    """
    hints, helps = get_type_hints(cls), field_words(cls)
    flags = []
    for field in dataclasses.fields(cls):
        if field.name in ("kind", *leave_out) or field.name.endswith("_digest"):
            continue
        default = getattr(base, field.name) if base is not None else field.default
        default = tyro.MISSING if default is dataclasses.MISSING else default
        hint = hints[field.name]
        hint = WHOLE if hint is int else STAGES if hint == tuple[Stage, ...] else hint
        name = names.get(field.name, field.name)
        spelled = "stage" if name == "stages" else ""
        words = helps.get(field.name, "")
        flags.append(Flag(name, hint, default, words, spelled, group=group))
    return flags


@cache
def field_words(cls: type) -> dict[str, str]:
    """The docstrings under a dataclass's fields, in one line each."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    words = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            words[field.target.id] = " ".join(str(below.value.value).split())
    return words


def spec_of(cls: type[T], values: Any, names: Mapping[str, str] = NONE, **others: Any) -> T:
    """The spec whose fields are among the parsed values.

    Args:
        names: as in `spec_flags`.
        others: fields that are no flags; the spec's own defaults for those that are nowhere.
    """
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = names.get(field.name, field.name)
        # A verb's own --kind is of what it writes.
        if field.name not in ("kind", *others) and hasattr(values, name):
            others[field.name] = getattr(values, name)
    return cls(**others)


def parse(command: str, about: str, flags: Sequence[Flag], argv: Sequence[str]) -> Any:
    """The values of a verb's flags, by name.

    Raises:
        UserError: a flag that the verb does not have, with the nearest one; or a value that cannot
            be read.
        SystemExit: 0 after --help; 2 after tyro's own message about a value.
    """
    typed = given(flags, argv)
    fields: dict[str, list[tuple[str, Any, Any]]] = {flag.group: [] for flag in flags}
    for flag in flags:
        # Typed stages take the place of the default's; tyro would put them behind.
        default = () if flag.hint is STAGES and flag.name in typed else flag.default
        made = dataclasses.field(default=default)
        fields[flag.group].append((flag.name, _annotated(flag), made))
    # A panel of tyro's help is a dataclass inside of another.
    groups = {
        group: dataclasses.make_dataclass(f"{group}Flags", of_group, kw_only=True)
        for group, of_group in fields.items()
    }
    inner = [(group, each, dataclasses.field()) for group, each in groups.items() if group]
    values: Any
    values, unknown = tyro.cli(
        dataclasses.make_dataclass("Flags", [*fields.get("", []), *inner], kw_only=True),
        prog=f"lilliput {command}",
        description=about,
        args=argv,
        return_unknown_args=True,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    for argument in unknown:
        raise UserError(_no_such_flag(command, argument, [flag.typed for flag in flags]))
    flat = {name: value for name, value in vars(values).items() if name not in groups}
    for group, _, _ in inner:
        flat |= vars(getattr(values, group))
    return SimpleNamespace(**flat)


def given(flags: Sequence[Flag], argv: Sequence[str]) -> set[str]:
    """Names of the flags that were typed, whatever their value."""
    typed = {argument.split("=")[0].replace("_", "-") for argument in argv}
    return {
        flag.name
        for flag in flags
        if flag.typed in typed or flag.typed.replace("--", "--no-", 1) in typed
    }


def typed_value(argv: Sequence[str], flag: str) -> str:
    """What was typed for a flag that decides which flags there are."""
    for here, after in zip(argv, [*argv[1:], ""], strict=False):
        if here == flag:
            return after
        if here.startswith(f"{flag}="):
            return here.partition("=")[2]
    return ""


def _annotated(flag: Flag) -> Any:
    marks = [tyro.conf.arg(name=flag.spelled or None, help=flag.help or " ")]
    if flag.positional:
        marks.append(tyro.conf.Positional)
    return Annotated[(flag.hint, *marks)]


def _no_such_flag(command: str, argument: str, known: list[str]) -> str:
    what = "flag" if argument.startswith("-") else "argument"
    close = get_close_matches(argument.split("=")[0].replace("_", "-"), known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {what} {argument!r}; {hint}`lilliput {command} --help` lists all"


def primitive(
    metavar: str, read: Callable[[str], Any], write: Callable[[Any], str] = str
) -> PrimitiveConstructorSpec[Any]:
    """How one argument is read. LilliputErrors of `read` end the parsing as they are."""
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda texts: read(texts[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [write(value)],
    )


WHOLE = Annotated[int, primitive("INT", read_whole)]
STAGES = tyro.conf.UseAppendAction[
    tuple[Annotated[Stage, primitive('"STEPS [0-9] [+-] [3,1]"', read_stage, write_stage)], ...]
]
