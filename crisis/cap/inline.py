"""Composes a CAP alert from the flat `cap:` elements that index entries carry, and says what had to be borrowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from crisis.cap.nouns import NAMESPACE, OLDER_NAMESPACES
from crisis.cap.read import Reading, read_element
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it

VERSIONS = {NAMESPACE: "1.2", OLDER_NAMESPACES[0]: "1.1", OLDER_NAMESPACES[1]: "1.0"}
# The elements of CAP 1.2 section 3.2 in the order of its schema.
OF_ALERT = (
    "identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses", "code",
    "note", "references", "incidents",
)  # fmt: skip
OF_INFO = (
    "language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode",
    "effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact",
    "parameter", "resource",
)  # fmt: skip
OF_AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
WHOLE = ("info", "area")
FIELDS = {name.lower(): name for name in (*OF_ALERT, *OF_INFO, *OF_AREA, *WHOLE)} | {"messagetype": "msgType"}
PAIRED = ("eventCode", "parameter", "geocode")
MUST = ("identifier", "sender", "sent", "event")  # what the entry lends is noted for these, not for the rest
CODES = re.compile(r"[A-Za-z0-9]*[0-9][A-Za-z0-9]*(\s+[A-Za-z0-9]*[0-9][A-Za-z0-9]*)+")

Given = dict[str, list[etree._Element]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What the entry itself says, for fields that its `cap:` elements leave out; times as CAP spells them."""

    identifier: str = ""
    sender: str = ""
    sent: str = ""
    language: str = ""
    event: str = ""
    headline: str = ""
    description: str = ""
    web: str = ""


def flat_parts(part: etree._Element) -> list[etree._Element]:
    """Give the CAP elements that stand directly in a part, empty ones left out."""
    return [child for child in part if etree.QName(child).namespace in VERSIONS and text_of(child)]


def is_flat(alert: etree._Element) -> bool:
    """Tell whether an alert element has fields of an info or area without having an info."""
    names = {FIELDS.get(_squeezed(child)) for child in flat_parts(alert)}
    return "info" not in names and not names.isdisjoint((*OF_INFO, *OF_AREA))


def compose(parts: Iterable[etree._Element], lent: Lent) -> Reading:
    """Read flat CAP elements as one alert with one info and one area, in the order of the standard.

    What is missing is lent by the entry and noted as X-REQUIRED; the rest is read and noted as in any alert.
    """
    given: Given = {}
    namespace = NAMESPACE
    for part in parts:
        namespace = etree.QName(part).namespace or namespace
        given.setdefault(FIELDS.get(_squeezed(part), ""), []).append(part)
    notes: list[Warning] = []
    alert = etree.Element(f"{{{namespace}}}alert")
    _fill(alert, OF_ALERT, given, lent, notes)
    alert.extend(deepcopy(given["info"]) if "info" in given else [_info(namespace, given, lent, notes)])
    reading = read_element(alert)
    return Reading(alert=reading.alert, warnings=(*notes, *reading.warnings))


def _info(namespace: str, given: Given, lent: Lent, notes: list[Warning]) -> etree._Element:
    info = etree.Element(f"{{{namespace}}}info")
    _fill(info, OF_INFO, given, lent, notes)
    info.extend(deepcopy(given.get("area", [])))
    if not given.keys().isdisjoint(OF_AREA):
        _fill(etree.SubElement(info, f"{{{namespace}}}area"), OF_AREA, given, lent, notes)
    return info


def _fill(into: etree._Element, names: tuple[str, ...], given: Given, lent: Lent, notes: list[Warning]) -> None:
    namespace = etree.QName(into).namespace
    for name in names:
        for part in given.get(name, []):
            into.extend(_pairs(part, name) if name in PAIRED else [_named(part, name)])
        borrowed = "" if name in given else getattr(lent, name, "")
        if borrowed:
            etree.SubElement(into, f"{{{namespace}}}{name}").text = borrowed
        if borrowed and name in MUST:
            where = f"info[0]/{name}" if name in OF_INFO else name
            notes.append(Warning(rule="X-REQUIRED", where=where, says="is missing; what the entry says was used"))


def _named(part: etree._Element, name: str) -> etree._Element:
    """Copy an element under its right name: some indexes write message_type for msgType."""
    tag = f"{{{etree.QName(part).namespace}}}{name}"
    copy = deepcopy(part) if len(part) else etree.Element(tag)
    copy.tag, copy.text, copy.tail = tag, part.text, None
    return copy


def _pairs(part: etree._Element, name: str) -> Iterator[etree._Element]:
    """Give each name and value of a part its own element: the old NWS index wrote several, with lists of codes."""
    namespace = etree.QName(part).namespace
    texts = [(etree.QName(child).localname, text_of(child)) for child in part]
    names = [text for kind, text in texts if kind == "valueName"]
    values = [text for kind, text in texts if kind == "value"]
    if len(names) != len(values) or not names:
        yield _named(part, name)
        return
    for value_name, value in zip(names, values, strict=True):
        lone = value.split() if name == "geocode" and CODES.fullmatch(value) else [value]
        for code in lone:
            if code:
                pair = etree.Element(f"{{{namespace}}}{name}")
                etree.SubElement(pair, f"{{{namespace}}}valueName").text = value_name
                etree.SubElement(pair, f"{{{namespace}}}value").text = code
                yield pair


def text_of(part: etree._Element) -> str:
    """Give all text within an element, without the blanks around it."""
    return "".join(str(text) for text in part.itertext()).strip()


def _squeezed(part: etree._Element) -> str:
    return etree.QName(part).localname.replace("_", "").replace("-", "").lower()
