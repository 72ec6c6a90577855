"""What a source alert tells us: the facts that rules ask for, where it holds in our district, and what slots take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shapely import MultiPolygon, Point

from crisis.cap.nouns import Alert, Info
from crisis.model.alert import LONGEST
from crisis.model.area import area_km2, from_geojson, polygonal, union
from crisis.model.audience import Target
from crisis.model.gazetteer import Gazetteer, Known
from crisis.model.globe import distance_km
from crisis.model.opening import CERTAINTIES, URGENCIES, Opening, Told
from crisis.model.phrases import drill_denial
from crisis.model.playbook_feeds import ALONE
from crisis.model.playbook_rules import SEVERITIES
from crisis.model.playbook_shape import Level, NumberSlot, Playbook, Slot, TimeSlot
from crisis.model.slots import Typed, line_fault, needed, plain, value_fault
from crisis.model.template import fill

WHOLE = 0.99  # share from which an area counts as covered whole: outlines of two sources never match exactly
DIALLED = re.compile(r"\d(?:[\s().-]?\d){5}")
DRILL = re.compile(r"\b(?:latihan|simulasi|gladi|uji coba|exercise|drill|test|hoaks|hoax)\b", re.IGNORECASE)
MOST_DESC, MOST_NAME, MOST_REASON = 60, 40, 80  # characters that playbooks are measured with


class District:
    """Our areas, and where an alert holds among them."""

    def __init__(self, places: Iterable[Known]) -> None:
        self.places = {place.id: place for place in places}
        self._gazetteer = Gazetteer(self.places.values())
        self.whole = union(place.geometry for place in self.places.values())

    def reach(self, alert: Alert) -> Reach:
        """Find where an alert holds within our district, and how far away it began."""
        found = self._gazetteer.find(alert)
        shares = {id_: share for id_, share in found.shares.items() if share > 0}
        geometry = found.geometry if shares else None
        if geometry is not None:
            geometry = polygonal(geometry.intersection(self.whole))
        spot = epicentre(alert)
        return Reach(
            geometry=None if geometry is None or geometry.is_empty else geometry,
            shares=dict(sorted(shares.items(), key=lambda pair: -pair[1])),
            distances={} if spot is None else {p.id: distance_km(spot, p.geometry) for p in self.places.values()},
            how=str(found.how),
            doubts=tuple(found.doubts),
        )

    def concerns(self, alert: Alert) -> Alert:
        """Give the alert with only those infos that touch our district; as it is when none or all do."""
        if len(alert.infos) < 2:
            return alert
        near = tuple(i for i in alert.infos if self._gazetteer.find(replace(alert, infos=(i,))).shares)
        return replace(alert, infos=near) if near else alert

    def target(self, reach: Reach, opening: Opening) -> Target | None:
        """Give where our alert is to hold: what is covered or, for what began elsewhere, the areas near enough."""
        ids = self.concerned(reach, opening)
        desc = shortened(self.names(ids), MOST_DESC)
        if opening.rule.when.within_km is not None:
            geometry = union(self.places[id_].geometry for id_ in ids)
            return Target(geometry=geometry, desc=desc, area_ids=frozenset(ids)) if ids else None
        if reach.geometry is None:
            return None
        whole = frozenset(id_ for id_ in ids if reach.shares[id_] >= WHOLE)
        return Target(geometry=reach.geometry, desc=desc, area_ids=whole, near_ids=frozenset(ids) - whole)

    def concerned(self, reach: Reach, opening: Opening | None = None) -> list[int]:
        """List the areas an alert is about: the most covered first, or the nearest."""
        within = opening.rule.when.within_km if opening else None
        if within is None:
            return list(reach.shares)
        return [id_ for id_, km in sorted(reach.distances.items(), key=lambda pair: pair[1]) if km <= within]

    def names(self, ids: Sequence[int]) -> tuple[str, ...]:
        """Name areas in the order given."""
        return tuple(self.places[id_].name for id_ in ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where an alert holds for us: the part inside our district, the shares of our areas, kilometres to each."""

    geometry: MultiPolygon | None
    shares: Mapping[int, float] = field(default_factory=dict)
    distances: Mapping[int, float] = field(default_factory=dict)
    how: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def distance(self) -> float | None:
        return min(self.distances.values(), default=None)


