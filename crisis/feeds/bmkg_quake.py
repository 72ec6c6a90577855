"""BMKG's open earthquake lists (autogempa, gempaterkini, gempadirasakan; JSON and XML): quakes become alerts.

BMKG names no quake, so its time and place do: a revised magnitude or Potensi keeps the identifier and
is new content. `sent` is the time of the quake, the only time these lists tell. The JSON was seen in real
samples; the order "lat,lon" inside the XML's point/coordinates is from memory, so Lintang and Bujur, which
name their axes, decide whenever the two disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lxml import etree

from crisis.cap.entry import Entry
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Pair,
    Point,
    Resource,
    Scope,
    Status,
)
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original
from crisis.cap.xml import BOM, parse_untrusted
from crisis.errors import BadInput
from crisis.feeds.contract import Format
from crisis.feeds.fields import NUMBER, Fields, absolute, spelled, told
from crisis.feeds.pieces import Piece, cut
from crisis.feeds.quake import DEEPEST_KM, LEAST, MOST, grade
from crisis.feeds.tsunami import tsunami

SENDER = "bmkg.go.id"
NONE = {"", "-", "null", "none", "nan", "n/a", "tidak ada"}
ZONES = {"wib": 7, "wita": 8, "wit": 9, "utc": 0, "gmt": 0}
MONTHS = ("jan", "feb", "mar", "apr", "mei", "jun", "jul", "agu", "sep", "okt", "nov", "des")
ENGLISH_MONTHS = {"may": "mei", "aug": "agu", "agt": "agu", "ags": "agu", "oct": "okt", "nop": "nov", "dec": "des"}
DAY = re.compile(r"([0-9]{1,2})[ -]([A-Za-z]{3})[A-Za-z]*[ -]([0-9]{4})")
HOUR = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?\s*([A-Za-z]{3,4})")
PICTURE = re.compile(r"[A-Za-z0-9._-]{1,100}\.(?:jpe?g|png)", re.IGNORECASE)
LONGEST_PLACE = 64
SAME_PLACE = 0.05  # degrees


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give one entry a quake; one is refused only when its time or place cannot be known."""
    pieces = _from_xml(raw) if raw.removeprefix(BOM).lstrip()[:1] == b"<" else cut(raw, "Infogempa", "gempa")
    return [_entry(piece, url) for piece in pieces]


def _from_xml(raw: bytes) -> list[Piece]:
    root = parse_untrusted(raw)
    if etree.QName(root).localname.lower() != "infogempa":
        raise BadInput(f"X-FEED: the root element is {etree.QName(root).localname[:40]}, not BMKG's Infogempa.")
    original = Original(raw, root)
    found = [quake for quake in root if etree.QName(quake).localname.lower() == "gempa"]
    return [Piece(value=_texts(quake), raw=original.of(quake), where=f"gempa[{at}]") for at, quake in enumerate(found)]


def _texts(quake: etree._Element) -> dict[str, Any]:
    """Keep each element's text by its name, and the coordinates within a point by their own."""
    return {etree.QName(part).localname: part.text for part in quake.iter() if part is not quake}


def _entry(piece: Piece, url: str) -> Entry:
    notes: list[Warning] = []
    quake = Fields(piece.value, notes)
    at, place = _time(quake), _place(quake)
    if at is None or place is None:
        missing = "time" if at is None else "place"
        says = f"The {missing} of {piece.where} cannot be read; look at the source itself."
        return Entry(raw=piece.raw, where=piece.where, warnings=tuple(notes), refused=says)
    return told(piece.raw, _alert(quake, at, place, url), notes, where=piece.where)


def _alert(quake: Fields, at: datetime, place: Point, url: str) -> Alert:
    lat, lon = place
    return Alert(
        identifier=f"gempa-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}_{round(lat, 2) + 0.0:.2f}_{round(lon, 2) + 0.0:.2f}",
        sender=SENDER,
        sent=at,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        source="BMKG",
        infos=(_info(quake, at, place, url),),
    )


def _info(quake: Fields, at: datetime, place: Point, url: str) -> Info:
    magnitude = quake.number("Magnitude", LEAST, MOST) if _told(quake, "Magnitude") else None
    answer = tsunami(_told(quake, "Potensi"))
    graded = grade(magnitude, answer)
    region = _told(quake, "Wilayah")
    return Info(
        language="id",
        categories=(Category.GEO,),
        event="Gempabumi",
        urgency=graded.urgency,
        severity=graded.severity,
        certainty=Certainty.OBSERVED,
        onset=at,
        sender_name="BMKG (Badan Meteorologi, Klimatologi, dan Geofisika)",
        headline=", ".join(part for part in (f"Gempabumi M {_told(quake, 'Magnitude') or '?'}", region) if part),
        description=_description(quake),
        parameters=_parameters(quake, magnitude, answer),
        resources=_shakemap(quake, url),
        areas=(
            Area(
                desc=region or f"{place[0]:.2f}, {place[1]:.2f}",
                circles=(Circle(lat=place[0], lon=place[1], radius=0.0),),
            ),
        ),
    )


