"""GDACS' RSS of disasters world-wide: each item is a summary alert and, where it has one, a link to its CAP.

The CAP document wins wherever it can be fetched. The shape was seen in samples of 2019; `datemodified` and
the rhythm of six minutes are from memory. The box (lonmin lonmax latmin latmax) is a map window many
degrees wide, not the area at risk: it becomes the area only of an item without a point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from lxml import etree

from crisis.cap.entry import Entry
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Pair,
    Ring,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original
from crisis.cap.xml import parse_untrusted
from crisis.errors import BadInput
from crisis.feeds.contract import Format
from crisis.feeds.fields import Fields, absolute, as_number, spelled, told
from crisis.feeds.quake import DEEPEST_KM, LEAST, MOST

SENDER = "gdacs.org"
PREFIXES = {"http://www.gdacs.org": "gdacs", "http://www.georss.org/georss": "georss"}
MOST_BYTES = 32 * 1024 * 1024
SEVERITY = {"green": Severity.MINOR, "orange": Severity.SEVERE, "red": Severity.EXTREME}
KINDS = {
    "eq": ("Earthquake", Category.GEO),
    "ts": ("Tsunami", Category.GEO),
    "vo": ("Volcano", Category.GEO),
    "tc": ("Tropical cyclone", Category.MET),
    "fl": ("Flood", Category.MET),
    "dr": ("Drought", Category.MET),
    "wf": ("Wildfire", Category.FIRE),
}
DEPTH = re.compile(r"depth:?\s*([0-9.]{1,10})\s*km", re.IGNORECASE)
COPIED = (
    "alertlevel",
    "alertscore",
    "episodealertlevel",
    "eventtype",
    "eventid",
    "episodeid",
    "eventname",
    "severity",
    "population",
    "vulnerability",
    "country",
    "iso3",
    "glide",
    "bbox",
    "iscurrent",
    "fromdate",
    "todate",
)


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give one entry an item; one is refused only when it has neither a link to its CAP nor a name and time."""
    root = parse_untrusted(raw, most_bytes=MOST_BYTES)
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise BadInput(f"X-FEED: the root element is {etree.QName(root).localname[:40]}, not the rss of GDACS.")
    original = Original(raw, root)
    return [
        _entry(element, original.of(element), f"item[{at}]", url) for at, element in enumerate(channel.findall("item"))
    ]


def _entry(element: etree._Element, raw: bytes, where: str, url: str) -> Entry:
    notes: list[Warning] = []
    fields = Fields(_values(element), notes)
    link = absolute(url, cap) if (cap := fields.text("gdacs:cap")) else ""
    guid = fields.text("guid") or fields.text("gdacs:eventtype") + fields.text("gdacs:eventid")
    name = "".join(guid.split()).replace(",", "")
    sent = next(filter(None, (fields.time(at) for at in ("gdacs:datemodified", "pubDate", "gdacs:fromdate"))), None)
    if name and sent:
        return told(raw, _alert(element, fields, name, sent, url), notes, where=where, guid=guid, link=link)
    refused = "" if link else f"The {'time' if name else 'name'} of {where} cannot be read and it has no CAP document."
    return Entry(raw=raw, where=where, guid=guid, link=link, warnings=tuple(notes), refused=refused)


def _values(element: etree._Element) -> dict[str, Any]:
    """Give the item's own texts as prefix:name; the first of each counts."""
    found: dict[str, Any] = {}
    for part in element:
        name = etree.QName(part)
        prefix = PREFIXES.get(name.namespace or "", "other" if name.namespace else "")
        found.setdefault(f"{prefix}:{name.localname}" if prefix else name.localname, part.text)
    return found


def _alert(element: etree._Element, fields: Fields, name: str, sent: datetime, url: str) -> Alert:
    return Alert(
        identifier=name,
        sender=SENDER,
        sent=sent,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        source="GDACS",
        infos=(_info(element, fields, url),),
    )


