"""Specs as JSON and back. Unknown names and wrong types are refused; nothing is executed."""

import dataclasses
import hashlib
import json
import math
import types
import typing
from typing import Any, TypeVar

from lilliput.errors import SpecError, nearest

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


def check_finite(spec: Any) -> None:
    """Raises SpecError where a field is infinite or no number."""
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise SpecError(f"{field.name} must be a finite number; got {value}")


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
    if origin is typing.Literal:
        if value not in arguments:
            known = ", ".join(map(repr, arguments))
            raise SpecError(f"{where} must be one of {known}; got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise SpecError(f"{where} must be a list; got {value!r}")
        return tuple(_read(arguments[0], item, where) for item in value)
    if origin in (types.UnionType, typing.Union):
        return _read_union(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type[Any], hint), value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise SpecError(f"{where} must be {hint.__name__}; got {value!r}")
    return value


def _read_union(members: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in members:
        return None
    if isinstance(value, dict):
        kinds: dict[str, type[Any]] = {
            member.kind: member for member in members if hasattr(member, "kind")
        }
        kind = value.get("kind")
        if kind not in kinds:
            raise SpecError(f"{where} of unknown kind {kind!r}" + nearest(str(kind), kinds))
        return from_dict(kinds[kind], value)
    plain = [m for m in members if m is not types.NoneType and not dataclasses.is_dataclass(m)]
    if len(plain) == 1:
        return _read(plain[0], value, where)
    raise SpecError(f"{where} cannot be {value!r}")
