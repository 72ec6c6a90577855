"""Reads CAP 1.0, 1.1 and 1.2 from anyone: what can be used is used, and what is wrong is noted by rule.

Only what is unsafe, not well-formed or not an alert is refused: a fault of form never loses an alert.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TypeVar

from lxml import etree

from crisis.cap import rules
from crisis.cap.geometry import NUMBER, read_circle, read_ring
from crisis.cap.nouns import (
    NAMESPACE,
    OLDER_NAMESPACES,
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.xml import parse_untrusted
from crisis.errors import BadInput

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # an alert without any time: too old to be sent on by itself
STRICT_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}:[0-9]{2}")
LOOSE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?"
    r"\s*(?:(Z)|([-+,])([0-9]{2}):?([0-9]{2}))?"
)
QUOTED = re.compile(r'"([^"]*)"|(\S+)')
OLD_WORDS = {"very likely": "likely"}  # CAP 1.0 certainty

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An alert as it could be read, and every rule it breaks."""

    alert: Alert
    warnings: tuple[Warning, ...] = ()


def read(raw: bytes) -> Reading:
    """Read one CAP alert of any version and prefix, noting faults instead of failing on them.

    Raises BadInput for a DOCTYPE, XML that is too large, too deep or broken, and roots that are no
    CAP alert. A status that is missing or unknown reads as Draft, an unknown scope as Restricted.
    """
    root = parse_untrusted(raw)
    _refuse_strangers(root)
    notes: list[Warning] = []
    alert = _alert(_Part(root, "", notes))
    return Reading(alert=alert, warnings=(*notes, *_new(rules.check(alert), notes)))


def _new(found: tuple[Warning, ...], noted: list[Warning]) -> list[Warning]:
    known = {(warning.rule, warning.where) for warning in noted}
    return [warning for warning in found if (warning.rule, warning.where) not in known]


def _refuse_strangers(root: etree._Element) -> None:
    name = etree.QName(root)
    if name.localname != "alert" or name.namespace not in {NAMESPACE, *OLDER_NAMESPACES}:
        shown = f"{name.localname[:40]} in namespace {(name.namespace or 'none')[:80]}"
        raise BadInput(f"R-NS: the root element is {shown}, not a CAP alert of version 1.0 to 1.2.")


class _Part:
    """One element of an alert with its children by local name, and where notes about it belong."""

    def __init__(self, element: etree._Element, where: str, notes: list[Warning]) -> None:
        self.where = where
        self.notes = notes
        self.words = _words(element)
        self.children: dict[str, list[etree._Element]] = {}
        for child in element:
            self.children.setdefault(etree.QName(child).localname, []).append(child)

    def note(self, field: str, rule: str, says: str) -> None:
        where = f"{self.where}/{field}" if self.where else field
        self.notes.append(Warning(rule=rule, where=where, says=says))

    def parts(self, name: str) -> list[_Part]:
        under = f"{self.where}/{name}" if self.where else name
        found = self.children.get(name, [])
        return [_Part(child, f"{under}[{at}]", self.notes) for at, child in enumerate(found)]

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(text for child in self.children.get(name, []) if (text := _words(child)))

    def text(self, name: str) -> str:
        texts = self.texts(name)
        if len(texts) > 1:
            self.note(name, "X-REPEATED", "is there more than once; the first was used")
        return texts[0] if texts else ""

    def listed(self, name: str) -> tuple[str, ...]:
        found = QUOTED.findall(self.text(name))
        return tuple(text for pair in found if (text := (pair[0] or pair[1]).strip()))

    def pairs(self, name: str) -> tuple[Pair, ...]:
        return tuple(_pair(part) for part in self.parts(name))

    def choice(self, name: str, kind: type[Choice], missing: Choice, unknown: Choice) -> Choice:
        text = self.text(name)
        if not text:
            self.note(name, "X-REQUIRED", f"is missing; read as {missing}")
            return missing
        return _choose(text, kind, partial(self.note, name)) or unknown

    def choices(self, name: str, kind: type[Choice]) -> tuple[Choice, ...]:
        found = (_choose(text, kind, partial(self.note, name)) for text in self.texts(name))
        return tuple(chosen for chosen in found if chosen)

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        return _time(text, partial(self.note, name)) if text else None

    def number(self, name: str) -> float | None:
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch(NUMBER, text) or not math.isfinite(float(text)):
            self.note(name, "X-NUMBER", "is not a number and was left out")
            return None
        return float(text)


def _alert(part: _Part) -> Alert:
    infos = tuple(_info(info) for info in part.parts("info"))
    return Alert(
        identifier=part.text("identifier"),
        sender=part.text("sender"),
        sent=_sent(part, infos),
        status=part.choice("status", Status, Status.DRAFT, Status.DRAFT),
        msg_type=part.choice("msgType", MsgType, MsgType.ALERT, MsgType.ALERT),
        scope=part.choice("scope", Scope, Scope.PUBLIC, Scope.RESTRICTED),
        source=part.text("source"),
        restriction=part.text("restriction"),
        addresses=part.listed("addresses"),
        codes=part.texts("code"),
        note=part.text("note"),
        references=_references(part),
        incidents=part.listed("incidents"),
        infos=infos,
    )


