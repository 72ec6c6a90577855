"""The record of an alert: its nouns as plain JSON values, one form for storing, comparing and showing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from crisis.cap.nouns import Alert


def to_record(alert: Alert) -> dict[str, Any]:
    """Give the alert as JSON values by its nouns' names, without what may be empty and is; times keep their offset."""
    return cast(dict[str, Any], _plain(alert))


def from_record(record: Mapping[str, Any]) -> Alert:
    """Give back the alert that to_record wrote, equal to it in every part."""
    return cast(Alert, _noun(Alert, record))


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


def _noun(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _noun(next(one for one in get_args(kind) if one is not type(None)), value)
    if origin is tuple:
        kinds = get_args(kind)
        every = kinds[:1] * len(value) if kinds[1:] == (...,) else kinds
        return tuple(_noun(one, part) for one, part in zip(every, value, strict=True))
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _noun(hints[name], part) for name, part in value.items()})  # type: ignore[operator]
    return kind(value)
