"""Reads the alerts that are embedded in a larger document: as elements, as escaped text or as base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lxml import etree

from crisis.cap.entry import Entry
from crisis.cap.inline import VERSIONS, Lent, compose, flat_parts, is_flat
from crisis.cap.read import read
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.slices import Original, standing_alone
from crisis.cap.wrapped import as_wrapped
from crisis.errors import BadInput

T = TypeVar("T")
DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>\s*")
ALERT = re.compile(r"<(?:[\w.-]+:)?alert[\s>]")
MOST_ENTRIES = 20_000  # of one document; the largest real index met had some hundreds
OPENS = 4_000  # characters in which an escaped alert must begin: prolog, comments, DOCTYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the document an alert is embedded, and what is said about it there."""

    where: str
    guid: str = ""
    link: str = ""
    lent: Lent = field(default_factory=Lent)

    def entry(self, **told: object) -> Entry:
        return Entry(where=self.where, guid=self.guid, link=self.link, **told)  # type: ignore[arg-type]


def alerts_in(part: etree._Element, original: Original, place: Place) -> list[Entry]:
    """Read every alert within a part of a document; one that cannot be read is refused with the reason.

    Several in one place are told apart as entry[3]/alert[1]. `raw` is the alert's bytes as published if they
    stand alone, else its canonical form, which does; `alert` is what those bytes say.
    """
    found = list(at_most(outermost(part)))
    if found:
        spots = _spots(place, len(found))
        return [
            as_wrapped(_of_element(one, original, spot), one, original) for one, spot in zip(found, spots, strict=True)
        ]
    texts = list(at_most(_escaped(part)))
    spots = _spots(place, len(texts))
    return [as_wrapped(read_alert(raw, spot), one, original) for (one, raw), spot in zip(texts, spots, strict=True)]


def strays(original: Original, parts: Iterable[etree._Element]) -> Iterator[Entry]:
    """Give the alerts outside the parts where a document should hold them: an alert is not lost for that."""
    inside = set(parts)
    found = [one for one in outermost(original.root) if inside.isdisjoint([one, *one.iterancestors()])]
    note = Warning(rule="X-ENTRY", where="", says="the alert stands outside any entry of the document")
    for at, stray in enumerate(found):
        for entry in alerts_in(stray, original, Place(where=f"alert[{at}]")):
            yield replace(entry, warnings=(note, *entry.warnings))


def at_most(entries: Iterable[T]) -> Iterator[T]:
    """S-SIZE: raise BadInput once there are more entries than any real document has; each costs time to read."""
    for count, entry in enumerate(entries):
        if count >= MOST_ENTRIES:
            raise BadInput(f"S-SIZE: there are more than {MOST_ENTRIES} entries in one document; it was not read.")
        yield entry


def outermost(part: etree._Element) -> Iterator[etree._Element]:
    """Give the alert elements in a part, none that is inside another."""
    known: set[etree._Element] = set()
    for one in part.iter("{*}alert"):
        if _is_alert(one) and (not known or known.isdisjoint(one.iterancestors("{*}alert"))):
            known.add(one)
            yield one


def read_alert(raw: bytes, place: Place) -> Entry:
    """Read bytes that should be one alert; refused with the reason if they are not."""
    try:
        reading = read(raw)
    except BadInput as error:
        return place.entry(raw=raw, refused=str(error))
    return place.entry(raw=raw, alert=reading.alert, warnings=reading.warnings)


def _spots(place: Place, count: int) -> list[Place]:
    if count < 2:
        return [place] * count
    names = [f"{place.where}/alert[{at}]" for at in range(count)]
    return [Place(where=name, guid=place.guid, link=place.link, lent=place.lent) for name in names]


def _is_alert(element: etree._Element) -> bool:
    """An alert in a namespace unknown to us counts too: it must be seen to be refused, not passed over."""
    children = {etree.QName(child).localname for child in element}
    return etree.QName(element).namespace in VERSIONS or not children.isdisjoint({"identifier", "info"})


def _of_element(alert: etree._Element, original: Original, place: Place) -> Entry:
    raw = original.of(alert)
    if is_flat(alert):
        reading = compose(flat_parts(alert), place.lent)
        return place.entry(raw=raw, alert=reading.alert, warnings=reading.warnings)
    entry = read_alert(raw, place)
    alone = read_alert(standing_alone(alert), place) if entry.refused else entry
    # The refusal to tell is that of the complete alert; the bytes to keep are those that were published.
    return alone if not alone.refused else place.entry(raw=raw, refused=alone.refused)


def _escaped(part: etree._Element) -> Iterator[tuple[etree._Element, bytes]]:
    for element in part.iter("*"):
        text = (element.text or "").strip() if not len(element) else ""
        if text.startswith("<") and ALERT.search(text[:OPENS]):
            # It was decoded with the document around it: what it declares about its encoding is no longer so.
            yield element, DECLARATION.sub("", text).encode("utf-8", "replace")
        elif _may_be_base64(element, text) and (decoded := _decoded(text)):
            yield element, decoded


def _may_be_base64(element: etree._Element, text: str) -> bool:
    return etree.QName(element).localname in {"content", "contentData"} and len(text) > 100 and "<" not in text


def _decoded(text: str) -> bytes:
    """Undo base64 (RFC 4287 section 4.1.3.3, EDXL-DE contentData) if what comes out is an alert in XML."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if ALERT.search(raw[:OPENS].decode("utf-8", "replace")) else b""
