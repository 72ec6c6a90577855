"""Reads the fields of one record of a feed that is not CAP, noting by rule X-FEED what cannot be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from crisis.cap import rules
from crisis.cap.entry import Entry
from crisis.cap.nouns import Alert, Pair
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.write import clean_text

RULE = "X-FEED"
NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
LONGEST_TIME = 64
MOST_NOTES = 100  # on one record; after so many another tells nothing new

Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """One record by its names in small letters; what is not a record has no fields."""

    def __init__(self, record: object, notes: list[Warning], where: str = "") -> None:
        known: Mapping[str, Any] = record if isinstance(record, dict) else {}
        self.values = {name.strip().lower(): value for name, value in known.items()}
        self.notes = notes
        self.where = where
        for name in getattr(record, "twice", ()):
            self.note(name, "is there more than once; the last was used")

    def note(self, name: str, says: str) -> None:
        where = f"{self.where}/{name}" if self.where else name
        warning = Warning(rule=RULE, where=clean_text(where[:80]), says=clean_text(says))
        if len(self.notes) < MOST_NOTES and warning not in self.notes:
            self.notes.append(warning)

    def part(self, name: str) -> Fields:
        return Fields(self.values.get(name.lower()), self.notes, f"{self.where}/{name}" if self.where else name)

    def text(self, name: str) -> str:
        value = self.values.get(name.lower())
        if isinstance(value, (dict, list)):
            self.note(name, "is not a text and was left out")
            return ""
        return spelled(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name.lower())
        several = value if isinstance(value, list) else [value]
        return tuple(text for part in several if not isinstance(part, (dict, list)) and (text := spelled(part)))

    def pairs(self, name: str) -> tuple[Pair, ...]:
        """Read an object of names and values, one pair for each value of a list."""
        inside = self.values.get(name.lower())
        part = Fields(inside, self.notes, name)
        shown = inside if isinstance(inside, dict) else {}
        return tuple((clean_text(key), value) for key in shown for value in part.texts(key.strip()))

    def number(self, name: str, least: float, most: float) -> float | None:
        """Read a number, also out of a text such as "12 km" or "5,4 SR"; what is absurd is left out."""
        value = self.values.get(name.lower())
        if value is None or value == "":
            return None
        number = as_number(value)
        if number is None or not least <= number <= most:
            self.note(name, f"is not a number from {least:g} to {most:g} and was left out")
            return None
        return number

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        found = read_time(text)
        if text and found is None:
            self.note(name, f"'{text[:40]}' is not a time and was left out")
        return found

    def choice(self, name: str, kind: type[Choice], missing: Choice, unknown: Choice) -> Choice:
        text = self.text(name)
        known = {choice.value.lower(): choice for choice in kind}
        if not text:
            self.note(name, f"is missing; read as {missing}")
            return missing
        if text.lower() not in known:
            self.note(name, f"'{text[:40]}' is not one of CAP's words; read as {unknown}")
        return known.get(text.lower(), unknown)


def spelled(value: object) -> str:
    """Spell a value as a text that any database and screen can hold; nothing is spelled as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case _:
            return clean_text(str(value))


def as_number(value: object) -> float | None:
    """Read a number, or the first one in a text, with a decimal point or comma."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if not isinstance(value, str):
        return float(value)
    found = NUMBER.search(value)
    return float(found[0].replace(",", ".")) if found else None


def read_time(text: str) -> datetime | None:
    """Read an ISO 8601 or RFC 2822 time; without an offset it is taken as UTC."""
    text = text[:LONGEST_TIME]
    try:
        found = datetime.fromisoformat(text) if TIME.match(text) else parsedate_to_datetime(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found if 1900 <= found.year < 3000 else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def absolute(url: str, href: str) -> str:
    """Give the whole http or https address of a link in the document at `url`; empty when it is none."""
    try:
        found = urljoin(url, href.strip())
        parts = urlsplit(found)
        return found if parts.scheme in {"http", "https"} and parts.hostname else ""
    except ValueError:
        return ""


def told(raw: bytes, alert: Alert, notes: list[Warning], *, where: str, guid: str = "", link: str = "") -> Entry:
    """Give the entry of an alert that could be read, with every rule it breaks."""
    warnings = (*notes, *rules.check(alert))
    return Entry(raw=raw, where=where, guid=guid or alert.identifier, link=link, alert=alert, warnings=warnings)
