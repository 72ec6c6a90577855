"""The active alerts of the United States' weather service as GeoJSON (api.weather.gov): CAP in other clothes.

Most features have no outline, only SAME and UGC codes of their places. Times, references, codes and
parameters (VTEC, expiredReferences ...) are kept as they are. Shape seen in samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crisis.cap.entry import Entry
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Point,
    Reference,
    ResponseType,
    Ring,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.read import UNDATED
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.feeds.contract import Format, Lists
from crisis.feeds.fields import Choice, Fields, as_number, read_time, told
from crisis.feeds.pieces import Piece, features

COPIED = ("ends", "replacedBy", "replacedAt")  # beside CAP's own fields
MOST_RINGS = 2000


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give one entry a feature; one is refused only when it has no name."""
    return [_entry(piece) for piece in features(raw)]


def _entry(piece: Piece) -> Entry:
    notes: list[Warning] = []
    feature = Fields(piece.value, notes)
    told_of = feature.part("properties")
    name = told_of.text("id") or feature.text("id").rpartition("/")[2]
    guid = feature.text("id") or name
    if not name:
        says = f"The name of {piece.where} cannot be read; look at the source itself."
        return Entry(raw=piece.raw, where=piece.where, warnings=tuple(notes), refused=says)
    sent = _sent(told_of)
    return told(piece.raw, _alert(feature, told_of, name, sent), notes, where=piece.where, guid=guid)


def _sent(told_of: Fields) -> datetime:
    if sent := told_of.time("sent"):
        return sent
    told_of.note("sent", "is missing or unreadable; the earliest time inside was used")
    return min(filter(None, map(told_of.time, ("effective", "onset"))), default=UNDATED)


def _alert(feature: Fields, told_of: Fields, name: str, sent: datetime) -> Alert:
    return Alert(
        identifier=name,
        sender=told_of.text("sender") or "w-nws.webmaster@noaa.gov",
        sent=sent,
        status=told_of.choice("status", Status, Status.DRAFT, Status.DRAFT),
        msg_type=told_of.choice("messageType", MsgType, MsgType.ALERT, MsgType.ALERT),
        scope=_scope(told_of),
        codes=told_of.texts("code"),
        note=told_of.text("note"),
        references=_references(told_of),
        infos=(_info(feature, told_of),),
    )


def _scope(told_of: Fields) -> Scope:
    """Older answers of this public service have no scope."""
    known = "scope" in told_of.values and told_of.text("scope")
    return told_of.choice("scope", Scope, Scope.PUBLIC, Scope.RESTRICTED) if known else Scope.PUBLIC


def _references(told_of: Fields) -> tuple[Reference, ...]:
    listed = told_of.values.get("references")
    found: list[Reference] = []
    for at, one in enumerate(listed if isinstance(listed, list) else []):
        part = Fields(one, told_of.notes, f"references[{at}]")
        sender, name, sent = part.text("sender"), part.text("identifier"), read_time(part.text("sent"))
        if sender and name and sent:
            found.append(Reference(sender=sender, identifier=name, sent=sent))
        else:
            part.note("sent", "is not a sender, identifier and time; this reference was left out")
    return tuple(found)


def _info(feature: Fields, told_of: Fields) -> Info:
    return Info(
        language=told_of.text("language") or "en-US",
        categories=_chosen(told_of, "category", Category),
        event=told_of.text("event"),
        response_types=_chosen(told_of, "response", ResponseType),
        urgency=told_of.choice("urgency", Urgency, Urgency.UNKNOWN, Urgency.UNKNOWN),
        severity=told_of.choice("severity", Severity, Severity.UNKNOWN, Severity.UNKNOWN),
        certainty=told_of.choice("certainty", Certainty, Certainty.UNKNOWN, Certainty.UNKNOWN),
        event_codes=told_of.pairs("eventCode"),
        effective=told_of.time("effective"),
        onset=told_of.time("onset"),
        expires=told_of.time("expires"),
        sender_name=told_of.text("senderName"),
        headline=told_of.text("headline"),
        description=told_of.text("description"),
        instruction=told_of.text("instruction"),
        web=told_of.text("web"),
        parameters=(*told_of.pairs("parameters"), *_copied(told_of)),
        areas=_areas(feature, told_of),
    )


def _copied(told_of: Fields) -> tuple[Pair, ...]:
    return tuple((name, text) for name in COPIED if (text := told_of.text(name)))


def _chosen(told_of: Fields, name: str, kind: type[Choice]) -> tuple[Choice, ...]:
    known = {choice.value.lower(): choice for choice in kind}
    found: list[Choice] = []
    for text in told_of.texts(name):
        if text.lower() in known:
            found.append(known[text.lower()])
        else:
            told_of.note(name, f"'{text[:40]}' is not one of CAP's words and was left out")
    return tuple(found)


def _areas(feature: Fields, told_of: Fields) -> tuple[Area, ...]:
    rings = _rings(feature)
    codes = told_of.pairs("geocode")
    desc = told_of.text("areaDesc")
    return (Area(desc=desc, polygons=rings, geocodes=codes),) if rings or codes or desc else ()


def _rings(feature: Fields) -> tuple[Ring, ...]:
    """Read outlines in GeoJSON's order, longitude first; CAP knows no holes, so these are left out."""
    shape = feature.part("geometry")
    kind, inside = shape.text("type"), shape.values.get("coordinates")
    polygons = [inside] if kind == "Polygon" else inside if kind == "MultiPolygon" else []
    if kind and kind not in {"Polygon", "MultiPolygon"}:
        shape.note("type", f"'{kind[:40]}' is not an outline and was left out")
    if not isinstance(polygons, list) or len(polygons) > MOST_RINGS:
        shape.note("coordinates", "are not outlines and were left out")
        return ()
    outer = [polygon[0] if isinstance(polygon, list) and polygon else None for polygon in polygons]
    if any(isinstance(polygon, list) and len(polygon) > 1 for polygon in polygons):
        shape.note("coordinates", "have holes, which CAP does not know; they count as inside")
    found = [_ring(ring) for ring in outer]
    if None in found:
        shape.note("coordinates", f"{found.count(None)} outlines could not be read and were left out")
    return tuple(ring for ring in found if ring)


def _ring(points: object) -> Ring | None:
    if not isinstance(points, list):
        return None
    numbers = [[as_number(part) for part in point[:2]] if isinstance(point, list) else [] for point in points]
    ring = tuple(
        (pair[1], pair[0]) for pair in numbers if len(pair) == 2 and pair[0] is not None and pair[1] is not None
    )
    if len(ring) != len(points) or not all(abs(lat) <= 90 and abs(lon) <= 180 for lat, lon in ring):
        return None
    ring = ring if ring[:1] == ring[-1:] else (*ring, ring[0])
    return ring if len(ring) >= 4 and len(set(ring)) >= 3 else None


def _point(pair: object) -> Point | None:
    lon, lat = (as_number(pair[0]), as_number(pair[1])) if isinstance(pair, list) and len(pair) > 1 else (None, None)
    return (lat, lon) if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180 else None


FORMAT = Format(
    parse=parse,
    says="United States weather service: active alerts as GeoJSON (api.weather.gov/alerts/active)",
    accept="application/geo+json, application/json;q=0.9",
    every=timedelta(minutes=1),
    lists=Lists.ALL,
)
