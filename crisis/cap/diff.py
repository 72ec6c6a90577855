"""Tells what changed between two alerts of one source, as a duty officer must see it: words, times, grades, area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

from shapely import MultiPolygon

from crisis.cap.nouns import Alert, Area, Info, Pair, Resource
from crisis.errors import BadInput
from crisis.model.area import area_km2, from_cap

OF_ALERT = ("status", "msg_type", "scope", "source", "restriction", "addresses", "codes", "note", "incidents")
OF_INFO = (
    "event", "urgency", "severity", "certainty", "effective", "onset", "expires", "headline", "description",
    "instruction", "categories", "response_types", "audience", "sender_name", "web", "contact",
)  # fmt: skip
OF_AREA = ("altitude", "ceiling")
SHOWN = 5  # names listed before they are only counted
SAME_KM2 = 0.0005  # less is a coordinate rounded differently

Part = TypeVar("Part")
Couple = tuple[str, Part | None, Part | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is different: its place as info[id]/severity, what it was and is; empty where there is none."""

    where: str
    was: str
    now: str

    @property
    def says(self) -> str:
        """Tell it in one sentence."""
        if not self.was:
            return f"{self.where} is new: {_quoted(self.now)}."
        if not self.now:
            return f"{self.where} is gone; it was {_quoted(self.was)}."
        return f"{self.where} changed from {_quoted(self.was)} to {_quoted(self.now)}."


def diff(old: Alert, new: Alert) -> tuple[Change, ...]:
    """Give every difference in the order of the document; none when both say the same to people.

    Infos are paired by language, areas by description, parameters and codes by name. Outlines are compared by
    number and km2, never point by point. The name of the alert itself (identifier, sender, sent, references) is
    not compared: it differs with every update.
    """
    return tuple(_alert(old, new))


def _alert(old: Alert, new: Alert) -> Iterator[Change]:
    yield from _fields("", OF_ALERT, old, new)
    for language, was, now in _paired(old.infos, new.infos, lambda info: info.language):
        yield from _info(f"info[{language}]", was, now)


def _info(where: str, was: Info | None, now: Info | None) -> Iterator[Change]:
    if was is None or now is None:
        yield Change(where=where, was=_told(was), now=_told(now))
        return
    yield from _fields(where, OF_INFO, was, now)
    yield from _pairs(where, "event_code", was.event_codes, now.event_codes)
    yield from _pairs(where, "parameter", was.parameters, now.parameters)
    for name, before, after in _paired(was.resources, now.resources, lambda resource: resource.desc):
        yield from _changed(f"{where}/resource[{name}]", _file(before), _file(after))
    for desc, earlier, later in _paired(was.areas, now.areas, lambda area: area.desc):
        yield from _area(f"{where}/area[{desc}]", earlier, later)


def _area(where: str, was: Area | None, now: Area | None) -> Iterator[Change]:
    if was is None or now is None:
        yield Change(where=where, was=_size(was) if was else "", now=_size(now) if now else "")
        return
    yield from _outline(where, was, now)
    yield from _pairs(where, "geocode", was.geocodes, now.geocodes)
    yield from _fields(where, OF_AREA, was, now)


def _outline(where: str, was: Area, now: Area) -> Iterator[Change]:
    if (was.polygons, was.circles) == (now.polygons, now.circles):
        return
    before, after = _shape(was), _shape(now)
    added, lost = _less(after, before), _less(before, after)
    if before is not None and after is not None and max(added, lost) < SAME_KM2:
        return
    moves = ((added, "of it new"), (lost, "no longer in it")) if before and after else ()
    moved = [f"{_km2(size)} {what}" for size, what in moves if size >= SAME_KM2]
    yield Change(where=f"{where}/outline", was=_drawn(was), now=", ".join(filter(None, (_drawn(now), *moved))))


