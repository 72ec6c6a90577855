"""Reads the small spellings of CAP (times, words from a list, numbers, lists, references) and notes each odd one.

Once read, a noun no longer shows how it was spelt: these rules can only be asked while reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from crisis.cap.geometry import NUMBER
from crisis.cap.nouns import Reference
from crisis.cap.rules_alert import FIRST_YEAR, LAST_YEAR

STRICT_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}:[0-9]{2}")
LOOSE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ] ?([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?"
    r"\s*(?:([Zz]|UTC|GMT)|(?:UTC|GMT)?([-+,])([0-9]{2}):?([0-9]{2})?)?"
)
REPEATED_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})")
WITHOUT_OFFSET = re.compile(r"[0-9-]{10}[Tt][0-9:]+(?:\.[0-9]+)?")
LAST_OFFSET, LAST_MINUTE = "14:00", "59"  # XML Schema part 2 section 3.2.7.3
DECIMAL = re.compile(NUMBER)
WHOLE = re.compile(r"\+?[0-9]+")
QUOTED = re.compile(r'"([^"]*)"|(\S+)')
OLD_WORDS = {"very likely": "likely"}  # CAP 1.0 certainty

Note = Callable[[str, str], None]  # rule, sentence
Choice = TypeVar("Choice", bound=StrEnum)


def strict_time(text: str) -> datetime | None:
    """Read a time that is spelt as the standard has it (section 3.3.2); None for any other."""
    if not STRICT_TIME.fullmatch(text) or text[-5:] > LAST_OFFSET or text[-2:] > LAST_MINUTE:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if FIRST_YEAR <= time.year <= LAST_YEAR else None


def read_time(text: str, note: Note, zone: str = "") -> datetime | None:
    """R-TIME-FORMAT: read a time as 2026-11-21T08:15:00+07:00; loosely, after a note; None when it is no time.

    No Z, no fraction, always an offset, of 14 hours at most (CAP 1.2 section 3.3.2); one without is taken as in
    `zone`, else as UTC.
    """
    time = strict_time(text)
    if time is not None:
        if text[-6] == "+":
            plus_zero(text, note)
        return time
    try:
        time = _loose(text, zone or "+00:00")
    except ValueError:
        time = None
    if time is None or not FIRST_YEAR <= time.year <= LAST_YEAR:
        note("R-TIME-FORMAT", f"'{text[:40]}' is not a time and was left out")
        return None
    note("R-TIME-FORMAT", f"'{text[:40]}' is not like 2026-11-21T08:15:00+07:00; read as well as could be")
    return time


def plus_zero(text: str, note: Note) -> None:
    """W-TIME-PLUS00: UTC is spelt -00:00 (CAP 1.2 section 3.3.2)."""
    if text.endswith("+00:00"):
        note("W-TIME-PLUS00", "writes UTC as +00:00; CAP writes -00:00")


def _loose(text: str, zone: str) -> datetime | None:
    found = LOOSE_TIME.fullmatch(text)
    if found is None:
        return None
    day, hour, utc, sign, hours, minutes = found.groups()
    if f"{hours or '00'}:{minutes or '00'}" > LAST_OFFSET or (minutes or "") > LAST_MINUTE:
        return None
    zone = "+00:00" if utc else zone
    offset = f"{'-' if sign == '-' else '+'}{hours}:{minutes or '00'}" if sign else zone
    return datetime.fromisoformat(f"{day}T{hour}{offset}")


def late_hour(text: str, note: Note, zone: str = "") -> datetime | None:
    """Read the hour 24:00:00 as the next day's first and a leap second as the one before, both XML's own spellings."""
    if text[10:19] == "T24:00:00":
        time = read_time(text.replace("T24", "T00", 1), note, zone)
        return time + timedelta(days=1) if time else None
    if text[16:19] == ":60":
        return read_time(f"{text[:16]}:59{text[19:]}", note, zone)
    return read_time(text, note, zone)


def read_choice(text: str, words: Mapping[str, Choice], note: Note) -> Choice | None:
    """X-ENUM: read one of CAP's words, in any case after a note; None when it is none of them (section 3.2)."""
    plain = text.strip().lower()
    plain = OLD_WORDS.get(plain, plain)
    chosen = next((choice for word, choice in words.items() if word.lower() == plain), None)
    if chosen is None or chosen.value != text:
        note("X-ENUM", f"'{text.strip()[:40]}' is not one of CAP's words; read as {chosen or 'unknown'}")
    return chosen


