"""Decides which of our areas an alert of somebody else covers, and how much of each; what is uncertain is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from crisis.errors import BadInput
from crisis.model.area import CapAlert, CapArea
from crisis.model.globe import distance_km, equal_area
from crisis.model.outline import outlines, polygonal, union, united
from crisis.model.placecodes import Coded, Codes, Tables, above_of, is_nested
from crisis.model.placenames import Named, Names, level_of

LEAST_KM2 = 1e-7  # a tenth of a square metre: less is where two outlines merely touch
MOST_SHOWN = 5

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One of our areas; `code` as it was loaded, Kemendagri's where it has dots."""

    id: int
    code: str
    name: str
    geometry: MultiPolygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What an alert covers of our areas: the shape, the share (0 to 1) of each touched one by id, how it was found.

    `how` is polygon (or circle), geocode when one was needed, description when only words named us, or empty.
    A description is never enough to release by. `doubts` are sentences for an officer.
    """

    geometry: MultiPolygon | None = None
    shares: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    how: str = ""
    doubts: tuple[str, ...] = ()


class Gazetteer:
    """Our areas, made ready to be matched; build it once and keep it."""

    def __init__(
        self, places: Iterable[Known], *, tables: Tables = MappingProxyType({}), elsewhere: Iterable[str] = ()
    ) -> None:
        """Take our areas, tables of foreign codes (ISO3166-2: ID-KB -> 61) and names that are not ours."""
        self._places = {place.id: place for place in places}
        self._ids = np.array(list(self._places), dtype=np.int64)
        self._shapes = _array([place.geometry for place in self._places.values()])
        self._km2 = _km2(self._shapes)
        self._tree = shapely.STRtree(self._shapes)
        shapely.prepare(self._shapes)
        self.whole = union(self._shapes)
        shapely.prepare(self.whole)
        self._codes = Codes({place.id: place.code for place in self._places.values()}, tables)
        named = {place.id: (place.name, level_of(place.code, place.name)) for place in self._places.values()}
        self._names = Names(named, elsewhere)

    def find(self, alert: CapAlert) -> Where:
        """Find what an alert covers of our areas, by what is drawn, else by geocodes, else by names; never raises.

        An area that is drawn is taken as drawn, being more exact than its geocodes (CAP-AU, CAP-CP); drawn and
        coded areas unite. Words are read only where nothing else tells a place.
        """
        if not self._places:
            return Where(doubts=("no areas of ours are loaded, so that none can be found: load them first",))
        areas = [area for info in alert.infos for area in info.areas]
        drawn, other = [area for area in areas if _is_drawn(area)], [area for area in areas if not _is_drawn(area)]
        shapes, doubts = outlines(drawn)
        coded = self._codes.find(pair for area in other for pair in area.geocodes)
        if not shapes and not coded.ids and not coded.elsewhere:
            return self._described(alert, (*doubts, *coded.doubts))
        doubts = (*doubts, *coded.doubts, *_left_out(other))
        near = _array(shapes)[shapely.intersects(self.whole, _array(shapes))]
        if not coded.ids and not len(near):
            return Where(doubts=(*doubts, *self._outside(shapes, drawn)))
        try:
            return self._where(united(list(near)), coded.ids, "geocode" if coded.ids else "polygon", doubts)
        except (BadInput, GEOSException) as tangled:
            says = (
                str(tangled)
                if isinstance(tangled, BadInput)
                else "its outlines cannot be matched with ours: draw the area"
            )
            return Where(doubts=(*doubts, says))

    def distance_km(self, alert: CapAlert) -> float | None:
        """Measure from what is drawn of the alert (an epicentre is a circle of radius 0) to our areas; 0 inside."""
        shapes, _ = outlines(area for info in alert.infos for area in info.areas)
        return self._away(shapes) if shapes and self._places else None

    def _away(self, shapes: Sequence[MultiPolygon]) -> float:
        return distance_km(shapely.geometrycollections(_array(shapes)), self.whole)

    def _where(self, shape: MultiPolygon, ids: frozenset[int], how: str, doubts: Sequence[str]) -> Where:
        shares = self._shares(shape) | self._taken(ids, shape)
        ours = polygonal(shape.intersection(self.whole))
        geometry = union([ours, *(self._places[place].geometry for place in ids)]) if ids else ours
        if geometry.is_empty or not shares:
            return Where(doubts=(*doubts, "it touches the edge of our areas only"))
        return Where(geometry=geometry, shares=MappingProxyType(shares), how=how, doubts=tuple(doubts))

    def _shares(self, shape: MultiPolygon) -> dict[int, float]:
        """Measure how much of each of our areas the shape covers; overlay only where an edge passes through."""
        parts = _array(shape.geoms)
        at, place = self._tree.query(parts, predicate="intersects")
        if not len(at):
            return {}
        shapely.prepare(parts)
        piece, ours = parts[at], self._shapes[place]
        whole = shapely.covers(piece, ours)
        within = ~whole & shapely.covers(ours, piece)
        cut = ~whole & ~within
        km2 = np.where(whole, self._km2[place], 0.0)
        km2[within] = _km2(piece[within])
        km2[cut] = _km2(shapely.intersection(piece[cut], ours[cut]))
        covered = np.bincount(place, km2, minlength=len(self._ids))
        touched = np.flatnonzero((covered > LEAST_KM2) & (self._km2 > 0.0))
        shares = np.minimum(1.0, covered[touched] / self._km2[touched])
        return dict(zip(self._ids[touched].tolist(), shares.tolist(), strict=True))

    def _taken(self, ids: frozenset[int], shape: MultiPolygon) -> dict[int, float]:
        """Give the shares of areas taken whole, and of what they lie in; neighbours are not touched by a sliver."""
        if not ids:
            return {}
        above = {code for place in ids for code in above_of(self._places[place].code)}
        united = self._shares(union([shape, *(self._places[place].geometry for place in ids)]))
        wider = {place: share for place, share in united.items() if self._holds(place, above)}
        return wider | dict.fromkeys(ids, 1.0)

    def _holds(self, place: int, above: set[str]) -> bool:
        code = self._places[place].code
        return code in above or not is_nested(code)

    def _described(self, alert: CapAlert, doubts: Sequence[str]) -> Where:
        found = self._named(alert)
        ids = frozenset(below for named in found for place in named.ids for below in self._below(place))
        if not ids:
            told = "its words name none of our areas" if any(True for _ in _texts(alert)) else "it names no area"
            return Where(doubts=(*doubts, f"nothing is drawn, and {told}: choose the area if it is ours"))
        names = list(dict.fromkeys(named.name for named in found))
        shown = ", ".join(names[:MOST_SHOWN]) + (
            f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        )
        words = f"the area is known only by names in its words ({shown}): look whether it is ours"
        doubts = (*doubts, words, *dict.fromkeys(named.doubt for named in found if named.doubt))
        return self._where(MultiPolygon(), ids, "description", doubts)

    def _below(self, place: int) -> frozenset[int]:
        return self._codes.within(self._places[place].code) | {place}

    def _named(self, alert: CapAlert) -> list[Named]:
        areas = dict.fromkeys(area.desc for info in alert.infos for area in info.areas)
        listed = [named for desc in areas for named in self._names.find(desc, listed=True)]
        running = dict.fromkeys(text for info in alert.infos for text in (info.headline, info.description))
        return listed or [named for text in running for named in self._names.find(text, listed=False)]

    def _outside(self, shapes: Sequence[MultiPolygon], drawn: Sequence[CapArea]) -> Iterator[str]:
        """Say how far away it is, and what speaks for it being ours all the same."""
        if not shapes:
            return
        yield f"its area lies outside ours, {self._away(shapes):.0f} km away"
        turned = shapely.transform(_array(shapes), lambda points: points[:, ::-1])
        if shapely.intersects(turned, self.whole).any():
            yield "with latitude and longitude swapped it would lie in our areas: ask its sender"
        coded: Coded = self._codes.find(pair for area in drawn for pair in area.geocodes)
        if coded.ids:
            names = ", ".join(self._places[place].name for place in sorted(coded.ids)[:MOST_SHOWN])
            yield f"its geocodes name areas of ours ({names}) all the same: look which is meant"


def _is_drawn(area: CapArea) -> bool:
    return bool(area.polygons or area.circles)


def _left_out(areas: Sequence[CapArea]) -> Iterator[str]:
    described = dict.fromkeys(area.desc for area in areas if not area.geocodes)
    for desc in [*described][:MOST_SHOWN]:
        yield f"an area is only described and was left out: {desc[:80] or 'without words'}"


def _texts(alert: CapAlert) -> Iterator[str]:
    for info in alert.infos:
        yield from (text for text in (info.headline, info.description, *(area.desc for area in info.areas)) if text)


def _array(shapes: Iterable[BaseGeometry]) -> Shapes:
    listed = list(shapes)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def _km2(shapes: Shapes) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = shapely.area(shapely.transform(shapes, equal_area))
    return found
