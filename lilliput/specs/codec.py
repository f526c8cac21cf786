"""Specs as JSON and back. Unknown names and wrong types are refused; nothing is executed."""

import dataclasses
import hashlib
import json
import types
import typing
from typing import Any, TypeVar

from lilliput.errors import SpecError, nearest
from lilliput.specs.choices import fitting

T = TypeVar("T")


def later(default: T) -> T:
    """A field that a spec got after others of its kind had been hashed: at its default it is left
    out of the JSON, so that their digests stay what they were."""
    return dataclasses.field(default=default, metadata={"later": True})


def to_dict(spec: Any) -> dict[str, Any]:
    """A spec as JSON-ready dictionaries, every field written out but those of `later`."""
    return typing.cast(dict[str, Any], json.loads(json.dumps(_plain(spec))))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    written = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {
        field.name: _plain(written[field.name])
        for field in dataclasses.fields(value)
        if not (field.metadata.get("later") and written[field.name] == field.default)
    }


def digest(spec: Any) -> str:
    """First 16 hexadecimal digits of the sha256 of the spec's canonical JSON."""
    text = json.dumps(to_dict(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def from_dict(cls: type[T], data: Any) -> T:
    """The spec that `to_dict` wrote.

    Raises:
        SpecError: an unknown field (with the nearest known one), a missing one, a wrong type.
    """
    if not isinstance(data, dict):
        raise SpecError(f"{cls.__name__} must be a table of fields; got {data!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in data:
        if name not in fields:
            raise SpecError(f"unknown {cls.__name__} field {name!r}" + nearest(name, fields))
    for name, field in fields.items():
        has_default = (
            field.default is not dataclasses.MISSING
            or field.default_factory is not dataclasses.MISSING
        )
        if name not in data and not has_default:
            raise SpecError(f"{cls.__name__} needs a value for {name!r}")
    values = {
        name: _read(hints[name], value, f"{cls.__name__}.{name}") for name, value in data.items()
    }
    return cls(**values)


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], item, where) for item in value)
    if origin is types.UnionType and isinstance(value, dict):
        return _read_kind(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value)
    return fitting(hint, value, where)


def _read_kind(members: tuple[Any, ...], value: dict[str, Any], where: str) -> Any:
    kinds: dict[str, type[Any]] = {member.kind: member for member in members}
    kind = str(value.get("kind"))  # in a file it may be anything, a list too
    if kind not in kinds:
        raise SpecError(f"{where} of unknown kind {kind!r}" + nearest(kind, kinds))
    return from_dict(kinds[kind], value)
