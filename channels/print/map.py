"""The warned area drawn as SVG: hatched outline, scale bar, north arrow, and the office's rivers and boundaries."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

RED = "#9c0000"
KM = 111.195  # of one degree of latitude, on the mean radius of 6371.0088 km
LEAST_KM = 2.0  # a map of one house would say nothing
DETAIL = 0.6  # pixels that a simplified outline may be off
DOT = 14  # pixels below which an area is marked with a ring, or nobody would see it
NAMES = 14
NAMED = ("name", "nama", "NAME", "NAMA", "name:id", "name:en")
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
WATER = frozenset({"river", "stream", "canal", "drain", "water", "lake", "coastline", "sungai"})
ROAD = ("highway", "road", "jalan")

Points = npt.NDArray[np.float64]


class NoOutline(Exception):
    """What was given as an outline is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A drawn map and the extent of the warned area in kilometres."""

    svg: str
    width_km: float
    height_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a map shows: the middle in degrees, pixels for a kilometre, and the size in pixels."""

    lon: float
    lat: float
    scale: float
    width: int
    height: int

    def place(self, points: Points) -> Points:
        """Turn longitudes and latitudes into pixels, true to scale in the middle of the map."""
        east = (points[:, 0] - self.lon) * KM * math.cos(math.radians(self.lat)) * self.scale
        north = (points[:, 1] - self.lat) * KM * self.scale
        return np.column_stack([self.width / 2 + east, self.height / 2 - north])


def area(outline: str) -> BaseGeometry:
    """Read an outline of GeoJSON (RFC 7946), made valid and whole across the antimeridian; raise NoOutline."""
    try:
        geometry = shapely.from_geojson(outline)
    except (shapely.GEOSException, ValueError, TypeError) as error:
        raise NoOutline("not GeoJSON") from error
    if geometry is None or geometry.is_empty or not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise NoOutline("it is empty")
    west, south, east, north = geometry.bounds
    if max(abs(west), abs(east)) > 360 or south < -90 or north > 90:
        raise NoOutline("longitude and latitude are out of range")
    return shapely.union_all(shapely.make_valid(shapely.get_parts(_across(geometry))), grid_size=1e-9)


def _across(geometry: BaseGeometry) -> BaseGeometry:
    """Move the western half of an area that spans the antimeridian to the east of it, so that it is drawn as one."""
    west, _, east, _ = geometry.bounds
    if east - west <= 180:
        return geometry
    moved = shapely.transform(geometry, lambda p: p + np.column_stack([(p[:, 0] < 0) * 360.0, 0 * p[:, 1]]))
    return moved if moved.bounds[2] - moved.bounds[0] < east - west else geometry


def drawn(
    geometry: BaseGeometry, ground: str = "", *, width: int, height: int, north: str = "N", ink: str = RED
) -> Map:
    """Draw an area with what lies around it; raise OSError or ValueError where the ground cannot be read."""
    view = _view(geometry, width, height)
    around = _ground(ground, Path(ground).stat().st_mtime_ns) if ground else ()
    layers = [*_around(around, view), _warned(geometry, view, ink), *_called(around, view)]
    west, south, east, top = geometry.bounds
    body = "".join([*layers, _bar(view), _arrow(view, north)])
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        '<defs><pattern id="hatch" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M0 0V12" stroke="{ink}" stroke-width="5"/></pattern>'
        f'<clipPath id="all"><path d="M0 0H{width}V{height}H0z"/></clipPath></defs>'
        f'<path d="M0 0H{width}V{height}H0z" fill="#f4f1ea"/><g clip-path="url(#all)">{body}</g></svg>'
    )
    wide = (east - west) * KM * math.cos(math.radians(view.lat))
    return Map(svg=svg, width_km=wide, height_km=(top - south) * KM)


def _view(geometry: BaseGeometry, width: int, height: int) -> View:
    west, south, east, north = geometry.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    wide = max((east - west) * KM * math.cos(math.radians(lat)), LEAST_KM)
    tall = max((north - south) * KM, LEAST_KM)
    return View(lon=lon, lat=lat, scale=0.72 * min(width / wide, height / tall), width=width, height=height)


def _warned(geometry: BaseGeometry, view: View, ink: str) -> str:
    placed = shapely.transform(geometry, view.place)
    path = _path(shapely.simplify(placed, DETAIL), DETAIL)
    west, top, east, bottom = placed.bounds
    ring = ""
    if max(east - west, bottom - top) < DOT:
        middle = f'cx="{(west + east) / 2:.1f}" cy="{(top + bottom) / 2:.1f}"'
        ring = f'<circle {middle} r="26" fill="none" stroke="{ink}" stroke-width="7"/>'
    tint = f'<path d="{path}" fill="{ink}" fill-opacity="0.16" fill-rule="evenodd"/>'
    line = f'fill-rule="evenodd" stroke="{ink}" stroke-width="5"'
    return f'{tint}<path d="{path}" fill="url(#hatch)" fill-opacity="0.55" {line}/>{ring}'


