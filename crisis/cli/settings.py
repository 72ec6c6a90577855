"""Settings as this process reads them: every variable, what it is for, its default and its value, secrets masked."""

from __future__ import annotations

import os
from typing import Any, get_args

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from crisis.cli import lists, out
from crisis.cli.options import AsJson
from crisis.errors import BadInput, Fault
from crisis.settings import PREFIX, Settings

MASK = "********"


def settings(as_json: AsJson = False) -> None:
    """Show every setting and its value; those that are wrong or unknown are told, and the exit code is 1."""
    values, faults = _read()
    rows = [_row(name, field, values) for name, field in Settings.model_fields.items()]
    if as_json:
        out.tell({"valid": not faults, "settings": rows, "faults": [fault.as_dict() for fault in faults]})
    else:
        out.show(lists.settings(rows))
    for fault in faults:
        out.say(str(fault), aside=True)
    if faults:
        raise typer.Exit(1)


def _read() -> tuple[dict[str, Any], tuple[Fault, ...]]:
    try:
        found = Settings.read()
    except BadInput as error:
        given = {name: os.environ.get(PREFIX + name.upper()) for name in Settings.model_fields}
        return {name: value for name, value in given.items() if value is not None}, error.faults
    return {name: getattr(found, name) for name in Settings.model_fields}, ()


def _row(name: str, field: FieldInfo, values: dict[str, Any]) -> dict[str, str]:
    default = field.get_default(call_default_factory=True)
    value = values.get(name, default)
    return {
        "name": PREFIX + name.upper(),
        "description": field.description or "",
        "default": _text(default),
        "value": MASK if value is not None and _secret(field) else _text(value),
    }


def _secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _text(value: object) -> str:
    return "" if value is None else str(value)
