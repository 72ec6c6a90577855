"""Decides what is inside what: areas of the district, outlines of alerts, and where residents stand.

Geometry is shapely in degrees, x = longitude and y = latitude, on WGS 84; nothing here knows Postgres.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from crisis.errors import BadInput, Fault
from crisis.model.globe import EARTH_RADIUS_KM, distance_km, equal_area
from crisis.model.outline import (
    REPAIR_SHARE,
    CapCircle,
    Drawn,
    circle,
    outline,
    polygonal,
    union,
    united,
    without_holes,
)

__all__ = [
    "EARTH_RADIUS_KM", "CapAlert", "CapArea", "CapCircle", "CapInfo", "CapTexts", "NewArea", "Ring", "area_km2",
    "bounds", "circle", "distance_km", "from_cap", "from_geojson", "inside", "overlaps", "parse_geojson", "polygonal",
    "to_cap_polygons", "to_geojson", "union",
]  # fmt: skip

METRES_A_DEGREE = 111_195  # of latitude

MOST_BYTES = 64 * 1024 * 1024
CODES = ("kode", "code", "id", "gid")
NAMES = ("nama", "name", "namobj")
KINDS = ("kind", "jenis", "tingkat", "level")
KIND_BY_PARTS = {1: "provinsi", 2: "kabupaten", 3: "kecamatan", 4: "desa"}  # of 61.12.01.2001, Kemendagri

Ring = tuple[tuple[float, float], ...]  # (lat, lon) pairs, first = last, as CAP writes them


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArea:
    """An area of the district as a file gives it."""

    code: str
    name: str
    kind: str
    geometry: MultiPolygon


class CapArea(Drawn, Protocol):
    @property
    def desc(self) -> str: ...
    @property
    def geocodes(self) -> Sequence[tuple[str, str]]: ...


class CapTexts(Protocol):
    """What an info says in words."""

    @property
    def headline(self) -> str: ...
    @property
    def description(self) -> str: ...


class CapInfo(CapTexts, Protocol):
    @property
    def areas(self) -> Sequence[CapArea]: ...


class CapAlert(Protocol):
    """What is needed of an alert to know its area; crisis.cap.nouns.Alert has this shape."""

    @property
    def infos(self) -> Sequence[CapInfo]: ...


class _Unfit(Exception):
    """A feature that cannot become an area; the text says why."""


def parse_geojson(raw: bytes, source: str) -> tuple[list[NewArea], list[Fault]]:
    """Read areas from a GeoJSON FeatureCollection, keeping every good feature and naming every bad one.

    Raises BadInput when the file as a whole is not a FeatureCollection. RFC 7946.
    """
    areas: dict[str, NewArea] = {}
    faults: list[Fault] = []
    for at, feature in enumerate(_features(raw, source)):
        try:
            area = _read_feature(feature)
            if area.code in areas:
                raise _Unfit(f"code {area.code} is already taken by an earlier feature; the first is kept")
            areas[area.code] = area
        except (_Unfit, BadInput) as unfit:
            faults.append(Fault(file=source, field=f"features[{at}]", says=str(unfit)))
    return list(areas.values()), faults


def _features(raw: bytes, source: str) -> list[object]:
    if len(raw) > MOST_BYTES:
        raise BadInput(f"{source} is larger than {MOST_BYTES >> 20} MB; split it by kecamatan.")
    try:
        read = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadInput(f"{source} is not GeoJSON: it cannot be read as JSON in UTF-8.") from None
    if not isinstance(read, dict) or read.get("type") != "FeatureCollection":
        raise BadInput(f"{source} is not a GeoJSON FeatureCollection; export the areas as one.")
    if not isinstance(read.get("features"), list):
        raise BadInput(f"{source} has no list of features; export the areas again.")
    return cast(list[object], read["features"])


def _read_feature(feature: object) -> NewArea:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _Unfit("is not a Feature")
    told = {"id": feature.get("id")}
    properties = feature.get("properties")
    if isinstance(properties, dict):
        told |= {str(key).lower(): value for key, value in properties.items()}
    code = _first(told, CODES)
    if not code:
        raise _Unfit("has no code; give it a property kode or code")
    kind = _first(told, KINDS) or KIND_BY_PARTS.get(code.count(".") + 1, "")
    geometry = _read_geometry(feature.get("geometry"))
    return NewArea(code=code, name=_first(told, NAMES) or code, kind=kind, geometry=geometry)


def _first(told: Mapping[str, object], keys: Iterable[str]) -> str:
    values = (told.get(key) for key in keys)
    return next((str(v).strip() for v in values if isinstance(v, str | int) and str(v).strip()), "")


def _read_geometry(given: object) -> MultiPolygon:
    match given:
        case {"type": "Polygon", "coordinates": list(rings)}:
            polygons: list[object] = [rings]
        case {"type": "MultiPolygon", "coordinates": list(several)}:
            polygons = several
        case {"type": str(kind)}:
            raise _Unfit(f"has a geometry of type {kind[:20]}; an area needs Polygon or MultiPolygon")
        case _:
            raise _Unfit("has no geometry")
    whole = union([_repaired(_read_polygon(rings)) for rings in polygons])
    if whole.is_empty:
        raise _Unfit("has a geometry without any area")
    return whole


def _read_polygon(rings: object) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise _Unfit("has a polygon without rings")
    shell, *holes = [_read_ring(ring) for ring in rings]
    return Polygon(shell, holes)


def _read_ring(ring: object) -> npt.NDArray[np.float64]:
    try:
        points = np.asarray(ring)
    except (ValueError, OverflowError):
        points = np.empty(0)
    if points.dtype.kind not in "if" or points.ndim != 2 or len(points) < 3 or points.shape[1] < 2:
        raise _Unfit("has a ring that is not a list of at least four [longitude, latitude] pairs")
    lons, lats = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    if not ((np.abs(lons) <= 180.0) & (np.abs(lats) <= 90.0)).all():
        raise _Unfit("has coordinates out of range; GeoJSON is [longitude, latitude] in degrees")
    return np.column_stack((lons, lats))


def _repaired(polygon: Polygon) -> MultiPolygon:
    """Make a self-crossing polygon valid, unless that changes what it covers."""
    sound = polygonal(polygon)
    if not polygon.is_valid and abs(sound.area - polygon.area) > REPAIR_SHARE * sound.area:
        raise _Unfit("crosses itself so much that its area is not certain; mend it in a map program")
    return sound


def to_geojson(geometry: BaseGeometry) -> dict[str, object]:
    """Give the geometry as a GeoJSON object (RFC 7946), ready for a jsonb column."""
    written: dict[str, object] = json.loads(shapely.to_geojson(geometry))
    return written


def from_geojson(stored: str | Mapping[str, object]) -> MultiPolygon:
    """Read back what to_geojson gave, as text or object; always a MultiPolygon."""
    text = stored if isinstance(stored, str) else json.dumps(stored)
    return polygonal(shapely.from_geojson(text))


def from_cap(alert: CapAlert) -> MultiPolygon | None:
    """Unite every polygon and circle of every info of a CAP alert; None when it has no geometry.

    CAP 1.2 section 3.2.4: an area is the union of all it names, so overlaps never become holes. Raises BadInput
    when it crosses itself too often.
    """
    areas = [area for info in alert.infos for area in info.areas]
    parts = [outline([(lon, lat) for lat, lon in ring]) for area in areas for ring in area.polygons]
    parts += [circle(spot.lat, spot.lon, spot.radius) for area in areas for spot in area.circles]
    whole = united(parts)
    return None if whole.is_empty else whole


def bounds(geometry: BaseGeometry) -> tuple[float, float, float, float]:
    """Give west, south, east, north in degrees, for the prefilter in Postgres."""
    west, south, east, north = geometry.bounds
    return west, south, east, north


def inside(
    geometry: BaseGeometry, lons: npt.NDArray[np.float64], lats: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Tell for each point whether it is in the geometry; a point on the boundary is. NaN is outside."""
    within = np.zeros(len(lons), dtype=np.bool_)
    if geometry.is_empty:
        return within
    west, south, east, north = geometry.bounds
    near = np.flatnonzero((lons >= west) & (lons <= east) & (lats >= south) & (lats <= north))
    shapely.prepare(geometry)
    within[near] = shapely.intersects_xy(geometry, lons[near], lats[near])
    return within


