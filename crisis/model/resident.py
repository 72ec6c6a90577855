"""Decides which rows of a residents' file can be reached: address, place and consent, or why not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from operator import attrgetter

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from crisis.errors import BadInput, Fault
from crisis.model.sheet import read_rows

LONGEST_NAME = 200
ALIASES: Mapping[str, str] = {
    "nama": "name",
    "alamat": "address",
    "nomor": "address",
    "kanal": "channel",
    "bahasa": "language",
    "wilayah": "area",
    "lintang": "latitude",
    "lat": "latitude",
    "bujur": "longitude",
    "lon": "longitude",
    "lng": "longitude",
    "persetujuan": "consent",
    "risiko": "risk",
    "latihan": "exercise",
    "nik": "person",
    "kode warga": "person",
}
MANDATORY = ("address", "channel", "language", "consent")
LANGUAGES: Mapping[str, str] = {
    "indonesia": "id",
    "bahasa indonesia": "id",
    "inggris": "en",
    "english": "en",
}
YES = frozenset({"yes", "y", "ya", "iya", "1", "true", "setuju"})
NO = frozenset({"", "no", "n", "tidak", "0", "false"})
DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015\u00a0\u200e\u202a\u202c]+")
CHAT_ID = re.compile(r"-?[1-9][0-9]{0,18}")
DAMAGED = re.compile(r"[0-9]+[.,][0-9]+[eE]\+?[0-9]+")
ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+")
NIK = re.compile("[0-9]{16}")
NOBODY = frozenset({"", "n/a", "na", "none", "null", "nihil", "tidak ada", "belum ada", "tidak tahu", "unknown"})
MOST_ADDRESSES = 10  # of one person; a code that more rows share is no person's, but a filler's or a family's
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NOT_SMS = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResident:
    """One resident as a file gives them; degrees on WGS 84; `consent` is None when the file only says yes."""

    line: int
    channel: str
    address: str = field(repr=False)  # E.164 or chat id; never in a log line
    language: str
    name: str = field(default="", repr=False)
    area_id: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    consent: date | None = None
    risk: int = 0
    exercise: bool = False
    person: str = field(default="", repr=False)  # the office's code of who it is, often the NIK; "" when not told


FACTS: Mapping[str, Callable[[NewResident], object]] = {
    "area": attrgetter("area_id"),
    "latitude": attrgetter("latitude"),
    "longitude": attrgetter("longitude"),
    "risk": attrgetter("risk"),
    "exercise": attrgetter("exercise"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    areas: Mapping[str, int]
    languages: Collection[str]
    channels: Collection[str]
    country: str


class _Unfit(Exception):
    def __init__(self, column: str, says: str) -> None:
        super().__init__(says)
        self.column = column


def parse_csv(
    raw: bytes,
    source: str,
    *,
    areas: Mapping[str, int],
    languages: Collection[str],
    channels: Collection[str],
    country: str = "ID",
) -> tuple[list[NewResident], list[Fault]]:
    """Read residents from a CSV file, keeping every good row and naming every bad one by its line.

    `areas` gives ids by area code or lower-case name. Rows of one person agree on place, risk and exercise.
    No fault shows a whole address or code. Raises BadInput when the file is empty or lacks a mandatory column.
    """
    rules = _Rules(areas=areas, languages=languages, channels=channels, country=country)
    residents: dict[tuple[str, str], NewResident] = {}
    persons: dict[str, list[NewResident]] = {}
    faults: list[Fault] = []
    for line, row in read_rows(raw, source, _columns):
        try:
            resident = _read_row(line, row, rules)
            _need_new(resident, residents)
            if resident.person:
                _need_agreement(resident, persons.setdefault(resident.person, []))
            residents[resident.channel, resident.address] = resident
        except _Unfit as unfit:
            faults.append(Fault(file=source, line=line, field=unfit.column, says=str(unfit)))
    crowds = {person for person, rows in persons.items() if len(rows) > MOST_ADDRESSES}
    faults += [_too_many(r, source) for person in crowds for r in persons[person]]
    faults.sort(key=lambda fault: fault.line or 0)
    return [r for r in residents.values() if r.person not in crowds], faults


def _need_new(resident: NewResident, residents: Mapping[tuple[str, str], NewResident]) -> None:
    earlier = residents.get((resident.channel, resident.address))
    if earlier is not None:
        shown = mask(resident.address)
        raise _Unfit("address", f"{shown} is already on line {earlier.line}; that one is kept")


def _need_agreement(resident: NewResident, others: list[NewResident]) -> None:
    """Put a row to those of the same person, unless it contradicts the first: two rows cannot both be true of one."""
    others.append(resident)
    for column, of in FACTS.items():
        if of(resident) != of(others[0]):
            others.pop()
            first = f"line {others[0].line}, which names the same person"
            raise _Unfit(column, f"is not the same as on {first}; that one is kept")


def _too_many(resident: NewResident, source: str) -> Fault:
    says = f"more than {MOST_ADDRESSES} rows have this code, so it cannot be one person's; none of them is stored"
    return Fault(file=source, line=resident.line, field="person", says=says)


def mask(address: str) -> str:
    """Hide an address but for its ends: +6281234567834 becomes +62812****34."""
    address = address.strip()
    if "@" in address:
        return address[:1] + "****" + address[address.rindex("@") :]
    if len(address) < 7:
        return "****"
    shown = 6 if address.startswith("+") and len(address) > 10 else 2
    return address[:shown] + "****" + address[-2:]


def normalise_address(channel: str, raw: str, country: str = "ID") -> str:
    """Give an address the one spelling it is stored and looked up by: E.164 for SMS, a chat id for Telegram.

    Raises BadInput, with the address masked. Other channels' addresses are only trimmed.
    """
    match channel:
        case "sms":
            return _e164(raw, country)
        case "telegram":
            return _chat_id(raw)
        case _ if raw.strip():
            return raw.strip()
        case _:
            raise BadInput("the address is empty")


def _e164(raw: str, country: str) -> str:
    number = PUNCTUATION.sub("", raw)
    if DAMAGED.fullmatch(raw.strip()):
        raise BadInput("a spreadsheet has rounded this number; format the column as text and enter it again")
    quick = _mobile(number, country)
    return quick if quick else _e164_by_the_book(number, country)


def _mobile(number: str, country: str) -> str:
    """Spell a plain mobile number of the country by the library's own pattern, or give ""."""
    prefixes, mobile = _plan(country)
    for prefix in prefixes:
        if number.startswith(prefix) and mobile.fullmatch(number, len(prefix)):
            return prefixes[0] + number[len(prefix) :]
    return ""