def shortened(names: Sequence[str], most: int) -> str:
    """Join names within `most` characters: all of them, or the first ones and +n for the others."""
    for kept in range(len(names), 0, -1):
        if len(text := _first(names, kept)) <= most:
            return text
    return names[0][:most].rstrip() if names else ""


def epicentre(alert: Alert) -> Point | None:
    """Give the place of a quake: the centre of the only circle of an alert that tells a magnitude."""
    spots = {(c.lon, c.lat) for info in alert.infos for area in info.areas for c in area.circles}
    return Point(*spots.pop()) if len(spots) == 1 and parameter(alert, "magnitude") else None


def parameter(alert: Alert, name: str) -> str:
    """Give the first value of a parameter, whatever its capitals; empty when there is none."""
    pairs = (pair for info in alert.infos for pair in info.parameters)
    return next((value.strip() for key, value in pairs if key.strip().casefold() == name), "")


def number(alert: Alert, name: str) -> float | None:
    """Give a parameter as a number; None when it is not one."""
    found = re.match(r"-?\d{1,5}(?:[.,]\d{1,6})?", parameter(alert, name))
    return float(found[0].replace(",", ".")) if found else None


def main_info(alert: Alert, language: str) -> Info:
    """Give the info in a language, else the first."""
    own = (i for i in alert.infos if i.language.lower().split("-")[0] == language)
    return next(own, alert.infos[0])


def tell(alert: Alert, reach: Reach, names: Sequence[str], feed: str) -> Told:
    """Gather what rules ask for; of several infos the worst grade counts and all words are read."""
    infos = alert.infos
    words = [t for i in infos for t in (i.event, i.headline, i.description, i.instruction)]
    return Told(
        event=" / ".join(dict.fromkeys(info.event for info in infos if info.event)),
        codes=tuple(dict.fromkeys(pair for info in infos for pair in info.event_codes)),
        categories=tuple(dict.fromkeys(c.value for info in infos for c in info.categories)),
        severity=_worst((info.severity for info in infos), SEVERITIES),
        urgency=_worst((info.urgency for info in infos), URGENCIES),
        certainty=_worst((info.certainty for info in infos), CERTAINTIES),
        text="\n".join([*words, parameter(alert, "potential")]),
        magnitude=number(alert, "magnitude"),
        depth_km=number(alert, "depth_km"),
        distance_km=reach.distance,
        overlap_km2=0.0 if reach.geometry is None else area_km2(reach.geometry),
        share=max(reach.shares.values(), default=0.0),
        sender=alert.sender,
        feed=feed,
        areas=tuple(names),
    )


def _worst(given: Iterable[str], scale: Sequence[str]) -> str:
    return max((str(name) for name in given), key=scale.index, default=scale[0])


def milder(level: Level, told: Told) -> dict[str, str]:
    """Give severity, urgency and certainty: our alert never claims more than its level, nor than its source."""
    grades = (("severity", SEVERITIES), ("urgency", URGENCIES), ("certainty", CERTAINTIES))
    chosen = {}
    for name, scale in grades:
        own, theirs = getattr(level.cap, name), getattr(told, name)
        chosen[name] = own if theirs == "Unknown" else min(own, theirs, key=scale.index)
    return chosen


def ends(alert: Alert, opening: Opening, now: datetime) -> tuple[datetime | None, str]:
    """Decide until when our alert holds, and why where that is not what the source says; None is the level's own."""
    given = [info.expires for info in alert.infos if info.expires]
    if not given:
        span = opening.rule.expires_after
        return (now + span, "the source does not say until when") if span else (None, "")
    if max(given) > now + LONGEST:
        return now + LONGEST, f"the source says until {max(given).isoformat()}; a feed's alert holds for 7 days at most"
    return max(given), ""


def too_old(alert: Alert, opening: Opening, now: datetime) -> str:
    """Say that an alert which does not tell until when it holds is past what its rule gives it; empty when not."""
    span = opening.rule.expires_after
    if span is None or any(info.expires for info in alert.infos) or alert.sent + span > now:
        return ""
    return f"it was sent at {alert.sent.isoformat()}, longer ago than rule {opening.named} lets it hold"


def sender_name(alert: Alert) -> str:
    """Name the source in few characters: its own short name, else the name of its domain (bmkg.go.id is BMKG)."""
    spoken = [alert.source, *(info.sender_name for info in alert.infos)]
    for name in map(plain, spoken):
        if name and len(name) <= MOST_NAME and line_fault(name, allow_links=False) is None and not _misleads(name):
            return name
    domain = alert.sender.rpartition("@")[2]
    return domain.partition(".")[0].upper()[:MOST_NAME] if "." in domain else alert.sender[:MOST_NAME]


