"""The words each spoken language needs: clock, dates, units, and how things are counted."""

from __future__ import annotations

import re
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
SHORT_MONTHS = {
    1: "jan", 2: "feb peb pebruari", 3: "mar mrt", 4: "apr", 5: "", 6: "jun", 7: "jul", 8: "agu agt ags agus aug",
    9: "sep sept", 10: "okt oct", 11: "nov nop nopember", 12: "des dec",
}  # fmt: skip
# A bulletin of one language often carries the other's month: the weather service writes "16 February" in Indonesian.
MONTH_NUMBERS: Mapping[str, int] = {
    name.lower(): number
    for number, short in SHORT_MONTHS.items()
    for name in (MONTHS_ID[number - 1], MONTHS_EN[number - 1], *short.split())
}
DAYS_ID = {"sen": "Senin", "sel": "Selasa", "rab": "Rabu", "kam": "Kamis", "jum": "Jumat", "sab": "Sabtu"}
DAYS_ID |= {"min": "Minggu", "ming": "Minggu"}
DAYS_EN = {"mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday"}
DAYS_EN |= {"thur": "Thursday", "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"}
PARTS_ID = ((0, 240, "dini hari"), (240, 630, "pagi"), (630, 870, "siang"), (870, 1110, "sore"), (1110, 1441, "malam"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One language as it is spoken on air."""

    counting: Counting
    months: tuple[str, ...]
    days: Mapping[str, str]
    date: Callable[[int, str, int | None], str]
    day: Callable[[int], str]  # of a date whose month is said later
    year: Callable[[int], str]
    clock: Callable[[int, int, bool], str]
    seconds: str  # after a clock's minutes
    clock_word: str  # pattern: words written before a time
    clock_lead: str  # what must be said before a time; empty keeps what was written
    part: str  # pattern: a part of the day written after a time
    dotted_clock: bool  # whether 14.30 alone is a time
    ordinals: str  # pattern of a written place in a row
    ordinal: Callable[[int], str]
    to: str  # between the ends of a range
    until: str  # pattern: words between the ends of a range
    percent: str
    times: str
    per: str
    minus: str
    magnitude: str
    dot: str
    at: str  # the sign in a mail address
    hyphen: str  # and the one in a name on the web
    underscore: str
    conjunction: str
    plus: str
    either: str
    scales: Mapping[str, str]
    money: Mapping[str, str]
    compass: Mapping[str, str]
    arc: tuple[str, str, str]  # degrees, minutes, seconds
    comparisons: Mapping[str, str]
    calls: str  # pattern: words after which a number is a telephone's
    after_phone: str  # pattern: words that may follow an emergency number without being counted
    graded: str  # pattern: words before a roman numeral
    units: Mapping[str, str]
    one: Callable[[str], str]  # the unit of exactly one
    rates: str  # pattern: what stands after "per"


def date_id(day: int, month: str, year: int | None) -> str:
    return " ".join([cardinal_id(day), month, *([cardinal_id(year)] if year else [])])


def date_en(day: int, month: str, year: int | None) -> str:
    return " ".join([ordinal_en(day), "of", month, *([year_en(year)] if year else [])])


def clock_id(hour: int, minute: int, known: bool) -> str:
    """Say a time on the twelve-hour clock with its part of the day, if it is `known` which half is meant.

    Midnight stays "nol nol": "dua belas malam" leaves open which night of a date it is.
    """
    if (hour % 24, minute) == (0, 0) and known:
        return "nol nol tengah malam" if hour == 0 else "dua puluh empat tengah malam"
    named = hour if minute == 30 else hour - 1  # half past goes by the hour to come
    said = "nol" if hour == 0 and minute != 30 else cardinal_id(named % 12 + 1)
    if minute == 30:
        said = f"setengah {said}"
    elif minute:
        said += f" lewat {cardinal_id(minute)} menit"
    return f"{said} {part_id(hour * 60 + minute)}" if known else said


def part_id(minutes: int) -> str:
    """Name the part of the day, by minutes since midnight; half past goes with the hour it names."""
    return next(name for start, end, name in PARTS_ID if start <= minutes < end)


def clock_en(hour: int, minute: int, known: bool) -> str:
    if minute == 0 and hour in (0, 12, 24) and known:
        return "noon" if hour == 12 else "midnight"
    said = cardinal_en((hour - 1) % 12 + 1)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal_en(minute)}"
    return said if not known else f"{said} {'P M' if 12 <= hour < 24 else 'A M'}"


def ordinal_id(number: int) -> str:
    return "pertama" if number == 1 else f"ke{cardinal_id(number)}"


def singular_en(unit: str) -> str:
    """Give a unit of one: "kilometres per hour" is "kilometre per hour"."""
    head, *rest = unit.split(" ")
    odd = {"feet": "foot", "inches": "inch", "square": "square", "cubic": "cubic", "millibars": "millibar"}
    head = odd.get(head) or head.removesuffix("s")
    if head in ("square", "cubic") and rest:
        rest[0] = rest[0].removesuffix("s")
    return " ".join([head, *rest])


UNITS_ID = {
    "m": "meter", "cm": "sentimeter", "mm": "milimeter", "km": "kilometer", "kg": "kilogram", "mtr": "meter",
    "g": "gram", "gr": "gram", "mg": "miligram", "ml": "mililiter", "ha": "hektare", "l": "liter", "ltr": "liter",
    "km/jam": "kilometer per jam", "kmh": "kilometer per jam", "km/h": "kilometer per jam",
    "mm/jam": "milimeter per jam", "mm/hari": "milimeter per hari", "cm/jam": "sentimeter per jam",
    "m/s": "meter per detik", "m/detik": "meter per detik", "m/dtk": "meter per detik", "m/jam": "meter per jam",
    "m3/s": "meter kubik per detik", "m3/detik": "meter kubik per detik", "m3/dtk": "meter kubik per detik",
    "l/s": "liter per detik", "m2": "meter persegi", "m3": "meter kubik", "km2": "kilometer persegi",
    "°C": "derajat Celsius", "°": "derajat", "knot": "knot", "knots": "knot", "kt": "knot", "kts": "knot",
    "SR": "skala Richter", "MMI": "M M I", "KK": "kepala keluarga", "mdpl": "meter di atas permukaan laut",
    "hPa": "hektopascal", "mb": "milibar", "kW": "kilowatt", "MW": "megawatt", "kV": "kilovolt", "V": "volt",
    "W": "watt", "MHz": "megahertz", "kHz": "kilohertz", "mnt": "menit", "dtk": "detik", "hr": "hari",
    "μg/m3": "mikrogram per meter kubik", "bln": "bulan", "thn": "tahun", "th": "tahun", "org": "orang",
    "jt": "juta", "rb": "ribu", "bh": "buah",
    "ft": "kaki", "inci": "inci",
}  # fmt: skip
UNITS_EN = {
    "m": "metres", "cm": "centimetres", "mm": "millimetres", "km": "kilometres", "kg": "kilograms",
    "g": "grams", "mg": "milligrams", "ml": "millilitres", "ha": "hectares", "l": "litres", "L": "litres",
    "km/h": "kilometres per hour", "kmh": "kilometres per hour", "kph": "kilometres per hour",
    "km/hr": "kilometres per hour", "mm/h": "millimetres per hour", "mm/hr": "millimetres per hour",
    "mm/day": "millimetres per day", "cm/h": "centimetres per hour", "mph": "miles per hour",
    "m/s": "metres per second", "m3/s": "cubic metres per second", "m2": "square metres", "m3": "cubic metres",
    "km2": "square kilometres", "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "°": "degrees",
    "kt": "knots", "kts": "knots", "ft": "feet", "mi": "miles", "hPa": "hectopascals", "mb": "millibars",
    "MMI": "M M I", "SR": "on the Richter scale", "kW": "kilowatts", "MW": "megawatts", "kV": "kilovolts",
    "V": "volts", "MHz": "megahertz", "kHz": "kilohertz", "hrs": "hours", "hr": "hours", "mins": "minutes",
    "min": "minutes", "sec": "seconds", "secs": "seconds", "yrs": "years", "lb": "pounds", "lbs": "pounds",
    "μg/m3": "micrograms per cubic metre",
}  # fmt: skip
# Written large after a number too: 12 Km, 5 KG.
UNITS_ID |= {name.capitalize(): UNITS_ID[name] for name in ("km", "kg", "ha", "cm", "mm", "km/jam")}
UNITS_ID |= {name.upper(): UNITS_ID[name] for name in ("km", "kg", "cm", "mm", "km/jam", "mdpl")}
UNITS_EN |= {name.capitalize(): UNITS_EN[name] for name in ("km", "kg", "ha", "cm", "mm")}
UNITS_EN |= {name.upper(): UNITS_EN[name] for name in ("km", "kg", "cm", "mm", "mph")}

ID = Tongue(
    counting=INDONESIAN,
    months=MONTHS_ID,
    days=DAYS_ID,
    date=date_id,
    day=cardinal_id,
    year=cardinal_id,
    clock=clock_id,
    seconds="detik",
    clock_word="pukul|jam|pkl\\.?|pk\\.?",
    clock_lead="pukul ",
    part="dini hari|pagi|siang|sore|petang|malam|subuh",
    dotted_clock=True,
    ordinals=r"\b[Kk][Ee]-(\d{1,15})\b",
    ordinal=ordinal_id,
    to="sampai",
    until=r"s\.?\s?d\.?|s/d|sampai dengan|sampai|hingga",
    percent="persen",
    times="kali",
    per="per",
    minus="minus",
    magnitude="magnitudo",
    dot="titik",
    at="at",
    hyphen="strip",
    underscore="garis bawah",
    conjunction="dan",
    plus="plus",
    either="atau",
    scales={"ribu": "ribu", "rb": "ribu", "juta": "juta", "jt": "juta", "miliar": "miliar", "milyar": "miliar",
            "M": "miliar", "triliun": "triliun", "T": "triliun"},
    money={"Rp": "rupiah", "IDR": "rupiah", "US$": "dolar Amerika", "USD": "dolar Amerika", "$": "dolar",
           "RM": "ringgit", "€": "euro", "EUR": "euro"},
    compass={"LS": "lintang selatan", "LU": "lintang utara", "BT": "bujur timur", "BB": "bujur barat",
             "S": "lintang selatan", "N": "lintang utara", "E": "bujur timur", "W": "bujur barat"},
    arc=("derajat", "menit", "detik"),
    comparisons={">=": "paling sedikit", "<=": "paling banyak", "≥": "paling sedikit", "≤": "paling banyak",
                 ">": "lebih dari", "<": "kurang dari", "±": "kurang lebih", "~": "kurang lebih", "≈": "kurang lebih"},
    calls=("telepon|telp|tlp|telpon|tel|hubungi|call center|call centre|hotline|(?:ke|di) nomor|SMS|WA|HP|whatsapp|"
           "nomor darurat"),
    after_phone="atau|dan|untuk|bila|jika|kalau|apabila|segera|sekarang|dari|kapan|gratis|selama|setiap|jangan|agar",
    graded=("posko|pos|tim|pelabuhan|terminal|kelompok|kloter|dosis|siaga|level|tingkat|status|tahap|kelas|zona|bab|"
            "gelombang|golongan|tipe|kategori|fase|jilid|seri|dermaga"),
    units=UNITS_ID,
    one=str,
    rates="jam|hari|menit|detik|minggu|bulan|tahun|orang|kk|liter|jiwa|keluarga|rumah|unit",
)  # fmt: skip

EN = Tongue(
    counting=ENGLISH,
    months=MONTHS_EN,
    days=DAYS_EN,
    date=date_en,
    day=ordinal_en,
    year=year_en,
    clock=clock_en,
    seconds="seconds",
    clock_word="at|by|from|until|till|before|after",
    clock_lead="",
    part=r"[AaPp]\.[Mm]\.|[AaPp][Mm]\b|noon|midnight",
    dotted_clock=False,
    ordinals=r"\b(\d{1,15})(?:st|nd|rd|th|ST|ND|RD|TH)\b",
    ordinal=ordinal_en,
    to="to",
    until="to|until|till|through",
    percent="percent",
    times="times",
    per="per",
    minus="minus",
    magnitude="magnitude",
    dot="dot",
    at="at",
    hyphen="dash",
    underscore="underscore",
    conjunction="and",
    plus="plus",
    either="or",
    scales={"thousand": "thousand", "k": "thousand", "million": "million", "billion": "billion",
            "trillion": "trillion", "bn": "billion", "juta": "million", "ribu": "thousand"},
    money={"Rp": "rupiah", "IDR": "rupiah", "US$": "US dollars", "USD": "US dollars", "$": "dollars",
           "RM": "ringgit", "€": "euros", "EUR": "euros"},
    compass={"S": "south", "N": "north", "E": "east", "W": "west",
             "LS": "south", "LU": "north", "BT": "east", "BB": "west"},
    arc=("degrees", "minutes", "seconds"),
    comparisons={">=": "at least", "<=": "at most", "≥": "at least", "≤": "at most", ">": "more than",
                 "<": "less than", "±": "about", "~": "about", "≈": "about"},
    calls="call|phone|telephone|tel|dial|text|ring|SMS|WhatsApp|hotline|contact",
    after_phone="or|and|for|if|when|to|now|immediately|from|free|at|any|only|only|right|straight",
    graded="post|shelter|level|category|phase|stage|class|type|zone|part|grade|status|siaga|chapter|tier|annex",
    units=UNITS_EN,
    one=singular_en,
    rates="hour|hr|h|day|minute|min|second|week|month|year|person|household|litre|family",
)  # fmt: skip

TONGUES: Mapping[str, Tongue] = {"id": ID, "en": EN}


def alternatives(words: Mapping[str, str] | Mapping[str, int]) -> str:
    """Give a pattern of these words, the longest first, for alternatives are tried in order."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
