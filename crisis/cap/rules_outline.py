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
NOWHERE = (math.nan,) * 4

Place = tuple[int, int, int]  # of the info, its area, the polygon in that


class Outline(NamedTuple):
    """One polygon, everywhere it stands in the alert, and how far it reaches; NaN if any of its numbers is none."""

    ring: Ring
    numbers: tuple[float, ...]  # those of the ring, one after the other
    box: tuple[float, float, float, float]  # south, north, west, east
    places: list[Place]  # several where infos in two languages share it

    @property
    def shape(self) -> bool:
        """Whether it is a closed ring of real numbers at all."""
        return len(self.ring) >= 4 and self.ring[0] == self.ring[-1] and self.box[0] == self.box[0]


def outlines(alert: Alert) -> list[Outline]:
    """Give every polygon of the alert, measured; one that stands in several places is given once."""
    found: dict[int, Outline] = {}  # by identity: cheaper than comparing hundreds of points
    for at, info in enumerate(alert.infos):
        for nth, area in enumerate(info.areas):
            for number, ring in enumerate(area.polygons):
                outline = found.get(id(ring))
                if outline is None:
                    outline = found[id(ring)] = _measured(ring)
                outline.places.append((at, nth, number))
    return list(found.values())


def _measured(ring: Ring) -> Outline:
    numbers = tuple(chain.from_iterable(ring))
    # NaN, which escapes min and max, does not escape the sum; nor does infinity.
    if not ring or not math.isfinite(sum(numbers)):
        return Outline(ring, numbers, NOWHERE, [])
    lats, lons = numbers[::2], numbers[1::2]
    return Outline(ring, numbers, (min(lats), max(lats), min(lons), max(lons)), [])


def _told(broken: Sequence[tuple[Outline, str]]) -> Found:
    """Say what is wrong with each outline at each of its places, in the order of the alert."""
    told = sorted((place, says) for outline, says in broken for place in outline.places) if broken else ()
    return iter([(f"info[{at}]/area[{nth}]/polygon[{number}]", says) for (at, nth, number), says in told])


def poly_min4(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-MIN4: an outline has four points or more, the last being the first (CAP 1.2 section 3.2.4)."""
    return _told([(outline, "has fewer than four points") for outline in all_of_them if too_few(outline.ring)])


def poly_closed(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-CLOSED: an outline ends where it begins (section 3.2.4)."""
    return _told(
        [
            (outline, "does not end where it begins")
            for outline in all_of_them
            if outline.ring and outline.ring[0] != outline.ring[-1] and not too_few(outline.ring)
        ]
    )


def poly_range(all_of_them: Sequence[Outline]) -> Found:
    """R-POLY-RANGE: latitudes are within 90 degrees, longitudes within 180 (section 3.2.4, WGS 84)."""
    # Written so that NaN, which compares false with everything, is caught too.
    return _told(
        [
            (outline, "has coordinates out of range")
            for outline in all_of_them
            for south, north, west, east in (outline.box,)
            if not (south >= -90 and north <= 90 and west >= -180 and east <= 180) and outline.ring
        ]
    )


def poly_antimeridian(all_of_them: Sequence[Outline]) -> Found:
    """W-POLY-ANTIMERIDIAN: no outline spans more than half the globe: it crosses 180 degrees or rounds a pole.

    Readers disagree on which side is meant; it has to be split there (practice; RFC 7946 section 3.1.9).
    """
    return _told(
        [
            (outline, f"spans {east - west:.0f} degrees of longitude; split it at 180 degrees")
            for outline in all_of_them
            for _, _, west, east in (outline.box,)
            if east - west > 180 and not _all_around(outline.ring)
        ]
    )


def _all_around(ring: Ring) -> bool:
    """Tell the box around the whole earth, which can mean nothing else."""
    return len(ring) == 5 and {lon for _, lon in ring} == {-180, 180} and len(set(ring)) == 4


def poly_invalid(all_of_them: Sequence[Outline]) -> Found:
    """W-POLY-INVALID: no outline crosses itself (section 3.2.4; OGC simple features)."""
    endless = [
        (outline, f"has {len(outline.ring)} points, too many to ask whether it crosses itself")
        for outline in all_of_them
        if len(outline.ring) > MOST_POINTS
    ]
    shapes = [outline for outline in all_of_them if outline.shape and len(outline.ring) <= MOST_POINTS]
    if not shapes or _all_valid(shapes):
        return _told(endless)
    crossing = [
        (outline, "crosses itself")
        for outline in shapes
        if not too_few(outline.ring) and not shapely.is_valid(shapely.Polygon(outline.ring))
    ]
    return _told(endless + crossing)


def _all_valid(shapes: Sequence[Outline]) -> bool:
    """Ask GEOS once, in well-known binary: building shapes one by one in Python takes five times as long."""
    packed = b"".join([_packed(outline.numbers) for outline in shapes])
    return bool(shapely.is_valid(shapely.from_wkb(COLLECTION.pack(1, 7, len(shapes)) + packed)))


def _packed(numbers: tuple[float, ...]) -> bytes:
    # One polygon: byte order, kind, rings, points, coordinates (OGC 06-103r4 section 8.2).
    return struct.pack(f"<BIII{len(numbers)}d", 1, 3, 1, len(numbers) // 2, *numbers)


OutlineRule = Callable[[Sequence[Outline]], Found]
OUTLINE_RULES: tuple[tuple[str, OutlineRule], ...] = (
    ("R-POLY-MIN4", poly_min4),
    ("R-POLY-CLOSED", poly_closed),
    ("R-POLY-RANGE", poly_range),
    ("W-POLY-ANTIMERIDIAN", poly_antimeridian),
    ("W-POLY-INVALID", poly_invalid),
)