def _description(quake: Fields) -> str:
    """Repeat the source's own words; BMKG's terms ask to be named, and the first line does."""
    named = (
        ("Waktu", f"{_told(quake, 'Tanggal')} {_told(quake, 'Jam')}".strip() or quake.text("DateTime")),
        ("Magnitudo", _told(quake, "Magnitude")),
        ("Kedalaman", _told(quake, "Kedalaman")),
        ("Lokasi", f"{_told(quake, 'Lintang')} {_told(quake, 'Bujur')}".strip()),
        ("Wilayah", _told(quake, "Wilayah")),
        ("Potensi", _told(quake, "Potensi")),
        ("Dirasakan", _told(quake, "Dirasakan")),
    )
    return "\n".join(["Sumber: BMKG", *(f"{name}: {text}" for name, text in named if text)])


def _parameters(quake: Fields, magnitude: float | None, answer: str) -> tuple[Pair, ...]:
    depth = quake.number("Kedalaman", 0, DEEPEST_KM) if _told(quake, "Kedalaman") else None
    pairs = (
        ("magnitude", spelled(magnitude)),
        ("depth_km", spelled(depth)),
        ("tsunami", answer),
        ("potential", _told(quake, "Potensi")),
        ("felt", _told(quake, "Dirasakan")),
    )
    return tuple(pair for pair in pairs if pair[1])


def _shakemap(quake: Fields, url: str) -> tuple[Resource, ...]:
    """Name the shake map, which BMKG keeps beside its lists."""
    name = _told(quake, "Shakemap")
    uri = absolute(url, name) if PICTURE.fullmatch(name) else ""
    kind = "image/png" if name.lower().endswith("png") else "image/jpeg"
    return (Resource(desc="Shakemap", mime_type=kind, uri=uri),) if uri else ()


def _told(quake: Fields, name: str) -> str:
    text = quake.text(name)
    return "" if text.lower() in NONE else text


def _time(quake: Fields) -> datetime | None:
    if found := quake.time("DateTime"):
        return found.replace(microsecond=0)
    day, hour = DAY.search(quake.text("Tanggal")), HOUR.search(quake.text("Jam"))
    if not day or not hour or hour[4].lower() not in ZONES:
        return None
    month = ENGLISH_MONTHS.get(day[2].lower(), day[2].lower())
    zone = timezone(timedelta(hours=ZONES[hour[4].lower()]))
    try:
        clock = int(hour[1]), int(hour[2]), int(hour[3] or 0)
        found = datetime(int(day[3]), MONTHS.index(month) + 1, int(day[1]), *clock, tzinfo=zone)
    except ValueError:
        return None
    quake.note("DateTime", "is missing or unreadable; Tanggal and Jam were read instead")
    return found.astimezone(UTC) if 1900 <= found.year < 3000 else None


def _place(quake: Fields) -> Point | None:
    written = quake.text("Coordinates") if "coordinates" in quake.values else quake.part("point").text("coordinates")
    pair, named = _pair(written), _named(quake)
    if pair is None or named is None:
        if pair is None and named is not None:
            quake.note("Coordinates", "are missing or unreadable; Lintang and Bujur were read instead")
        return _on_earth(quake, pair) if pair else named
    if _same(pair, named):
        return pair
    turned = (pair[1], pair[0])
    quake.note("Coordinates", "differ from Lintang and Bujur; these were used")
    return turned if _same(turned, named) else named


def _on_earth(quake: Fields, pair: Point) -> Point | None:
    for lat, lon in (pair, (pair[1], pair[0])):
        if abs(lat) <= 90 and abs(lon) <= 180:
            if (lat, lon) != pair:
                quake.note("Coordinates", "have longitude before latitude; they were turned")
            return lat, lon
    return None


def _same(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) <= SAME_PLACE and abs(one[1] - other[1]) <= SAME_PLACE


def _pair(text: str) -> Point | None:
    """Read "-8.51,123.27"; decimal commas make four numbers, which are read as such with a blank or semicolon."""
    text = text[:LONGEST_PLACE].strip()
    parts = re.split(r"[;\s]+", text) if re.search(r"[;\s]", text) else text.split(",")
    numbers = [NUMBER.fullmatch(part.strip().strip(",")) for part in parts if part.strip(" ,")]
    if len(numbers) < 2 or None in numbers[:2]:
        return None
    lat, lon = (float(found[0].replace(",", ".")) for found in numbers[:2] if found)
    return lat, lon


def _named(quake: Fields) -> Point | None:
    """Read "8.51 LS" and "123.27 BT": south and west are negative."""
    lat = _axis(_told(quake, "Lintang"), {"ls": -1, "lu": 1, "s": -1, "n": 1}, 90)
    lon = _axis(_told(quake, "Bujur"), {"bt": 1, "bb": -1, "e": 1, "w": -1}, 180)
    return None if lat is None or lon is None else (lat, lon)


def _axis(text: str, sides: dict[str, int], most: float) -> float | None:
    found = re.fullmatch(rf"({NUMBER.pattern})\s*°?\s*([A-Za-z]{{1,2}})", text[:LONGEST_PLACE])
    if not found or found[2].lower() not in sides:
        return None
    size = abs(float(found[1].replace(",", ".")))
    return sides[found[2].lower()] * size if size <= most else None


FORMAT = Format(
    parse=parse,
    says="BMKG earthquakes: autogempa, gempaterkini or gempadirasakan, .json or .xml (data.bmkg.go.id)",
    accept="application/json, application/xml;q=0.9, text/xml;q=0.8",
    every=timedelta(minutes=1),
)
