"""Decides what a ring or circle of an alert covers, and what is doubtful about how it was drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from crisis.errors import BadInput
from crisis.model.globe import circle_points, unwound

REPAIR_SHARE = 0.1  # a repair may change the area by a tenth; more is for a person to look at
MOST_NEAR = 5_000  # pairs of segments that may cross, beyond six neighbours each; GEOS mends so many in about a second
MOST_CROSSINGS = 50_000  # of outlines with each other; GEOS unites so many in about a second
POINT_CIRCLE_KM = 0.001  # a circle of radius 0 is a place; a metre makes it meet the area it lies in
PLACES = 9  # decimals of a degree that are kept
LARGEST_KM = 10_000  # a circle of a quarter of the earth's girth and more covers all of it
DOUBTFUL_KM = 2_000  # no warning of a district reaches so far

TANGLED = "an outline crosses itself or others too often to be mended: draw it again in a map program"

Point = tuple[float, float]  # (lat, lon), as CAP writes them


class CapCircle(Protocol):
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def radius(self) -> float: ...


class Drawn(Protocol):
    """What is drawn of an area: its rings and circles."""

    @property
    def polygons(self) -> Sequence[Sequence[Point]]: ...
    @property
    def circles(self) -> Sequence[CapCircle]: ...


def outlines(areas: Iterable[Drawn]) -> tuple[list[MultiPolygon], tuple[str, ...]]:
    """Make a shape of each ring and circle of the areas, and say what is doubtful; what cannot be drawn is left out.

    Never raises and never takes long. An area told in two languages counts once.
    """
    listed = list(areas)
    rings = dict.fromkeys(tuple(ring) for area in listed for ring in area.polygons)
    spots = dict.fromkeys((spot.lat, spot.lon, spot.radius) for area in listed for spot in area.circles)
    drawn = [*_rings(rings), *(_spot(*spot) for spot in spots)]
    return [shape for shape, _ in drawn if not shape.is_empty], _counted(doubt for _, doubt in drawn if doubt)


def united(shapes: Sequence[BaseGeometry]) -> MultiPolygon:
    """Unite what was drawn: overlaps are no holes (CAP 1.2, 3.2.4). Raise BadInput when it crosses too often."""
    lines = _segments(shapes)
    if _more_than(lines, 6 * len(lines) + MOST_NEAR, None) and _more_than(lines, MOST_CROSSINGS, "crosses"):
        raise BadInput(TANGLED)
    try:
        return union(shapes)
    except GEOSException:
        raise BadInput(TANGLED) from None


def _counted(doubts: Iterable[str]) -> tuple[str, ...]:
    listed = list(doubts)
    counts = {doubt: listed.count(doubt) for doubt in dict.fromkeys(listed)}
    return tuple(doubt if count == 1 else f"{doubt} ({count} of them)" for doubt, count in counts.items())


def _rings(rings: Iterable[Sequence[Point]]) -> list[tuple[MultiPolygon, str]]:
    """Make each ring a shape; those that cross themselves share what may be spent on mending."""
    tried = [_polygon(ring) for ring in rings]
    crossing = sum(isinstance(polygon, Polygon) and not polygon.is_valid for polygon in tried)
    most = MOST_NEAR // max(1, crossing)
    return [(MultiPolygon(), made) if isinstance(made, str) else _mended_ring(made, most) for made in tried]


def _polygon(ring: Sequence[Point]) -> Polygon | str:
    points = _points(ring)
    if not _on_earth(points):
        return "a polygon has points that are not on the earth, and was left out"
    if len(points) < 3:
        return "a polygon has fewer than three points and was left out"
    return Polygon(unwound(points[:, ::-1]))


def _mended_ring(polygon: Polygon, most: int) -> tuple[MultiPolygon, str]:
    if polygon.is_valid:
        return wrapped(MultiPolygon([polygon])), ""
    try:
        shape, doubt = _mended_anew(polygon, most)
        return wrapped(shape), doubt
    except (BadInput, GEOSException):
        return MultiPolygon(), "a polygon crosses itself too often to be mended, and was left out"


def _mended_anew(polygon: Polygon, most: int) -> tuple[MultiPolygon, str]:
    """Mend a ring; where that changes its size, all that it goes round is covered, the middle of a star too."""
    sound = _parts(_mended(polygon, most))
    if sound.is_empty:
        return sound, "a polygon has no area, all its points being in one line, and was left out"
    if abs(sound.area - _net_area(polygon)) <= REPAIR_SHARE * sound.area:
        return sound, ""
    faces = shapely.polygonize(shapely.get_parts(shapely.node(polygon.exterior)))
    return union(faces.geoms), "a polygon crosses itself, and what it covers is not certain"


def _net_area(polygon: Polygon) -> float:
    """Give the area by the ring's turn: what is gone round the other way counts against the rest."""
    x, y = np.asarray(polygon.exterior.coords).T
    return abs(float(np.dot(x[:-1] - x[0], y[1:] - y[0]) - np.dot(x[1:] - x[0], y[:-1] - y[0]))) / 2.0


