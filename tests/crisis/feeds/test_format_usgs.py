"""How the USGS summary feeds become alerts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crisis.cap.entry import Entry
from crisis.cap.nouns import Certainty, Circle, MsgType, Severity
from crisis.feeds.usgs import parse

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/all_hour.geojson"
QUAKE: dict[str, Any] = {
    "mag": 6.1,
    "place": "12 km W of Pontianak, Indonesia",
    "time": 1795248900000,
    "updated": 1795249900500,
    "url": "https://earthquake.usgs.gov/earthquakes/eventpage/us7000test",
    "felt": 12,
    "cdi": 5.1,
    "mmi": 6.3,
    "alert": None,
    "status": "reviewed",
    "tsunami": 1,
    "sig": 600,
    "ids": ",us7000test,at00test,",
    "title": "M 6.1 - 12 km W of Pontianak, Indonesia",
    "type": "earthquake",
}


def _read(spot: Any = (109.34, -0.12, 10), **changed: Any) -> Entry:
    feature = {
        "type": "Feature",
        "id": changed.pop("id", "us7000test"),
        "properties": {**QUAKE, **changed},
        "geometry": {"type": "Point", "coordinates": spot},
    }
    (entry,) = parse(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode(), URL, NOW)
    return entry


def test_a_quake_tells_time_place_strength_and_what_pager_says() -> None:
    """Everything a playbook may ask about is there."""
    entry = _read(alert="orange")
    assert entry.alert
    (info,) = entry.alert.infos
    assert (entry.alert.sender, entry.alert.identifier) == ("earthquake.usgs.gov", "us7000test")
    assert info.onset == datetime(2026, 11, 21, 8, 15, tzinfo=UTC)
    assert info.areas[0].circles == (Circle(lat=-0.12, lon=109.34, radius=0.0),)
    told = dict(info.parameters)
    assert {"magnitude": "6.1", "depth_km": "10", "alert": "orange", "mmi": "6.3", "felt": "12"}.items() <= told.items()
    assert (info.severity, info.certainty) == (Severity.SEVERE, Certainty.OBSERVED)
    assert info.headline == QUAKE["title"]
    assert entry.alert.incidents == ("us7000test", "at00test")


@pytest.mark.parametrize("flag", [0, 1, None, "1"])
def test_the_tsunami_flag_is_never_read_as_a_tsunami(flag: Any) -> None:
    """It only says that another site may know more."""
    entry = _read(tsunami=flag)
    assert entry.alert
    assert dict(entry.alert.infos[0].parameters)["tsunami"] == "unknown"


def test_a_revision_is_the_same_quake_sent_later() -> None:
    """`updated` makes a revision a newer alert of the same name."""
    first, then = _read(), _read(updated=1795250000000)
    assert first.alert
    assert then.alert
    assert first.alert.identifier == then.alert.identifier
    assert first.alert.sent < then.alert.sent


def test_a_deleted_quake_is_cancelled() -> None:
    """What USGS withdraws is not told on as a quake."""
    entry = _read(status="deleted")
    assert entry.alert
    assert entry.alert.msg_type is MsgType.CANCEL


@pytest.mark.parametrize(
    ("colour", "mag", "severity"),
    [
        ("green", 7.5, Severity.MINOR),
        ("red", 5.0, Severity.EXTREME),
        ("mauve", 6.5, Severity.SEVERE),
        (None, 5.5, Severity.MODERATE),
        (None, None, Severity.UNKNOWN),
    ],
)
def test_pager_s_colour_outweighs_the_magnitude(colour: str | None, mag: float | None, severity: Severity) -> None:
    """Who computed the losses knows better than a table of magnitudes."""
    entry = _read(alert=colour, mag=mag)
    assert entry.alert
    assert entry.alert.infos[0].severity is severity


@pytest.mark.parametrize(
    "lost",
    [
        {"time": None},
        {"time": "soon"},
        {"time": 1e300},
        {"time": True},
        {"id": ""},
        {"spot": None},
        {"spot": [109.34]},
        {"spot": [109.34, None]},
        {"spot": [-0.12, 109.34]},
        {"spot": ["x", "y"]},
    ],
)
def test_a_quake_without_name_time_or_place_is_refused(lost: dict[str, Any]) -> None:
    """What nobody can locate in time and space opens nothing, but is kept with its reason."""
    entry = _read(**lost)
    assert entry.alert is None
    assert "cannot be read" in entry.refused


def test_an_automatic_solution_is_likely() -> None:
    """No seismologist has looked at it yet."""
    entry = _read(status="automatic", updated=None)
    assert entry.alert
    assert entry.alert.infos[0].certainty is Certainty.LIKELY
    assert entry.alert.sent == entry.alert.infos[0].onset


@pytest.mark.parametrize(
    ("name", "quakes"), [("tests_fixtures_earthquakes-1.json", 3), ("tests_fixtures_earthquakes-2.json", 0)]
)
def test_sample_feeds_are_read(sample: Callable[..., Path], name: str, quakes: int) -> None:
    """Samples give every quake; an empty feed is no quakes."""
    path = sample("feeds", "usgs", name)
    entries = parse(path.read_bytes(), URL, NOW)
    assert len(entries) == quakes
    assert all(entry.alert for entry in entries)
