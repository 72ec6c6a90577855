"""How each language says times, numbers, lists and the fixed words around an alert."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

ZONE_NAMES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}
ZONES = {
    "WIB": ZoneInfo("Asia/Jakarta"),
    "WITA": ZoneInfo("Asia/Makassar"),
    "WIT": ZoneInfo("Asia/Jayapura"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """The fixed words of one language."""

    months: tuple[str, ...]
    long_time: str
    short_time: str
    comma: str
    group: str
    last_join: str
    do: str
    dont: str
    update: str
    exercise: str
    exercise_spoken: str
    test: str
    test_spoken: str
    code: str
    code_check: str
    code_spoken: str
    others: str


_ID = Tongue(
    months=(
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
        "November", "Desember",
    ),
    long_time="{day} {month} {year} pukul {hour:02}.{minute:02} {zone}",
    short_time="{day}/{month_number} {hour:02}.{minute:02} {zone}",
    comma=",",
    group=".",
    last_join=" dan ",
    do="Yang harus dilakukan:",
    dont="Demi keselamatan:",
    update="PEMBARUAN",
    exercise="LATIHAN",
    exercise_spoken="Ini hanya latihan.",
    test="UJI COBA",
    test_spoken="Ini hanya uji coba.",
    code="Kode",
    code_check="Periksa keasliannya di {check}",
    code_spoken="Kode peringatan ini {code}.",
    others=" dan {n} wilayah lain",
)  # fmt: skip
_EN = Tongue(
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    long_time="{day} {month} {year}, {hour:02}:{minute:02} {zone}",
    short_time="{day} {month:.3} {hour:02}:{minute:02} {zone}",
    comma=".",
    group=",",
    last_join=" and ",
    do="What to do:",
    dont="For your safety:",
    update="UPDATE",
    exercise="EXERCISE",
    exercise_spoken="This is only an exercise.",
    test="TEST",
    test_spoken="This is only a test.",
    code="Code",
    code_check="Check that it is real at {check}",
    code_spoken="The code of this alert is {code}.",
    others=" and {n} other areas",
)  # fmt: skip
_TONGUES: Mapping[str, Tongue] = {"id": _ID, "en": _EN}


def tongue(language: str) -> Tongue:
    """Give the fixed words of a language; a language without its own uses Indonesian."""
    return _TONGUES.get(language.split("-", maxsplit=1)[0], _ID)


def zone_name(moment: datetime) -> str:
    """Name the zone as people here do: WIB, WITA, WIT; elsewhere the zone's own abbreviation."""
    return ZONE_NAMES.get(getattr(moment.tzinfo, "key", ""), moment.strftime("%Z"))


def _spell(moment: datetime, language: str, pattern: str) -> str:
    return pattern.format(
        day=moment.day,
        month=tongue(language).months[moment.month - 1],
        month_number=moment.month,
        year=moment.year,
        hour=moment.hour,
        minute=moment.minute,
        zone=zone_name(moment),
    )


def long_time(moment: datetime, language: str) -> str:
    """Write a moment with date and zone: 21 November 2026 pukul 21.00 WIB."""
    return _spell(moment, language, tongue(language).long_time)


def short_time(moment: datetime, language: str) -> str:
    """Write a moment for SMS, still with date and zone: 21/11 21.00 WIB."""
    return _spell(moment, language, tongue(language).short_time)


def number(value: float, language: str) -> str:
    """Write a number as the language does: 1.500,5 in Indonesian, 1,500.5 in English."""
    speech = tongue(language)
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return text.translate({ord(","): speech.group, ord("."): speech.comma})


def listing(entries: Sequence[str], language: str) -> str:
    """Join entries for reading: A, B dan C."""
    if len(entries) < 2:
        return "".join(entries)
    return ", ".join(entries[:-1]) + tongue(language).last_join + entries[-1]


_RELATIVE = re.compile(
    r"\b(?:(?:pagi|siang|sore|petang|malam|hari|minggu|pekan|bulan) ini|tadi|nanti|besok|lusa|kemarin|"
    r"sebentar lagi|(?:minggu|pekan|bulan|tahun) depan|"
    r"(?:dalam )?(?:\d+|\{\{[^}]*\}\}|beberapa) (?:menit|jam|hari) (?:lagi|mendatang|ke depan|yang lalu)|"
    r"dalam (?:\d+|\{\{[^}]*\}\}|beberapa) (?:menit|jam|hari)|"
    r"tonight|today|tomorrow|yesterday|shortly|(?<!as )soon|(?<!no )(?<!not )later|"
    r"this (?:morning|afternoon|evening|week|month)|next (?:week|month)|"
    r"(?:with)?in (?:\d+|\{\{[^}]*\}\}|a few|some) (?:minutes?|hours?|days?)|"
    r"(?:\d+|a few) (?:minutes?|hours?|days?) (?:ago|from now))\b",
    re.IGNORECASE,
)
_ZONELESS = re.compile(r"\b(?:pukul|jam|at)\s+\d{1,2}[.:]\d{2}\b(?!\s*(?:WIB|WITA|WIT|UTC)\b)", re.IGNORECASE)
_NO_DRILL = re.compile(r"\bnot a drill\b|\bno drill\b|\bbukan (?:sekadar )?latihan\b", re.IGNORECASE)


def relative_time(text: str) -> str | None:
    """Find the first time that means something else when read later (malam ini, soon, pukul 21.00 bare)."""
    found = _RELATIVE.search(text) or _ZONELESS.search(text)
    return found[0] if found else None


def drill_denial(text: str) -> str | None:
    """Find words that deny being an exercise; they must never go out, an exercise would repeat them."""
    found = _NO_DRILL.search(text)
    return found[0] if found else None