def _info(element: etree._Element, fields: Fields, url: str) -> Info:
    kind = fields.text("gdacs:eventtype")
    event, category = KINDS.get(kind.lower(), (kind or fields.text("title"), Category.OTHER))
    level = fields.text("gdacs:alertlevel")
    severity = SEVERITY.get(level.lower(), Severity.UNKNOWN)
    if severity is Severity.UNKNOWN:
        fields.note("gdacs:alertlevel", f"'{level[:40]}' is not Green, Orange or Red; read as unknown")
    return Info(
        language="en",
        categories=(category,),
        event=event,
        urgency=_urgency(fields, severity),
        severity=severity,
        certainty=Certainty.OBSERVED if kind.lower() in {"eq", "vo"} else Certainty.LIKELY,
        onset=fields.time("gdacs:fromdate"),
        sender_name="GDACS, Global Disaster Alert and Coordination System",
        headline=fields.text("title"),
        description=fields.text("description"),
        web=absolute(url, page) if (page := fields.text("link")) else "",
        parameters=_parameters(element, fields),
        areas=_areas(fields),
    )


def _urgency(fields: Fields, severity: Severity) -> Urgency:
    if fields.text("gdacs:iscurrent").lower() == "false":
        return Urgency.PAST
    if severity is Severity.UNKNOWN:
        return Urgency.UNKNOWN
    return Urgency.EXPECTED if severity is Severity.MINOR else Urgency.IMMEDIATE


def _parameters(element: etree._Element, fields: Fields) -> tuple[Pair, ...]:
    kind = fields.text("gdacs:eventtype").lower()
    own = [("tsunami", "yes" if kind == "ts" else "unknown")] if kind in {"eq", "ts"} else []
    measured = element.find("{http://www.gdacs.org}severity")
    if measured is not None:
        amount = as_number(measured.get("value"))
        if kind == "eq" and amount is not None and LEAST <= amount <= MOST:
            own.append(("magnitude", spelled(amount)))
        own += [("severity_value", measured.get("value") or ""), ("severity_unit", measured.get("unit") or "")]
    depth = DEPTH.search(fields.text("gdacs:severity")) if kind == "eq" else None
    deep = as_number(depth[1]) if depth else None
    if deep is not None and deep <= DEEPEST_KM:
        own.append(("depth_km", spelled(deep)))
    copied = ((name, fields.text(f"gdacs:{name}")) for name in COPIED)
    return tuple(pair for pair in (*own, *copied) if pair[1])


def _areas(fields: Fields) -> tuple[Area, ...]:
    spot, box = _spot(fields), None
    if spot is None:
        box = _box(fields)
        fields.note("georss:point", f"is missing; {'the map window was used' if box else 'no place is known'}")
    desc = fields.text("gdacs:country") or fields.text("title")
    if not desc and spot is None and box is None:
        return ()
    return (Area(desc=desc, circles=(spot,) if spot else (), polygons=(box,) if box else ()),)


def _spot(fields: Fields) -> Circle | None:
    numbers = _numbers(fields.text("georss:point"))
    if len(numbers) != 2 or abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        return None
    return Circle(lat=numbers[0], lon=numbers[1], radius=0.0)


def _box(fields: Fields) -> Ring | None:
    """Read "lonmin lonmax latmin latmax"; a box over the antimeridian or without an inside gives no area."""
    numbers = _numbers(fields.text("gdacs:bbox"))
    if len(numbers) != 4:
        return None
    west, east, south, north = numbers
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        fields.note("gdacs:bbox", "is no box on the earth and was left out")
        return None
    return ((south, west), (south, east), (north, east), (north, west), (south, west))


def _numbers(text: str) -> list[float]:
    found = [as_number(part) for part in text.replace(",", " ").split()[:5]]
    return [number for number in found if number is not None]


FORMAT = Format(
    parse=parse,
    says="GDACS: disasters world-wide, RSS with links to CAP (www.gdacs.org/xml/rss.xml)",
    accept="application/rss+xml, application/xml;q=0.9, text/xml;q=0.8",
    every=timedelta(minutes=6),
)
