"""Plan: who, by which channels, in which words; pure, and the same for the preview and for the release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import Limit
from crisis.errors import BadInput, Fault
from crisis.model.alert import ENDING, LONGEST, MSG_TYPE, Mode, MsgType, urgency_rank
from crisis.model.area import area_km2, from_geojson, to_geojson
from crisis.model.audience import Target
from crisis.model.code import spell
from crisis.model.failover import Rule
from crisis.model.office import Office
from crisis.model.playbook import Playbook
from crisis.model.slots import Value, dump
from crisis.model.words import Facts, Purpose, Words, as_json, fit, mark, render, words_hash

CAP_FACTS = ("categories", "event", "source_event", "urgency", "severity", "certainty", "response", "onset")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MOST_DRILL_HOURS = timedelta(hours=12)  # an exercise left in force overnight is taken for the real thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an alert of one mode can be made with: the office, and each channel that has an account for it."""

    office: Office
    limits: Mapping[str, Limit]
    addressed: frozenset[str] = frozenset()  # the channels that send to residents one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an officer or a feed asks for; facts of CAP override the playbook's where they are given."""

    playbook: Playbook
    level: str
    mode: Mode
    slots: Mapping[str, Value]
    target: Target
    purpose: Purpose = Purpose.ALERT
    number: int = 1
    reason: str = ""
    source: str = ""
    channels: Sequence[str] = ()
    cap: Mapping[str, str] = field(default_factory=dict)  # urgency, severity, certainty, event
    onset: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole alert before it is stored: words by language, notices by channel and language, and its facts."""

    wish: Wish
    alert_id: int
    identifier: str
    msg_type: MsgType
    channels: tuple[str, ...]
    words: Mapping[str, Words]
    notices: Mapping[str, Mapping[str, str]]
    facts: Mapping[str, Any]
    urgent: int
    expires: datetime
    next_update: datetime | None
    words_hash: str


def make(wish: Wish, alert_id: int, means: Means, now: datetime) -> Plan:
    """Plan an alert, or raise BadInput naming each word, slot or channel that does not do.

    Times are absolute from here on: `now` is when the words were written. The hash is over everything an
    approver decides on, so that an edit of any of it voids an approval.
    """
    office, limits = means.office, means.limits
    now = now.replace(microsecond=0)  # CAP 1.2 section 3.3.2 knows no fractions
    level = wish.playbook.levels[wish.level]
    expires = _expires(wish, now, level.expires_after)
    next_update = None if wish.purpose in ENDING else min(now + level.update_every, expires)
    words = _words(wish, alert_id, office, now, expires, next_update)
    channels = _channels(wish, limits)
    notices = _notices(words, channels, limits, wish.playbook.playbook)
    facts = _facts(wish, now) | _failover(wish, channels, means.addressed)
    plan = Plan(
        wish=wish,
        alert_id=alert_id,
        identifier=office.identifier(alert_id, now.astimezone(office.zone).year),
        msg_type=MSG_TYPE[wish.purpose],
        channels=channels,
        words=words,
        notices=notices,
        facts=facts,
        urgent=urgency_rank(facts["severity"], facts["urgency"]),
        expires=expires,
        next_update=next_update,
        words_hash="",
    )
    return replace(plan, words_hash=words_hash(words, _seen(plan)))


def target_of(row: Mapping[str, Any]) -> Target:
    """Give where a stored alert holds."""
    return Target(
        geometry=from_geojson(row["geometry"]),
        desc=row["area_desc"],
        area_ids=frozenset(row["area_ids"]),
        near_ids=frozenset(row["near_ids"]),
    )


def _expires(wish: Wish, now: datetime, after: timedelta) -> datetime:
    expires = wish.expires or now + after
    if wish.mode.drill:
        expires = min(expires, now + MOST_DRILL_HOURS)
    if expires < LONG_AGO:  # what is past but can be told in words is refused where it would be sent
        raise BadInput(f"it expired at {expires.isoformat()}: give a later time of expiry")
    if expires > now + LONGEST:
        says = f"it would hold until {expires.isoformat()}, and nothing holds for more than 7 days at once"
        raise BadInput(f"{says}: give an earlier time of expiry, and extend it with an update")
    return expires.replace(microsecond=0)


def _words(
    wish: Wish, alert_id: int, office: Office, now: datetime, expires: datetime, next_update: datetime | None
) -> dict[str, Words]:
    facts = facts_for(wish, alert_id, office, now, expires, next_update)
    rendered = render(wish.playbook, wish.purpose, wish.level, wish.slots, facts)
    return {language: mark(words, wish.mode) for language, words in rendered.items()}


def facts_for(
    wish: Wish, alert_id: int, office: Office, now: datetime, expires: datetime, next_update: datetime | None
) -> Facts:
    """Give what words may name besides the slots."""
    return Facts(
        agency=office.agency,
        area=wish.target.desc,
        sent=now,
        until=expires,
        next_update=next_update,
        source=wish.source or office.agency,
        zone=office.zone,
        number=max(wish.number - 1, 0),
        reason=wish.reason,
        link=office.link(alert_id),
        help_line=office.help_line,
        code=spell(alert_id),
        check=office.check_link,
    )


def _channels(wish: Wish, limits: Mapping[str, Limit]) -> tuple[str, ...]:
    wanted = tuple(wish.channels) or wish.playbook.channels
    unknown = [c for c in wanted if c not in wish.playbook.channels]
    if unknown:
        says = f"is not in playbook {wish.playbook.playbook}, which uses {', '.join(wish.playbook.channels)}"
        raise BadInput([Fault(file="channels", field=c, says=says) for c in unknown])
    ready = tuple(c for c in wanted if c in limits)
    if not ready:
        raise BadInput(
            f"none of {', '.join(wanted)} has an account for {wish.mode}: set CRISIS_"
            + ("EXERCISE_" if wish.mode.drill else "")
            + f"{wanted[0].upper()} and restart"
        )
    return ready


def _notices(
    words: Mapping[str, Words], channels: Sequence[str], limits: Mapping[str, Limit], playbook: str
) -> dict[str, dict[str, str]]:
    faults: list[Fault] = []
    notices: dict[str, dict[str, str]] = {}
    for channel in channels:
        notices[channel] = {}
        for language, said in words.items():
            text = fit(said, limits[channel])
            if text is None:
                says = f"the {language} words are too long for {channel}; shorten the slots, nothing is cut"
                faults.append(Fault(file=f"playbook {playbook}", field=channel, says=says))
            else:
                notices[channel][language] = text
    if faults:
        raise BadInput(faults)
    return notices


def _facts(wish: Wish, now: datetime) -> dict[str, Any]:
    level = wish.playbook.levels[wish.level]
    answers = {Purpose.ALL_CLEAR: ["AllClear"], Purpose.CANCEL: ["None"]}  # a cancel was never a danger
    facts = {
        "languages": list(wish.playbook.languages),
        "categories": list(wish.playbook.cap.category),
        "event": dict(wish.playbook.cap.event),
        "codes": dict(wish.playbook.cap.codes),
        "urgency": wish.cap.get("urgency", level.cap.urgency),
        "severity": wish.cap.get("severity", level.cap.severity),
        "certainty": wish.cap.get("certainty", level.cap.certainty),
        "response": answers.get(wish.purpose, list(level.cap.response)),
        "onset": wish.onset.isoformat() if wish.onset else None,
        "remind_minutes": level.remind.total_seconds() / 60,
        "escalate_minutes": level.escalate_after.total_seconds() / 60,
        "reason": wish.reason,
    }
    if source_event := wish.cap.get("event"):
        facts["source_event"] = source_event
    if wish.purpose is Purpose.ALL_CLEAR:
        facts["urgency"] = "Past"
    return facts


def _failover(wish: Wish, channels: Sequence[str], addressed: frozenset[str]) -> dict[str, Any]:
    """Give the rule by which residents are warned on one channel after another; without one, on all at once.

    What ends or corrects an alert never waits for a channel: it goes to every address at once.
    """
    given = wish.playbook.failover
    order = tuple(c for c in wish.playbook.channels if c in channels and c in addressed)
    if given is None or len(order) < 2 or wish.purpose not in {Purpose.ALERT, Purpose.UPDATE}:
        return {}
    if given.levels and wish.level not in given.levels:
        return {}
    return {"failover": Rule(order=order, after=given.after).as_facts()}


def _seen(plan: Plan) -> dict[str, object]:
    wish = plan.wish
    return {
        "mode": wish.mode.value,
        "purpose": wish.purpose.value,
        "notices": plan.notices,
        "facts": plan.facts,
        "geometry": to_geojson(wish.target.geometry),
        "areas": sorted(wish.target.area_ids),
        "near": sorted(wish.target.near_ids),
        "desc": wish.target.desc,
        "expires": plan.expires,
        "next_update": plan.next_update.isoformat() if plan.next_update else None,
    }


def preview(
    plan: Plan, limits: Mapping[str, Limit], counts: Mapping[tuple[str, str], int], refusals: Sequence[str]
) -> dict[str, Any]:
    """Show an alert as its approver must see it: every rendition, its size, who gets it and what it costs.

    `counts` holds addresses by channel and language; a language without words counts for the default one.
    """
    wish, shown = plan.wish, renditions(plan.notices, limits, counts, plan.facts["languages"])
    return {
        "playbook": wish.playbook.playbook,
        "version": wish.playbook.version,
        "level": wish.level,
        "mode": wish.mode.value,
        "purpose": wish.purpose.value,
        "msgType": plan.msg_type.value,
        "identifier": plan.identifier,
        "words_hash": plan.words_hash,
        "expires": plan.expires.isoformat(),
        "next_update": plan.next_update.isoformat() if plan.next_update else None,
        "cap": {name: plan.facts[name] for name in CAP_FACTS if name in plan.facts},
        "failover": plan.facts.get("failover"),
        "source": wish.source,
        "area": describe(wish.target),
        "slots": dump(wish.slots),
        "words": as_json(plan.words),
        "renditions": shown,
        "audience": audience_of(counts),
        "cost": cost_of(shown),
        "refusals": list(refusals),
    }


def renditions(
    notices: Mapping[str, Mapping[str, str]],
    limits: Mapping[str, Limit],
    counts: Mapping[tuple[str, str], int],
    languages: Sequence[str],
) -> list[dict[str, Any]]:
    """Show every notice with its size, who gets it and what it costs; a channel without account has no size."""
    return [
        _rendition(channel, language, text, limits[channel], _reached(counts, channel, language, languages))
        for channel, by_language in notices.items()
        if channel in limits
        for language, text in by_language.items()
    ]


def cost_of(shown: Sequence[Mapping[str, Any]]) -> float:
    """Add up what all renditions cost."""
    return round(float(sum(r["cost"] for r in shown)), 2)


def describe(target: Target) -> dict[str, Any]:
    """Say how large the area of an alert is."""
    touched = len(target.area_ids) + len(target.near_ids)
    return {"desc": target.desc, "km2": round(area_km2(target.geometry), 1), "areas": touched}


def _reached(counts: Mapping[tuple[str, str], int], channel: str, language: str, languages: Sequence[str]) -> int:
    total = counts.get((channel, language), 0)
    if language == languages[0]:
        total += sum(n for (c, other), n in counts.items() if c == channel and other not in languages)
    return total


def _rendition(channel: str, language: str, text: str, limit: Limit, addresses: int) -> dict[str, Any]:
    size = limit.measure(text)
    return {
        "channel": channel,
        "language": language,
        "text": text,
        "units": size.units,
        "parts": size.parts,
        "encoding": size.encoding,
        "addresses": addresses,
        "cost": round(size.parts * limit.cost * addresses, 2),
    }


def audience_of(counts: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Add up an audience by channel and by language."""
    channels: dict[str, int] = {}
    languages: dict[str, int] = {}
    for (channel, language), n in counts.items():
        channels[channel] = channels.get(channel, 0) + n
        languages[language] = languages.get(language, 0) + n
    return {"addresses": sum(channels.values()), "by_channel": channels, "by_language": languages}


def refuse_reasons(
    plan: Plan, counts: Mapping[tuple[str, str], int], known: int, confirmed: int, now: datetime
) -> list[str]:
    """List why an alert cannot be released as planned: nobody there, too many, or too late.

    `known` are the addresses in the area on any channel: a bulletin for radio alone still needs an area in
    which somebody lives, and an area in which we know nobody is most likely the wrong one.
    """
    reasons = []
    total = sum(counts.values())
    if known == 0 and plan.wish.purpose not in ENDING:
        enrolled = "enrolled for exercises " if plan.wish.mode.drill else ""
        reasons.append(f"nobody {enrolled}lives in {plan.wish.target.desc}: check the area, or import residents")
    most = plan.wish.playbook.max_population
    if total > most and confirmed < total:
        reasons.append(
            f"{total} addresses are more than the {most} that playbook {plan.wish.playbook.playbook} allows "
            f"unasked: check the area, then confirm {total}"
        )
    if plan.expires <= now:
        reasons.append(f"it expired at {plan.expires.isoformat()}: give a later time of expiry")
    return reasons
