"""The record of an alert: its nouns as plain JSON values, one form for storing, comparing and showing."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, NoReturn, Union, cast, get_args, get_origin, get_type_hints

from crisis.cap.nouns import Alert
from crisis.errors import BadInput, Fault

LARGEST = sys.float_info.max


def to_record(alert: Alert) -> dict[str, Any]:
    """Give the alert as JSON values by its nouns' names, without what may be empty and is; times keep their offset."""
    return cast(dict[str, Any], _plain(alert))


def from_record(record: Mapping[str, Any]) -> Alert:
    """Give back the alert that to_record wrote, equal to it in every part.

    Raises BadInput naming the field when the record is not of this form: something missing, unknown or of
    another type.
    """
    return cast(Alert, _noun(Alert, record, ""))


def digest(alert: Alert) -> str:
    """Name the content of an alert: SHA-256 in hex over its canonical record; spelling of the XML does not count."""
    canonical = json.dumps(to_record(alert), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case tuple():
            return [_plain(part) for part in value]
        case _ if is_dataclass(value):
            told = ((field, getattr(value, field.name)) for field in fields(value))
            return {
                field.name: _plain(part)
                for field, part in told
                if part not in (None, "", ()) or field.default is MISSING
            }
        case _:
            return value


def _noun(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _noun(next(one for one in get_args(kind) if one is not type(None)), value, where)
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if is_dataclass(kind):
        return _built(kind, value, where)
    return _lone(kind, value, where)


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        _refuse(where, "is not a list")
    every = kinds[:1] * len(value) if kinds[1:] == (...,) else kinds
    if len(every) != len(value):
        _refuse(where, f"does not have {len(every)} parts")
    return tuple(_noun(one, part, f"{where}[{at}]") for at, (one, part) in enumerate(zip(every, value, strict=True)))


def _built(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        _refuse(where, "is not an object")
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            _refuse(_under(where, str(name)), "is not a field of a record")
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            _refuse(_under(where, field.name), "is missing")
    return kind(**{name: _noun(hints[name], part, _under(where, name)) for name, part in value.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _lone(kind: Any, value: Any, where: str) -> Any:
    """Give one value of its own type; nothing is guessed: true is no number and 1 is no text."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST  # NaN is not
    if kind is float and number:
        return float(value)
    if kind is int and number and isinstance(value, int):
        return value
    if kind in (int, float) or not isinstance(value, str):
        _refuse(where, f"is not a {'number' if kind in (int, float) else 'text'}")
    try:
        return datetime.fromisoformat(value) if kind is datetime else kind(value)
    except ValueError:
        return _refuse(where, f"'{value[:40]}' is not {'a time' if kind is datetime else 'one of its words'}")


def _under(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name


def _refuse(where: str, says: str) -> NoReturn:
    raise BadInput([Fault(file="alert record", field=where, says=says)])
