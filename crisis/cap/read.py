"""Reads CAP 1.0, 1.1 and 1.2 from anyone: what can be used is used, and what is wrong is noted by rule.

Only what is unsafe, not well-formed or not an alert is refused: a fault of form never loses an alert.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lxml import etree

from crisis.cap import markup, rules
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
from crisis.cap.rules_info import is_of_lines
from crisis.cap.xml import late_prolog, parse_untrusted

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
CERTAINTIES = {"1.0": {**CERTAINTY, "Very Likely": Certainty.LIKELY}, "1.1": CERTAINTY, "1.2": CERTAINTY}


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
    reading = read_element(parse_untrusted(raw))
    if says := late_prolog(raw):
        return replace(reading, warnings=(Warning(rule="W-PROLOG", where="", says=says), *reading.warnings))
    return reading


def read_element(element: etree._Element) -> Reading:
    """Read one alert that stands as an element in a document already parsed; the same promises as read."""
    log = Log(version=refuse_strangers(element))
    alert = _alert(Part(element, "alert", "", log))
    markup.note_strange(element, log)
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
        identifier=_name(part, "identifier"),
        sender=_name(part, "sender"),
        sent=_sent(part, infos),
        status=part.choice("status", STATUS, Status.DRAFT, Status.DRAFT),
        msg_type=part.choice("msgType", MSG_TYPE, MsgType.ALERT, MsgType.ALERT),
        scope=_scope(part),
        source=part.text("source"),
        restriction=part.text("restriction"),
        addresses=read_list(part.text("addresses")),
        codes=part.many("code"),
        note=part.text("note"),
        references=_references(part),
        incidents=read_list(part.text("incidents")),
        infos=infos,
    )


def _name(part: Part, name: str) -> str:
    text = part.texts.get(name)
    if text is None:
        part.missing(name, "empty")
        part.settle(name, "R-ID-EMPTY")
        return ""
    stripped = text.strip()
    if stripped and stripped != text:
        part.note(name, "R-ID-CHARS", "has blanks at its ends, which references could not repeat; it was read without")
    return stripped


def _scope(part: Part) -> Scope:
    scope = part.choice("scope", SCOPE, Scope.PUBLIC, Scope.RESTRICTED)
    if scope is Scope.RESTRICTED and part.text("scope").strip().lower() != "restricted":
        part.settle("restriction", "R-SCOPE-RESTRICTION")
    return scope


def _with_misplaced(part: Part, infos: tuple[Info, ...]) -> tuple[Info, ...]:
    """Give the infos with what stood beside them instead of in them: it is said of each."""
    stray = part.misplaced("info")
    if stray is None:
        return infos
    told = _info(stray)
    if not infos:
        return (told,)
    part.log.count((len(infos) - 1) * (len(told.parameters) + len(told.resources) + len(told.areas)))
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
    if "sent" not in part.texts:
        part.missing("sent", "the earliest time inside")
    return min(times, default=UNDATED)


def _references(part: Part) -> tuple[Reference, ...]:
    text = part.text("references")
    if not text:
        return ()
    part.settle("references", "R-REFS-REQUIRED")  # of what cannot be read is said that, not that nothing is there

    def note(at: int, rule: str, says: str) -> None:
        part.note(f"references[{at}]", rule, says)

    return tuple(read_references(text, note, part.log.zone))


def _info(part: Part) -> Info:
    get = part.texts.get
    if "expires" in part.texts or not (part.texts or part.series or part.elements):
        part.settle("expires", "W-EXPIRES-MISSING")  # there but unreadable; or one among all that is missing
    return Info(
        language=get("language") or "en-US",
        categories=part.choices("category", CATEGORY, Category.OTHER),
        event=get("event", ""),
        response_types=part.choices("responseType", RESPONSE_TYPE),
        urgency=part.choice("urgency", URGENCY, Urgency.UNKNOWN, Urgency.UNKNOWN),
        severity=part.choice("severity", SEVERITY, Severity.UNKNOWN, Severity.UNKNOWN),
        certainty=part.choice("certainty", CERTAINTIES[part.log.version], Certainty.UNKNOWN, Certainty.UNKNOWN),
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
    size, carried, digest = get("size"), get("derefUri", ""), get("digest", "")
    deref_uri = "".join(carried.split())
    if digest and len(deref_uri) != len(carried) and is_of_lines(digest, carried):
        part.note("digest", "W-DIGEST", "is the SHA-1 of the base64 text with its line breaks, not of the file")
        part.settle("digest", "R-DIGEST")
    return Resource(
        desc=get("resourceDesc", ""),
        mime_type=get("mimeType", ""),
        size=None if size is None else read_size(size, part.noting("size")),
        uri=get("uri", ""),
        deref_uri=deref_uri,
        digest=digest,
    )


def _area(part: Part) -> Area:
    get = part.texts.get
    altitude, ceiling = _height(part, "altitude"), _height(part, "ceiling")
    if altitude is None and "altitude" in part.texts:
        part.settle("ceiling", "R-CEILING")
    return Area(
        desc=get("areaDesc", ""),
        polygons=part.drawn("polygon", part.log.rings, read_rings),
        circles=part.drawn("circle", part.log.circles, read_circle),
        geocodes=part.pairs("geocode"),
        altitude=altitude,
        ceiling=ceiling,
    )


def _height(part: Part, name: str) -> float | None:
    text = part.texts.get(name)
    return None if text is None else read_number(text, part.noting(name))