@cache
def _plan(country: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Give what may stand before a mobile number of the country, +code first, and the number's pattern."""
    plan = PhoneMetadata.metadata_for_region(country, None)
    if plan is None or plan.mobile is None or plan.mobile.national_number_pattern is None:
        return (), re.compile("")
    if plan.national_prefix_for_parsing != plan.national_prefix:
        return (), re.compile("")  # carrier codes and the like: left to the library
    trunk = plan.national_prefix or ""
    prefixes = (f"+{plan.country_code}", f"00{plan.country_code}", trunk, "", str(plan.country_code))
    return prefixes, re.compile(plan.mobile.national_number_pattern, re.ASCII)


def _e164_by_the_book(number: str, country: str) -> str:
    try:
        parsed = phonenumbers.parse(number, country)
    except NumberParseException:
        raise BadInput(f"{mask(number)} is not a telephone number") from None
    if not phonenumbers.is_valid_number(parsed):
        raise BadInput(f"{mask(number)} is not a number in use; check for missing or extra digits")
    if phonenumbers.number_type(parsed) in NOT_SMS:
        raise BadInput(f"{mask(number)} is not a mobile number and cannot receive SMS")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _chat_id(raw: str) -> str:
    if not CHAT_ID.fullmatch(raw.strip()):
        raise BadInput("a Telegram address is the whole number of a chat; a @name cannot be written to")
    return raw.strip()


def _columns(cells: list[str], source: str, line: int) -> list[str]:
    names = [cell.lower().strip() for cell in cells]
    columns = [ALIASES.get(name, name) for name in names]
    faults = [f"the column {name} is missing" for name in MANDATORY if name not in columns]
    if "area" not in columns and not {"latitude", "longitude"} <= set(columns):
        faults.append("there is neither a column area nor latitude and longitude")
    faults += [f"the column {name} is there twice" for name in sorted(set(columns)) if columns.count(name) > 1]
    if faults:
        raise BadInput([Fault(file=source, line=line, field="header", says=says) for says in faults])
    return columns


def _read_row(line: int, row: Mapping[str, str], rules: _Rules) -> NewResident:
    if "excess" in row:
        raise _Unfit("row", "has more cells than there are columns; quote cells that hold the separator")
    channel = _channel(row.get("channel", ""), rules)
    address = _address(channel, row.get("address", ""), rules)
    latitude, longitude = _place(row.get("latitude", ""), row.get("longitude", ""))
    area_id = _area(row.get("area", ""), rules)
    if area_id is None and latitude is None:
        raise _Unfit("area", "has neither an area nor coordinates, so no alert could find this resident")
    return NewResident(
        line=line,
        channel=channel,
        address=address,
        language=_language(row.get("language", ""), rules),
        name=CONTROL.sub(" ", row.get("name", ""))[:LONGEST_NAME],
        area_id=area_id,
        latitude=latitude,
        longitude=longitude,
        consent=_consent(row.get("consent", "")),
        risk=_risk(row.get("risk", "")),
        exercise=_exercise(row.get("exercise", "")),
        person=_person(row.get("person", "")),
    )


def _channel(cell: str, rules: _Rules) -> str:
    if cell.lower() not in rules.channels:
        known = ", ".join(sorted(rules.channels))
        raise _Unfit("channel", f"{_shown(cell)} is not a channel in use; use one of: {known}")
    return cell.lower()


def _address(channel: str, cell: str, rules: _Rules) -> str:
    try:
        return normalise_address(channel, cell, rules.country)
    except BadInput as bad:
        raise _Unfit("address", str(bad)) from None


def _language(cell: str, rules: _Rules) -> str:
    wanted = LANGUAGES.get(cell.lower(), cell.lower())
    primary = re.split(r"[-_]", wanted)[0]
    found = next((tag for tag in (wanted, primary) if tag in rules.languages), None)
    if found is None:
        known = ", ".join(sorted(rules.languages))
        raise _Unfit("language", f"{_shown(cell)} is not a language in use; use one of: {known}")
    return found


def _area(cell: str, rules: _Rules) -> int | None:
    if not cell:
        return None
    found = rules.areas.get(cell, rules.areas.get(cell.lower()))
    if found is None:
        raise _Unfit("area", f"{_shown(cell)} is not a known area; use its code or name, or load it first")
    return found


def _place(latitude: str, longitude: str) -> tuple[float | None, float | None]:
    if not latitude and not longitude:
        return None, None
    lat, lon = _degrees("latitude", latitude), _degrees("longitude", longitude)
    if abs(lat) > 90 and abs(lat) <= 180 and abs(lon) <= 90:
        raise _Unfit("latitude", "latitude and longitude look swapped")
    if abs(lat) > 90 or abs(lon) > 180:
        raise _Unfit("latitude", "the coordinates are out of range; give degrees, like -0.0632 and 109.3451")
    if lat == 0 and lon == 0:
        raise _Unfit("latitude", "the coordinates 0 and 0 stand for an unknown place")
    return lat, lon


def _degrees(column: str, cell: str) -> float:
    try:
        degrees = float(cell.replace(",", ".") if cell.count(",") == 1 else cell)
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise _Unfit(column, f"{_shown(cell)} is not a number of degrees, like -0.0632")
    return degrees


def _consent(cell: str) -> date | None:
    if cell.lower() in YES:
        return None
    if cell.lower() in NO:
        raise _Unfit("consent", "this resident has not consented to be written to")
    for form in DATES:
        try:
            return datetime.strptime(cell[:10], form).date()  # noqa: DTZ007 - a day, not an instant
        except ValueError:
            continue
    raise _Unfit("consent", f"{_shown(cell)} is neither yes, no nor a date like 2026-03-31")


def _risk(cell: str) -> int:
    if cell and not re.fullmatch("[0-9]", cell):
        raise _Unfit("risk", f"{_shown(cell)} is not a risk from 0 to 9")
    return int(cell or 0)


def _exercise(cell: str) -> bool:
    if cell.lower() not in YES | NO:
        raise _Unfit("exercise", f"{_shown(cell)} is neither yes nor no")
    return cell.lower() in YES


def _person(cell: str) -> str:
    """Give a code one spelling; a NIK is its digits. What is written where there is no code names nobody."""
    if ROUNDED.fullmatch(cell):
        raise _Unfit("person", "a spreadsheet has rounded this code; format the column as text and enter it again")
    digits = PUNCTUATION.sub("", cell)
    code = digits if NIK.fullmatch(digits) else " ".join(cell.split()).casefold()
    return "" if code.strip("0 -_.?") in NOBODY else code


def _shown(cell: str) -> str:
    if not cell:
        return "an empty cell"
    return mask(cell) if len(re.findall("[0-9]", cell)) >= 6 else f"'{CONTROL.sub(' ', cell)[:40]}'"
