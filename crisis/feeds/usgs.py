"""USGS earthquake summary feeds (GeoJSON): each quake becomes an alert, each revision of it a newer one.

The shape was seen in samples. From memory of the feed's documentation: times are milliseconds since 1970;
`tsunami` 1 only means that tsunami.gov may say something, for quakes in oceanic regions, so it reads as
"unknown" and never as "yes", and 0 promises nothing either; `alert` is PAGER's colour; the summary feeds are
made anew every minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

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
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.feeds.contract import Format
from crisis.feeds.fields import Fields, absolute, as_number, spelled, told
from crisis.feeds.pieces import Piece, features
from crisis.feeds.quake import DEEPEST_KM, LEAST, MOST, Grade, grade

SENDER = "earthquake.usgs.gov"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST_MS = 32_503_680_000_000.0  # the year 3000
PAGER = {
    "green": Grade(Severity.MINOR, Urgency.PAST),
    "yellow": Grade(Severity.MODERATE, Urgency.EXPECTED),
    "orange": Grade(Severity.SEVERE, Urgency.IMMEDIATE),
    "red": Grade(Severity.EXTREME, Urgency.IMMEDIATE),
}
COPIED = ("alert", "mmi", "cdi", "felt", "sig", "status", "ids", "magType")  # as the source writes them


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give one entry a feature; one is refused only when its name, time or place cannot be known."""
    return [_entry(piece, url) for piece in features(raw)]


def _entry(piece: Piece, url: str) -> Entry:
    notes: list[Warning] = []
    feature = Fields(piece.value, notes)
    quake = feature.part("properties")
    spot = _spot(feature)
    name, at = "".join(feature.text("id").split()), _moment(quake, "time")
    missing = [what for what, found in (("id", name), ("time", at), ("place", spot)) if not found]
    if missing or at is None or spot is None:
        says = (
            f"The {' and '.join(missing)} of this quake cannot be read from {piece.where}; look at the source itself."
        )
        return Entry(raw=piece.raw, where=piece.where, guid=name, warnings=tuple(notes), refused=says)
    alert = _alert(quake, name, at, spot, _depth(feature), url)
    return told(piece.raw, alert, notes, where=piece.where, guid=name)


def _alert(quake: Fields, name: str, at: datetime, spot: Circle, depth: float | None, url: str) -> Alert:
    deleted = quake.text("status").lower() == "deleted"
    if deleted:
        quake.note("status", "says that USGS withdrew this quake; it names no earlier report, so all of its name end")
    sent = _moment(quake, "updated")
    if sent is None:
        quake.note("updated", "is missing; the time of the quake is used as that of the report")
    return Alert(
        identifier=name,
        sender=SENDER,
        sent=sent or at,
        status=Status.ACTUAL,
        msg_type=MsgType.CANCEL if deleted else MsgType.ALERT,
        scope=Scope.PUBLIC,
        source="USGS",
        incidents=tuple(dict.fromkeys(part for part in _ids(quake) if '"' not in part)),
        infos=(_info(quake, at, spot, depth, url),),
    )


def _info(quake: Fields, at: datetime, spot: Circle, depth: float | None, url: str) -> Info:
    magnitude = quake.number("mag", LEAST, MOST)
    colour = quake.text("alert").lower()
    if colour and colour not in PAGER:
        quake.note("alert", f"'{colour[:40]}' is not one of PAGER's colours and was not weighed")
    graded = PAGER.get(colour) or grade(magnitude, "unknown")
    title = quake.text("title")
    return Info(
        language="en-US",
        categories=(Category.GEO,),
        event=quake.text("type") or "earthquake",
        urgency=graded.urgency,
        severity=graded.severity,
        certainty=Certainty.OBSERVED if quake.text("status").lower() == "reviewed" else Certainty.LIKELY,
        onset=at,
        sender_name="U.S. Geological Survey",
        headline=title or quake.text("place"),
        description=_description(quake, magnitude, depth, at),
        web=absolute(url, link) if (link := quake.text("url")) else "",
        parameters=_parameters(quake, magnitude, depth),
        areas=(Area(desc=quake.text("place") or title or f"{spot.lat:.3f}, {spot.lon:.3f}", circles=(spot,)),),
    )


def _description(quake: Fields, magnitude: float | None, depth: float | None, at: datetime) -> str:
    parts = [
        f"Time: {at:%Y-%m-%d %H:%M:%S} UTC",
        f"Magnitude: {'unknown' if magnitude is None else spelled(magnitude)}",
    ]
    if depth is not None:
        parts.append(f"Depth: {spelled(depth)} km")
    if quake.text("place"):
        parts.append(f"Place: {quake.text('place')}")
    return "\n".join(parts)


def _parameters(quake: Fields, magnitude: float | None, depth: float | None) -> tuple[Pair, ...]:
    own = (
        ("magnitude", spelled(magnitude)),
        ("depth_km", spelled(depth)),
        ("tsunami", "unknown"),
        ("tsunami_flag", quake.text("tsunami")),
    )
    copied = ((name, quake.text(name)) for name in COPIED)
    return tuple(pair for pair in (*own, *copied) if pair[1])


def _ids(quake: Fields) -> tuple[str, ...]:
    """Read ",us7000abcd,at00xyz,": the names other networks gave the same quake."""
    return tuple("".join(part.split()) for part in quake.text("ids").split(",") if part.strip())


def _moment(quake: Fields, name: str) -> datetime | None:
    value = quake.number(name, -FARTHEST_MS / 16, FARTHEST_MS - 1)
    return None if value is None else EPOCH + timedelta(milliseconds=round(value))


def _spot(feature: Fields) -> Circle | None:
    place = _coordinates(feature)
    if len(place) < 2 or place[0] is None or place[1] is None:
        return None
    lon, lat = place[0], place[1]
    return Circle(lat=lat, lon=lon, radius=0.0) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _depth(feature: Fields) -> float | None:
    place = _coordinates(feature)
    depth = place[2] if len(place) > 2 else None
    return depth if depth is not None and -10 <= depth <= DEEPEST_KM else None


def _coordinates(feature: Fields) -> list[float | None]:
    """Read longitude, latitude and depth in km, in GeoJSON's order."""
    found = feature.part("geometry").values.get("coordinates")
    return [as_number(part) for part in found[:3]] if isinstance(found, list) else []


FORMAT = Format(
    parse=parse,
    says="USGS earthquakes: a GeoJSON summary feed (earthquake.usgs.gov)",
    accept="application/geo+json, application/json;q=0.9",
    every=timedelta(minutes=1),
)