def _spot(lat: float, lon: float, radius: float) -> tuple[MultiPolygon, str]:
    if not _on_earth(np.array([[lat, lon]])) or not 0.0 <= radius < math.inf:
        return MultiPolygon(), "a circle is not on the earth, and was left out"
    large = f"a circle has a radius of {radius:.0f} km" if radius > DOUBTFUL_KM else ""
    return circle(lat, lon, radius), large


def _points(ring: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Take the points of a ring to a tenth of a millimetre: GEOS divides by what is left of 1e-294 degrees."""
    return np.round(np.array(ring, dtype=np.float64).reshape(-1, 2), PLACES)


def _on_earth(points: npt.NDArray[np.float64]) -> bool:
    return bool((np.abs(points[:, 0]) <= 90.0).all() and (np.abs(points[:, 1]) <= 180.0).all())


def outline(points: npt.ArrayLike) -> MultiPolygon:
    """Make one ring of (lon, lat) into a valid shape, cut in two where it crosses the antimeridian.

    Raises BadInput when it crosses itself too often to be mended.
    """
    ring = _points(points)
    if len(ring) < 3:
        return MultiPolygon()
    try:
        return wrapped(polygonal(Polygon(unwound(ring))))
    except GEOSException:
        raise BadInput(TANGLED) from None


def circle(lat: float, lon: float, radius_km: float) -> MultiPolygon:
    """Draw a circle as a 64-gon around it, so that none of it is left out, be it measured on the sphere or WGS 84."""
    if radius_km >= LARGEST_KM:
        return MultiPolygon([shapely.box(-180.0, -90.0, 180.0, 90.0)])
    return outline(circle_points(lat, lon, max(radius_km, POINT_CIRCLE_KM)))


def union(geometries: Iterable[BaseGeometry]) -> MultiPolygon:
    """Unite geometries into one valid MultiPolygon; empty when there is nothing with an area."""
    return polygonal(shapely.union_all(list(geometries)))


def without_holes(geometry: MultiPolygon) -> MultiPolygon:
    """Fill every hole."""
    return union([Polygon(part.exterior) for part in geometry.geoms])


def polygonal(geometry: BaseGeometry) -> MultiPolygon:
    """Keep what has an area, made valid, as a MultiPolygon; raise BadInput when mending it would take minutes."""
    return _parts(geometry if geometry.is_valid else _mended(geometry, MOST_NEAR))


def _parts(sound: BaseGeometry) -> MultiPolygon:
    parts = shapely.get_parts(shapely.get_parts(sound))
    return MultiPolygon([part for part in parts if isinstance(part, Polygon) and not part.is_empty])


def _mended(geometry: BaseGeometry, most: int) -> BaseGeometry:
    """Mend crossings, unless there are so many that it would take minutes: GEOS needs 37 s for 400 random points."""
    lines = _segments([geometry])
    if _more_than(lines, 6 * len(lines) + most, None):
        raise BadInput(TANGLED)
    return cast(BaseGeometry, shapely.make_valid(geometry))


def _segments(geometries: Sequence[BaseGeometry]) -> npt.NDArray[np.object_]:
    if not len(geometries):
        return np.empty(0, dtype=object)
    parts = shapely.get_parts(shapely.get_parts(geometries))
    points, rings = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
    within = rings[:-1] == rings[1:]
    found: npt.NDArray[np.object_] = shapely.linestrings(np.stack([points[:-1][within], points[1:][within]], axis=1))
    return found


def _more_than(lines: npt.NDArray[np.object_], most: int, how: str | None) -> bool:
    """Count pairs of segments that are near or cross, in a mixed order and in growing portions, until it is clear."""
    tree = shapely.STRtree(lines)
    mixed = lines[np.random.default_rng(0).permutation(len(lines))]
    at, portion, count = 0, 16, 0
    while at < len(mixed) and count <= most:
        count += tree.query(mixed[at : at + portion], predicate=how).shape[1]
        at, portion = at + portion, min(2 * portion, 4096)
    return count > most


def wrapped(shape: MultiPolygon) -> MultiPolygon:
    """Bring what lies beyond +-180 degrees of longitude back into the world."""
    west, _, east, _ = shape.bounds if not shape.is_empty else (0.0, 0.0, 0.0, 0.0)
    if west >= -180.0 and east <= 180.0:
        return shape
    turns = range(math.floor((west + 180.0) / 360.0), math.ceil((east - 180.0) / 360.0) + 1)
    world = shapely.box(-180.0, -90.0, 180.0, 90.0)
    # Moved by a turn, points lose their last digits, and what was sound may cross itself by so much.
    return union([polygonal(translate(shape, xoff=-360.0 * turn)).intersection(world) for turn in turns])
