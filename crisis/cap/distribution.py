"""Reads an EDXL-DE distribution (OASIS, 1.0 and 2.0): the alerts its content objects carry or lead to."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from crisis.cap import links
from crisis.cap.embedded import Place, alerts_in, strays
from crisis.cap.entry import Entry
from crisis.cap.inline import Lent, text_of
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original
from crisis.cap.wrapped import told_of


def read_distribution(original: Original, url: str) -> Iterator[Entry]:
    """Give every content object in order: its alerts, else the link to its content; alerts beside them come last.

    An alert inside a distribution for exercise or test is read as such, whatever it says itself; that is noted.
    """
    parts = list(_objects(original.root))
    for at, part in enumerate(parts):
        lent = Lent(sender=told_of(part, "senderID", original), sent=told_of(part, "dateTimeSent", original))
        place = Place(where=f"entry[{at}]", link=_link(part, url), lent=lent)
        yield from alerts_in(part, original, place) or [_without(part, original, place)]
    yield from strays(original, parts)


def _objects(root: etree._Element) -> Iterator[etree._Element]:
    """The outermost content objects: what is in one that is in another is found with that other, and once."""
    for part in root.iter("{*}contentObject"):
        if next(part.iterancestors("{*}contentObject"), None) is None:
            yield part


def _without(part: etree._Element, original: Original, place: Place) -> Entry:
    says = "the content object has neither a CAP alert nor a link to one"
    lacking = () if place.link else (Warning(rule="X-ENTRY", where="contentObject", says=says),)
    return place.entry(raw=original.of(part), warnings=lacking)


def _link(part: etree._Element, url: str) -> str:
    """The uri of nonXMLContent; an alert's own resources have one too, but those are no content of this object."""
    for uri in part.iter("{*}uri"):
        above = uri.getparent()
        if above is not None and etree.QName(above).localname in {"nonXMLContent", "otherContent", "contentObject"}:
            link = links.absolute(text_of(uri), url)
            return link if links.is_web(link) else ""
    return ""
