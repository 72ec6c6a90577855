"""Finds dates and times of day however they are written, and says them."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match, Pattern

from channels.radio.tongues import DAYS_EN, DAYS_ID, MONTH_NUMBERS, MONTHS_EN, MONTHS_ID, Tongue, alternatives

Rule = tuple[Pattern[str], Callable[[Match[str]], str] | str]

ZONES = r"(?:WIB|WITA|WIT|UTC|GMT)"
DASH = r"[ ]?[-–—][ ]?"
CLOSE = r"(?![.:]?\d)"
OFFSETS = {"+07": "WIB", "+08": "WITA", "+09": "WIT", "+00": "UTC", "-00": "UTC"}
FULL = dict.fromkeys((*MONTHS_ID, *MONTHS_EN), "")
# Written small these are other words: "5 may be trapped".
MONTH = rf"(?!(?:may|march|mar|des)\b)(?i:(?:{alternatives(FULL)})\b|(?:{alternatives(MONTH_NUMBERS)})\b\.?)"


def rules(tongue: Tongue) -> tuple[Rule, ...]:
    """Give the rules for dates, then times, in the order in which they must be tried."""
    return (*_numeric_dates(tongue), *_written_dates(tongue), *_times(tongue))


def _numeric_dates(tongue: Tongue) -> tuple[Rule, ...]:
    def iso(found: Match[str]) -> str:
        day = _named(found["d"], found["m"], found["y"], tongue)
        second = f":{found['s']}" if int(found["s"] or 0) else ""
        join = f" {tongue.clock_lead}".rstrip() or " at"
        return f"{day}{join} {found['h']}:{found['n']}{second}{_offset(found['zone'])}" if day else found[0]

    def date(found: Match[str]) -> str:
        year = found["y"]
        return _named(found["d"], found["m"], f"20{year}" if len(year) == 2 else year, tongue) or found[0]

    def turned(found: Match[str]) -> str:
        month = str(MONTH_NUMBERS[found["name"].rstrip(".").lower()])
        return _named(found["d"], month, found["y"], tongue) or found[0]

    def partial(found: Match[str]) -> str:
        return f"{found['lead']} {_named(found['d'], found['m'], '', tongue) or found['d'] + '/' + found['m']}"

    stamp = r"(?<!\d)(?P<y>\d{4})-?(?P<m>\d\d)-?(?P<d>\d\d)[T ](?P<h>\d\d):?(?P<n>\d\d)(?::?(?P<s>\d\d)(?:\.\d{1,9})?)?"
    days = alternatives(dict.fromkeys((*DAYS_ID, *DAYS_EN, *DAYS_ID.values(), *DAYS_EN.values()), ""))
    return (
        (re.compile(rf"{stamp}(?P<zone>Z|[ ]?[+-]\d\d:?\d\d)?(?![\d])"), iso),
        (re.compile(r"(?<![\d.,/-])(?P<y>\d{4})([-/.])(?P<m>\d\d)\2(?P<d>\d\d)(?![\d/-])"), date),
        (re.compile(rf"(?<![\d.,/-])(?P<y>\d{{4}})-(?P<name>{MONTH})-(?P<d>\d\d)(?!\d)"), turned),
        (re.compile(r"(?<![\d.,/-])(?P<d>\d{1,2})([-/.])(?P<m>\d{1,2})\2(?P<y>(?:19|20)\d\d)(?![\d/-])"), date),
        (re.compile(r"(?<![\d.,/-])(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d\d)(?![\d/-])"), date),
        (re.compile(rf"\b(?P<lead>(?i:tanggal|date|on|{days}),?) (?P<d>\d{{1,2}})/(?P<m>\d{{1,2}})(?![\d/])"), partial),
    )


def _named(day: str, month: str, year: str, tongue: Tongue) -> str:
    """Write a date with its month's name; empty for one that is none."""
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return ""
    return f"{int(day)} {tongue.months[int(month) - 1]} {year}".rstrip()


def _offset(zone: str | None) -> str:
    if not zone:
        return ""
    zone = "+0000" if zone == "Z" else zone.strip().replace(":", "")
    name = OFFSETS.get(zone[:3]) if zone[3:] == "00" else None
    return f" {name}" if name else f" UTC {zone[0]} {int(zone[1:3])}:{zone[3:]}"


def _written_dates(tongue: Tongue) -> tuple[Rule, ...]:
    def month(written: str) -> str:
        return tongue.months[MONTH_NUMBERS[written.rstrip(".").lower()] - 1]

    def date(found: Match[str]) -> str:
        first, last, year = found["d1"], found["d2"], found["y"]
        if int(last or first) > 31:
            return found[0]
        head = f"{tongue.day(int(first))} {tongue.to} " if last else ""
        return head + tongue.date(int(last or first), month(found["m"]), _year(year))

    def of_year(found: Match[str]) -> str:
        return f"{month(found['m'])} {tongue.year(int(found['y']))}"

    def weekday(found: Match[str]) -> str:
        return tongue.days[found["day"].lower()] + ", "

    days = alternatives(tongue.days)
    several = rf"(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?:(?:{DASH}| (?:{tongue.until}) )(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)?"
    written: tuple[Rule, ...] = (
        (re.compile(rf"\b(?P<day>(?i:{days}))(?:\.,?|,)? (?=\d)"), weekday),
        (
            re.compile(
                rf"(?<![\d.,/-]){several}[ -](?:of )?(?P<m>{MONTH})(?:,?[ -](?P<y>(?:19|20)?\d\d)(?!\d|[.:]\d))?"
            ),
            date,
        ),
        (re.compile(rf"\b(?P<m>{MONTH}) (?P<y>(?:19|20)\d\d)(?!\d|[.:]\d)"), of_year),
    )
    return written if tongue.dotted_clock else _english_dates(tongue, written, date)


