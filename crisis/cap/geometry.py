"""Reads and spells the geometry strings of CAP 1.2 (section 3.2.4): polygons and circles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

import shapely

from crisis.cap.nouns import Circle, Ring

FARTHEST_KM = 20_040.0  # half way round the earth
MOST_POINTS = 100_000  # in one outline; the largest real one has 41,009, and twice as many take four times as long
MOST_READ = 250_000  # in one outline; each costs a microsecond
NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
OF_NUMBERS = dict.fromkeys(map(ord, "0123456789.+-"))
PAIR = re.compile(f"({NUMBER}),({NUMBER})")
LOOSE_CIRCLE = re.compile(rf"({NUMBER})[\s,]+({NUMBER})[\s,]+({NUMBER})")

Note = Callable[[str, str], None]  # rule, sentence


def read_rings(text: str, note: Note) -> tuple[Ring, ...]:
    """Read a polygon: closed if it was open, turned if latitude and longitude were swapped, each after a note.

    One that reaches past 180 degrees becomes two rings; gives none, after a note, when no area can be made of it.
    """
    if text.count(",") > MOST_READ:
        note("S-SIZE", f"the polygon has more than {MOST_READ} points and was left out")
        return ()
    odd: list[str] = []

    def noting(rule: str, says: str) -> None:
        odd.append(rule)
        note(rule, says)

    lats, lons = _degrees(text, noting)
    if not lats:
        return ()
    points = tuple(zip(lats, lons, strict=True))
    if not on_earth(lats, lons):
        if split := split_ring(points):
            note("R-POLY-RANGE", "reaches past 180 degrees of longitude; it was split there")
            return split
        points = _turned(points, note)
        if not points:
            return ()
    # Where points had to be left out, too few or an open end are no other fault.
    return _closed(points, _untold if odd else note)


def _closed(points: Ring, note: Note) -> tuple[Ring, ...]:
    ring = points if points[0] == points[-1] else (*points, points[0])
    if too_few(ring):
        note("R-POLY-MIN4", "the ring has fewer than four points and was left out")
        return ()
    if len(points) < 4:
        note("R-POLY-MIN4", "the ring has three points; the first was added at the end")
    elif ring is not points:
        note("R-POLY-CLOSED", "the ring was not closed; its first point was added at the end")
    return (ring,)


def _untold(*_: str) -> None:
    """Say nothing."""


def split_ring(ring: Ring) -> tuple[Ring, ...]:
    """Split a ring whose longitudes run past 180 degrees into rings within 180, the parts beyond moved by 360.

    Gives none where that is not what is wrong with the ring, or it crosses itself.
    """
    lats, lons = zip(*ring, strict=True)
    counted_on = max(map(abs, lats)) <= 90 and max(map(abs, lons)) <= 540 and max(lons) - min(lons) < 180
    if not counted_on or too_few(ring) or len(ring) > MOST_POINTS:
        return ()
    outline = shapely.Polygon([(lon, lat) for lat, lon in ring])
    if not outline.is_valid:
        return ()
    found: list[Ring] = []
    for turn in (-360, 0, 360):
        part = shapely.intersection(outline, shapely.box(turn - 180, -90, turn + 180, 90))
        pieces = [piece for piece in shapely.get_parts(part) if piece.geom_type == "Polygon" and not piece.is_empty]
        found += [tuple((lat, lon - turn) for lon, lat in piece.exterior.coords) for piece in pieces]
    return tuple(found)


def too_few(ring: Ring) -> bool:
    """Tell whether no area can lie within these points: fewer than four, or fewer than three different ones."""
    if len(ring) < 4:
        return True
    return (ring[0] == ring[1] or ring[2] in ring[:2]) and len(set(ring)) < 3


def read_circle(text: str, note: Note) -> tuple[Circle, ...]:
    """R-CIRCLE-FORMAT: read a circle as "lat,lon radius" in km (section 3.2.4); none, after a note, if it is none."""
    folded = " ".join(text.split())
    numbers = _numbers(folded, ", ", 3)
    loose = None if numbers else LOOSE_CIRCLE.fullmatch(folded)
    if loose:
        numbers = [float(number) for number in loose.groups()]
    if not numbers or not 0 <= numbers[2] < FARTHEST_KM:
        note("R-CIRCLE-FORMAT", "the circle is not 'lat,lon radius' and was left out")
        return ()
    if loose:
        note("R-CIRCLE-FORMAT", "the circle is not written 'lat,lon radius'; it was read as such")
    lat, lon, radius = numbers
    if not on_earth((lat,), (lon,)):
        turned = _turned(((lat, lon),), note)
        if not turned:
            return ()
        lat, lon = turned[0]
    return (Circle(lat=lat, lon=lon, radius=radius),)


def spell_ring(ring: Ring) -> str:
    """Spell a ring as CAP does: "lat,lon lat,lon"."""
    return " ".join(f"{plain(lat)},{plain(lon)}" for lat, lon in ring)


def spell_circle(circle: Circle) -> str:
    """Spell a circle as CAP does: "lat,lon radius"."""
    return f"{plain(circle.lat)},{plain(circle.lon)} {plain(circle.radius)}"


def plain(number: float) -> str:
    """Spell a number without an exponent, so that it reads back as the same number."""
    return format(Decimal(repr(number)), "f")


def _degrees(text: str, note: Note) -> tuple[Sequence[float], Sequence[float]]:
    """Give latitudes and longitudes, read at once where the text is spelt as plainly as nearly all are."""
    points = text.count(",")
    if degrees := _numbers(text, (", " * points)[:-1], 2 * points):
        return degrees[::2], degrees[1::2]
    folded = " ".join(text.split())
    if folded != text:
        return _degrees(folded, note)
    found = odd_points(text, note)
    return [lat for lat, _ in found], [lon for _, lon in found]


def _numbers(text: str, between: str, count: int) -> list[float]:
    """Give so many numbers, or none if anything but these characters stands between them."""
    if text.translate(OF_NUMBERS) != between:
        return []
    try:
        # float() reads more than CAP allows, but nothing more of the characters that are left here.
        numbers = list(map(float, text.replace(",", " ").split()))
    except ValueError:
        return []
    return numbers if len(numbers) == count else []


def odd_points(text: str, note: Note) -> Ring:
    """R-POLY-FORMAT: read points as "lat,lon lat,lon", leaving out what is none after a note (section 3.2.4)."""
    # Blanks are folded first: a pattern for any number of them takes quadratic time on megabytes of them.
    folded = " ".join(text.split())
    tokens = re.sub(" ?, ?", ",", folded).split()
    if ", " in folded or " ," in folded:
        note("R-POLY-FORMAT", "there are blanks beside commas; they were ignored")
    found = [PAIR.fullmatch(token) for token in tokens]
    bad = found.count(None)
    points = tuple((float(pair[1]), float(pair[2])) for pair in found if pair)
    if bad or not tokens:
        rest = ", and the polygon with them" if too_few((*points, *points[:1])) else ""
        note("R-POLY-FORMAT", f"{bad} of {len(tokens)} points are not 'lat,lon' and were left out{rest}")
    return points


def _turned(points: Ring, note: Note) -> Ring:
    turned = tuple((lon, lat) for lat, lon in points)
    if on_earth(*zip(*turned, strict=True)):
        note("R-POLY-RANGE", "latitude and longitude are swapped; they were turned")
        return turned
    note("R-POLY-RANGE", "coordinates are out of range and were left out")
    return ()


def on_earth(lats: Sequence[float], lons: Sequence[float]) -> bool:
    """Tell whether all points lie within 90 degrees of latitude and 180 of longitude; no text reads as NaN."""
    return min(lats) >= -90 and max(lats) <= 90 and min(lons) >= -180 and max(lons) <= 180
