"""Reads an EDXL-DE distribution (OASIS, 1.0 and 2.0): the alerts its content objects carry or lead to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from crisis.cap import links
from crisis.cap.embedded import Place, alerts_in
from crisis.cap.entry import Entry
from crisis.cap.inline import Lent, text_of
from crisis.cap.nouns import Status
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original

PLAIN = {Status.EXERCISE, Status.SYSTEM, Status.TEST}  # of these, section 3.2.1.4 says that they are not for action


def read_distribution(original: Original, url: str) -> Iterator[Entry]:
    """Give every content object in order: its alerts, else the link to its content.

    An alert inside a distribution for exercise or test is read as such, whatever it says itself; that is noted.
    """
    lent = Lent(sender=_first(original.root, "senderID"), sent=_first(original.root, "dateTimeSent"))
    status = _first(original.root, "distributionStatus")
    parts = list(original.root.iter("{*}contentObject"))
    for at, part in enumerate(parts):
        place = Place(where=f"entry[{at}]", link=_link(part, url), lent=lent)
        found = alerts_in(part, original, place) or [_without(part, original, place)]
        yield from (_bound(entry, status) for entry in found)


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


def _bound(entry: Entry, status: str) -> Entry:
    if entry.alert is None or status not in PLAIN or entry.alert.status in PLAIN | {Status.DRAFT}:
        return entry
    says = f"the distribution is {status} though the alert says {entry.alert.status}; it was read as {status}"
    note = Warning(rule="W-DISTRIBUTION", where="status", says=says)
    return replace(entry, alert=replace(entry.alert, status=Status(status)), warnings=(note, *entry.warnings))


def _first(root: etree._Element, name: str) -> str:
    return next((text_of(one) for one in root.iterchildren(f"{{*}}{name}")), "")
