"""Reads the entries of an index, Atom (RFC 4287) or RSS (0.9 to 2.0), into alerts and links to alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from html import unescape

from lxml import etree

from crisis.cap import links
from crisis.cap.embedded import Place, alerts_in, strays
from crisis.cap.entry import Entry
from crisis.cap.inline import VERSIONS, Lent, compose, flat_parts, text_of
from crisis.cap.links import Link
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original
from crisis.errors import BadInput

ATOMS = {"http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
LINKS = ("{*}link", "{*}content", "{*}enclosure", "{*}guid", "{*}cap")
ADDRESSES = {"link": "href", "content": "src", "enclosure": "url"}
TAGS = re.compile(r"<[^<>]*>")


def read_index(original: Original, url: str) -> Iterator[Entry]:
    """Give every entry in order: its alert if it carries one, else the link to it; a bad one never stops the next.

    Links are made absolute against `url` and xml:base. Alerts that stand beside the entries are given last.
    """
    feed = _Feed(original.root, url)
    for at, part in enumerate(_entries(original.root)):
        told = _Told(part, feed)
        yield from _read(part, told, original, f"entry[{at}]")
    yield from strays(original, _entries(original.root))


def _entries(root: etree._Element) -> Iterator[etree._Element]:
    """RSS 1.0 has its items beside the channel, RSS 2.0 within; an Atom entry may be a document of its own."""
    name = etree.QName(root)
    if name.namespace in ATOMS:
        yield from [root] if name.localname == "entry" else root.iterchildren(f"{{{name.namespace}}}entry")
        return
    for part in root.iter("{*}item"):
        above = part.getparent()
        if above is not None and etree.QName(above).localname in {"channel", "RDF", "rss"}:
            yield part


def _read(part: etree._Element, told: _Told, original: Original, where: str) -> Iterator[Entry]:
    place = Place(where=where, guid=told.guid, link=told.link, lent=told.lent)
    noted = tuple(told.faults())
    try:
        found = alerts_in(part, original, place) or [_flat(part, original, place)]
    except BadInput as error:
        found = [place.entry(raw=original.of(part), refused=str(error))]
    for entry in found:
        lacking = () if entry.alert or entry.link or entry.refused else (_no_way_in(told),)
        yield replace(entry, warnings=(*noted, *lacking, *entry.warnings))


def _flat(part: etree._Element, original: Original, place: Place) -> Entry:
    """Read the `cap:` elements in the entry or its content; without any the entry is only a link."""
    flat = flat_parts(part) or [one for child in part for one in flat_parts(child)]
    if not flat:
        return place.entry(raw=original.of(part))
    reading = compose(flat, place.lent)
    return place.entry(raw=original.of(part), alert=reading.alert, warnings=reading.warnings)


def _no_way_in(told: _Told) -> Warning:
    named = f" ('{told.title[:80]}')" if told.title else ""
    return Warning(rule="X-ENTRY", where="link", says=f"the entry{named} has neither an alert nor a link to one")


class _Feed:
    """What the feed says once for all its entries."""

    def __init__(self, root: etree._Element, url: str) -> None:
        self.url = url
        parts = [root, *root.iterchildren("{*}channel")]
        self.author = next(filter(None, map(_author, parts)), "")
        languages = [part.get(LANGUAGE) or "" for part in parts]
        languages += [text_of(one) for part in parts for one in _own(part, "language")]
        self.language = next(filter(None, languages), "").strip()


class _Told:
    """What an entry says about its alert, in the words of Atom or RSS."""

    def __init__(self, part: etree._Element, feed: _Feed) -> None:
        self.part = part
        self.feed = feed
        self.atom = etree.QName(part).namespace in ATOMS
        self.title = _plain(self.text("title"))
        self.guid = self.text("id") if self.atom else self.text("guid") or (part.get(f"{{{RDF}}}about") or "")
        self.all_links = [_link(child, feed.url) for child in part.iterchildren(*LINKS)]
        self.link = links.best([link for link in self.all_links if _leads(link, feed.url)])

    @property
    def lent(self) -> Lent:
        summary = self.text("summary", "description") or self.text("content")
        return Lent(
            identifier=self.guid or self.link,
            sender=_author(self.part) or self.feed.author,
            sent=_moment(self.text("updated", "modified", "pubDate", "published", "issued") or self.core("date")),
            language=(self.part.get(LANGUAGE) or "").strip() or self.feed.language,
            event=self.title,
            headline=self.title,
            description=_plain(summary),
            web=links.page(self.all_links),
        )

    def faults(self) -> Iterator[Warning]:
        """What RFC 4287 section 4.1.2 requires of an entry, and links that may never be followed."""
        for name in ("id", "title", "updated") if self.atom else ():
            if not self.text(name):
                yield Warning(rule="W-ENTRY", where=name, says="is missing in the feed's entry")
        if any(link.href for link in self.all_links) and not self.link:
            yield Warning(rule="S-URI-SCHEME", where="link", says="no link of the entry is an http or https address")

    def text(self, *names: str) -> str:
        """Give the first text of these names in the entry's own vocabulary, not in CAP's."""
        return next((text for name in names for child in self.own(name) if (text := text_of(child))), "")

    def core(self, name: str) -> str:
        found = map(text_of, self.part.iterchildren(f"{{{DUBLIN_CORE}}}{name}"))
        return next(filter(None, found), "")

    def own(self, name: str) -> Iterator[etree._Element]:
        return _own(self.part, name)


def _link(child: etree._Element, url: str) -> Link:
    """Read an element that may lead somewhere; without an address it leads nowhere."""
    name = etree.QName(child)
    href = child.get(ADDRESSES.get(name.localname, "href")) or ("" if name.localname == "content" else text_of(child))
    match name.localname:
        case "guid":
            lasting = child.get("isPermaLink", "true").lower() != "false" and links.is_web(href)
            return Link(href=href if lasting else "", rel="related")
        case "cap":  # as GDACS does
            known = name.namespace in VERSIONS or not links.is_web(href)
            return Link(href="" if known else href, type="application/cap+xml")
        case _:
            rel = "enclosure" if name.localname == "enclosure" else child.get("rel") or "alternate"
            whole = links.absolute(href, url, child.base or "") if href else ""
            return Link(href=whole, type=child.get("type") or "", rel=rel)


def _leads(link: Link, url: str) -> bool:
    """A relative link is kept where the document's own address is unknown; anything but the web never is."""
    return bool(link.href) and (links.is_web(link.href) or not (url or ":" in link.href.partition("/")[0]))


