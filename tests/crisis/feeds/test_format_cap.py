"""How feeds of CAP itself are read, down to a bare directory of files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crisis.cap.entry import Entry
from crisis.errors import BadInput
from crisis.feeds import FORMATS
from crisis.feeds.cap_feed import parse, parse_document

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://feed.example/cap/"


def _page(title: str, body: str) -> bytes:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{body}</body></html>".encode()


@pytest.mark.parametrize("title", ["Index of /cap", "Directory listing for /cap/", "feed.example - /cap/"])
def test_a_directory_of_files_is_a_feed_of_links(title: str) -> None:
    """Each CAP file of the directory is one link, however often and however deep it is listed."""
    body = (
        '<a href="../">../</a><a href="?C=M;O=A">Last modified</a><a href="/cap/A%201.xml">A 1</a>'
        '<a href="b.CAP">b</a><a href="./b.CAP#top">b</a><a href="old/c.xml">c</a><a href="notes.txt">notes</a>'
        '<a href="https://elsewhere.example/cap/d.xml">d</a><a href="/etc/e.xml">e</a><a href="http://[x">f</a><a>g</a>'
        '<a href="f.xml?x=1">h</a>'
    )
    entries = parse(_page(title, body), URL, NOW)
    assert [entry.link for entry in entries] == [f"{URL}A%201.xml", f"{URL}b.CAP", f"{URL}old/c.xml"]
    assert [entry.guid for entry in entries] == ["A 1.xml", "b.CAP", "c.xml"]


def test_comments_before_a_page_do_not_hide_it() -> None:
    """Nor can a thousand of them hold up the reader."""
    page = b"<!-- x -->" * 300 + _page("Index of /cap", '<a href="a.xml">a</a>')
    assert [entry.link for entry in parse(page, URL, NOW)] == [f"{URL}a.xml"]
    with pytest.raises(BadInput):
        parse(b"<!---->" * 500 + b"<a/>" * 2, URL, NOW)


def test_an_empty_directory_is_no_alerts() -> None:
    """That is a fact, and another than a feed that cannot be read."""
    assert parse(_page("Index of /cap", '<a href="../">up</a>'), URL, NOW) == ()


@pytest.mark.parametrize("title", ["503 Service Unavailable", "404 - /cap/", "Login", "", "Peringatan Dini"])
def test_any_other_page_is_trouble_though_it_links_to_xml(title: str) -> None:
    """An error page that is served as if all were well must not read as "no alerts"."""
    with pytest.raises(BadInput, match="web page"):
        parse(_page(title, '<a href="/cap/rss.xml">rss</a>'), URL, NOW)


def test_nobody_posts_a_web_page() -> None:
    """Only a feed of our own asking may be a directory."""
    with pytest.raises(BadInput):
        parse_document(_page("Index of /cap", '<a href="a.xml">a</a>'), "", NOW)


def test_an_entry_with_neither_alert_nor_link_is_refused_by_name() -> None:
    """Nothing that was published vanishes without a word."""
    raw = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><title>x</title></entry></feed>'
    (entry,) = parse(raw, URL, NOW)
    assert entry.refused == "entry[0] holds neither an alert nor a link to one."


def test_bmkg_s_rss_names_each_alert_and_leads_to_it(sample: Callable[..., Path]) -> None:
    """The guid is the identifier of the CAP document behind the link."""
    entries = _read("bmkg-nowcast", sample("feeds", "bmkg", "tests_fixtures_rss_active.xml"))
    assert [entry.guid[:20] for entry in entries] == ["2.49.0.1.360.0.2026."] * 3
    assert all(entry.link.endswith("_alert.xml") and not entry.refused for entry in entries)


@pytest.mark.parametrize(
    ("path", "alerts"),
    [
        ("themysteq+meteoalarm-py/tests__test_files__meteoalarm-legacy-atom-poland.xml", 2),
        ("rolfberkenbosch+meteoalert-api/tests__france_sample.xml", 12),
        ("rolfberkenbosch+meteoalert-api/tests__uk_sample.xml", 25),
    ],
)
def test_meteoalarm_s_atom_tells_the_place_codes_and_leads_to_the_cap(
    sample: Callable[..., Path], path: str, alerts: int
) -> None:
    """Even when the link cannot be fetched, the summary says what and where."""
    entries = _read("meteoalarm", sample("cap", "real", path))
    assert len(entries) == alerts
    for entry in entries:
        assert entry.alert
        assert entry.link.startswith("https://feeds.meteoalarm.org/api/")
        assert entry.alert.infos[0].areas[0].geocodes[0][0] in {"EMMA_ID", "NUTS3"}


@pytest.mark.parametrize("name", ["valid", "invalid"])
def test_edxl_gives_every_alert_it_wraps(sample: Callable[..., Path], name: str) -> None:
    """A wrapped alert that breaks rules is read like any other."""
    entries = _read("edxl", sample("feeds", "edxl", f"testdata_bushfire_{name}.edxlde"))
    assert len(entries) == 7
    assert all(entry.alert for entry in entries)


def _read(name: str, path: Path) -> list[Entry]:
    return list(FORMATS[name].parse(path.read_bytes(), URL, NOW))