def read_number(text: str, note: Note) -> float | None:
    """X-NUMBER: read a decimal without exponent (section 3.2.4); None after a note when it is none."""
    if len(text) > 400 or not DECIMAL.fullmatch(text) or float(text) in {float("inf"), float("-inf")}:
        note("X-NUMBER", f"'{text[:40]}' is not a number and was left out")
        return None
    return float(text)


def read_size(text: str, note: Note) -> int | None:
    """X-NUMBER: read a whole number of bytes (section 3.2.3); None after a note when it is none."""
    if len(text) > 18 or not WHOLE.fullmatch(text):
        note("X-NUMBER", f"'{text[:40]}' is not a number of bytes and was left out")
        return None
    return int(text)


def read_list(text: str) -> tuple[str, ...]:
    """Read names that blanks part, those with blanks in quotes (section 3.2.1)."""
    if not text:
        return ()
    found = QUOTED.findall(text)
    return tuple(name for pair in found if (name := (pair[0] or pair[1]).strip()))


def read_references(text: str, note: Callable[[int, str, str], None], zone: str = "") -> Iterator[Reference]:
    """R-REFS-TRIPLE: read references as sender,identifier,sent parted by any blanks (section 3.2.1).

    What cannot be read is left out after a note. A time without an offset is read as in `zone`, after one too.
    """
    for at, triple in enumerate(text.split()):
        sender, _, rest = triple.partition(",")
        identifier, _, sent = rest.partition(",")
        odd: list[str] = []
        time = read_time(sent, lambda rule, _, odd=odd: odd.append(rule), zone) if sent else None  # type: ignore[misc]
        if not sender or not identifier or time is None:
            note(at, "R-REFS-TRIPLE", f"'{triple[:80]}' is not sender,identifier,sent and was left out")
            continue
        if odd and WITHOUT_OFFSET.fullmatch(sent):
            note(at, "R-REFS-TRIPLE", "has a time without an offset; it was read as in the zone of the others")
        elif odd:
            refs_time(at, sent, note)
        yield Reference(sender=sender, identifier=identifier, sent=time)


def refs_time(at: int, sent: str, note: Callable[[int, str, str], None]) -> None:
    """W-REFS-TIME: a reference repeats a time as that alert spelt it: Z, +00:00 and fractions pass (section 3.2.1)."""
    if not REPEATED_TIME.fullmatch(sent):
        note(at, "W-REFS-TIME", "has a time that is not spelt as CAP does")


def in_order(name: str, order: int, last: int, note: Note) -> int:
    """X-ORDER: parts stand in the order of the standard's sequence (section 3.4, the XSD); give the last so far."""
    if order < last:
        note("X-ORDER", f"stands after parts that {name} has to stand before")
        return last
    return order


def only_once(name: str, note: Note) -> None:
    """X-REPEATED: what the standard allows once is there once (section 3.2)."""
    note("X-REPEATED", f"{name} is there more than once; the first with words was used")


def not_known(name: str, read_as: str, note: Note) -> None:
    """X-UNKNOWN: every element is one of CAP's, spelt so, in its place and namespace (section 3.4)."""
    says = f"it was read as {read_as}" if read_as else "it was not read"
    note("X-UNKNOWN", f"{name[:40]} is not an element that CAP has here; {says}")


def not_there(name: str, read_as: str, note: Note) -> None:
    """X-REQUIRED: what every alert has to say is there (section 3.2)."""
    note("X-REQUIRED", f"{name} is missing; read as {read_as}")
