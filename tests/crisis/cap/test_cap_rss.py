"""The RSS feed of alerts: guid, link and date are what aggregators go by, and their order never wavers."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from lxml import etree

from crisis.cap.atom import Entry
from crisis.cap.rss import feed

NOW = datetime(2026, 11, 21, 1, 15, tzinfo=UTC)


def entry(number: int, at: datetime = NOW) -> Entry:
    return Entry(
        id=f"urn:oid:2.49.0.1.{number:06d}",
        updated=at,
        title="Banjir & <longsor>\u202e",
        summary="Mengungsi sekarang",
        link=f"https://bpbd.example/a/{number}.xml",
        page=f"https://bpbd.example/a/{number}",
    )


def made(*entries: Entry) -> bytes:
    return feed(entries, title="BPBD", page="https://bpbd.example", link="https://bpbd.example/feed.rss", updated=NOW)


def test_what_rss_requires_is_there_and_text_is_never_markup() -> None:
    """Channel: title, link, description. Item: title, link, guid that is no link, date in its own form."""
    root = etree.fromstring(made(entry(7)))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    for name in ("title", "link", "description", "lastBuildDate"):
        assert root.findtext(f"channel/{name}")
    (item,) = root.findall("channel/item")
    assert item.findtext("title") == "Banjir & <longsor>"
    assert item.findtext("link") == "https://bpbd.example/a/7.xml"
    assert item.findtext("guid") == "urn:oid:2.49.0.1.000007"
    assert item.findtext("pubDate") == "Sat, 21 Nov 2026 01:15:00 GMT"


def test_the_same_entries_are_the_same_bytes_however_they_come() -> None:
    """Two released in one second keep their order, so that the feed's tag stays as it is."""
    entries = [entry(n, NOW + timedelta(seconds=n // 3)) for n in range(12)]
    mixed = entries[:]
    random.Random(7).shuffle(mixed)
    assert made(*entries) == made(*mixed)
    root = etree.fromstring(made(*mixed))
    assert [i.findtext("guid") for i in root.findall("channel/item")] == [e.id for e in reversed(entries)]


def test_a_feed_without_entries_is_a_feed() -> None:
    """Nothing in force is told, not left out."""
    assert etree.fromstring(made()).findall("channel/item") == []