def _misleads(text: str) -> bool:
    """Find what no stranger may put into our texts: a number to call, and words that make a drill of the real thing."""
    return bool(DIALLED.search(text) or DRILL.search(text))


def reason(alert: Alert) -> str:
    """Give in one line why the source ended it: its note or headline where these may stand in words."""
    named = sender_name(alert)
    for text in (alert.note, *(info.headline for info in alert.infos)):
        line = f"{named}: {' '.join(plain(text).split())}"
        printable = line_fault(line, allow_links=False) is None and not drill_denial(line)
        if text and len(line) <= MOST_REASON and printable and not _misleads(text):
            return line
    return f"{named} {alert.identifier}"[:MOST_REASON]


def source_facts(alert: Alert, told: Told, language: str) -> dict[str, Any]:
    """Give what the slots of a rule may name, by its name; what the source does not tell is None."""
    info = main_info(alert, language)
    spots = [a.desc for i in alert.infos for a in i.areas if a.circles]
    return {
        "area": told.areas,
        "sent": alert.sent,
        "onset": info.onset or info.effective or alert.sent,
        "expires": info.expires,
        "event": info.event,
        "headline": info.headline,
        "sender_name": sender_name(alert),
        "identifier": alert.identifier,
        "feed": told.feed,
        "magnitude": told.magnitude,
        "depth_km": told.depth_km,
        "distance_km": None if told.distance_km is None else round(told.distance_km),
        "felt": parameter(alert, "felt") or None,
        "epicentre": spots[0] if spots else None,
    }


def slots_of(opening: Opening, facts: Mapping[str, Any]) -> tuple[dict[str, Typed], tuple[str, ...]]:
    """Fill the slots of a rule from the source; one that the words can do without is left out where it does not fit.

    Gives the values as an officer would type them and a note for each left out. What is wrong with the others
    slots.parse says.
    """
    playbook, values, notes = opening.playbook, {}, []
    asked = needed(playbook, opening.rule.level)
    for name, template in opening.rule.slots.items():
        slot = playbook.slots[name]
        value = _fitting(template, slot, facts, playbook)
        fault = value_fault(slot, value) if value is not None else None
        if fault and name not in asked:
            notes.append(f"slot {name} was left empty: {fault}")
            continue
        values[name] = value
    return values, tuple(notes)


def _fitting(template: Typed, slot: Slot, facts: Mapping[str, Any], playbook: Playbook) -> Typed:
    """Fill one slot, with as many names of areas as it has room for."""
    if not isinstance(template, str) or "{" not in template:
        return template
    filled: Typed = None
    for kept in range(max(len(facts["area"]), 1), 0, -1):
        filled = _filled(template, slot, {**facts, "area": _first(facts["area"], kept)}, playbook)
        if value_fault(slot, filled) is None:
            return filled
    return filled


def _first(names: Sequence[str], kept: int) -> str:
    return ", ".join(names[:kept]) + (f" +{len(names) - kept}" if kept < len(names) else "")


def _filled(template: str, slot: Slot, facts: Mapping[str, Any], playbook: Playbook) -> Typed:
    alone = ALONE.fullmatch(template.strip())
    if alone is None:
        return " ".join(fill(template, playbook.languages[0], facts).split())
    value = facts.get(alone[1])
    match value:
        case None | "":
            return None
        case datetime():
            return value.isoformat()
        case float() | int():
            return round(value, slot.decimals) if isinstance(slot, NumberSlot) else f"{value:g}"
        case _:
            return " ".join(plain(str(value)).split())


def differences(row: Mapping[str, Any], opening: Opening, target: Target, slots: Mapping[str, Any]) -> Iterator[str]:
    """Yield what would be different in our alert beside its times: level, area, what its slots say."""
    if row["level"] != opening.rule.level:
        yield f"the level was {row['level']} and is {opening.rule.level}"
    before = from_geojson(row["geometry"])
    if (moved := area_km2(before.symmetric_difference(target.geometry))) > max(0.5, 0.01 * area_km2(before)):
        yield f"the area changed by {moved:.0f} km2"
    for name, value in slots.items():
        if row["slots"].get(name) != value and not isinstance(opening.playbook.slots[name], TimeSlot):
            yield f"{name} was {row['slots'].get(name)} and is {value}"
