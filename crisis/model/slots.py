"""What an officer types into a playbook's slots: read as the slot's type, within its limits, or refused."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from crisis.errors import BadInput, Fault
from crisis.model.phrases import ZONES, relative_time
from crisis.model.playbook_shape import (
    ChoiceSlot,
    ListSlot,
    NumberSlot,
    PhoneSlot,
    Playbook,
    Slot,
    TextSlot,
    TimeSlot,
)
from crisis.model.template import inspect

Value = str | float | datetime | tuple[str, ...] | None
Typed = str | float | Sequence[str] | None

_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,6})?")
_NAMED_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[ T]+(?:pukul )?(\d{1,2})[.:](\d{2})\s*(WIB|WITA|WIT)", re.IGNORECASE
)
_PHONE = re.compile(r"\+?\d[\d -]{1,18}\d")
_LINK = re.compile(r"://|\bwww\.|\b[\w-]+\.(?:com|net|org|id|io|me|ly|link|xyz|info)\b(?!\.\w)", re.IGNORECASE)
_PLAINER = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "…": "..."})
_SAY_TIME = "must be a time with date and zone, such as 2026-11-21 21.00 WIB or 2026-11-21T21:00+07:00"


class _Wrong(Exception):
    """One slot's value is refused; the text says why and what to type."""


def needed(playbook: Playbook, level: str | None = None) -> frozenset[str]:
    """Name the slots an alert of this level cannot do without; of no level: those any may ask for.

    They are those its words name, and those of what may follow it; what is asked by {% if slot %} may stay empty.
    """
    required = {name for name, slot in playbook.slots.items() if slot.required}
    if level is None:
        return frozenset(required)
    return frozenset(required & {name for text in _said_at(playbook, level) for name in inspect(text).needed})


def _said_at(playbook: Playbook, level: str) -> Iterator[str]:
    for path, _, words in playbook.texts():
        if path[0] != "levels" or path[1] == level:
            yield from (words.headline, words.short, words.long, words.radio, *words.do, *words.dont)


def parse(playbook: Playbook, values: Mapping[str, Typed], *, level: str | None = None) -> dict[str, Value]:
    """Read every slot of the playbook, or raise BadInput with one Fault for each slot that is wrong.

    A slot may stay empty when the words of `level` and of what may follow it do without. Text is
    plain (typographic quotes and dashes become simple ones), lists may come as one text split on ";", decimals
    with comma or point, times as aware UTC. An absent slot is None.
    """
    faults = [
        Fault(
            file="slots",
            field=name,
            says=f"is no slot of {playbook.playbook}; it has {', '.join(playbook.slots)}",
        )
        for name in values
        if name not in playbook.slots
    ]
    asked = needed(playbook, level)
    parsed: dict[str, Value] = {}
    for name, slot in playbook.slots.items():
        try:
            parsed[name] = _slot(slot, values.get(name), required=name in asked)
        except _Wrong as wrong:
            faults.append(Fault(file="slots", field=name, says=str(wrong)))
    if faults:
        raise BadInput(faults)
    return parsed


