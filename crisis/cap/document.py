"""Reads any document that holds CAP alerts: one alert, an Atom or RSS index, an EDXL-DE distribution, a plain list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from crisis.cap.distribution import read_distribution
from crisis.cap.embedded import MOST_ENTRIES, Place, alerts_in, at_most, outermost, read_alert
from crisis.cap.entry import Entry
from crisis.cap.index import ATOMS, read_index
from crisis.cap.inline import VERSIONS
from crisis.cap.read import read
from crisis.cap.slices import Original
from crisis.cap.xml import parse_untrusted
from crisis.errors import BadInput

MOST_BYTES = 32 * 1024 * 1024  # the largest index met in the wild had 9.4 MB
LAST = re.compile(rb"</(?:[\w.-]+:)?alert\s*>")
FIRST = re.compile(rb"\s*(?:\xef\xbb\xbf\s*)?(?:<\?xml[^>]*\?>\s*)?<(?:[\w.-]+:)?alert[\s>]")


class Kind(StrEnum):
    """What a document is, by its root element."""

    CAP = "cap"  # one alert
    ATOM = "atom"  # RFC 4287
    RSS = "rss"  # 0.9 to 2.0, RDF too
    EDXL_DE = "edxl-de"  # OASIS EDXL Distribution Element
    LIST = "list"  # several alerts in one root, or one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it could be read; `version` is the oldest CAP version in it, empty if it only has links."""

    kind: Kind
    version: str
    entries: tuple[Entry, ...]


def read_document(raw: bytes, url: str = "") -> Document:
    """Read everything a document holds; an entry that cannot be read is refused alone, with its bytes kept.

    Links are made absolute against `url`, the document's own address. Raises BadInput when the document as a
    whole cannot be read: not XML, unsafe, larger than 32 MB, or nothing that could hold alerts.
    """
    try:
        root = parse_untrusted(raw, most_bytes=MOST_BYTES)
    except BadInput:
        pieces = _pieces(raw)
        if len(pieces) < 2:
            raise
        return _one_after_the_other(pieces)
    return _by_root(raw, root, url)


def _by_root(raw: bytes, root: etree._Element, url: str) -> Document:
    name = etree.QName(root)
    if name.localname == "alert":
        return _single(raw)
    original = Original(raw, root)
    if name.namespace in ATOMS and name.localname in {"feed", "entry"}:
        kind, entries = Kind.ATOM, tuple(at_most(read_index(original, url)))
    elif name.localname in {"rss", "RDF"} and name.namespace not in VERSIONS:
        kind, entries = Kind.RSS, tuple(at_most(read_index(original, url)))
    elif next(root.iter("{*}EDXLDistribution"), None) is not None:  # alone or in an envelope
        kind, entries = Kind.EDXL_DE, tuple(at_most(read_distribution(original, url)))
    else:
        kind, entries = Kind.LIST, _listed(original)
    return Document(kind=kind, version=_oldest(root, entries), entries=entries)


def _single(raw: bytes) -> Document:
    reading = read(raw)
    entry = Entry(raw=raw, alert=reading.alert, warnings=reading.warnings)
    return Document(kind=Kind.CAP, version=_version(raw), entries=(entry,))


def _listed(original: Original) -> tuple[Entry, ...]:
    """An empty list of alerts is a list; a root that is unknown, or is itself an alert misspelt, is not."""
    found = list(at_most(outermost(original.root)))
    name = etree.QName(original.root)
    misspelt = any(etree.QName(child).localname in {"identifier", "info"} for child in original.root)
    if not found and (misspelt or name.localname != "alerts"):
        shown = f"{name.localname[:40]} in namespace {(name.namespace or 'none')[:80]}"
        raise BadInput(f"R-NS: the root element is {shown}, not a CAP alert of version 1.0 to 1.2, nor a feed of any.")
    read_all = (alerts_in(one, original, Place(where=f"entry[{at}]")) for at, one in enumerate(found))
    return tuple(entry for entries in read_all for entry in entries)


def _pieces(raw: bytes) -> list[bytes]:
    """Split alerts that follow each other without a root, as streams write them; none if that is not what it is."""
    if len(raw) > MOST_BYTES or not FIRST.match(raw):
        return []
    ends = [found.end() for found in LAST.finditer(raw)]
    pieces = [raw[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]
    whole = 0 < len(ends) <= MOST_ENTRIES and not raw[ends[-1] :].strip()
    return pieces if whole and all(FIRST.match(piece) for piece in pieces) else []


def _one_after_the_other(pieces: list[bytes]) -> Document:
    entries = tuple(read_alert(one, Place(where=f"entry[{at}]")) for at, one in enumerate(pieces))
    versions = {_version(entry.raw) for entry in entries if entry.alert}
    return Document(kind=Kind.LIST, version=min(versions - {""}, default=""), entries=entries)


def _oldest(root: etree._Element, entries: tuple[Entry, ...]) -> str:
    """Escaped alerts are seen by their bytes, all others by their elements."""
    if not any(entry.alert for entry in entries):
        return ""
    used = {VERSIONS.get(etree.QName(one).namespace or "", "") for one in root.iter("*")}
    escaped = {_version(entry.raw) for entry in entries if entry.alert}
    return min((used | escaped) - {""}, default="")


def _version(raw: bytes) -> str:
    return next((version for namespace, version in VERSIONS.items() if namespace.encode() in raw), "")
