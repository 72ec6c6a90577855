"""The Atom feed of alerts in force: what readers need is there, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from lxml import etree

from crisis.cap.atom import Entry, feed

NS = {"a": "http://www.w3.org/2005/Atom"}
NOW = datetime(2026, 11, 21, 1, 15, tzinfo=UTC)


def entry(name: str, updated: datetime = NOW) -> Entry:
    return Entry(
        id=name,
        updated=updated,
        title="Banjir & longsor",
        summary="Mengungsi sekarang\u202e",
        link=f"https://bpbd.example.go.id/cap/{name}.xml",
    )


def parse(*entries: Entry) -> etree._Element:
    raw = feed(entries, title="BPBD", link="https://bpbd.example.go.id/cap.atom", updated=NOW)
    return etree.fromstring(raw)


def texts(root: etree._Element, path: str) -> list[str]:
    found = root.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [str(text) for text in found]


def test_each_entry_leads_to_its_cap_document() -> None:
    """A reader of the feed can fetch the alert itself and knows its type."""
    root = parse(entry("2.49.0.1"))
    assert texts(root, "//a:entry/a:link/@href") == ["https://bpbd.example.go.id/cap/2.49.0.1.xml"]
    assert texts(root, "//a:entry/a:link/@type") == ["application/cap+xml"]


def test_what_rfc_4287_requires_is_there() -> None:
    """Feed and entries have id, title and updated; the feed has an author and names itself."""
    root = parse(entry("2.49.0.1"))
    for parent in ("a:feed", "a:entry"):
        for child in ("id", "title", "updated"):
            assert len(texts(root, f"//{parent}/a:{child}/text()")) == 1
    assert texts(root, "/a:feed/a:author/a:name/text()") == ["BPBD"]
    assert texts(root, "/a:feed/a:link[@rel='self']/@href") == ["https://bpbd.example.go.id/cap.atom"]
    assert texts(root, "//a:entry/a:summary/text()") == ["Mengungsi sekarang"]


def test_ids_are_iris() -> None:
    """Every identifier becomes an IRI that never changes."""
    root = parse(entry("2.49.0.1"), entry("urn:oid:2.49.0.2"), entry("banjir-7"))
    assert set(texts(root, "//a:entry/a:id/text()")) == {
        "urn:oid:2.49.0.1",
        "urn:oid:2.49.0.2",
        "https://bpbd.example.go.id/cap/banjir-7.xml#banjir-7",
    }


def test_the_newest_is_first_and_times_are_utc() -> None:
    """The latest word on an incident is what a reader meets first."""
    wib = timezone(timedelta(hours=7))
    root = parse(entry("1"), entry("2", (NOW + timedelta(hours=1)).astimezone(wib)))
    assert texts(root, "//a:entry/a:updated/text()") == ["2026-11-21T02:15:00Z", "2026-11-21T01:15:00Z"]


def test_an_empty_feed_is_still_a_feed() -> None:
    """No alert in force is told apart from a feed that broke."""
    assert texts(parse(), "/a:feed/a:id/text()") == ["https://bpbd.example.go.id/cap.atom"]