def dump(values: Mapping[str, Value]) -> dict[str, str | float | list[str] | None]:
    """Give parsed slots as plain values for storing; parse() reads them back to the same."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Value) -> str | float | list[str] | None:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value


def value_fault(slot: Slot, value: Typed) -> str | None:
    """Say what is wrong with one value of a slot; None if it is right."""
    try:
        _slot(slot, value, required=slot.required)
    except _Wrong as wrong:
        return str(wrong)
    return None


def _slot(slot: Slot, given: Typed, *, required: bool) -> Value:
    if given is None or given in ("", []):
        given = slot.default
    if given is None:
        if required:
            raise _Wrong(f"has no value; fill it in, for example {_example(slot)}")
        return None
    match slot:
        case TextSlot():
            return _text(given, slot.max_characters, slot.allow_links)
        case NumberSlot():
            return _number(given, slot)
        case TimeSlot():
            return _time(given)
        case ListSlot():
            return _list(given, slot)
        case ChoiceSlot():
            return _choice(given, slot)
        case PhoneSlot():
            return _phone(given)


def _example(slot: Slot) -> str:
    return "; ".join(slot.example) if isinstance(slot, ListSlot) else str(slot.example)


def plain(text: str) -> str:
    """Make text safe for every channel without changing what it says: one form of letters, simple quotes."""
    return unicodedata.normalize("NFC", text).translate(_PLAINER).strip()


def line_fault(text: str, *, allow_links: bool) -> str | None:
    """Say why a text may not stand in an alert's words; None if it may."""
    if not re.search(r"\w", text):
        return "is empty; write it out"
    if "\n" in text or "\r" in text:
        return "must be on one line"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in text):
        return "holds invisible characters; type it again instead of pasting"
    if any(unicodedata.category(c) == "So" and ord(c) >= 0x2190 for c in text):
        return "holds a picture sign (emoji); use words"
    if re.search(r"[{}]|<[^>]*>", text):
        return "may not hold { } or < >"
    if not allow_links and (link := _LINK.search(text)):
        return f"may not hold a link ({link[0]}); the alert's own page is linked already"
    if when := relative_time(text):
        return f"says {when!r}, which means something else when read later; write date, time and zone"
    return None


def _text(given: Typed, most: int, allow_links: bool) -> str:
    if not isinstance(given, str):
        raise _Wrong("must be text")
    text = plain(given)
    if says := line_fault(text, allow_links=allow_links):
        raise _Wrong(says)
    if len(text) > most:
        raise _Wrong(f"has {len(text)} characters; at most {most} fit")
    return text


def _number(given: Typed, slot: NumberSlot) -> float:
    unit = f" {slot.unit}" if slot.unit else ""
    say = f"must be a number from {slot.min:g} to {slot.max:g}{unit}, such as {slot.example:g}"
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _Wrong(say)
    text = given.strip().removesuffix(slot.unit).strip() if isinstance(given, str) else f"{given!r}"
    if not _NUMBER.fullmatch(text):
        raise _Wrong(say)
    value = float(text.replace(",", "."))
    if not math.isclose(value, round(value, slot.decimals), abs_tol=1e-9):
        raise _Wrong(f"may have at most {slot.decimals} decimals; write thousands without a sign (1500)")
    if not slot.min <= value <= slot.max:
        raise _Wrong(say)
    return value


def _time(given: Typed) -> datetime:
    if isinstance(given, str):
        text = " ".join(given.split())
        try:
            if named := _NAMED_TIME.fullmatch(text):
                year, month, day, hour, minute = map(int, named.groups()[:5])
                return datetime(year, month, day, hour, minute, tzinfo=ZONES[named[6].upper()]).astimezone(UTC)
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None and ":" in text[10:]:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise _Wrong(_SAY_TIME) from error
    raise _Wrong(_SAY_TIME)


def _list(given: Typed, slot: ListSlot) -> tuple[str, ...]:
    if isinstance(given, str):
        given = [part for part in given.split(";") if part.strip()]
    if not isinstance(given, Sequence) or not given:
        raise _Wrong(f"must be a list, entries split by ; such as {_example(slot)}")
    if len(given) > slot.max_entries:
        raise _Wrong(f"has {len(given)} entries; at most {slot.max_entries} fit")
    entries: list[str] = []
    for at, entry in enumerate(given, 1):
        try:
            entries.append(_text(entry, slot.max_characters, slot.allow_links))
        except _Wrong as wrong:
            raise _Wrong(f"entry {at} {wrong}") from wrong
    return tuple(entries)


def _choice(given: Typed, slot: ChoiceSlot) -> str:
    if isinstance(given, str) and given.strip() in slot.choices:
        return given.strip()
    raise _Wrong(f"must be one of {', '.join(slot.choices)}")


def _phone(given: Typed) -> str:
    if isinstance(given, str) and _PHONE.fullmatch(given.strip()):
        return given.strip()
    raise _Wrong("must be a phone number of digits, such as 0561-123456 or 112")