def _own(part: etree._Element, name: str) -> Iterator[etree._Element]:
    namespace = etree.QName(part).namespace
    return part.iterchildren(f"{{{namespace}}}{name}" if namespace else name)


def _named(part: etree._Element, *names: str) -> Iterator[etree._Element]:
    for name in names:
        yield from _own(part, name)


def _author(part: etree._Element) -> str:
    """Give who speaks, a mail address rather than a name."""
    authors = [*_own(part, "author"), *part.iterchildren(f"{{{DUBLIN_CORE}}}creator"), *_own(part, "managingEditor")]
    told = [text_of(one) for author in authors for one in (*_named(author, "email", "name"), author)]
    return _name(next(filter(None, told), ""))


def _name(author: str) -> str:
    """Make a CAP sender of an author: no blanks or commas; RSS writes "mail (name)"."""
    words = re.sub("[,<>&]", " ", author).split()
    return next((word for word in words if "@" in word), "_".join(words))


def _moment(text: str) -> str:
    """Spell a time of RFC 3339 (Atom) or RFC 822 (RSS) as CAP does; empty if it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            time = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return ""
    if time.tzinfo is None:
        return time.isoformat(timespec="seconds")
    return time.isoformat(timespec="seconds").replace("+00:00", "-00:00")


def _plain(text: str) -> str:
    """Give what a reader would see of a title or summary that may be HTML."""
    return " ".join(unescape(TAGS.sub(" ", text)).split()) if "<" in text or "&" in text else text
