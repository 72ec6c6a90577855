"""A file's values held against its shape, every departure said as one sentence at its line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from crisis.errors import Fault
from crisis.model.playbook_file import Path_, Raw, Source

Model = TypeVar("Model", bound=BaseModel)

# Sentences for pydantic's kinds of errors; what is not here keeps pydantic's own words.
_SAYS = {
    "missing": "is missing; add it",
    "string_type": "must be text; put it in quotes if it looks like a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a group of fields, indented below it",
    "model_type": "must be a group of fields, indented below it",
    "model_attributes_type": "must be a group of fields, indented below it",
    "tuple_type": "must be a list: one entry a line, each with - before it",
    "string_too_short": "is empty; write it",
    "string_too_long": "has more than {max_length} characters; shorten it",
    "too_short": "needs at least {min_length} entries",
    "too_long": "may have at most {max_length} entries",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "may hold only small letters, digits and _ (languages: id, en, jv ...)",
    "union_tag_not_found": "lacks its type (text, number, time, list, choice or phone)",
    "union_tag_invalid": "has type {tag!r}; it must be one of {expected_tags}",
    "value_error": "{error}",
}


def validated(model: type[Model], raw: Raw, source: Source) -> tuple[Model | None, list[Fault]]:
    """Build the model, or list every fault of its shape."""
    if not isinstance(raw, dict):
        return None, [source.fault((), "is not a group of fields such as `playbook: flood`")]
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        known = _fields(model.model_json_schema())
        return None, [_fault(dict(e), source, known) for e in error.errors(include_url=False)]


def _fields(schema: Mapping[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


def _fault(error: Mapping[str, Any], source: Source, known: set[str]) -> Fault:
    loc, kind, facts = error["loc"], str(error["type"]), error.get("ctx", {})
    path = _path(loc, source)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else "remove it"
        return source.fault(path, f"is not a field here; {hint}")
    says = _SAYS.get(kind, str(error["msg"])).format(**facts)
    return source.fault(path, says)


def _path(loc: tuple[str | int, ...], source: Source) -> Path_:
    """Drop from pydantic's location what is not in the file: a slot's type, the mark of a key."""
    path: Path_ = ()
    for at, part in enumerate(loc):
        if part == "[key]" or (at == 2 and loc[0] == "slots" and (*path, part) not in source.spans and loc[at + 1 :]):
            continue
        path = (*path, part)
    return path
