"""Decides which alert ended which: references, re-sent identifiers and NWS's expiredReferences, as one graph."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from crisis.cap.nouns import Alert, MsgType, Reference, ResponseType, Status

EXPIRED = "expiredreferences"  # NWS: what this thread replaces, in the spelling of references

Name = tuple[str, str, datetime]  # (sender, identifier, sent): what makes an alert unique in CAP
Pairs = set[tuple[Name, Name]]  # (what ends, what it ends)
_Key = tuple[
    str, str, Status
]  # what the versions of one warning share; an exercise is never the same as the real thing


@dataclass(frozen=True, slots=True)
class Known:
    """Every alert once by its name; `conflicts` are names under which different contents came."""

    alerts: Mapping[Name, Alert]
    walls: Mapping[Name, frozenset[datetime]]  # every local time in which its instant was spelt
    conflicts: frozenset[Name]


@dataclass(frozen=True, slots=True)
class _Versions:
    """The alerts that can end or be ended, by what they share, each list in the order sent."""

    by_key: Mapping[_Key, list[Name]]
    by_instant: Mapping[tuple[_Key, datetime], list[Name]]
    by_wall: Mapping[tuple[_Key, datetime], list[Name]]


def name_of(alert: Alert) -> Name:
    """Give the name that makes the alert unique: sender, identifier and the instant it was sent (CAP 1.2, 3.2.1)."""
    return alert.sender, alert.identifier, aware(alert.sent)


def aware(time: datetime) -> datetime:
    """Give the time with a zone; one without is taken as UTC."""
    return time if time.utcoffset() is not None else time.replace(tzinfo=UTC)


def gather(alerts: Iterable[Alert]) -> Known:
    """Take each alert once; of different contents under one name the one first met last."""
    contents: dict[Name, list[Alert]] = {}
    walls: dict[Name, set[datetime]] = {}
    for alert in alerts:
        several = contents.setdefault(name_of(alert), [])
        walls.setdefault(name_of(alert), set()).add(_wall(alert.sent))
        if alert not in several:
            several.append(alert)
    return Known(
        alerts={name: several[-1] for name, several in contents.items()},
        walls={name: frozenset(spelt) for name, spelt in walls.items()},
        conflicts=frozenset(name for name, several in contents.items() if len(several) > 1),
    )


def ends(known: Known, statuses: Collection[Status]) -> dict[Name, Name]:
    """Say for each alert that ended what ended it; of several a Cancel, then an all-clear, then the latest.

    Only alerts of the same status end each other, and a Cancel is not ended by anything. Time is linear in
    the references.
    """
    acting = {name: alert for name, alert in known.alerts.items() if acts(alert, statuses)}
    versions = _versions(acting, known.walls)
    pairs = {pair for name, alert in acting.items() for pair in _referenced(name, alert, versions)}
    pairs |= {pair for names in versions.by_key.values() for pair in _sent_again(names)}
    sound = {pair for pair in pairs if acting[pair[1]].msg_type is not MsgType.CANCEL}
    weighed = sorted(_without_circles(sound), key=lambda pair: _weight(pair[0], acting))
    return {earlier: later for later, earlier in weighed}


def acts(alert: Alert, statuses: Collection[Status]) -> bool:
    """Tell whether an alert can warn or end a warning: of an asked status, and neither Ack nor Error."""
    return alert.status in statuses and alert.msg_type not in (MsgType.ACK, MsgType.ERROR)


def all_clear(alert: Alert) -> bool:
    """Tell whether an alert says that it is over: in every info, since one that still warns somewhere is in force."""
    return bool(alert.infos) and all(ResponseType.ALL_CLEAR in info.response_types for info in alert.infos)


def retires(alert: Alert) -> list[Reference]:
    """List what an alert ends by naming it: the references of an Update or Cancel, and NWS's expiredReferences."""
    named = alert.references if alert.msg_type in (MsgType.UPDATE, MsgType.CANCEL) else ()
    texts = (value for info in alert.infos for name, value in info.parameters if name.strip().lower() == EXPIRED)
    return [*named, *dict.fromkeys(found for text in texts for found in _triples(text))]