def _fields(where: str, names: Sequence[str], was: object, now: object) -> Iterator[Change]:
    for name in names:
        if getattr(was, name) != getattr(now, name):  # equal times may be spelled in different zones
            yield Change(where=f"{where}/{name}" if where else name, was=_spelt(was, name), now=_spelt(now, name))


def _pairs(where: str, kind: str, was: Sequence[Pair], now: Sequence[Pair]) -> Iterator[Change]:
    for name in dict.fromkeys(name for name, _ in (*was, *now)):
        before, after = ([value for other, value in pairs if other == name] for pairs in (was, now))
        if sorted(before) != sorted(after):
            yield from _codes(f"{where}/{kind}[{name}]", before, after)


def _codes(where: str, was: list[str], now: list[str]) -> Iterator[Change]:
    """Many values under one name: only those that came and went are told."""
    if len(was) <= SHOWN and len(now) <= SHOWN:
        yield Change(where=where, was=", ".join(was), now=", ".join(now))
        return
    lost, added = [one for one in was if one not in now], [one for one in now if one not in was]
    yield Change(where=where, was=_count(was, lost), now=_count(now, added))


def _changed(where: str, was: str, now: str) -> Iterator[Change]:
    if was != now:
        yield Change(where=where, was=was, now=now)


def _paired(old: Sequence[Part], new: Sequence[Part], name: Callable[[Part], str]) -> Iterator[Couple[Part]]:
    """Pair parts of one name; where several share it, equal ones first and the rest in their order."""
    for key in dict.fromkeys(name(part) for part in (*old, *new)):
        before, after = ([part for part in parts if name(part) == key] for parts in (old, new))
        several = max(len(before), len(after)) > 1
        kept = [part for part in before if part in after]
        left, right = ([part for part in parts if part not in kept] for parts in (before, after))
        for at, (was, now) in enumerate(zip_longest(left, right), start=1):
            yield (f"{key or 'unnamed'}#{at}" if several else key or "unnamed"), was, now


def _spelt(part: object, name: str) -> str:
    value = getattr(part, name)
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(timespec="seconds")
        case tuple():
            return ", ".join(str(one) for one in value)
        case _:
            return str(value)


def _told(info: Info | None) -> str:
    return "" if info is None else info.headline or info.event or "without a headline"


def _file(resource: Resource | None) -> str:
    if resource is None:
        return ""
    return ", ".join(filter(None, (resource.mime_type, resource.uri, resource.digest))) or "a file"


def _size(area: Area) -> str:
    codes = _counted(len(area.geocodes), "geocode")
    return ", ".join(filter(None, (_drawn(area), codes))) or "by name only"


def _drawn(area: Area) -> str:
    """Sum up an outline: so many polygons and circles, so many km2."""
    counts = [_counted(len(area.polygons), "polygon"), _counted(len(area.circles), "circle")]
    shape = _shape(area)
    return ", ".join(filter(None, (*counts, _km2(area_km2(shape)) if shape else "")))


def _shape(area: Area) -> MultiPolygon | None:
    if not area.polygons and not area.circles:
        return None
    try:
        return from_cap(_Lone(infos=(Info(areas=(area,)),)))
    except BadInput:
        return None  # it crosses itself too often to be measured


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lone:
    infos: tuple[Info, ...]


def _less(one: MultiPolygon | None, other: MultiPolygon | None) -> float:
    """Give the km2 that are in one and not in the other."""
    if one is None:
        return 0.0
    return area_km2(one if other is None else one.difference(other))


def _km2(size: float) -> str:
    return f"{size:,.0f} km2" if size >= 10 else f"{size:.2f} km2"


def _counted(count: int, name: str) -> str:
    return "" if not count else f"1 {name}" if count == 1 else f"{count} {name}s"


def _count(values: list[str], special: list[str]) -> str:
    return f"{len(values)} values" + (f", {_few(special)} among them" if special else "")


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _quoted(text: str) -> str:
    return f"'{text}'"
