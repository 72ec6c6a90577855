"""Decides what is wrong with the outlines of an alert, all of them at once: each is measured only once."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import shapely

from crisis.cap.geometry import MOST_POINTS, too_few
from crisis.cap.nouns import Alert, Ring
from crisis.cap.rules_alert import Found

COLLECTION = struct.Struct("<BII")  # byte order, kind, parts (OGC 06-103r4 section 8.2)
POLYGON = struct.Struct("<BIII")  # byte order, kind, rings, points
NOWHERE = (math.nan,) * 4


class Outline(NamedTuple):
    """One polygon, where it stands in the alert, and how far it reaches; NaN if any of its numbers is none."""

    where: str
    ring: Ring
    box: tuple[float, float, float, float]  # south, north, west, east

    @property
    def shape(self) -> bool:
        """Whether it is a closed ring of real numbers at all."""
        return len(self.ring) >= 4 and self.ring[0] == self.ring[-1] and self.box[0] == self.box[0]


def outlines(alert: Alert) -> list[Outline]:
    """Give every polygon of the alert, measured."""
    boxes: dict[int, tuple[float, float, float, float]] = {}  # by identity: infos in two languages share their rings
    found: list[Outline] = []
    for at, info in enumerate(alert.infos):
        for nth, area in enumerate(info.areas):
            for number, ring in enumerate(area.polygons):
                box = boxes.get(id(ring)) or boxes.setdefault(id(ring), _box(ring))
                found.append(Outline(f"info[{at}]/area[{nth}]/polygon[{number}]", ring, box))
    return found


def _box(ring: Ring) -> tuple[float, float, float, float]:
    if not ring:
        return NOWHERE
    lats, lons = zip(*ring, strict=True)
    # NaN, which escapes min and max, does not escape the sum; nor does infinity.
    known = math.isfinite(sum(lats) + sum(lons))
    return (min(lats), max(lats), min(lons), max(lons)) if known else NOWHERE


def poly_min4(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-MIN4: an outline has four points or more, the last being the first (CAP 1.2 section 3.2.4)."""
    for where, ring, _ in all_of_them:
        if too_few(ring):
            yield where, "has fewer than four points"


def poly_closed(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-CLOSED: an outline ends where it begins (section 3.2.4)."""
    for where, ring, _ in all_of_them:
        if ring and ring[0] != ring[-1] and not too_few(ring):
            yield where, "does not end where it begins"


def poly_range(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-RANGE: latitudes are within 90 degrees, longitudes within 180 (section 3.2.4, WGS 84)."""
    for where, ring, (south, north, west, east) in all_of_them:
        # Written so that NaN, which compares false with everything, is caught too.
        if ring and not (south >= -90 and north <= 90 and west >= -180 and east <= 180):
            yield where, "has coordinates out of range"


def poly_antimeridian(all_of_them: Sequence[Outline]) -> Found:
    """W-POLY-ANTIMERIDIAN: no outline spans more than half the globe: it crosses 180 degrees or rounds a pole.

    Readers disagree on which side is meant; it has to be split there (practice; RFC 7946 section 3.1.9).
    """
    for where, _, (_, _, west, east) in all_of_them:
        if east - west > 180:
            yield where, f"spans {east - west:.0f} degrees of longitude; split it at 180 degrees"


def poly_invalid(all_of_them: Sequence[Outline]) -> Found:
    """W-POLY-INVALID: no outline crosses itself (section 3.2.4; OGC simple features)."""
    shapes = [outline for outline in all_of_them if outline.shape and len(outline.ring) <= MOST_POINTS]
    for where, ring, _ in all_of_them:
        if len(ring) > MOST_POINTS:
            yield where, f"has {len(ring)} points, too many to ask whether it crosses itself"
    if not shapes or _all_valid(shapes):
        return
    for where, ring, _ in shapes:
        if not too_few(ring) and not shapely.is_valid(shapely.Polygon(ring)):
            yield where, "crosses itself"


def _all_valid(shapes: Sequence[Outline]) -> bool:
    """Ask GEOS once, in well-known binary: building shapes one by one in Python takes five times as long."""
    rings = {id(ring): ring for _, ring, _ in shapes}.values()
    packed = b"".join([_packed(ring) for ring in rings])
    return bool(shapely.is_valid(shapely.from_wkb(COLLECTION.pack(1, 7, len(rings)) + packed)))


def _packed(ring: Ring) -> bytes:
    return POLYGON.pack(1, 3, 1, len(ring)) + struct.pack(f"<{2 * len(ring)}d", *chain.from_iterable(ring))


OutlineRule = Callable[[Sequence[Outline]], Found]
OUTLINE_RULES: tuple[tuple[str, OutlineRule], ...] = (
    ("R-POLY-MIN4", poly_min4),
    ("R-POLY-CLOSED", poly_closed),
    ("R-POLY-RANGE", poly_range),
    ("W-POLY-ANTIMERIDIAN", poly_antimeridian),
    ("W-POLY-INVALID", poly_invalid),
)
