"""Decides which alerts of others are in force, whatever the order in which alerts, updates and cancels arrived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from crisis.cap.chain import Known, Name, acts, all_clear, aware, ends, gather, key_of, name_of, retires
from crisis.cap.nouns import Alert, MsgType, ResponseType, Status
from crisis.cap.same import overshadowed, same_warning

__all__ = [
    "ACTIONABLE",
    "LASTING",
    "NOWCAST",
    "Name",
    "Standing",
    "State",
    "name_of",
    "overshadowed",
    "same_warning",
    "standings",
    "tombstones",
    "vanished",
]

LASTING = timedelta(hours=24)  # of an alert that does not say until when
NOWCAST = timedelta(hours=6)  # what callers give for feeds of nowcasts
AHEAD = timedelta(minutes=5)  # clocks differ by so much; what is sent later than that is for a person to look at
ACTIONABLE = (Status.ACTUAL, Status.EXERCISE)


class State(StrEnum):
    """How an alert of somebody else stands."""

    IN_FORCE = "in_force"  # warns now
    FUTURE = "future"  # is told already, and begins later
    SUPERSEDED = "superseded"  # a later one took its place
    CANCELLED = "cancelled"  # was withdrawn, or is itself the Cancel
    CLEARED = "cleared"  # its sender said all clear, or it is itself the all-clear
    EXPIRED = "expired"  # its time has passed
    NOT_ACTIONABLE = "not_actionable"  # not of an asked status, or an Ack or Error


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one alert stands and why, in one sentence; `doubt` is what an officer should look at."""

    state: State
    says: str
    starts: datetime
    expires: datetime  # by our rule where its sender does not say
    by: Name | None = None  # what superseded, cancelled or cleared it
    doubt: str = ""


def standings(
    alerts: Iterable[Alert],
    now: datetime,
    *,
    lasting: timedelta = LASTING,
    statuses: Collection[Status] = ACTIONABLE,
    withdrawn: Collection[Name] = (),
) -> Mapping[Name, Standing]:
    """Tell how each alert stands at `now`: the same whatever the order in which they came, and however often.

    Update and Cancel end what they name, seen before or after; a later version of the same identifier ends the
    earlier ones; an exercise never ends a real warning. Of different contents under one name the one received
    last counts, with a doubt: only for these give `alerts` in the order received. An alert without expires lasts
    for `lasting` from when it was sent or begins. `withdrawn` are those that vanished(). CAP 1.2, 3.2.1 and 3.2.2.
    """
    known = gather(alerts)
    ended = ends(known, statuses)
    return {
        name: _standing(alert, ended.get(name), known, _Asked(now, lasting, statuses, name in withdrawn))
        for name, alert in known.alerts.items()
    }


def tombstones(alerts: Iterable[Alert], *, statuses: Collection[Status] = ACTIONABLE) -> frozenset[Name]:
    """Name what was ended before it was seen: it stays ended when it comes late, if what ended it is kept."""
    known = gather(alerts)
    seen = {key_of(alert) for alert in known.alerts.values()}
    return frozenset(
        (reference.sender, reference.identifier, aware(reference.sent))
        for alert in known.alerts.values()
        if acts(alert, statuses)
        for reference in retires(alert)
        if key_of(reference) not in seen
    )


def vanished(
    known: Iterable[Name], listed: Iterable[Name], fetched_ok: bool, *, ends: bool, latest: bool = False
) -> frozenset[Name]:
    """Name the alerts that may be over because their feed lists them no longer, in no version.

    None after a failed fetch, and none unless `ends`: that is for feeds that list all that is in force and
    nothing else (MoWaS). Of a list of the `latest` none that newer ones may have pushed out: it counts only
    where an older one is still there, or no newer one.
    """
    there = {(_key(name), name[2]) for name in listed}
    keys, times = {key for key, _ in there}, [time for _, time in there]
    gone = {name for name in known if _key(name) not in keys} if fetched_ok and ends else set()
    return frozenset(name for name in gone if not (latest and times) or min(times) < name[2] or max(times) <= name[2])


def _key(name: Name) -> tuple[str, str]:
    return name[0].strip().casefold(), name[1].strip()


@dataclass(frozen=True, slots=True)
class _Asked:
    now: datetime
    lasting: timedelta
    statuses: Collection[Status]
    withdrawn: bool


def _standing(alert: Alert, by: Name | None, known: Known, asked: _Asked) -> Standing:
    starts, expires, rule = _span(alert, asked.lasting)
    state, says = _state(alert, known.alerts[by] if by else None, (starts, expires), asked)
    if rule and state in (State.IN_FORCE, State.FUTURE, State.EXPIRED):
        says += f"; it does not say until when, and {_hours(asked.lasting)} is our rule"
    return Standing(
        state=state,
        says=f"{says}.",
        starts=starts,
        expires=expires,
        by=by if state is not State.NOT_ACTIONABLE else None,
        doubt="; ".join(_doubts(alert, by, known, asked.now)),
    )


def _state(alert: Alert, by: Alert | None, span: tuple[datetime, datetime], asked: _Asked) -> tuple[State, str]:
    starts, expires = span
    if not acts(alert, asked.statuses):
        return State.NOT_ACTIONABLE, f"Its status is {alert.status} and its type {alert.msg_type}: it warns of nothing"
    if by is not None:
        return _ended(by)
    if alert.msg_type is MsgType.CANCEL:
        return State.CANCELLED, "It withdraws others and warns of nothing itself"
    if all_clear(alert):
        return State.CLEARED, "It says all clear and warns of nothing itself"
    if asked.now >= expires:
        return State.EXPIRED, f"It ended {_shown(expires)}"
    if asked.withdrawn:
        return State.CANCELLED, "Its feed no longer lists it, by which this feed says that it is over"
    if starts > asked.now:
        return State.FUTURE, f"It begins {_shown(starts)} and holds until {_shown(expires)}"
    return State.IN_FORCE, f"It is in force until {_shown(expires)}"


def _ended(by: Alert) -> tuple[State, str]:
    named = f"{by.identifier} of {by.sender}, sent {_shown(by.sent)}"
    if by.msg_type is MsgType.CANCEL:
        return State.CANCELLED, f"It was cancelled by {named}"
    if all_clear(by):
        return State.CLEARED, f"All clear was given by {named}"
    return State.SUPERSEDED, f"It was superseded by {named}"


def _span(alert: Alert, lasting: timedelta) -> tuple[datetime, datetime, bool]:
    """Give when the first info begins and the last ends, and whether the end is by our rule."""
    sent = aware(alert.sent)
    told = [[aware(time) for time in (info.effective, info.onset) if time] for info in alert.infos]
    starts = min((max([sent, *times]) for times in told), default=sent)
    given = [aware(info.expires) for info in alert.infos if info.expires]
    return starts, max(given, default=starts + lasting), not given


def _doubts(alert: Alert, by: Name | None, known: Known, now: datetime) -> list[str]:
    name, (_, expires, _) = name_of(alert), _span(alert, LASTING)
    partly = any(ResponseType.ALL_CLEAR in info.response_types for info in alert.infos) and not all_clear(alert)
    found = {
        "another content came under the same name; the one received last counts": name in known.conflicts,
        "it was ended by another sender": by is not None and by[0].strip().casefold() != key_of(alert)[0],
        "it was sent in the future": name[2] > now + AHEAD,
        "it had ended before it was sent": expires <= name[2] and alert.msg_type is not MsgType.CANCEL,
        "part of it says all clear": partly,
    }
    return [says for says, holds in found.items() if holds]


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):g} h"


def _shown(time: datetime) -> str:
    return f"{aware(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
