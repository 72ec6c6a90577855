"""Composes the CAP 1.2 alert of a stored alert: the approved words and facts, in CAP's own terms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.rules import HEADLINE
from crisis.model.area import from_geojson, to_cap_polygons
from crisis.model.office import Office
from crisis.model.phrases import tongue
from crisis.model.words import Words, from_json, instruction

NAMED_AREA = 200  # characters of the area in an exercise's note

Row = Mapping[str, Any]
Choice = TypeVar("Choice", bound=StrEnum)


def compose(alert: Row, earlier: Sequence[Row], office: Office) -> Alert:
    """Turn an alert row into CAP, one info a language in the playbook's order, times in the office's zone.

    `earlier` are the released alerts of its chain (identifier, sent): each is referred to. A draft is
    dated by its making. The same rows always give the same alert. CAP 1.2, section 3.2.
    """
    sent = _local(alert["sent"] or alert["created_at"], office)
    areas = (_area(alert),)
    return Alert(
        identifier=alert["identifier"],
        sender=office.sender,
        sent=sent,
        status=Status(alert["mode"]),
        msg_type=MsgType(alert["msg_type"]),
        scope=Scope.PUBLIC,
        source=alert["source"],
        note=_note(alert),
        references=tuple(_reference(former, office) for former in earlier),
        infos=tuple(_info(alert, words, areas, sent, office) for words in in_order(alert)),
    )


def in_order(alert: Row) -> list[Words]:
    """Give the stored words of an alert in the playbook's order of languages, the default one first."""
    words = from_json(alert["words"])
    listed = [language for language in alert["facts"]["languages"] if language in words]
    return [words[language] for language in (*listed, *(other for other in words if other not in listed))]


def _info(alert: Row, words: Words, areas: tuple[Area, ...], sent: datetime, office: Office) -> Info:
    facts = alert["facts"]
    expires = _local(alert["expires"], office)
    return Info(
        language=words.language,
        categories=tuple(Category(name) for name in facts["categories"]),
        event=_in(facts["event"], words.language),
        response_types=tuple(ResponseType(name) for name in facts["response"]),
        urgency=_known(Urgency, facts["urgency"], Urgency.UNKNOWN),
        severity=_known(Severity, facts["severity"], Severity.UNKNOWN),
        certainty=_known(Certainty, facts["certainty"], Certainty.UNKNOWN),
        event_codes=tuple((name, str(code)) for name, code in facts["codes"].items()),
        effective=sent,
        onset=_onset(facts.get("onset"), expires, office),
        expires=expires,
        sender_name=office.agency,
        headline=_headline(words),
        description=words.long,
        instruction=instruction(words),
        web=office.link(alert["id"]),
        contact=office.help_line,
        parameters=_parameters(alert, office),
        areas=areas,
    )


def _known(kind: type[Choice], name: str, unknown: Choice) -> Choice:
    """Facts of a feed are its sender's spelling: one CAP does not know must not hold the alert back."""
    return kind(name) if name in set(kind) else unknown


def _in(by_language: Mapping[str, str], language: str) -> str:
    return by_language.get(language) or next(iter(by_language.values()))


def _onset(stored: str | None, expires: datetime, office: Office) -> datetime | None:
    onset = _local(datetime.fromisoformat(stored), office) if stored else None
    return onset if onset and onset <= expires else None  # CAP has no onset after the end; a drill may be cut short


def _headline(words: Words) -> str:
    """Keep within what CAP 1.2 section 3.2.2 advises, at a word's end, the mode's marker still at both ends."""
    headline = words.headline
    if len(headline) <= HEADLINE:
        return headline
    tail = f"… {words.marker}".rstrip()
    kept = headline[: HEADLINE - len(tail)]
    return (re.sub(r"\s+\S*$", "", kept) or kept) + tail


def _parameters(alert: Row, office: Office) -> tuple[Pair, ...]:
    pairs: list[Pair] = [("playbook", alert["playbook"]), ("level", alert["level"])]
    if alert["next_update"]:
        pairs.append(("next_update", _local(alert["next_update"], office).isoformat()))
    if named := alert["facts"].get("source_event"):
        pairs.append(("source_event", named))
    return tuple(pairs)


def _note(alert: Row) -> str:
    """Name the exercise, as CAP 1.2 section 3.2.1 asks, in every language of the alert."""
    if alert["mode"] == Status.ACTUAL:
        return ""
    exercise = alert["mode"] == Status.EXERCISE
    lines = []
    for language in alert["facts"]["languages"]:
        speech = tongue(language)
        marker, spoken = (speech.exercise, speech.exercise_spoken) if exercise else (speech.test, speech.test_spoken)
        event = _in(alert["facts"]["event"], language)
        lines.append(f"{marker}: {event}, {alert['level']}, {alert['area_desc'][:NAMED_AREA]}. {spoken}")
    return " ".join(lines)


def _area(alert: Row) -> Area:
    rings = to_cap_polygons(from_geojson(alert["geometry"]))
    # Rounding may have left a sliver without an inside; the description still names the place.
    return Area(desc=alert["area_desc"], polygons=tuple(ring for ring in rings if len(set(ring)) > 2))


def _reference(former: Row, office: Office) -> Reference:
    return Reference(sender=office.sender, identifier=former["identifier"], sent=_local(former["sent"], office))


def _local(moment: datetime, office: Office) -> datetime:
    return moment.astimezone(office.zone).replace(microsecond=0)
