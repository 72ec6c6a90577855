"""An alert of anybody's as notices for channels that carry a kit: its facts retold in each of its languages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence

from channels.contract import About, Notice
from crisis.cap.nouns import Alert, Area, Circle, Info, MsgType, Point, Status
from crisis.errors import BadInput

CORNERS = 48  # of a circle drawn as a polygon
KM_A_DEGREE = 111.195  # of latitude, on a sphere of 6371.0 km
MODES = {Status.ACTUAL: "Actual", Status.EXERCISE: "Exercise", Status.TEST: "Test"}


def notices(alert: Alert, document: bytes) -> list[Notice]:
    """Give one notice for each language of the alert, without words of an officer: its facts are to be told in order.

    Several infos in one language (several areas, say) are told together, the first one's headline ahead. Raises
    BadInput for an alert that nobody may air: a draft, a system's own, an acknowledgement, one not for the public.
    """
    if alert.status not in MODES:
        raise BadInput(f"{alert.identifier}: its status is {alert.status}; only Actual, Exercise and Test can be aired")
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        raise BadInput(f"{alert.identifier}: is an {alert.msg_type} to another alert and warns of nothing")
    if alert.scope != "Public":
        raise BadInput(f"{alert.identifier}: its scope is {alert.scope}; only what is for the public can be aired")
    by_language: dict[str, list[Info]] = {}
    for info in alert.infos:
        by_language.setdefault(info.language, []).append(info)
    if not by_language:
        raise BadInput(f"{alert.identifier}: holds no info, so there is nothing to say")
    return [_notice(alert, language, infos, document) for language, infos in by_language.items()]


def _notice(alert: Alert, language: str, infos: Sequence[Info], document: bytes) -> Notice:
    first = infos[0]
    ends = alert.msg_type is MsgType.CANCEL or any("AllClear" in info.response_types for info in infos)
    expiries = [info.expires for info in infos if info.expires]
    return Notice(
        id=alert.identifier,
        language=language,
        text=first.headline or first.event,
        mode=MODES[alert.status],
        urgent=first.severity in ("Extreme", "Severe") and first.urgency in ("Immediate", "Expected"),
        incident=alert.incidents[0] if alert.incidents else (alert.references or (alert,))[0].identifier,
        sent=alert.sent,
        expires=max(expiries) if expiries else None,
        headline=_flat(first.headline) or first.event,
        link=first.web,
        replaces=tuple(reference.identifier for reference in alert.references),
        ends=ends,
        document=document,
        about=_about(alert, infos),
    )


def _about(alert: Alert, infos: Sequence[Info]) -> About:
    first = infos[0]
    areas = [area for info in infos for area in info.areas]
    names = dict.fromkeys(_flat(area.desc) for area in areas if area.desc)
    onsets = [info.onset for info in infos if info.onset]
    agency = _flat(first.sender_name) or alert.sender
    return About(
        agency=agency,
        hazard=_flat(first.event),
        severity=first.severity,
        urgency=first.urgency,
        certainty=first.certainty,
        area="; ".join(names),
        outline=outline(areas),
        onset=min(onsets) if onsets else None,
        source=agency,
        contact=_flat(first.contact),
        description=_together(info.description for info in infos),
        do=tuple(dict.fromkeys(info.instruction.strip() for info in infos if info.instruction.strip())),
        short=_flat(first.headline),
        version=len(alert.references) + 1,
    )


def outline(areas: Sequence[Area]) -> str:
    """Give polygons and circles as GeoJSON MultiPolygon, longitude first; empty where an alert names places only."""
    rings = [ring for area in areas for ring in area.polygons]
    rings += [_round(circle) for area in areas for circle in area.circles if circle.radius > 0]
    if not rings:
        return ""
    shapes = [[[[lon, lat] for lat, lon in ring]] for ring in rings]
    return json.dumps({"type": "MultiPolygon", "coordinates": shapes})


def _round(circle: Circle) -> tuple[Point, ...]:
    """Draw a circle of a radius in kilometres as a ring, flat enough for a map of a district."""
    high = circle.radius / KM_A_DEGREE
    wide = high / max(math.cos(math.radians(circle.lat)), 0.01)
    turns = [2 * math.pi * step / CORNERS for step in range(CORNERS)]
    points = [(circle.lat + high * math.sin(turn), circle.lon + wide * math.cos(turn)) for turn in turns]
    return (*points, points[0])


def _together(texts: Iterable[str]) -> str:
    return "\n\n".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
