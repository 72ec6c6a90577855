"""Cuts a JSON document of strangers into the pieces of its list, each with its own bytes as published."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crisis.errors import BadInput

MOST_BYTES = 32 * 1024 * 1024
LONGEST_NUMBER = 400  # digits; what is longer is no measurement
BOM = b"\xef\xbb\xbf"
BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One value of a list in the document, the bytes it was written with, and its place: features[3]."""

    value: Any
    raw: bytes
    where: str


class Record(dict[str, Any]):
    """A JSON object that still knows which of its names were written twice; the last value counts."""

    __slots__ = ("twice",)
    twice: tuple[str, ...]


def cut(raw: bytes, *path: str) -> list[Piece]:
    """Give every value of the list at `path`, or the one value that stands there instead of a list.

    Names match without regard to case. NaN, Infinity and numbers beyond a float become None. Raises
    BadInput when the bytes are no JSON (RFC 8259), nested too deep, too large, or hold nothing at `path`.
    """
    found = _read(raw, path)
    if found is None:
        raise BadInput(f"X-FEED: the JSON has no '{'.'.join(path)}', so it is not a feed of this kind.")
    return found


def features(raw: bytes) -> list[Piece]:
    """Give the features of a GeoJSON collection, or the one Feature that is the whole document (RFC 7946)."""
    found = _read(raw, ("features",))
    if found is not None:
        return found
    whole = cut(raw)
    if len(whole) == 1 and isinstance(whole[0].value, dict) and whole[0].value.get("type") == "Feature":
        return whole
    raise BadInput("X-FEED: the JSON is neither a GeoJSON FeatureCollection nor a Feature.")


def _read(raw: bytes, path: Sequence[str]) -> list[Piece] | None:
    if len(raw) > MOST_BYTES:
        raise BadInput(f"S-SIZE: the JSON is larger than {MOST_BYTES // 1024 // 1024} MB and was not read.")
    # Bytes that are not UTF-8 survive as surrogates, so that every piece keeps exactly its own.
    text = raw.removeprefix(BOM).decode("utf-8", "surrogateescape")
    try:
        found, end = _within(text, _after_blanks(text, 0), path)
        if _after_blanks(text, end) != len(text):
            raise ValueError("there is more after its end")
    except RecursionError:
        raise BadInput("S-DEPTH: the JSON is nested too deep and was not read.") from None
    except ValueError as error:
        raise BadInput(f"S-MALFORMED: this is not JSON ({str(error)[:200]}).") from None
    return found


def _within(text: str, at: int, path: Sequence[str]) -> tuple[list[Piece] | None, int]:
    if not path:
        return _all(text, at, "")
    if text[at : at + 1] != "{":
        return None, _value(text, at)[1]
    found: list[Piece] | None = None
    at = _after_blanks(text, at + 1)
    while text[at : at + 1] != "}":
        name, at = _name(text, at)
        if name.lower() == path[0].lower():
            more, at = _within(text, at, path[1:]) if path[1:] else _all(text, at, name)
            found = found if more is None else [*(found or ()), *more]
        else:
            _, at = _value(text, at)
        at = _next(text, at, "}")
    return found, at + 1


def _all(text: str, at: int, name: str) -> tuple[list[Piece] | None, int]:
    if text[at : at + 1] != "[":
        value, end = _value(text, at)
        return ([_piece(text, at, end, value, name)] if isinstance(value, dict) else None), end
    found: list[Piece] = []
    at = _after_blanks(text, at + 1)
    while text[at : at + 1] != "]":
        value, end = _value(text, at)
        found.append(_piece(text, at, end, value, f"{name}[{len(found)}]"))
        at = _next(text, end, "]")
    return found, at + 1


def _piece(text: str, at: int, end: int, value: Any, where: str) -> Piece:
    return Piece(value=value, raw=text[at:end].encode("utf-8", "surrogateescape"), where=where)


def _name(text: str, at: int) -> tuple[str, int]:
    name, at = _value(text, at)
    at = _after_blanks(text, at)
    if not isinstance(name, str) or text[at : at + 1] != ":":
        raise ValueError(f"a name with a colon is expected at character {at}")
    return name, _after_blanks(text, at + 1)


def _next(text: str, at: int, end: str) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] == ",":
        return _after_blanks(text, at + 1)
    if text[at : at + 1] != end:
        raise ValueError(f"a comma or '{end}' is expected at character {at}")
    return at


def _after_blanks(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> tuple[Any, int]:
    return DECODER.raw_decode(text, at)


def _record(pairs: list[tuple[str, Any]]) -> Record:
    record = Record(pairs)
    often = Counter(name for name, _ in pairs) if len(pairs) != len(record) else {}
    record.twice = tuple(name for name, times in often.items() if times > 1)
    return record


def _float(text: str) -> float | None:
    number = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return number if math.isfinite(number) else None


def _int(text: str) -> int | float | None:
    return int(text) if len(text) <= 18 else _float(text)


def _nothing(_: str) -> None:
    """NaN and Infinity are no JSON and no measurement."""


DECODER = json.JSONDecoder(
    object_pairs_hook=_record,
    parse_int=_int,
    parse_float=_float,
    parse_constant=_nothing,
    strict=False,  # line breaks inside texts are common and harm nobody
)
