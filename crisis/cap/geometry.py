"""Reads and spells the geometry strings of CAP 1.2 (section 3.2.4): polygons and circles."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from crisis.cap.nouns import Circle, Point, Ring

FARTHEST_KM = 20_040.0  # half way round the earth
NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
PAIR = re.compile(f"({NUMBER}),({NUMBER})")
STRICT_CIRCLE = re.compile(f"{NUMBER},{NUMBER} {NUMBER}")
LOOSE_CIRCLE = re.compile(rf"({NUMBER})[\s,]+({NUMBER})[\s,]+({NUMBER})")

Note = Callable[[str, str], None]  # rule, sentence


def read_ring(text: str, note: Note) -> Ring | None:
    """Read a polygon: closed if it was open, turned if latitude and longitude were swapped.

    Gives None, after a note, when no area can be made of it.
    """
    points = _points(text, note)
    points = _in_range(points, note)
    if points and points[0] != points[-1]:
        note("R-POLY-CLOSED", "the ring was not closed; its first point was added at the end")
        points = (*points, points[0])
    if len(points) < 4 or len(set(points)) < 3:
        note("R-POLY-MIN4", "the ring has fewer than four points and was left out")
        return None
    return points


def read_circle(text: str, note: Note) -> Circle | None:
    """Read a circle "lat,lon radius" with the radius in km; None, after a note, when it is none."""
    found = LOOSE_CIRCLE.fullmatch(text.strip())
    if found is None or not 0 <= float(found[3]) < FARTHEST_KM:
        note("R-CIRCLE-FORMAT", "the circle is not 'lat,lon radius' and was left out")
        return None
    if not STRICT_CIRCLE.fullmatch(text.strip()):
        note("R-CIRCLE-FORMAT", "the circle is not written 'lat,lon radius'; it was read as such")
    centre = _in_range(((float(found[1]), float(found[2])),), note)
    return Circle(lat=centre[0][0], lon=centre[0][1], radius=float(found[3])) if centre else None


def spell_ring(ring: Ring) -> str:
    """Spell a ring as CAP does: "lat,lon lat,lon"."""
    return " ".join(f"{plain(lat)},{plain(lon)}" for lat, lon in ring)


def spell_circle(circle: Circle) -> str:
    """Spell a circle as CAP does: "lat,lon radius"."""
    return f"{plain(circle.lat)},{plain(circle.lon)} {plain(circle.radius)}"


def plain(number: float) -> str:
    """Spell a number without an exponent, so that it reads back as the same number."""
    return format(Decimal(repr(number)), "f")


def _points(text: str, note: Note) -> Ring:
    # Blanks are folded first: a pattern for any number of them takes quadratic time on megabytes of them.
    folded = " ".join(text.split())
    tokens = re.sub(" ?, ?", ",", folded).split()
    if ", " in folded or " ," in folded:
        note("R-POLY-FORMAT", "there are blanks beside commas; they were ignored")
    found = [PAIR.fullmatch(token) for token in tokens]
    bad = found.count(None)
    if bad or not tokens:
        note("R-POLY-FORMAT", f"{bad} of {len(tokens)} points are not 'lat,lon' and were left out")
    return tuple((float(pair[1]), float(pair[2])) for pair in found if pair)


def _in_range(points: tuple[Point, ...], note: Note) -> tuple[Point, ...]:
    if all(_on_earth(point) for point in points):
        return points
    turned = tuple((lon, lat) for lat, lon in points)
    if all(_on_earth(point) for point in turned):
        note("R-POLY-RANGE", "latitude and longitude are swapped; they were turned")
        return turned
    note("R-POLY-RANGE", "coordinates are out of range and were left out")
    return ()


def _on_earth(point: Point) -> bool:
    return abs(point[0]) <= 90 and abs(point[1]) <= 180