def _path(shape: BaseGeometry, least: float) -> str:
    """Write rings and lines as SVG paths, to a tenth of a pixel, without those too small to be seen."""
    out: list[str] = []
    for part in shapely.get_parts(shapely.get_parts(np.atleast_1d(shape))):
        kind = part.geom_type
        if kind == "Polygon":
            out += [_line(ring.coords, "z") for ring in (part.exterior, *part.interiors) if _seen(ring, least)]
        elif kind == "LineString":
            out.append(_line(part.coords, ""))
    return "".join(out)


def _seen(ring: Any, least: float) -> bool:
    return bool(ring.length >= 4 * least) or least <= DETAIL


def _line(points: Iterable[tuple[float, ...]], end: str) -> str:
    return "M" + "L".join(f"{p[0]:.1f} {p[1]:.1f}" for p in points) + end


@lru_cache(maxsize=4)
def _ground(path: str, changed: int) -> tuple[tuple[str, str, BaseGeometry], ...]:
    """Read the office's file once: kind (water, road, border), name and shape of each feature."""
    del changed  # a newer file is another entry
    features = json.loads(Path(path).read_text("utf-8")).get("features", [])
    shapes = (shapely.from_geojson(json.dumps(f.get("geometry")), on_invalid="ignore") for f in features)
    told = (f.get("properties") or {} for f in features)
    return tuple(
        (_kind(says, shape), next((str(says[k]) for k in NAMED if says.get(k)), ""), shape)
        for says, shape in zip(told, shapes, strict=True)
        if shape is not None and not shape.is_empty
    )


def _kind(says: dict[str, Any], shape: BaseGeometry) -> str:
    if any(key in says for key in ROAD):
        return "road"
    if "waterway" in says or "water" in says or WATER & {str(v).lower() for v in says.values()}:
        return "lake" if shape.geom_type.endswith("Polygon") else "river"
    return "border"


STYLES = {
    "lake": 'fill="#a9cdea" stroke="#3f83b5" stroke-width="1.5"',
    "border": 'fill="none" stroke="#6b6455" stroke-width="2" stroke-dasharray="9 5"',
    "river": 'fill="none" stroke="#3f83b5" stroke-width="4"',
    "road": 'fill="none" stroke="#8a8172" stroke-width="3"',
}


def _around(ground: Iterable[tuple[str, str, BaseGeometry]], view: View) -> list[str]:
    paths: dict[str, list[str]] = {kind: [] for kind in STYLES}
    within = shapely.box(-50, -50, view.width + 50, view.height + 50)
    for kind, _, shape in ground:
        placed = shapely.simplify(shapely.transform(shape, view.place), 1.0)
        if placed.intersects(within):
            paths[kind].append(_path(placed, 1.0))
    return [f'<path d="{"".join(path)}" {STYLES[kind]}/>' for kind, path in paths.items() if path]


def _called(ground: Iterable[tuple[str, str, BaseGeometry]], view: View) -> list[str]:
    """Write the names of places in view, the largest first, none over another, the bar or the arrow."""
    taken = [(0, view.height - 70, 420, view.height), (view.width - 100, 0, view.width, 130)]
    frame = shapely.box(0, 0, view.width, view.height)
    places = []
    for kind, name, shape in ground:
        seen = shapely.make_valid(shapely.transform(shape, view.place)).intersection(frame) if name else None
        if kind == "border" and seen is not None and seen.area > 2000:
            point = seen.representative_point()
            places.append((-seen.area, name, point.x, point.y))
    out: list[str] = []
    for _, name, x, y in sorted(places)[: 4 * NAMES]:
        half = len(name) * 7 + 8
        box = (int(x) - half, int(y) - 20, int(x) + half, int(y) + 10)
        inside = box[0] >= 0 and box[2] <= view.width and box[1] >= 0 and box[3] <= view.height
        if inside and len(out) < NAMES and not any(_meet(box, other) for other in taken):
            taken.append(box)
            out.append(_text(x, y, name, 24))
    return out


def _meet(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _text(x: float, y: float, words: str, size: int) -> str:
    look = f'font-family="Atkinson Hyperlegible" font-size="{size}" font-weight="bold" text-anchor="middle"'
    halo = f'<text x="{x:.1f}" y="{y:.1f}" {look} fill="none" stroke="#ffffff" stroke-width="6">{escape(words)}</text>'
    return halo + f'<text x="{x:.1f}" y="{y:.1f}" {look} fill="#000000">{escape(words)}</text>'


def _bar(view: View) -> str:
    """Draw a bar of a round length, at most a third of the map."""
    kilometres = max((s for s in STEPS if s * view.scale <= view.width / 3), default=STEPS[0])
    length, y = kilometres * view.scale, view.height - 22
    says = f"{kilometres * 1000:.0f} m" if kilometres < 1 else f"{kilometres:.0f} km"
    shape = f"M24 {y - 12}V{y}H{24 + length:.1f}V{y - 12}"
    path = f'<path d="{shape}" fill="none" stroke="{{}}" stroke-width="{{}}"/>'
    return path.format("#ffffff", 10) + path.format("#000000", 5) + _text(24 + length / 2, y - 12, says, 26)


def _arrow(view: View, north: str) -> str:
    x = view.width - 48
    arrow = f'<path d="M{x} 16L{x + 20} 76L{x} 62L{x - 20} 76z" fill="#000000" stroke="#ffffff" stroke-width="3"/>'
    return arrow + _text(x, 106, north, 28)
