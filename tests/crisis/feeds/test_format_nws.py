"""How the United States weather service's GeoJSON becomes CAP again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crisis.cap.entry import Entry
from crisis.cap.nouns import MsgType, Reference, ResponseType, Scope, Severity, Status
from crisis.cap.read import UNDATED
from crisis.feeds.nws import parse

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://api.weather.gov/alerts/active"
ALERT: dict[str, Any] = {
    "id": "urn:oid:2.49.0.1.840.0.1",
    "areaDesc": "Kane, UT",
    "geocode": {"SAME": ["049025"], "UGC": ["UTC025", "UTZ128"]},
    "references": [
        {"identifier": "urn:oid:2.49.0.1.840.0.0", "sender": "w@noaa.gov", "sent": "2026-11-21T00:00:00-07:00"},
        {"identifier": "no time", "sender": "w@noaa.gov"},
        None,
    ],
    "sent": "2026-11-21T01:15:00-07:00",
    "effective": "2026-11-21T01:15:00-07:00",
    "onset": None,
    "expires": "2026-11-21T04:15:00-07:00",
    "ends": "2026-11-21T06:00:00-07:00",
    "status": "Actual",
    "messageType": "Update",
    "category": "Met",
    "severity": "Severe",
    "certainty": "Likely",
    "urgency": "Expected",
    "event": "Flood Watch",
    "sender": "w@noaa.gov",
    "instruction": None,
    "response": "Prepare",
    "eventCode": {"SAME": ["FFA"], "NationalWeatherService": ["FFA"]},
    "parameters": {
        "VTEC": ["/O.NEW.KSLC/", "/O.CON.KSLC/"],
        "expiredReferences": ["w@noaa.gov,x,2026-11-20T00:00:00Z"],
    },
}
SQUARE = [[-113, 37], [-112, 37], [-112, 38], [-113, 38], [-113, 37]]


def _read(geometry: Any = None, **changed: Any) -> Entry:
    feature = {"type": "Feature", "geometry": geometry, "properties": {**ALERT, **changed}}
    (entry,) = parse(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode(), URL, NOW)
    return entry


def test_an_alert_keeps_its_codes_parameters_and_references() -> None:
    """What NWS derived from CAP is CAP again; a bad reference never takes the good ones along."""
    alert = _read().alert
    assert alert
    (info,) = alert.infos
    assert (alert.status, alert.msg_type, alert.scope) == (Status.ACTUAL, MsgType.UPDATE, Scope.PUBLIC)
    sent = datetime.fromisoformat("2026-11-21T00:00:00-07:00")
    assert alert.references == (Reference(sender="w@noaa.gov", identifier="urn:oid:2.49.0.1.840.0.0", sent=sent),)
    assert info.areas[0].geocodes == (("SAME", "049025"), ("UGC", "UTC025"), ("UGC", "UTZ128"))
    assert info.areas[0].polygons == ()
    assert info.parameters == (
        ("VTEC", "/O.NEW.KSLC/"),
        ("VTEC", "/O.CON.KSLC/"),
        ("expiredReferences", "w@noaa.gov,x,2026-11-20T00:00:00Z"),
        ("ends", "2026-11-21T06:00:00-07:00"),
    )
    assert info.event_codes == (("SAME", "FFA"), ("NationalWeatherService", "FFA"))
    assert (info.severity, info.response_types, info.onset) == (Severity.SEVERE, (ResponseType.PREPARE,), None)


@pytest.mark.parametrize(
    ("geometry", "rings"),
    [
        ({"type": "Polygon", "coordinates": [SQUARE]}, 1),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, 1),
        ({"type": "Polygon", "coordinates": [SQUARE, SQUARE]}, 1),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}, 2),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [[[1, 2]]], "x"]}, 1),
        ({"type": "Point", "coordinates": [1, 2]}, 0),
        ({"type": "Polygon", "coordinates": [[[37, -113], [38, -113], [38, -112], [37, -113]]]}, 0),
        ({"type": "Polygon", "coordinates": None}, 0),
        (None, 0),
    ],
)
def test_outlines_are_turned_to_cap_s_order(geometry: Any, rings: int) -> None:
    """GeoJSON writes longitude first, CAP latitude; what is no outline leaves the codes to tell the place."""
    alert = _read(geometry).alert
    assert alert
    found = alert.infos[0].areas[0].polygons
    assert len(found) == rings
    assert all(ring[0] == (37.0, -113.0) == ring[-1] for ring in found)


@pytest.mark.parametrize(
    ("changed", "status", "scope"),
    [
        ({"status": "Test"}, Status.TEST, Scope.PUBLIC),
        ({"status": None}, Status.DRAFT, Scope.PUBLIC),
        ({"status": "Live"}, Status.DRAFT, Scope.PUBLIC),
        ({"scope": "Private"}, Status.ACTUAL, Scope.PRIVATE),
        ({"scope": "Internal"}, Status.ACTUAL, Scope.RESTRICTED),
    ],
)
def test_what_may_not_be_public_is_never_read_as_public(changed: dict[str, Any], status: Status, scope: Scope) -> None:
    """A status or scope nobody knows is the careful one."""
    alert = _read(**changed).alert
    assert alert
    assert (alert.status, alert.scope) == (status, scope)


def test_an_alert_without_a_time_is_kept_but_too_old_to_leave_alone() -> None:
    """Nothing is lost for a broken clock."""
    alert = _read(sent="now", effective="now").alert
    assert alert
    assert alert.sent == UNDATED


def test_an_alert_without_a_name_is_refused() -> None:
    """What cannot be told apart from the next cannot be followed."""
    assert _read(id=None).refused


@pytest.mark.parametrize(
    ("name", "alerts"),
    [
        ("tests_fixtures_alerts_active_zone.json", 1),
        ("tests_fixtures_alerts_active_zone_second.json", 2),
        ("api-proxy_data_testing_alerts_active__status=actual.json", 38),
        ("api-proxy_data_load-testing-ioc_alerts_active__status=actual.json", 8),
    ],
)
def test_real_answers_are_read(sample: Callable[..., Path], name: str, alerts: int) -> None:
    """Samples of the real service give every alert, though some were made with placeholders for times."""
    path = sample("feeds", "nws", name)
    entries = parse(path.read_bytes(), URL, NOW)
    assert [bool(entry.alert) for entry in entries] == [True] * alerts
    assert all(entry.alert and entry.alert.infos[0].areas[0].desc for entry in entries)
