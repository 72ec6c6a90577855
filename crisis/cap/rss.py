"""Writes the RSS 2.0 feed of alerts, each item leading to its CAP document: what most aggregators read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime

from lxml import etree

from crisis.cap.atom import ATOM, CAP_TYPE, Entry, newest_first
from crisis.cap.write import clean_text


def feed(entries: Iterable[Entry], *, title: str, page: str, link: str, updated: datetime) -> bytes:
    """Write the feed, newest first; an item's guid is the CAP identifier, its link the CAP XML.

    `link` is the feed's own address, `page` that of the web page it goes with. The length of an enclosure is 0:
    not known (RSS 2.0, item, enclosure).
    """
    root = etree.Element("rss", nsmap={"atom": ATOM}, version="2.0")
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", title)
    _add(channel, "link", page)
    _add(channel, "description", title)
    _add(channel, "lastBuildDate", _time(updated))
    etree.SubElement(channel, f"{{{ATOM}}}link", rel="self", href=link, type="application/rss+xml")
    for entry in newest_first(entries):
        _add_entry(channel, entry)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_entry(channel: etree._Element, entry: Entry) -> None:
    part = etree.SubElement(channel, "item")
    _add(part, "title", entry.title)
    _add(part, "link", entry.link)
    _add(part, "description", entry.summary)
    _add(part, "guid", entry.id).set("isPermaLink", "false")
    _add(part, "pubDate", _time(entry.updated))
    etree.SubElement(part, "enclosure", url=entry.link, length="0", type=CAP_TYPE)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    part = etree.SubElement(parent, name)
    part.text = clean_text(text)
    return part


def _time(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
