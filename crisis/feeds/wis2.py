"""WIS2 of the WMO: each notification over MQTT names a product or carries it; those that are CAP become entries.

Format: WIS2 Notification Message (WNM) version 1, read from its schema and examples. The topic is from
memory: cache/a/wis2/+/data/core/weather/advisories-warnings/#.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from crisis.cap.document import read_document
from crisis.cap.entry import Entry
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.errors import BadInput
from crisis.feeds.contract import Format, Way
from crisis.feeds.fields import Fields, absolute
from crisis.feeds.pieces import Piece, features

TOPIC = "advisories-warnings"
MOST_CONTENT = 1024 * 1024  # bytes; the schema allows 4096
HASHES = {
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "sha3-256": hashlib.sha3_256,
    "sha3-384": hashlib.sha3_384,
    "sha3-512": hashlib.sha3_512,
}
RELS = ("update", "canonical", "alternate", "item", "")  # the one that says most of what to fetch comes first


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give what each notification tells: the CAP it carries if its checksum holds, else a link, else why neither.

    A deletion withdraws a file from the network, not an alert: only CAP's own Cancel does that.
    """
    return [entry for piece in features(raw) for entry in _read(piece, url)]


def _read(piece: Piece, url: str) -> Iterator[Entry]:
    notes: list[Warning] = []
    told = Fields(piece.value, notes)
    about = told.part("properties")
    guid = about.text("data_id") or told.text("id")
    links = _links(told, url)
    content = _content(about)
    if content is not None and (carried := _carried(content, notes)):
        for entry in carried:
            yield replace(entry, guid=guid or entry.guid, warnings=(*notes, *entry.warnings))
        return
    link, why = _chosen(links, guid)
    yield Entry(
        raw=piece.raw, where=piece.where, guid=guid, link=link, warnings=tuple(notes), refused="" if link else why
    )


def _carried(content: bytes, notes: list[Warning]) -> tuple[Entry, ...]:
    try:
        return tuple(entry for entry in read_document(content).entries if entry.alert or entry.link or entry.refused)
    except BadInput as error:
        notes.append(Warning(rule="X-FEED", where="properties/content", says=f"is no CAP: {error}"))
        return ()


def _content(about: Fields) -> bytes | None:
    """Give the product inside the notification; None, after a note, when it is none or not the one promised."""
    if not about.values.get("content"):
        return None
    content = about.part("content")
    found = _decoded(content)
    if found is None:
        content.note("value", "cannot be decoded and was left out")
        return None
    size = content.number("size", 0, MOST_CONTENT)
    if size is not None and size != len(found):
        content.note("size", f"says {size:g} bytes, there are {len(found)}")
    return found if _intact(about, found) else None


def _decoded(content: Fields) -> bytes | None:
    value = content.values.get("value")
    if not isinstance(value, str) or len(value) > MOST_CONTENT:
        return None
    try:
        match content.text("encoding").lower():
            case "utf-8" | "":
                return value.encode("utf-8", "surrogateescape")
            case "base64":
                return base64.b64decode("".join(value.split()), validate=True)
            case "gzip":
                return _unzipped(base64.b64decode("".join(value.split()), validate=True))
            case _:
                return None
    except (binascii.Error, ValueError, zlib.error):
        return None


def _unzipped(packed: bytes) -> bytes | None:
    """Unpack no more than the limit, however much is packed in."""
    unpacker = zlib.decompressobj(wbits=31)
    found = unpacker.decompress(packed, MOST_CONTENT)
    return found if unpacker.eof else None


def _intact(about: Fields, content: bytes) -> bool:
    """Hold the content against its checksum, in base64 as the schema says or in hex as some write it."""
    integrity = about.part("integrity")
    method, value = integrity.text("method").lower(), integrity.text("value")
    if not method and not value:
        about.note("integrity", "is missing, so that the content was read unchecked")
        return True
    if method not in HASHES:
        integrity.note("method", f"'{method[:40]}' is not a checksum of WIS2; the content was left out")
        return False
    found = HASHES[method](content)
    if value.lower() == found.hexdigest() or value == base64.b64encode(found.digest()).decode():
        return True
    integrity.note("value", "is not the checksum of the content, which was left out")
    return False


def _links(told: Fields, url: str) -> list[tuple[str, str, str]]:
    """Give (rel, type, address) of every link."""
    listed = told.values.get("links")
    found = []
    for at, one in enumerate(listed if isinstance(listed, list) else []):
        link = Fields(one, told.notes, f"links[{at}]")
        href = link.text("href")
        rel, kind = link.text("rel").lower(), link.text("type").partition(";")[0].strip().lower()
        found.append((rel, kind, absolute(url, href) if href else ""))
    return found


def _chosen(links: list[tuple[str, str, str]], guid: str) -> tuple[str, str]:
    """Choose the link to follow, or say why none is."""
    shown = guid[:200] or "without a data_id"
    if any(rel == "deletion" for rel, _, _ in links):
        return "", f"The file of {shown} was deleted from the network; that cancels no alert."
    known = [link for link in links if link[0] in RELS and link[2]]
    fit = [link for link in known if _may_be_cap(link[1], link[2], guid)]
    if fit:
        return min(fit, key=lambda link: RELS.index(link[0]))[2], ""
    kinds = ", ".join(sorted({kind or "no type" for _, kind, _ in known}))[:200]
    return "", f"The product {shown} is not CAP ({kinds or 'no link to follow'})."


def _may_be_cap(kind: str, href: str, guid: str) -> bool:
    """Unless its type says that it is something else, what comes as an advisory or warning may be CAP."""
    if "cap" in kind.replace("+", " ").replace("/", " ").split() or "common-alerting-protocol" in kind:
        return True
    if kind and kind not in {"application/xml", "text/xml", "application/octet-stream"}:
        return False
    named = href.partition("?")[0].lower().endswith((".xml", ".cap"))
    return named or TOPIC in guid or TOPIC in href or kind in {"application/xml", "text/xml"}


FORMAT = Format(
    parse=parse,
    says="WIS2 of the WMO: warnings over MQTT, topic cache/a/wis2/+/data/core/weather/advisories-warnings/#",
    way=Way.SUBSCRIBED,
    accept="application/geo+json",
    every=timedelta(minutes=1),
)
