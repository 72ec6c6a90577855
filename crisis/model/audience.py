"""The audience: who an alert is for, decided the same way for the preview and for the fan-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon

from crisis.model.area import inside

CELLS_A_DEGREE = 50  # a cell is about 2.2 km wide; address.cell counts by the same rule
CELLS_IN_A_ROW = 18_001  # from 180 W to 180 E, both included
MOST_CELLS = 2_500  # of one target: 1 degree by 1 degree
EDGE = 1e-9  # degrees: a point on the edge of a cell may be counted in either


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an alert holds: its geometry, the areas warned whole, and those it only overlaps."""

    geometry: MultiPolygon
    desc: str
    area_ids: frozenset[int] = frozenset()
    near_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a resident lives, as far as we know: an area, a point, or both."""

    area_id: int | None
    lon: float | None
    lat: float | None


def members(target: Target, places: Sequence[Place]) -> npt.NDArray[np.bool_]:
    """Tell for each place whether the alert is for it, never missing one whose place is in doubt.

    Inside are: every resident of an area warned whole; a point inside the geometry, its edge included;
    a resident known by area only, when that area is overlapped at all.
    """
    if not places:
        return np.zeros(0, dtype=bool)
    nan = float("nan")
    lons = np.array([nan if p.lon is None else p.lon for p in places], dtype=float)
    lats = np.array([nan if p.lat is None else p.lat for p in places], dtype=float)
    pointed = ~np.isnan(lons)
    chosen = np.zeros(len(places), dtype=bool)
    chosen[pointed] = inside(target.geometry, lons[pointed], lats[pointed])
    whole = np.fromiter((p.area_id in target.area_ids for p in places), dtype=bool, count=len(places))
    near = np.fromiter((p.area_id in target.near_ids for p in places), dtype=bool, count=len(places))
    result: npt.NDArray[np.bool_] = chosen | whole | (near & ~pointed)
    return result


def cells(geometry: MultiPolygon) -> list[int] | None:
    """Name the cells that may hold a point of the geometry, rather one too many; None when they are too many."""
    found: set[int] = set()
    for part in geometry.geoms:
        rows, columns = _grid(part)
        if len(found) + len(rows) * len(columns) > MOST_CELLS:
            return None
        row, column = (each.ravel() for each in np.meshgrid(rows, columns, indexing="ij"))
        low, left = row / CELLS_A_DEGREE - EDGE, column / CELLS_A_DEGREE - EDGE
        wide = 1 / CELLS_A_DEGREE + 2 * EDGE
        shapely.prepare(part)
        touched = shapely.intersects(part, shapely.box(left, low, left + wide, low + wide))
        found.update(((row + 4_500) * CELLS_IN_A_ROW + column + 9_000)[touched].tolist())
    return sorted(found)


def runs(named: Sequence[int]) -> tuple[list[int], list[int]]:
    """Give the first and the last of each run of neighbours among numbers in rising order, as two lists."""
    numbers = np.array(named, dtype=np.int64)
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    first, last = np.append(0, breaks + 1), np.append(breaks, len(numbers) - 1)
    return (numbers[first].tolist(), numbers[last].tolist()) if len(numbers) else ([], [])


def _grid(part: Polygon) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    west, south, east, north = np.floor(np.array(part.bounds) * CELLS_A_DEGREE + (-EDGE, -EDGE, EDGE, EDGE))
    return np.arange(south, north + 1, dtype=np.int64), np.arange(west, east + 1, dtype=np.int64)


def column(raw: bytes | None, kind: str) -> npt.NDArray[Any]:
    """Read a list of numbers as array_send of Postgres writes it; `kind` is i8 or f8, and no rows are none."""
    if raw is None:
        return np.zeros(0, dtype=kind)
    written = np.frombuffer(raw, dtype=[("size", ">i4"), ("value", f">{kind}")], offset=20)
    return written["value"].astype(kind)
