"""Decides which links of an index are followed at this look, and follows one: each once, until its entry changes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import aiohttp

from crisis.cap.document import read_document
from crisis.cap.entry import Entry
from crisis.cap.life import Name, name_of
from crisis.errors import BadInput
from crisis.feeds.fetch import LINK_BYTES, WITHIN, CannotRead, fetch
from crisis.model.feed import Feed
from crisis.model.feed_rules import next_poll

EACH_LOOK = 50  # BMKG allows 60 requests a minute; what is left over is followed at the next look
WITH_SUMMARY = 5.0  # seconds for the whole of an alert of which the index gave a summary: that must not wait for long
TRIED_AGAIN = timedelta(seconds=30)  # the first wait after a link could not be read ...
GIVEN_UP = 12  # ... and after so many, about two hours, it is what it is until its entry changes
ACCEPT = "application/cap+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one link led to: the entries to take, and the trouble if it could not be read just now."""

    entries: tuple[Entry, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    digest: bytes  # of the entry in the index: when that changes, so may have what it links to
    failures: int = 0
    not_before: datetime | None = None  # None: it is settled
    names: frozenset[Name] = frozenset()  # of the alerts it led to


class Links:
    """The entries and links of one feed that this process has dealt with; after a restart each is, once more."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._taken: set[bytes] = set()

    def fresh(self, entries: Sequence[Entry]) -> list[Entry]:
        """Leave out what was taken already as it stands: what is new in a feed of a thousand must not wait for it."""
        digests = [_digest(entry) for entry in entries]
        self._taken &= set(digests)
        return [entry for entry, digest in zip(entries, digests, strict=True) if digest not in self._taken]

    def took(self, entries: Sequence[Entry]) -> None:
        """Remember what needs not be taken again as long as it stays as it is."""
        self._taken |= {_digest(entry) for entry in entries}

    def wanted(self, entries: Sequence[Entry], stored: Collection[str], now: datetime) -> list[Entry]:
        """Choose what to follow now: what was never stored first, in the order of the feed, each link once."""
        self._forget(entries)
        ready = [entry for entry in self._open(entries) if self._is_ready(entry, now)]
        return sorted(ready, key=lambda entry: entry.link in stored)[:EACH_LOOK]

    def any_left(self, entries: Sequence[Entry]) -> bool:
        """Tell whether links are still to be followed: then nobody may take the feed for wholly read."""
        return bool(self._open(entries))

    def is_settled(self, entry: Entry) -> bool:
        """Tell whether what this entry links to was read, and the entry is the same since."""
        seen = self._seen.get(entry.link)
        return seen is not None and seen.not_before is None and seen.digest == _digest(entry)

    def settle(self, entry: Entry, found: Sequence[Entry] = ()) -> None:
        """Remember that what an entry links to needs no more looks, and which alerts were found there."""
        names = frozenset(name_of(one.alert) for one in found if one.alert)
        self._seen[entry.link] = _Seen(digest=_digest(entry), names=names)

    def names(self, entry: Entry) -> frozenset[Name]:
        """Name the alerts an entry holds or links to, as far as they could be read."""
        seen = self._seen.get(entry.link) if entry.link else None
        own = {name_of(entry.alert)} if entry.alert else set()
        return frozenset(own) | (seen.names if seen else frozenset())

    def fail(self, entry: Entry, now: datetime) -> None:
        """Remember that a link could not be read, and when to try again."""
        seen, digest = self._seen.get(entry.link), _digest(entry)
        failures = 1 + (seen.failures if seen and seen.digest == digest else 0)
        later = None if failures >= GIVEN_UP else next_poll(TRIED_AGAIN, failures, now, chance=0)
        self._seen[entry.link] = _Seen(digest=digest, failures=failures, not_before=later)

    def _open(self, entries: Sequence[Entry]) -> list[Entry]:
        first = {entry.link: entry for entry in reversed(entries) if is_link(entry)}
        return [entry for entry in entries if first.get(entry.link) is entry and not self.is_settled(entry)]

    def _is_ready(self, entry: Entry, now: datetime) -> bool:
        seen = self._seen.get(entry.link)
        changed = seen is None or seen.digest != _digest(entry)
        return changed or seen is None or seen.not_before is None or seen.not_before <= now

    def _forget(self, entries: Sequence[Entry]) -> None:
        there = {entry.link for entry in entries}
        self._seen = {link: seen for link, seen in self._seen.items() if link in there}


def is_link(entry: Entry) -> bool:
    """Tell whether the whole of an entry's alert is to be fetched; one that was refused is not looked at further."""
    return bool(entry.link) and not entry.refused


def by_https(link: str, own: str) -> str:
    """Give a link of an https feed as https: GDACS lists its CAP under http addresses that answer to both."""
    try:
        place = urlsplit(link)
    except ValueError:  # no address at all: whoever fetches it says so
        return link
    plain = place.scheme == "http" and own.startswith("https:") and place.netloc == place.hostname
    return place._replace(scheme="https").geturl() if plain else link


async def follow(session: aiohttp.ClientSession, feed: Feed, entry: Entry) -> Followed:
    """Fetch what an entry links to and give the entries in it, each with the bytes of its own.

    What can never be read is given as a refused entry, and in its place the summary of the index, if there is one.
    """
    within = WITHIN if entry.alert is None else WITH_SUMMARY
    try:
        link = by_https(entry.link, feed.url)
        fetched = await fetch(
            session, link, own=feed.url, hosts=feed.hosts, accept=ACCEPT, most_bytes=LINK_BYTES, timeout=within
        )
    except CannotRead as error:
        return Followed(entries=_instead(entry, entry.raw, str(error)) if error.lasting else (), trouble=str(error))
    try:
        document = await asyncio.to_thread(read_document, fetched.body, fetched.url)
    except BadInput as error:
        return Followed(entries=_instead(entry, fetched.body, str(error)))
    return Followed(entries=tuple(_linked(entry, found) for found in document.entries))


def _linked(entry: Entry, found: Entry) -> Entry:
    only_link = found.alert is None and not found.refused
    refused = "what it links to is another index, not an alert" if only_link else found.refused
    return replace(found, where=entry.where, guid=entry.guid, link=entry.link, refused=refused)


def _instead(entry: Entry, raw: bytes, why: str) -> tuple[Entry, ...]:
    refused = replace(entry, raw=raw, alert=None, refused=why)
    return (refused,) if entry.alert is None else (entry, refused)


def _digest(entry: Entry) -> bytes:
    return hashlib.sha256(entry.raw).digest()
