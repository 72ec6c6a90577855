"""Reads when something happened as people write it: 21.35, pukul 9.35 malam, 21/11 21:35 WIB, ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crisis.model.phrases import ZONES, tongue

AHEAD = timedelta(minutes=5)  # clocks differ so much: a time further ahead without its day was yesterday's
YEARS = range(2000, 2101)  # what is written for another was not meant

_ISO = re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?(?![\d:])")
_CLOCK = re.compile(
    r"(?<![\w.:,/+-])(?P<hour>[01]?\d|2[0-3])[.:](?P<minute>[0-5]\d)(?![.:,/]?\d)"
    r"(?:\s*(?P<part>[ap]\.?m\b\.?|pagi|siang|sore|malam))?(?:\s*(?P<zone>WIB|WITA|WIT)\b)?",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"(?<![\w.:/-])(?:(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})(?P<sign>[./-])(?P<month2>\d{1,2})(?P=sign)(?P<year2>\d{4})"
    r"|(?P<day3>\d{1,2})/(?P<month3>\d{1,2})"
    r"|(?P<day4>\d{1,2})\s+(?P<named>[A-Za-z]{3,9})\b\.?(?:\s+(?P<year4>\d{4}))?)(?![\d/])",
)
_YESTERDAY = re.compile(r"\b(?:kemarin|kmrn|yesterday)\b", re.IGNORECASE)
_MONTHS = {
    name[:length].lower(): number
    for language in ("id", "en")
    for number, name in enumerate(tongue(language).months, 1)
    for length in (3, len(name))
}


def moments(text: str, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Find every moment a text names, in order and each once, as aware times.

    A day stands on the line of its time; without one the time is the latest that is not ahead of `now`.
    Without a zone it is one of `zone`.
    """
    found = [moment for line in text.splitlines() for moment in _of_line(line, now, zone)]
    return list(dict.fromkeys(found))


def read(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Read a text that names one moment; None where it names none, or several."""
    found = moments(text[:200], now, zone)
    return found[0] if len(found) == 1 else None


def _of_line(line: str, now: datetime, zone: ZoneInfo) -> list[datetime]:
    found = [_iso(match[0], zone) for match in _ISO.finditer(line)]
    rest = _ISO.sub(" ", line)
    day = next(filter(None, (_day(match, now, zone) for match in _DAY.finditer(rest))), None)
    if day is None and _YESTERDAY.search(rest):
        day = now.astimezone(zone).date() - timedelta(days=1)
    found += [_at(match, day, now, zone) for match in _CLOCK.finditer(rest)]
    return [moment for moment in found if moment is not None and moment.year in YEARS]


def _iso(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _day(match: re.Match[str], now: datetime, zone: ZoneInfo) -> date | None:
    part, today = match.groupdict(), now.astimezone(zone).date()
    month = _MONTHS.get((part["named"] or "").lower()) or part["month"] or part["month2"] or part["month3"]
    day = part["day"] or part["day2"] or part["day3"] or part["day4"]
    year = part["year"] or part["year2"] or part["year4"]
    try:
        found = date(int(year or today.year), int(month or 0), int(day))
        # Told in January of a night in December.
        return found if year or found <= today + timedelta(days=1) else found.replace(year=today.year - 1)
    except ValueError:
        return None


def _at(match: re.Match[str], day: date | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    there = ZONES[match["zone"].upper()] if match["zone"] else zone
    hour = _hour(int(match["hour"]), (match["part"] or "").lower().replace(".", ""))
    local = now.astimezone(there)
    moment = datetime(local.year, local.month, local.day, hour, int(match["minute"]), tzinfo=there)
    if day is not None:
        return moment.replace(year=day.year, month=day.month, day=day.day)
    return moment - timedelta(days=1) if moment > now + AHEAD else moment


def _hour(hour: int, part: str) -> int:
    """Turn 9 malam or 9 pm into 21, and 12 malam into 0; what is told in 24 hours already stays."""
    if hour == 12 and part in {"am", "malam"}:
        return 0
    if part in {"pm", "sore"} or (part == "siang" and hour < 6) or (part == "malam" and hour >= 6):
        return hour + 12 if hour < 12 else hour
    return hour