def _sent(part: _Part, infos: tuple[Info, ...]) -> datetime:
    sent = part.time("sent")
    if sent is not None:
        return sent
    part.note("sent", "X-REQUIRED", "is missing or unreadable; the earliest time inside was used")
    times = [time for info in infos for time in (info.effective, info.onset) if time is not None]
    return min(times, default=UNDATED)


def _references(part: _Part) -> tuple[Reference, ...]:
    found: list[Reference] = []
    for at, triple in enumerate((part.text("references") or part.text("reference")).split()):
        note = partial(part.note, f"references[{at}]")
        sender, _, rest = triple.partition(",")
        identifier, _, sent = rest.partition(",")
        time = _time(sent, note) if sent else None
        if sender and identifier and time:
            found.append(Reference(sender=sender, identifier=identifier, sent=time))
        else:
            note("R-REFS-TRIPLE", "is not sender,identifier,sent and was left out")
    return tuple(found)


def _info(part: _Part) -> Info:
    return Info(
        language=part.text("language") or "en-US",
        categories=part.choices("category", Category),
        event=part.text("event"),
        response_types=part.choices("responseType", ResponseType),
        urgency=part.choice("urgency", Urgency, Urgency.UNKNOWN, Urgency.UNKNOWN),
        severity=part.choice("severity", Severity, Severity.UNKNOWN, Severity.UNKNOWN),
        certainty=part.choice("certainty", Certainty, Certainty.UNKNOWN, Certainty.UNKNOWN),
        audience=part.text("audience"),
        event_codes=part.pairs("eventCode"),
        effective=part.time("effective"),
        onset=part.time("onset"),
        expires=part.time("expires"),
        sender_name=part.text("senderName"),
        headline=part.text("headline"),
        description=part.text("description"),
        instruction=part.text("instruction"),
        web=part.text("web"),
        contact=part.text("contact"),
        parameters=part.pairs("parameter"),
        resources=tuple(_resource(resource) for resource in part.parts("resource")),
        areas=tuple(_area(area) for area in part.parts("area")),
    )


def _resource(part: _Part) -> Resource:
    size = part.number("size")
    return Resource(
        desc=part.text("resourceDesc"),
        mime_type=part.text("mimeType"),
        size=None if size is None else int(size),
        uri=part.text("uri"),
        deref_uri="".join(part.text("derefUri").split()),
        digest=part.text("digest"),
    )


def _area(part: _Part) -> Area:
    rings = [
        read_ring(polygon.words, partial(part.note, f"polygon[{at}]"))
        for at, polygon in enumerate(part.parts("polygon"))
    ]
    spots = [
        read_circle(spot.words, partial(part.note, f"circle[{at}]")) for at, spot in enumerate(part.parts("circle"))
    ]
    return Area(
        desc=part.text("areaDesc"),
        polygons=tuple(ring for ring in rings if ring),
        circles=tuple(spot for spot in spots if spot),
        geocodes=part.pairs("geocode"),
        altitude=part.number("altitude"),
        ceiling=part.number("ceiling"),
    )


def _pair(part: _Part) -> Pair:
    if "valueName" in part.children or "value" in part.children:
        return part.text("valueName"), part.text("value")
    name, _, value = part.words.partition("=")  # CAP 1.0 wrote name=value
    return name.strip(), value.strip()


def _choose(text: str, kind: type[Choice], note: partial[None]) -> Choice | None:
    known = {choice.value.lower(): choice for choice in kind}
    chosen = known.get(OLD_WORDS.get(text.lower(), text.lower()))
    if chosen is None or chosen.value != text:
        note("X-ENUM", f"'{text[:40]}' is not one of CAP's words; read as {chosen or 'unknown'}")
    return chosen


def _time(text: str, note: partial[None]) -> datetime | None:
    """Read a CAP time (section 3.3.2); without an offset it is taken as UTC."""
    found = LOOSE_TIME.fullmatch(text)
    if found is None or not "1900" <= text < "3":  # years that no reader's arithmetic can leave
        note("R-TIME-FORMAT", f"'{text[:40]}' is not a time and was left out")
        return None
    if not STRICT_TIME.fullmatch(text):
        note("R-TIME-FORMAT", f"'{text[:40]}' is not like 2026-11-21T08:15:00+07:00; read as well as could be")
    elif text.endswith("+00:00"):
        note("W-TIME-PLUS00", "writes UTC as +00:00; CAP writes -00:00")
    day, hour, _, sign, hours, minutes = found.groups()
    offset = f"{'-' if sign == '-' else '+'}{hours}:{minutes}" if sign else "+00:00"
    try:
        return datetime.fromisoformat(f"{day}T{hour}{offset}")
    except ValueError:
        note("R-TIME-FORMAT", f"'{text[:40]}' is not a time and was left out")
        return None


def _words(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext()).strip()
