"""Decides when two alerts tell the same warning: another feed's copy, another language, or a newer telling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crisis.cap.chain import Name, aware, name_of
from crisis.cap.nouns import Alert, Area, Info

Facts = tuple[object, ...]
Places = tuple[frozenset[object], frozenset[object], frozenset[object]]


def same_warning(a: Alert, b: Alert) -> bool:
    """Tell whether two alerts are one warning: the same name, or the same facts in another language.

    The same name is the same sender, identifier and instant sent, whatever the feed. The same facts are the same
    sender, status, type and instant sent, no language in common, and the same instants (effective, onset, expires),
    geometry (polygons, circles, geocodes; in any order) and event codes, or, where either has none, category,
    severity, urgency and certainty. Without geometry only the name counts; words are never compared, and two alike
    in the same language are two warnings.
    """
    if _name(a) == _name(b):
        return True
    if _issue(a) != _issue(b) or _languages(a) & _languages(b) or not _places(a) or _places(a) != _places(b):
        return False
    coded = all(info.event_codes for alert in (a, b) for info in alert.infos)
    return {_facts(info, coded) for info in a.infos} == {_facts(info, coded) for info in b.infos}


def overshadowed(alerts: Iterable[Alert]) -> Mapping[Name, Name]:
    """Name each alert that a later one of the same sender, event, language and area tells anew, and that later one.

    For lists that people read: some senders issue a new Alert where an Update belongs. Both remain in force.
    """
    latest: dict[Facts, Name] = {}
    listed = list(alerts)
    for alert in listed:
        facts, name = _topic(alert), name_of(alert)
        if facts not in latest or (name[2], name) > (latest[facts][2], latest[facts]):
            latest[facts] = name
    told = ((name_of(alert), latest[_topic(alert)]) for alert in listed if _places(alert))
    return {name: later for name, later in told if name[2] < later[2]}


def _name(alert: Alert) -> Facts:
    sender, identifier, sent = name_of(alert)
    return sender.strip().casefold(), identifier.strip(), sent


def _issue(alert: Alert) -> Facts:
    return alert.sender.strip().casefold(), aware(alert.sent), alert.status, alert.msg_type


def _languages(alert: Alert) -> frozenset[str]:
    return frozenset(info.language.strip().lower().replace("_", "-").split("-")[0] for info in alert.infos)


def _facts(info: Info, coded: bool) -> Facts:
    times = tuple(time and aware(time) for time in (info.effective, info.onset, info.expires))
    if coded:
        return *times, frozenset(info.event_codes)
    return *times, frozenset(info.categories), info.severity, info.urgency, info.certainty


def _topic(alert: Alert) -> Facts:
    topics = {(info.event.strip().casefold(), frozenset(info.event_codes)) for info in alert.infos}
    return alert.sender.strip().casefold(), alert.status, frozenset(topics), _languages(alert), _places(alert)


def _places(alert: Alert) -> Places | None:
    areas = [area for info in alert.infos for area in info.areas]
    found = _rings(areas), _spots(areas), frozenset(code for area in areas for code in area.geocodes)
    return found if any(found) else None


def _rings(areas: list[Area]) -> frozenset[object]:
    """A ring is the same wherever it begins and whichever way round it goes."""
    return frozenset(frozenset(ring) for area in areas for ring in area.polygons)


def _spots(areas: list[Area]) -> frozenset[object]:
    return frozenset((spot.lat, spot.lon, spot.radius) for area in areas for spot in area.circles)
