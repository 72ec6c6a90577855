"""Decides what is wrong with an alert that the XSD does not see: one small check a rule, over the nouns.

R- and X- are faults, S- is safety, W- is a warning: an alert of ours goes out only without the first three.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from shapely import Polygon

from crisis.cap.geometry import FARTHEST_KM
from crisis.cap.nouns import Alert, Area, Info, MsgType, Resource, Scope, Status

BAD_NAME = re.compile(r"[\s,<&]")
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-Fa-f]{2})"  # RFC 3986 pchar and /, without the colon
TAIL = rf"(?:\?(?:{PATH}|[:?])*)?(?:#(?:{PATH}|[:?])*)?"
WEB = re.compile(rf"(?i:https?)://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?(?:/(?:{PATH}|:)*)?{TAIL}")
RELATIVE = re.compile(rf"{PATH}+{TAIL}")
ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
HEADLINE = 160  # characters, CAP 1.2 section 3.2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - what the standard's own tools call it
    """One rule an alert breaks, and where: info[0]/area[1]/polygon[2]."""

    rule: str
    where: str
    says: str


Found = Iterator[tuple[str, str, str]]


def check(alert: Alert) -> tuple[Warning, ...]:
    """Give every rule the alert breaks, in the order of the document."""
    found = [broken for rule in ALERT_RULES for broken in rule(alert)]
    for at, info in enumerate(alert.infos):
        found += _under(f"info[{at}]", _check_info(alert, info))
    return tuple(Warning(rule=rule, where=where, says=says) for rule, where, says in found)


def _under(place: str, found: Found) -> Found:
    for rule, where, says in found:
        yield rule, f"{place}/{where}" if where else place, says


def _check_info(alert: Alert, info: Info) -> Found:
    for rule in INFO_RULES:
        yield from rule(info)
    yield from _times_in_order(alert, info)
    for at, resource in enumerate(info.resources):
        yield from _under(f"resource[{at}]", _resource(resource))
    for at, area in enumerate(info.areas):
        for area_rule in AREA_RULES:
            yield from _under(f"area[{at}]", area_rule(area))


def _names(alert: Alert) -> Found:
    for where, name in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not name:
            yield "R-ID-EMPTY", where, "is missing or empty"
        elif BAD_NAME.search(name):
            yield "R-ID-CHARS", where, "has a blank, comma, < or &"


def _scope(alert: Alert) -> Found:
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        yield "R-SCOPE-RESTRICTION", "restriction", "is missing though the scope is Restricted"
    if alert.scope is not Scope.RESTRICTED and alert.restriction:
        yield "W-SCOPE-RESTRICTION", "restriction", f"is given though the scope is {alert.scope}"
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield "R-SCOPE-ADDRESSES", "addresses", "are missing though the scope is Private"


def _lists(alert: Alert) -> Found:
    for where, names in (("addresses", alert.addresses), ("incidents", alert.incidents)):
        if any('"' in name or not name for name in names):
            yield "R-LIST-QUOTE", where, "one is empty or holds a quotation mark, which CAP cannot quote"


def _references(alert: Alert) -> Found:
    first = alert.msg_type is MsgType.ALERT
    if not first and not alert.references:
        yield "R-REFS-REQUIRED", "references", f"are missing though the type is {alert.msg_type}"
    for at, earlier in enumerate(alert.references):
        where = f"references[{at}]"
        names = (earlier.sender, earlier.identifier)
        if not all(names) or any(BAD_NAME.search(name) for name in names):
            yield "R-REFS-TRIPLE", where, "is not sender,identifier,sent"
        if names == (alert.sender, alert.identifier):
            yield "R-REFS-SELF", where, "is the alert itself"
        elif earlier.sent > alert.sent:
            yield "R-REFS-POSTDATED", where, "was sent later than this alert"


def _notes(alert: Alert) -> Found:
    if alert.msg_type is MsgType.ERROR and not alert.note:
        yield "W-ERROR-NOTE", "note", "should say what is in error"
    if alert.status is Status.EXERCISE and not alert.note:
        yield "W-EXERCISE-NOTE", "note", "should name the exercise"


def _has_info(alert: Alert) -> Found:
    if alert.msg_type in {MsgType.ALERT, MsgType.UPDATE} and not alert.infos:
        yield "R-INFO-MISSING", "info", f"is missing though the type is {alert.msg_type}"


def _same_text(alert: Alert) -> Found:
    for at, (one, two) in enumerate(pairwise(alert.infos)):
        if one.language != two.language and one.description and one.description == two.description:
            yield (
                "W-SAME-TEXT",
                f"info[{at + 1}]",
                "has the same words as the one before, in another language",
            )


def _required(info: Info) -> Found:
    if not info.categories:
        yield "X-REQUIRED", "category", "is missing"
    if not info.event:
        yield "X-REQUIRED", "event", "is missing"


def _language(info: Info) -> Found:
    if not LANGUAGE.fullmatch(info.language):
        yield "X-LANGUAGE", "language", "is not a language tag such as id or en-US"


def _texts(info: Info) -> Found:
    if len(info.headline) > HEADLINE:
        yield "W-HEADLINE-160", "headline", f"has {len(info.headline)} characters, more than {HEADLINE}"
    for where in ("event", "headline", "description", "instruction"):
        text: str = getattr(info, where)
        if ENTITY.search(text):
            yield "W-TEXT-ENTITY", where, "holds an entity that was escaped twice"
        if TAG.search(text):
            yield "W-TEXT-HTML", where, "holds HTML tags"
        if HIDDEN.search(text):
            yield "W-TEXT", where, "holds control or direction characters"


def _web(info: Info) -> Found:
    if info.web and not WEB.fullmatch(info.web):
        yield "S-URI-SCHEME", "web", "is not a whole http or https address"


def _expires_given(info: Info) -> Found:
    if info.expires is None:
        yield "W-EXPIRES-MISSING", "expires", "is missing"


def _times_in_order(alert: Alert, info: Info) -> Found:
    if info.expires is None:
        return
    if info.expires <= alert.sent:
        yield "R-TIME-ORDER", "expires", "is not after sent"
    if info.effective is not None and info.expires <= info.effective:
        yield "R-TIME-ORDER", "expires", "is not after effective"
    if info.onset is not None and info.expires < info.onset:
        yield "R-TIME-ORDER", "expires", "is before onset"


def _resource(resource: Resource) -> Found:
    if not resource.desc:
        yield "X-REQUIRED", "resourceDesc", "is missing"
    if not resource.mime_type:
        yield "X-REQUIRED", "mimeType", "is missing"
    elif not MIME.fullmatch(resource.mime_type):
        yield "R-MIME", "mimeType", "is not type/subtype"
    if resource.digest and not SHA1.fullmatch(resource.digest):
        yield "R-DIGEST", "digest", "is not a SHA-1 of 40 hexadecimal digits"
    carried = bool(resource.deref_uri) and RELATIVE.fullmatch(resource.uri)
    if resource.uri and not carried and not WEB.fullmatch(resource.uri):
        yield "S-URI-SCHEME", "uri", "is not a whole http or https address"


def _described(area: Area) -> Found:
    if not area.desc:
        yield "X-REQUIRED", "areaDesc", "is missing"


def _rings(area: Area) -> Found:
    for at, ring in enumerate(area.polygons):
        where = f"polygon[{at}]"
        if len(ring) < 4 or len(set(ring)) < 3:
            yield "R-POLY-MIN4", where, "has fewer than four points"
        elif ring[0] != ring[-1]:
            yield "R-POLY-CLOSED", where, "does not end where it begins"
        elif not all(abs(lat) <= 90 and abs(lon) <= 180 for lat, lon in ring):
            yield "R-POLY-RANGE", where, "has coordinates out of range"
        elif not Polygon(ring).is_valid:
            yield "W-POLY-INVALID", where, "crosses itself"


def _circles(area: Area) -> Found:
    for at, spot in enumerate(area.circles):
        # Written so that NaN, which compares false with everything, is caught too.
        if not (abs(spot.lat) <= 90 and abs(spot.lon) <= 180 and 0 <= spot.radius < FARTHEST_KM):
            yield "R-CIRCLE-FORMAT", f"circle[{at}]", "has a centre or radius out of range"


def _heights(area: Area) -> Found:
    for where, height in (("altitude", area.altitude), ("ceiling", area.ceiling)):
        if height is not None and not math.isfinite(height):
            yield "X-NUMBER", where, "is not a number"
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield "R-CEILING", "ceiling", "is given without an altitude"
    elif area.ceiling < area.altitude:
        yield "R-CEILING", "ceiling", "is below the altitude"


ALERT_RULES: tuple[Callable[[Alert], Found], ...] = (
    _names,
    _notes,
    _scope,
    _lists,
    _references,
    _has_info,
    _same_text,
)
INFO_RULES: tuple[Callable[[Info], Found], ...] = (_required, _language, _texts, _web, _expires_given)
AREA_RULES: tuple[Callable[[Area], Found], ...] = (_described, _rings, _circles, _heights)
