"""Reads CAP 1.0, 1.1 and 1.2 from anyone: what can be used is used, and what is wrong is noted by rule.

Only what is unsafe, not well-formed or not an alert is refused: a fault of form never loses an alert.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lxml import etree

from crisis.cap import rules
from crisis.cap.geometry import read_circle, read_rings
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.read_part import Log, Part, refuse_strangers
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.rules_form import read_list, read_number, read_references, read_size, strict_time
from crisis.cap.xml import parse_untrusted

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # an alert without any time: too old to be sent on by itself
NOT_YET_REQUIRED = {"1.0": {"scope", "category", "mimeType"}, "1.1": {"mimeType"}, "1.2": set[str]()}

STATUS = {word.value: word for word in Status}
MSG_TYPE = {word.value: word for word in MsgType}
SCOPE = {word.value: word for word in Scope}
CATEGORY = {word.value: word for word in Category}
RESPONSE_TYPE = {word.value: word for word in ResponseType}
URGENCY = {word.value: word for word in Urgency}
SEVERITY = {word.value: word for word in Severity}
CERTAINTY = {word.value: word for word in Certainty}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An alert as it could be read, the CAP version it was written in, and every rule it breaks."""

    alert: Alert
    warnings: tuple[Warning, ...] = ()
    version: str = "1.2"


def read(raw: bytes) -> Reading:
    """Read one CAP alert of any version and prefix, noting faults instead of failing on them.

    Raises BadInput for a DOCTYPE, XML that is too large, too deep or broken, and roots that are no
    CAP alert. A status that is missing or unknown reads as Draft, an unknown scope as Restricted.
    """
    return read_element(parse_untrusted(raw))


def read_element(element: etree._Element) -> Reading:
    """Read one alert that stands as an element in a document already parsed; the same promises as read."""
    log = Log(version=refuse_strangers(element))
    alert = _alert(Part(element, "alert", "", log))
    return Reading(alert=alert, warnings=_found(alert, log), version=log.version)


def _found(alert: Alert, log: Log) -> tuple[Warning, ...]:
    """Give what was noted while reading and what the rules find, once each, by the version's own demands."""
    found = rules.check(alert)
    if log.warnings:
        found = (*log.warnings, *(one for one in found if (one.rule, one.where) not in log.noted))
    if found and (lax := NOT_YET_REQUIRED[log.version]):
        found = tuple(one for one in found if one.rule != "X-REQUIRED" or one.where.rpartition("/")[2] not in lax)
    return found


def _alert(part: Part) -> Alert:
    sent = part.text("sent")
    part.log.zone = sent[-6:] if strict_time(sent) else ""
    infos = _with_misplaced(part, tuple([_info(info) for info in part.parts("info")]))
    return Alert(
        identifier=part.text("identifier"),
        sender=part.text("sender"),
        sent=_sent(part, infos),
        status=part.choice("status", STATUS, Status.DRAFT, Status.DRAFT),
        msg_type=part.choice("msgType", MSG_TYPE, MsgType.ALERT, MsgType.ALERT),
        scope=part.choice("scope", SCOPE, Scope.PUBLIC, Scope.RESTRICTED),
        source=part.text("source"),
        restriction=part.text("restriction"),
        addresses=read_list(part.text("addresses")),
        codes=part.many("code"),
        note=part.text("note"),
        references=_references(part),
        incidents=read_list(part.text("incidents")),
        infos=infos,
    )


def _with_misplaced(part: Part, infos: tuple[Info, ...]) -> tuple[Info, ...]:
    """Give the infos with what stood beside them instead of in them: it is said of each."""
    stray = part.misplaced("info")
    if stray is None:
        return infos
    told = _info(stray)
    if not infos:
        return (told,)
    return tuple(
        replace(
            info,
            parameters=info.parameters + told.parameters,
            resources=info.resources + told.resources,
            areas=info.areas + told.areas,
        )
        for info in infos
    )


def _sent(part: Part, infos: tuple[Info, ...]) -> datetime:
    sent = part.time("sent")
    if sent is not None:
        return sent
    times = [time for info in infos for time in (info.effective, info.onset) if time is not None]
    part.missing("sent", "the earliest time inside")
    return min(times, default=UNDATED)


def _references(part: Part) -> tuple[Reference, ...]:
    text = part.text("references")
    if not text:
        return ()

    def note(at: int, rule: str, says: str) -> None:
        part.note(f"references[{at}]", rule, says)

    return tuple(read_references(text, note, part.log.zone))


def _info(part: Part) -> Info:
    get = part.texts.get
    return Info(
        language=get("language") or "en-US",
        categories=part.choices("category", CATEGORY, Category.OTHER),
        event=get("event", ""),
        response_types=part.choices("responseType", RESPONSE_TYPE),
        urgency=part.choice("urgency", URGENCY, Urgency.UNKNOWN, Urgency.UNKNOWN),
        severity=part.choice("severity", SEVERITY, Severity.UNKNOWN, Severity.UNKNOWN),
        certainty=part.choice("certainty", CERTAINTY, Certainty.UNKNOWN, Certainty.UNKNOWN),
        audience=get("audience", ""),
        event_codes=part.pairs("eventCode"),
        effective=part.time("effective"),
        onset=part.time("onset"),
        expires=part.time("expires"),
        sender_name=get("senderName", ""),
        headline=get("headline", ""),
        description=get("description", ""),
        instruction=get("instruction", ""),
        web=get("web", ""),
        contact=get("contact", ""),
        parameters=part.pairs("parameter"),
        resources=tuple([_resource(resource) for resource in part.parts("resource")]),
        areas=tuple([_area(area) for area in _areas(part)]),
    )


def _areas(part: Part) -> Iterable[Part]:
    stray = part.misplaced("area")
    return part.parts("area") if stray is None else [*part.parts("area"), stray]


def _resource(part: Part) -> Resource:
    get = part.texts.get
    size = get("size")
    return Resource(
        desc=get("resourceDesc", ""),
        mime_type=get("mimeType", ""),
        size=read_size(size, part.noting("size")) if size else None,
        uri=get("uri", ""),
        deref_uri="".join(get("derefUri", "").split()),
        digest=get("digest", ""),
    )


def _area(part: Part) -> Area:
    get = part.texts.get
    altitude, ceiling = get("altitude"), get("ceiling")
    return Area(
        desc=get("areaDesc", ""),
        polygons=part.drawn("polygon", part.log.rings, read_rings),
        circles=part.drawn("circle", part.log.circles, read_circle),
        geocodes=part.pairs("geocode"),
        altitude=read_number(altitude, part.noting("altitude")) if altitude else None,
        ceiling=read_number(ceiling, part.noting("ceiling")) if ceiling else None,
    )
