"""Writes Atom feeds (RFC 4287) of alerts, each entry leading to its CAP document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from crisis.cap.write import clean_text

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE, ATOM_TYPE = "application/cap+xml", "application/atom+xml"
OID = re.compile(r"[0-9]+(\.[0-9]+)+")
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One alert in the feed: `link` is the address of its CAP XML, `page` that of its public page."""

    id: str
    updated: datetime
    title: str
    summary: str
    link: str
    page: str = ""
    language: str = ""


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Put entries in the order of a feed: the same for the same entries, however they come."""
    return sorted(entries, key=lambda one: (one.updated, one.id), reverse=True)


def feed(
    entries: Iterable[Entry], *, title: str, link: str, updated: datetime, more: Mapping[str, str] | None = None
) -> bytes:
    """Write the feed, newest entry first; a feed without entries says that nothing is in force.

    `link` is the feed's own address and its id; `updated` must move whenever the list changes. `more` are other
    pages of the feed by their relation: next, first, current (RFC 5005 sections 3 and 4).
    """
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]
    _add(root, "id", link)
    _add(root, "title", title)
    _add(root, "updated", _time(updated))
    for rel, href in {"self": link, **(more or {})}.items():
        _add_link(root, rel, href, ATOM_TYPE)
    _add(_add(root, "author", ""), "name", title)
    for entry in newest_first(entries):
        _add_entry(root, entry)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_entry(root: etree._Element, entry: Entry) -> None:
    part = _add(root, "entry", "")
    if entry.language:
        part.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
    _add(part, "id", _iri(entry))
    _add(part, "title", entry.title)
    _add(part, "updated", _time(entry.updated))
    _add_link(part, "alternate", entry.link, CAP_TYPE)
    if entry.page:
        _add_link(part, "related", entry.page, "text/html")
    _add(part, "summary", entry.summary)


def _iri(entry: Entry) -> str:
    """Give the entry an id that is an IRI, as RFC 4287 section 4.2.6 wants, and the same for ever."""
    if OID.fullmatch(entry.id):
        return f"urn:oid:{entry.id}"
    return entry.id if IRI.fullmatch(entry.id) else f"{entry.link}#{entry.id}"


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    part = etree.SubElement(parent, f"{{{ATOM}}}{name}")
    part.text = clean_text(text) or None
    return part


def _add_link(parent: etree._Element, rel: str, href: str, kind: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}link", rel=rel, href=href, type=kind)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
