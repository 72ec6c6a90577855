"""How the items of GDACS become links to CAP with a summary."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crisis.cap.entry import Entry
from crisis.cap.nouns import Category, Circle, Severity, Urgency
from crisis.feeds.gdacs import parse

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://www.gdacs.org/xml/rss.xml"
ITEM = {
    "title": "Orange earthquake alert",
    "description": "An earthquake occurred",
    "link": "https://www.gdacs.org/report.aspx?eventid=1",
    "pubDate": "Sat, 21 Nov 2026 08:15:00 GMT",
    "guid": "EQ1",
    "gdacs:bbox": "105 113 -4 4",
    "georss:point": "-0.12 109.34",
    "gdacs:cap": "/resources/EQ/1/cap_1.xml",
    "gdacs:iscurrent": "true",
    "gdacs:eventtype": "EQ",
    "gdacs:alertlevel": "Orange",
    "gdacs:country": "Indonesia",
}
SEVERITY = '<gdacs:severity unit="M" value="6.1">Magnitude 6.1M, Depth:10km</gdacs:severity>'


def _read(**changed: str | None) -> Entry:
    fields = {**ITEM, **{name.replace("__", ":"): text for name, text in changed.items()}}
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items() if text is not None)
    raw = (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><rss xmlns:gdacs="http://www.gdacs.org"'
        f' xmlns:georss="http://www.georss.org/georss"><channel><item>{inside}{SEVERITY}</item></channel></rss>'
    )
    (entry,) = parse(raw.encode(), URL, NOW)
    return entry


def test_an_item_is_a_summary_and_a_link_to_its_cap() -> None:
    """The CAP is fetched where it can be; until then the summary tells what the item tells."""
    entry = _read()
    assert entry.link == "https://www.gdacs.org/resources/EQ/1/cap_1.xml"
    assert entry.raw.startswith(b"<item>")
    assert entry.alert
    (info,) = entry.alert.infos
    assert (entry.alert.identifier, entry.alert.sent) == ("EQ1", datetime(2026, 11, 21, 8, 15, tzinfo=UTC))
    assert (info.event, info.categories) == ("Earthquake", (Category.GEO,))
    assert (info.severity, info.urgency) == (Severity.SEVERE, Urgency.IMMEDIATE)
    assert info.areas[0].circles == (Circle(lat=-0.12, lon=109.34, radius=0.0),)
    assert info.areas[0].polygons == ()
    told = dict(info.parameters)
    assert {"magnitude": "6.1", "depth_km": "10", "tsunami": "unknown", "alertlevel": "Orange"}.items() <= told.items()
    assert told["bbox"] == "105 113 -4 4"


@pytest.mark.parametrize(
    ("level", "severity"),
    [("Green", Severity.MINOR), ("orange", Severity.SEVERE), ("RED", Severity.EXTREME), ("Blue", Severity.UNKNOWN)],
)
def test_the_colour_is_the_severity(level: str, severity: Severity) -> None:
    """Green, Orange and Red are GDACS' own judgement; another word is unknown."""
    entry = _read(gdacs__alertlevel=level)
    assert entry.alert
    assert entry.alert.infos[0].severity is severity


def test_what_is_over_is_past() -> None:
    """An item that is no longer current asks nobody to act."""
    entry = _read(gdacs__iscurrent="false")
    assert entry.alert
    assert entry.alert.infos[0].urgency is Urgency.PAST


def test_the_map_window_is_the_area_only_without_a_point() -> None:
    """A window of many degrees would warn half an archipelago."""
    entry = _read(georss__point=None)
    assert entry.alert
    (area,) = entry.alert.infos[0].areas
    assert area.circles == ()
    assert area.polygons == (((-4, 105), (-4, 113), (4, 113), (4, 105), (-4, 105)),)


@pytest.mark.parametrize("box", ["170 190 -4 4", "113 105 -4 4", "105 113 4", "a b c d", ""])
def test_a_window_that_is_no_box_is_left_out(box: str) -> None:
    """Over the antimeridian or out of range there is no area, and the alert stays."""
    entry = _read(georss__point="x y", gdacs__bbox=box)
    assert entry.alert
    assert entry.alert.infos[0].areas[0].polygons == ()


def test_an_item_without_time_still_leads_to_its_cap() -> None:
    """The link alone is worth following; without it nothing can be known."""
    assert _read(pubDate=None).link
    assert not _read(pubDate=None).refused
    assert _read(pubDate=None, gdacs__cap="javascript:1").refused


@pytest.mark.parametrize(("name", "items", "links"), [("gdacs-1.xml", 4, 4), ("gdacs-2.xml", 1, 0)])
def test_sample_feeds_are_read(sample: Callable[..., Path], name: str, items: int, links: int) -> None:
    """Samples give every item, though the file starts with a byte order mark."""
    path = sample("feeds", "gdacs", f"tests_fixtures_{name}")
    entries = parse(path.read_bytes(), URL, NOW)
    assert [bool(entry.alert) for entry in entries] == [True] * items
    assert sum(bool(entry.link) for entry in entries) == links
