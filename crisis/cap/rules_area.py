"""Decides what is wrong with an area: its outlines, circles and heights."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from itertools import chain

import shapely

from crisis.cap.geometry import FARTHEST_KM, on_earth
from crisis.cap.nouns import Alert, Area, Ring
from crisis.cap.rules_alert import Found
from crisis.cap.rules_info import HIDDEN

COLLECTION = struct.Struct("<BII")  # byte order, kind, parts (OGC 06-103r4 section 8.2)
POLYGON = struct.Struct("<BIII")  # byte order, kind, rings, points


def area_required(area: Area) -> Found:
    """X-REQUIRED: an area is described in words (CAP 1.2 section 3.2.4)."""
    if not area.desc:
        yield "areaDesc", "is missing"


def area_hidden(area: Area) -> Found:
    """W-TEXT: the words for an area hold no control, direction or zero-width character (Unicode TR 36)."""
    if not area.desc.isprintable() and HIDDEN.search(area.desc):
        yield "areaDesc", "holds control or direction characters"


def poly_min4(area: Area) -> Found:
    """R-POLY-MIN4: an outline has four points or more, the last being the first (section 3.2.4)."""
    for at, ring in enumerate(area.polygons):
        if _too_few(ring):
            yield f"polygon[{at}]", "has fewer than four points"


def poly_closed(area: Area) -> Found:
    """R-POLY-CLOSED: an outline ends where it begins (section 3.2.4)."""
    for at, ring in enumerate(area.polygons):
        if ring and ring[0] != ring[-1] and not _too_few(ring):
            yield f"polygon[{at}]", "does not end where it begins"


def poly_range(area: Area) -> Found:
    """R-POLY-RANGE: latitudes are within 90 degrees, longitudes within 180 (section 3.2.4, WGS 84)."""
    for at, ring in enumerate(area.polygons):
        if ring and not on_earth(ring):
            yield f"polygon[{at}]", "has coordinates out of range"


def poly_antimeridian(area: Area) -> Found:
    """W-POLY-ANTIMERIDIAN: no outline spans more than half the globe: it crosses 180 degrees or rounds a pole.

    Readers disagree on which side is meant; it has to be split there (practice; RFC 7946 section 3.1.9).
    """
    for at, ring in enumerate(area.polygons):
        if ring and (span := _span(ring)) > 180:
            yield f"polygon[{at}]", f"spans {span:.0f} degrees of longitude; split it at 180 degrees"


def circle_format(area: Area) -> Found:
    """R-CIRCLE-FORMAT: a circle is a point on earth and a radius in km from 0 up (section 3.2.4)."""
    for at, spot in enumerate(area.circles):
        # Written so that NaN, which compares false with everything, is caught too.
        if not (abs(spot.lat) <= 90 and abs(spot.lon) <= 180 and 0 <= spot.radius < FARTHEST_KM):
            yield f"circle[{at}]", "has a centre or radius out of range"


def height_number(area: Area) -> Found:
    """X-NUMBER: heights are numbers (section 3.2.4)."""
    if area.altitude is not None and not math.isfinite(area.altitude):
        yield "altitude", "is not a number"
    if area.ceiling is not None and not math.isfinite(area.ceiling):
        yield "ceiling", "is not a number"


def ceiling(area: Area) -> Found:
    """R-CEILING: a ceiling stands above an altitude, never alone (section 3.2.4)."""
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield "ceiling", "is given without an altitude"
    elif area.ceiling < area.altitude:
        yield "ceiling", "is below the altitude"


def poly_invalid(alert: Alert) -> Found:
    """W-POLY-INVALID: no outline crosses itself (section 3.2.4; OGC simple features), asked for all at once."""
    sound = [(where, ring, flat) for where, ring in _rings(alert) if (flat := _flat(ring))]
    if not sound:
        return
    packed = b"".join([_wkb(flat) for _, _, flat in sound])
    if shapely.is_valid(shapely.from_wkb(COLLECTION.pack(1, 7, len(sound)) + packed)):
        return
    for where, ring, _ in sound:
        if not _too_few(ring) and on_earth(ring) and not shapely.is_valid(shapely.Polygon(ring)):
            yield where, "crosses itself"


def _flat(ring: Ring) -> tuple[float, ...]:
    """Give the numbers of a ring in a row; none if it is open or holds what is no number."""
    flat = tuple(chain.from_iterable(ring))
    return flat if len(ring) >= 4 and ring[0] == ring[-1] and math.isfinite(sum(flat)) else ()


def _wkb(flat: tuple[float, ...]) -> bytes:
    """Pack a polygon as well-known binary: building shapes one by one in Python takes five times as long."""
    return POLYGON.pack(1, 3, 1, len(flat) // 2) + struct.pack(f"<{len(flat)}d", *flat)


def _rings(alert: Alert) -> Iterator[tuple[str, Ring]]:
    for at, info in enumerate(alert.infos):
        for nth, area in enumerate(info.areas):
            for number, ring in enumerate(area.polygons):
                yield f"info[{at}]/area[{nth}]/polygon[{number}]", ring


def _too_few(ring: Ring) -> bool:
    return len(ring) < 4 or (len(set(ring[:4])) < 3 and len(set(ring)) < 3)


def _span(ring: Ring) -> float:
    lons = [lon for _, lon in ring]
    return max(lons) - min(lons)


AreaRule = Callable[[Area], Found]
AREA_RULES: tuple[tuple[str, AreaRule], ...] = (
    ("X-REQUIRED", area_required),
    ("W-TEXT", area_hidden),
    ("R-POLY-MIN4", poly_min4),
    ("R-POLY-CLOSED", poly_closed),
    ("R-POLY-RANGE", poly_range),
    ("W-POLY-ANTIMERIDIAN", poly_antimeridian),
    ("R-CIRCLE-FORMAT", circle_format),
    ("X-NUMBER", height_number),
    ("R-CEILING", ceiling),
)
