"""The audience: who an alert is for, decided the same way for the preview and for the fan-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely import MultiPolygon

from crisis.model.area import inside


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