def _english_dates(tongue: Tongue, written: tuple[Rule, ...], date: Callable[[Match[str]], str]) -> tuple[Rule, ...]:
    """Add what only English writes: the month before the day, and years that are said in two halves."""

    def of_year(found: Match[str]) -> str:
        return found["lead"] + tongue.year(int(found["y"]))

    over = r"(?!\d|[.:]\d)"
    nth = "(?:st|nd|rd|th)?"
    ends = rf"(?:{DASH}(?P<d2>[0-3]?\d){nth})?{over}"
    english = rf"\b(?P<m>{MONTH}) (?P<d1>[0-3]?\d){nth}{ends}(?:,? (?P<y>(?:19|20)\d\d){over})?"
    since = r"\b(?P<lead>(?:in|since|of|year|by|until|from|during) )(?P<y>(?:19|20)\d\d)(?![\d.,:/%-])(?! [a-z])"
    return (
        written[0],
        (re.compile(english), date),
        *written[1:],
        (re.compile(r"\b(?P<lead>[Tt]he )(?P<y>(?:19|20)(?!00)\d\d)(?= [a-z])"), of_year),
        (re.compile(since), of_year),
    )


def _year(written: str | None) -> int | None:
    if not written:
        return None
    return int(written) if len(written) == 4 else 2000 + int(written)


def _times(tongue: Tongue) -> tuple[Rule, ...]:
    lead = rf"(?P<lead>\b(?i:{tongue.clock_word}) )"
    joint = rf"(?:{DASH}| (?:{tongue.until}) (?:(?i:{tongue.clock_word}) )?)"
    tail = rf"(?P<tail>(?: ?{ZONES}\b)?(?: ?(?:{tongue.part})(?!\w)(?: ?{ZONES}\b)?)?)"

    def hour(n: int) -> str:
        return rf"(?P<h{n}>[01]?\d|2[0-4])(?:[.:](?P<m{n}>[0-5]\d)(?:[.:](?P<s{n}>[0-5]\d)(?:\.\d+)?)?){{}}{CLOSE}"

    full = "(?<![\\d.,:/-])" + hour(1).format("")
    bare = "(?<![\\d.,:/-])" + hour(1).format("?")

    def said(found: Match[str]) -> str:
        return _moment(found, tongue)

    nothing = "(?P<m1>)(?P<s1>)(?P<h2>)(?P<m2>)(?P<s2>)"
    both = rf"{full}(?:{joint}{hour(2).format('')})?{tail}"
    return (
        (re.compile(rf"{lead}?{both}"), said),
        (
            re.compile(
                rf"{lead}?{bare}(?:{joint}{hour(2).format('?')})?(?P<tail> ?{ZONES}\b|(?: ?(?:{tongue.part})(?!\w)))"
            ),
            said,
        ),
        (
            re.compile(rf"{lead}(?P<h1>1[3-9]|2[0-4]){nothing}(?P<tail>)(?![\d.,:/-]?\d)(?! ?[\w%°])"),
            said,
        ),
    )


def _moment(found: Match[str], tongue: Tongue) -> str:
    tail = found["tail"]
    part = re.search(tongue.part, tail)
    if not _is_clock(found, tongue, tail):
        return found[0]
    zoned = bool(re.search(ZONES, tail))
    hours = [(found[f"h{n}"], found[f"m{n}"], found[f"s{n}"]) for n in (1, 2) if found[f"h{n}"]]
    known = not part and (zoned or any(len(hour) == 2 for hour, _, _ in hours))
    said = [_clock(*hour, known, tongue) for hour in hours]
    lead = tongue.clock_lead or found["lead"] or ""
    return (
        lead
        + f" {tongue.to} {tongue.clock_lead}".join(said)
        + _tail(tail, found.string[found.end() : found.end() + 2], tongue)
    )


def _clock(hour: str, minute: str | None, second: str | None, known: bool, tongue: Tongue) -> str:
    said = tongue.clock(int(hour), int(minute or 0), known)
    if not second or not int(second):
        return said
    plain = tongue.clock(int(hour), int(minute or 0), False)
    rest = said.removeprefix(plain)
    return f"{plain} {tongue.counting.cardinal(int(second))} {tongue.seconds}{rest}"


def _tail(tail: str, following: str, tongue: Tongue) -> str:
    """Keep what stood after the hours; English marks of the half-day become letters."""
    if tongue.dotted_clock or not tail.strip():
        return f" {tail.strip()}" if tail.strip() else ""
    said = re.sub(r"\b([AaPp])\.?[Mm]\b\.?", lambda found: f"{found[1].upper()} M", tail.strip())
    ends = tail.endswith(".") and re.match(r"$|\n| [A-Z]", following)
    return f" {said}." if ends else f" {said}"


def _is_clock(found: Match[str], tongue: Tongue, tail: str) -> bool:
    """Tell whether hours and minutes are meant: 14.30 may be a decimal, 21.00 a price, 3.24 a latitude."""
    late = any(found[f"h{n}"] == "24" and int(found[f"m{n}"] or 0) for n in (1, 2))
    if late:
        return False
    if tail or ":" in found[0]:
        return True
    following = found.string[found.end() : found.end() + 8]
    if re.match(rf" ?(?:%|°|[/]\w|(?:{alternatives(tongue.units)}|{alternatives(tongue.compass)})(?!\w))", following):
        return False
    if found["lead"]:
        return tongue.dotted_clock or len(found["h1"]) == 2 or not found["m1"]
    whole = len(found["h1"]) == 2 and bool(found["m1"])
    return tongue.dotted_clock and whole and (bool(found["h2"]) or bool(re.match(r"[.,;)\n]|$", following)))
