"""Writes strict CAP 1.2 (OASIS, section 3): an alert that breaks a rule is refused, never emitted."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast

from lxml import etree

from crisis.cap import rules
from crisis.cap.geometry import plain, spell_circle, spell_ring
from crisis.cap.nouns import NAMESPACE, Alert, Area, Info, Pair, Reference, Resource
from crisis.errors import BadInput, Fault

FARTHEST = timedelta(hours=14)  # xs:dateTime allows no larger offset
NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def write(alert: Alert) -> bytes:
    """Write the alert as a CAP 1.2 document that passes the OASIS XSD and every fault rule of ours.

    Raises BadInput listing every rule it breaks. Texts go out as tidy() leaves them, times to the
    second with a numeric offset, UTC as -00:00.
    """
    clean = tidy(alert)
    _refuse([broken for broken in rules.check(clean) if rules.is_fault(broken)])
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    _alert(root, clean)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def tidy(alert: Alert) -> Alert:
    """Strip what can hide or break words from every text, parts of seconds and empty codes; twice changes nothing."""
    clean = cast(Alert, _tidied(alert))
    return replace(clean, codes=tuple(code for code in clean.codes if code))


def clean_text(text: str) -> str:
    """Drop control, direction and invisible characters and blanks at the ends; line breaks become \\n.

    Joiners (U+200C, U+200D) stay: Persian, Indic and emoji spelling needs them.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return NOT_XML.sub("", rules.HIDDEN.sub("", lines)).strip()


def _tidied(value: Any) -> Any:
    match value:
        case Enum():
            return value
        case str():
            return clean_text(value)
        case datetime():
            return value.replace(microsecond=0)
        case tuple():
            return tuple(_tidied(part) for part in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: _tidied(getattr(value, f.name)) for f in fields(value)})
        case _:
            return value


def _refuse(broken: list[rules.Warning]) -> None:
    if broken:
        raise BadInput([Fault(file="CAP alert", field=one.where, says=f"{one.rule}: {one.says}") for one in broken])


def _alert(root: etree._Element, alert: Alert) -> None:
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", _time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "source", alert.source)
    _add(root, "scope", alert.scope)
    _add(root, "restriction", alert.restriction)
    _add(root, "addresses", _quoted(alert.addresses))
    for code in alert.codes:
        _add(root, "code", code)
    _add(root, "note", alert.note)
    _add(root, "references", " ".join(_triple(earlier) for earlier in alert.references))
    _add(root, "incidents", _quoted(alert.incidents))
    for info in alert.infos:
        _info(_part(root, "info"), info)


def _info(part: etree._Element, info: Info) -> None:
    _add(part, "language", info.language)
    for category in info.categories:
        _add(part, "category", category)
    _add(part, "event", info.event)
    for response in info.response_types:
        _add(part, "responseType", response)
    _add(part, "urgency", info.urgency)
    _add(part, "severity", info.severity)
    _add(part, "certainty", info.certainty)
    _add(part, "audience", info.audience)
    _add_pairs(part, "eventCode", info.event_codes)
    _add(part, "effective", _time(info.effective))
    _add(part, "onset", _time(info.onset))
    _add(part, "expires", _time(info.expires))
    _add(part, "senderName", info.sender_name)
    _add(part, "headline", info.headline)
    _add(part, "description", info.description)
    _add(part, "instruction", info.instruction)
    _add(part, "web", info.web)
    _add(part, "contact", info.contact)
    _add_pairs(part, "parameter", info.parameters)
    for resource in info.resources:
        _resource(_part(part, "resource"), resource)
    for area in info.areas:
        _area(_part(part, "area"), area)


def _resource(part: etree._Element, resource: Resource) -> None:
    _add(part, "resourceDesc", resource.desc)
    _add(part, "mimeType", resource.mime_type)
    _add(part, "size", "" if resource.size is None else str(resource.size))
    _add(part, "uri", resource.uri)
    _add(part, "derefUri", resource.deref_uri)
    _add(part, "digest", resource.digest)


def _area(part: etree._Element, area: Area) -> None:
    _add(part, "areaDesc", area.desc)
    for ring in area.polygons:
        _add(part, "polygon", spell_ring(ring))
    for spot in area.circles:
        _add(part, "circle", spell_circle(spot))
    _add_pairs(part, "geocode", area.geocodes)
    _add(part, "altitude", "" if area.altitude is None else plain(area.altitude))
    _add(part, "ceiling", "" if area.ceiling is None else plain(area.ceiling))


def _part(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _add(parent: etree._Element, name: str, text: str) -> None:
    """Add an element unless its text is empty: CAP has no use for an empty one."""
    if text:
        _part(parent, name).text = text


def _add_pairs(parent: etree._Element, name: str, pairs: tuple[Pair, ...]) -> None:
    for value_name, value in pairs:
        pair = _part(parent, name)
        _part(pair, "valueName").text = value_name
        _part(pair, "value").text = value


def _quoted(names: tuple[str, ...]) -> str:
    return " ".join(f'"{name}"' if re.search(r"\s", name) else name for name in names)


def _triple(earlier: Reference) -> str:
    return f"{earlier.sender},{earlier.identifier},{_time(earlier.sent)}"


def _time(time: datetime | None) -> str:
    """Spell a time by CAP 1.2 section 3.3.2; an offset xs:dateTime has no spelling for becomes UTC."""
    if time is None:
        return ""
    offset = time.utcoffset() or timedelta()
    if offset % timedelta(minutes=1) or abs(offset) > FARTHEST:
        time = time.astimezone(UTC)
    spelt = time.replace(microsecond=0).isoformat()
    return spelt.removesuffix("+00:00") + "-00:00" if spelt.endswith("+00:00") else spelt