def area_km2(geometry: BaseGeometry) -> float:
    """Measure the area in square kilometres on the sphere (Lambert's cylindrical equal-area projection)."""
    return float(shapely.transform(geometry, equal_area).area)


def overlaps(area: BaseGeometry, geometry: BaseGeometry) -> float:
    """Give the share of `area` that `geometry` covers, 0 to 1."""
    if area.is_empty or not area.intersects(geometry):
        return 0.0
    return min(1.0, area_km2(area.intersection(geometry)) / area_km2(area))


def to_cap_polygons(geometry: BaseGeometry, max_points: int = 1000) -> list[Ring]:
    """Write the geometry as closed CAP rings of (lat, lon), at most about `max_points` points in all.

    CAP has no holes (an area is the union of its polygons), so holes are filled. What has too many
    points is thinned and widened by as much, so that nobody inside falls out.
    """
    filled = without_holes(polygonal(geometry))
    fitting = _fitting(filled, max_points)
    return [ring for ring in map(_cap_ring, fitting.geoms) if len(ring) >= 4]


def _fitting(filled: MultiPolygon, max_points: int) -> MultiPolygon:
    """Give the closest outline that fits; with few points the convex hull is closer than the coast."""
    if shapely.get_num_coordinates(filled) <= max_points:
        return filled
    tries = [_widened(shape, max_points) for shape in (filled, polygonal(filled.convex_hull))]
    fitting = [shape for shape in tries if shapely.get_num_coordinates(shape) <= max_points]
    return min(fitting, key=lambda shape: float(shape.area), default=polygonal(filled.envelope))


def _widened(shape: MultiPolygon, max_points: int) -> MultiPolygon:
    metres, thinned = 10.0, shape
    while shapely.get_num_coordinates(thinned) > max_points and metres < 50_000:
        thinned = _thin(shape, metres / METRES_A_DEGREE)
        metres *= 1.6
    return thinned


def _thin(filled: MultiPolygon, degrees: float) -> MultiPolygon:
    """Thin, then widen by as much as thinning can have cut off, so that the result covers the original."""
    thinned = polygonal(filled.simplify(degrees))
    return without_holes(polygonal(thinned.buffer(degrees * 1.01, join_style="mitre", mitre_limit=2.0)))


def _cap_ring(polygon: Polygon) -> Ring:
    points = [(round(lat, 6), round(lon, 6)) for lon, lat in polygon.exterior.coords]
    kept = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
    return tuple(kept)
