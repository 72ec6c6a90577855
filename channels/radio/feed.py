"""Writes the podcast feed (RSS 2.0) a station's player or podcatcher follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from lxml import etree

from channels.radio.air import marked
from channels.radio.bulletin import Bulletin, Office

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
TERMS = "http://purl.org/dc/terms/"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
SPACES = {"atom": ATOM, "dc": DC, "dcterms": TERMS, "itunes": ITUNES}
TTL = 5  # minutes a player may keep the feed


def _place(bulletin: Bulletin) -> str:
    return bulletin.place


def feed(
    office: Office, bulletins: Iterable[Bulletin], now: datetime, place: Callable[[Bulletin], str] = _place
) -> bytes:
    """Render the bulletins in force, newest first; the same bulletins give the same bytes.

    `place` names the folder of each below the feed's.
    """
    root = etree.Element("rss", {"version": "2.0"}, nsmap=SPACES)
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", office.title)
    _add(channel, "link", office.base)
    _add(channel, "description", office.title)
    _add(channel, "language", office.language)
    _add(channel, "ttl", str(TTL))
    _add(channel, f"{{{ITUNES}}}explicit", "false")
    link = {"href": f"{office.base}/feed.xml", "rel": "self", "type": "application/rss+xml"}
    etree.SubElement(channel, f"{{{ATOM}}}link", link)
    in_force = [bulletin for bulletin in bulletins if not bulletin.expired(now)]
    for bulletin in sorted(in_force, key=lambda one: (one.sent, one.place), reverse=True):
        _entry(channel, bulletin, office, place(bulletin))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _entry(channel: etree._Element, bulletin: Bulletin, office: Office, place: str) -> None:
    entry = etree.SubElement(channel, "item")
    folder = f"{office.base}/{quote(place)}"
    _add(entry, "title", marked(bulletin.headline, bulletin))
    # Translations share the notice's id, and a guid must be one entry's alone.
    own = bulletin.language.lower() == office.language.lower()
    _add(entry, "guid", bulletin.id if own else bulletin.guid).set("isPermaLink", "false")
    _add(entry, "link", bulletin.link or f"{folder}/{quote(bulletin.file('script_text'))}")
    _add(entry, "description", bulletin.reading)
    _add(entry, "pubDate", format_datetime(bulletin.sent))
    _add(entry, f"{{{DC}}}language", bulletin.language)
    _add(entry, f"{{{TERMS}}}valid", f"end={bulletin.expires.isoformat()}; scheme=W3C-DTF")
    if bulletin.size:
        url = f"{folder}/{quote(bulletin.file('mp3'))}"
        etree.SubElement(entry, "enclosure", {"url": url, "length": str(bulletin.size), "type": "audio/mpeg"})
        _add(entry, f"{{{ITUNES}}}duration", str(round(bulletin.seconds)))


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child