def _triples(text: str) -> Iterator[Reference]:
    for triple in text.replace('"', " ").strip().strip("[]").split():
        sender, _, rest = triple.strip(",").partition(",")
        identifier, _, sent = rest.partition(",")
        try:
            yield Reference(sender=sender, identifier=identifier, sent=aware(datetime.fromisoformat(sent)))
        except ValueError:
            continue


def key_of(named: Alert | Reference) -> tuple[str, str]:
    """Give what all versions of one warning share: sender, in whatever case, and identifier."""
    return named.sender.strip().casefold(), named.identifier.strip()


def _versions(acting: Mapping[Name, Alert], walls: Mapping[Name, frozenset[datetime]]) -> _Versions:
    by_key: dict[_Key, list[Name]] = {}
    by_instant: dict[tuple[_Key, datetime], list[Name]] = {}
    by_wall: dict[tuple[_Key, datetime], list[Name]] = {}
    for name, alert in sorted(acting.items(), key=lambda pair: (pair[0][2], pair[0])):
        key = (*key_of(alert), alert.status)
        by_key.setdefault(key, []).append(name)
        by_instant.setdefault((key, name[2]), []).append(name)
        for wall in walls[name]:
            by_wall.setdefault((key, wall), []).append(name)
    return _Versions(by_key, by_instant, by_wall)


def _wall(time: datetime) -> datetime:
    """What the clock on the wall showed, in whatever zone: a zone is what senders most often get wrong."""
    return time.replace(tzinfo=None, fold=0, microsecond=0)


def _referenced(name: Name, alert: Alert, versions: _Versions) -> Iterator[tuple[Name, Name]]:
    """Pair an alert with every earlier one that it names, by sender and identifier.

    The version sent at the named instant is meant, or at the same wall-clock time in another zone or none. Where
    there is neither, the last version before the referrer is (those before that one ended with it): the warning
    meant is the same, and a wrong time must not keep it alive. What was sent later than the referrer is not meant.
    """
    for reference in retires(alert):
        key = (*key_of(reference), alert.status)
        same = versions.by_instant.get((key, aware(reference.sent))) or versions.by_wall.get(
            (key, _wall(reference.sent))
        )
        for earlier in same or _last_before(name, versions.by_key.get(key, [])):
            if earlier != name and earlier[2] <= name[2]:
                yield name, earlier


def _last_before(name: Name, names: list[Name]) -> list[Name]:
    """Give the last of one warning's versions sent no later than the named alert, without itself."""
    at = bisect_right(names, name[2], key=lambda version: version[2])
    before = [version for version in names[max(0, at - 2) : at] if version != name]
    return before[-1:]


def _sent_again(names: list[Name]) -> Iterator[tuple[Name, Name]]:
    """Pair the latest version of a warning with each earlier one; two of the same instant both stay."""
    yield from ((names[-1], name) for name in names if name[2] < names[-1][2])


def _weight(name: Name, acting: Mapping[Name, Alert]) -> tuple[bool, bool, datetime, Name]:
    alert = acting[name]
    return alert.msg_type is MsgType.CANCEL, all_clear(alert), name[2], name


def _without_circles(pairs: Pairs) -> Pairs:
    """Leave out those by which alerts of one instant end each other in a circle, after which none would warn."""
    level = {pair for pair in pairs if pair[0][2] == pair[1][2]}
    first = _peeled(level)
    last = _peeled({(earlier, later) for later, earlier in level - first})
    return (pairs - level) | first | {(later, earlier) for earlier, later in last}


def _peeled(pairs: Pairs) -> Pairs:
    """Give the pairs that hang on alerts which nothing ends: all of them unless there is a circle."""
    onward: dict[Name, list[Name]] = {}
    held: dict[Name, int] = {}
    for later, earlier in pairs:
        onward.setdefault(later, []).append(earlier)
        held[earlier] = held.get(earlier, 0) + 1
    free = deque(name for name in onward if name not in held)
    passed: Pairs = set()
    while free:
        later = free.popleft()
        for earlier in onward.get(later, ()):
            passed.add((later, earlier))
            held[earlier] -= 1
            if not held[earlier]:
                free.append(earlier)
    return passed
