"""Whether the fields of a spec hold what their types say; knows no spec. Python itself looks at no
hint, and a misspelt word would be taken for whatever an `else` stands for."""

import math
import types
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

from lilliput.errors import SpecError

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def check_choices(spec: Any) -> None:
    """To be called first of all by a spec's `__post_init__`. Whole numbers where fractions are
    allowed become floats, and lists tuples, so that one meaning has one digest.

    Raises:
        SpecError: a word that is no choice, a wrong type, a number that is infinite or none.
    """
    for field in fields(spec):
        value = getattr(spec, field.name)
        if (checked := fitting(field.type, value, field.name)) is not value:
            object.__setattr__(spec, field.name, checked)


def fitting(hint: Any, value: Any, where: str) -> Any:
    """`value` as a field of type `hint` holds it; `where` names the field. Errors as above."""
    if hint is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            raise SpecError(f"{where} must be a finite number; got a longer one") from None
    if hint in _KINDS:
        # A bool counts as an int in Python, but no field of ours means it so.
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            raise SpecError(f"{where} must be {_KINDS[hint]}; got {value!r}")
        if hint is float and not math.isfinite(value):
            raise SpecError(f"{where} must be a finite number; got {value}")
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            known = ", ".join(map(repr, arguments))
            raise SpecError(f"{where} must be one of {known}; got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SpecError(f"{where} must be a list; got {value!r}")
        return tuple(fitting(arguments[0], item, where) for item in value)
    members = arguments if origin is types.UnionType else (hint,)
    if not isinstance(value, members):
        known = " or ".join(member.__name__ for member in members)
        raise SpecError(f"{where} must be {known}; got {value!r}")
    return value
