"""The words each spoken language needs: units, months, abbreviations, clock and acronyms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from channels.radio.numerals import (
    ENGLISH,
    INDONESIAN,
    Counting,
    cardinal_en,
    cardinal_id,
    ordinal_en,
    year_en,
)

WORDS_ID = "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember"
WORDS_EN = "January February March April May June July August September October November December"
MONTHS_ID, MONTHS_EN = tuple(WORDS_ID.split()), tuple(WORDS_EN.split())
# Said letter by letter; other capitals with a vowel in them are read as words.
LETTERS = (
    "BPBD BNPB BMKG WIB WIT TNI PMI PLN PDAM RSUD RSU SDN SD SMP SMPN SMA SMAN SMK KTP KK RT RW IGD UGD "
    "SMS AM FM PVMBG ASN PNS DPRD UTC USGS PMK BPOM WA HP ORI LPG KUA"
)
SPELLED = frozenset(LETTERS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One language as it is spoken on air."""

    counting: Counting
    months: tuple[str, ...]
    date: Callable[[int, str, int | None], str]
    clock: Callable[[int, int], str]
    clock_word: str  # pattern: words written before a time
    clock_lead: str  # what must be said before a time; empty keeps what was written
    ordinals: str  # pattern of a written place in a row
    ordinal: Callable[[int], str]
    to: str  # between the ends of a range
    percent: str
    times: str
    magnitude: str
    dot: str
    conjunction: str
    plus: str
    either: str
    scales: tuple[str, ...]
    after_phone: str  # pattern: words that may follow an emergency number without being counted
    units: Mapping[str, str]
    abbreviations: tuple[tuple[str, str], ...]
    spelled: frozenset[str] = SPELLED


def date_id(day: int, month: str, year: int | None) -> str:
    return " ".join([cardinal_id(day), month, *([cardinal_id(year)] if year else [])])


def date_en(day: int, month: str, year: int | None) -> str:
    return " ".join([ordinal_en(day), "of", month, *([year_en(year)] if year else [])])


def clock_id(hour: int, minute: int) -> str:
    past = f" lewat {cardinal_id(minute)} menit" if minute else ""
    return f"{cardinal_id(hour)}{past}"


def clock_en(hour: int, minute: int) -> str:
    if minute == 0 and hour in (0, 12, 24):
        return "noon" if hour == 12 else "midnight"
    said = cardinal_en((hour - 1) % 12 + 1)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal_en(minute)}"
    return f"{said} {'P M' if 12 <= hour < 24 else 'A M'}"


def ordinal_id(number: int) -> str:
    return "pertama" if number == 1 else f"ke{cardinal_id(number)}"


PLACES = (
    (r"\b(?:Jl|Jln)\b\.?", "jalan"),
    (r"\bGg\b\.?", "gang"),
    (r"\bKec\.", "kecamatan"),
    (r"\bKel\.", "kelurahan"),
    (r"\bKab\.", "kabupaten"),
    (r"\bProv\.", "provinsi"),
    (r"\bDs\.", "desa"),
    (r"\bDsn\.", "dusun"),
    (r"\bKp\.", "kampung"),
)

ID = Tongue(
    counting=INDONESIAN,
    months=MONTHS_ID,
    date=date_id,
    clock=clock_id,
    clock_word="pukul|jam|pkl\\.?",
    clock_lead="pukul ",
    ordinals=r"\bke-(\d+)\b",
    ordinal=ordinal_id,
    to="sampai",
    percent="persen",
    times="kali",
    magnitude="magnitudo",
    dot="titik",
    conjunction="dan",
    plus="plus",
    either="atau",
    scales=("ribu", "juta", "miliar", "triliun"),
    after_phone="atau|dan|untuk|bila|jika|kalau|apabila|segera|sekarang|dari|kapan|gratis|selama|setiap|jangan",
    units={
        "m": "meter", "cm": "sentimeter", "mm": "milimeter", "km": "kilometer", "kg": "kilogram",
        "g": "gram", "ha": "hektare", "l": "liter", "km/jam": "kilometer per jam",
        "mm/jam": "milimeter per jam", "m/s": "meter per detik", "m³/s": "meter kubik per detik",
        "m²": "meter persegi", "m³": "meter kubik", "°C": "derajat Celsius", "knot": "knot",
    },
    abbreviations=(
        *PLACES,
        (r"\bRT/RW\b", "R T, R W"),
        (r"\bNo\.\s*(?=\d)", "nomor "),
        (r"\b(?:[Tt]elp|[Tt]lp|[Tt]el)\b\.?", "telepon"),
        (r"\b[Dd]ll\b\.?", "dan lain-lain"),
        (r"\b[Dd]sb\b\.?", "dan sebagainya"),
        (r"\bs\.?\s?/?\s?d\.?(?=\s)", "sampai dengan"),
        (r"\b[Yy]g\b", "yang"),
        (r"\b[Dd]gn\b", "dengan"),
        (r"\bKm\.?\s*(?=\d)", "kilometer "),
    ),
)  # fmt: skip

EN = Tongue(
    counting=ENGLISH,
    months=MONTHS_EN,
    date=date_en,
    clock=clock_en,
    clock_word="at",
    clock_lead="",
    ordinals=r"\b(\d+)(?:st|nd|rd|th)\b",
    ordinal=ordinal_en,
    to="to",
    percent="percent",
    times="times",
    magnitude="magnitude",
    dot="dot",
    conjunction="and",
    plus="plus",
    either="or",
    scales=("thousand", "million", "billion", "trillion"),
    after_phone="or|and|for|if|when|to|now|immediately|from|free|at|any|only",
    units={
        "m": "metres", "cm": "centimetres", "mm": "millimetres", "km": "kilometres", "kg": "kilograms",
        "g": "grams", "ha": "hectares", "l": "litres", "km/h": "kilometres per hour",
        "mm/h": "millimetres per hour", "m/s": "metres per second", "m³/s": "cubic metres per second",
        "m²": "square metres", "m³": "cubic metres", "°C": "degrees Celsius", "ft": "feet", "hrs": "hours",
    },
    abbreviations=(
        *PLACES,
        (r"\bNo\.\s*(?=\d)", "number "),
        (r"\bapprox\.", "about"),
        (r"\be\.g\.,?", "for example"),
        (r"\bi\.e\.,?", "that is"),
        (r"\betc\.", "and so on"),
        (r"\b[Tt]el\.", "telephone"),
        (r"\bKm\.?\s*(?=\d)", "kilometre "),
        (r"(?<=\d)\s?(?:p\.m\.|pm\b)", " P M"),
        (r"(?<=\d)\s?(?:a\.m\.|am\b)", " A M"),
    ),
)  # fmt: skip

TONGUES: Mapping[str, Tongue] = {"id": ID, "en": EN}
