"""Takes what one look at a feed brought: each entry by itself, what it links to as it arrives, nothing ever lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import aiohttp

from crisis import db, log
from crisis.cap.embedded import MOST_ENTRIES
from crisis.cap.entry import Entry
from crisis.errors import BadInput
from crisis.feeds.contract import Format
from crisis.feeds.fetch import CannotRead, printable
from crisis.feeds.links import Followed, Links, follow, is_link
from crisis.flow import feedbook
from crisis.flow.feedbook import Came
from crisis.model.feed import Feed

logger = log.get("feed")

LINKS_AT_ONCE = 4  # of one feed
LINKS_WITHIN = 40.0  # seconds for all links of one look; what is left waits for the next
DATABASE_WITHIN = 20.0  # seconds a database may be away before a look is given up


class Told(Protocol):
    """What intake says it did with an entry."""

    @property
    def source_alert_id(self) -> int: ...
    @property
    def new(self) -> bool: ...
    @property
    def did(self) -> str: ...
    @property
    def alert_id(self) -> int | None: ...
    @property
    def why(self) -> tuple[str, ...]: ...


class Intake(Protocol):
    """The stage that entries go to; taking the same one again changes nothing."""

    async def take(self, feed: Feed, entry: Entry, now: datetime, *, dry: bool = False) -> Told: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was taken, what could not be, and whether anything is left for the next look."""

    came: tuple[Came, ...] = ()
    trouble: str = ""
    left: bool = False


class Looker:
    """Parses and takes for all feeds of one service."""

    def __init__(
        self, pool: db.Pool, intake: Intake, formats: Mapping[str, Format], now: Callable[[], datetime]
    ) -> None:
        self._pool, self._intake, self._formats, self._now = pool, intake, formats, now

    def format(self, feed: Feed) -> Format:
        """Give a feed's format; raise CannotRead where this version has none of that name."""
        if feed.format not in self._formats:
            raise CannotRead(f"this version has no format {feed.format!r}: change the feed or switch it off")
        return self._formats[feed.format]

    async def parse(self, feed: Feed, raw: bytes, url: str) -> Sequence[Entry]:
        """Give the entries of a document; raise BadInput when it cannot be read, whatever is wrong with it."""
        parse, now = self.format(feed).parse, self._now()
        try:
            # In a thread: the largest feeds take a second, and no other feed or officer shall wait for them.
            entries = [_storable(entry) for entry in await asyncio.to_thread(parse, raw, url, now)]
        except BadInput:
            raise
        except Exception as error:
            logger.exception("feed.format_broke", feed=feed.name, format=feed.format)
            raise BadInput(f"the format {feed.format} failed on it, see the log") from error
        if len(entries) > MOST_ENTRIES:
            raise BadInput(f"it holds {len(entries):,} entries; no feed of alerts has more than {MOST_ENTRIES:,}")
        return entries

    async def take(self, feed: Feed, entries: Sequence[Entry], began: float = 0.0, *, dry: bool = False) -> Look:
        """Take entries one by one in their order; one that cannot be taken never stops the others."""
        came, trouble = [], ""
        for entry in entries:
            try:
                came.append(await self._one(feed, entry, began, dry))
            except db.FAULTS as error:
                if db.is_brief(error):
                    raise  # not this entry's fault: the whole look is done again
                trouble = await self._spoilt(feed, entry, came, dry)
            except Exception:
                trouble = await self._spoilt(feed, entry, came, dry)
        return Look(came=tuple(came), trouble=trouble, left=bool(trouble))

    async def take_all(
        self, session: aiohttp.ClientSession, feed: Feed, entries: Sequence[Entry], links: Links, began: float
    ) -> Look:
        """As above, and follow the links of an index: each whole alert is taken the moment it is there."""
        addresses = {entry.link for entry in entries if is_link(entry)}
        stored = await feedbook.known_links(self._pool, addresses) if addresses else set()
        wanted = links.wanted(entries, stored, self._now())
        now = {id(entry) for entry in wanted}
        later = [entry for entry in entries if entry.alert and is_link(entry) and id(entry) not in now]
        at_hand = [entry for entry in entries if not is_link(entry)]
        # The whole of these must wait for another look: their summaries do not.
        at_hand += [entry for entry in later if not links.is_settled(entry)]
        at_hand = links.fresh(at_hand)
        first = await self.take(feed, at_hand, began)
        if not first.left:
            links.took(at_hand)
        then = await self._follow(session, feed, wanted, links)
        return Look(
            came=first.came + then.came,
            trouble=first.trouble or then.trouble,
            left=first.left or then.left or links.any_left(entries),
        )

    async def _follow(self, session: aiohttp.ClientSession, feed: Feed, wanted: Sequence[Entry], links: Links) -> Look:
        looks: list[Look] = []
        troubles: list[str] = []
        few, one = asyncio.Semaphore(LINKS_AT_ONCE), asyncio.Lock()

        async def each(entry: Entry) -> None:
            async with few:
                followed = await follow(session, feed, entry)
                began = time.perf_counter()
            async with one:  # the alerts of one feed belong together: never two of them at once
                looks.append(await self._followed(feed, entry, followed, links, began))
                troubles.extend([followed.trouble] if followed.trouble else [])

        await _within(LINKS_WITHIN, [asyncio.ensure_future(each(entry)) for entry in wanted])
        says = f"{len(troubles)} of {len(wanted)} linked alerts cannot be read: {troubles[0]}" if troubles else ""
        return Look(
            came=tuple(c for look in looks for c in look.came),
            trouble=next((look.trouble for look in looks if look.trouble), says),
            left=any(look.left for look in looks) or len(looks) < len(wanted),
        )

    async def _followed(self, feed: Feed, entry: Entry, followed: Followed, links: Links, began: float) -> Look:
        summary = (entry,) if followed.trouble and not followed.entries and entry.alert else ()
        look = await self.take(feed, followed.entries or summary, began)
        if followed.trouble:
            links.fail(entry, self._now())
        elif not look.left:
            links.settle(entry, followed.entries)
        return look

    async def _one(self, feed: Feed, entry: Entry, began: float, dry: bool) -> Came:
        told = await db.patiently(lambda: self._intake.take(feed, entry, self._now(), dry=dry), within=DATABASE_WITHIN)
        if told.new and not dry:
            spent = round((time.perf_counter() - began) * 1000, 1) if began else None
            logger.info(
                "feed.taken", feed=feed.name, source=told.source_alert_id, did=told.did, alert=told.alert_id, ms=spent
            )
        return _came(entry, told, dry)

    async def _spoilt(self, feed: Feed, entry: Entry, came: list[Came], dry: bool) -> str:
        """Keep at least the bytes of an entry on which intake itself failed, where officers see them."""
        logger.exception("feed.entry_failed", feed=feed.name, where=entry.where)
        says = "the service itself failed on this entry, see its log; it is tried again at the next look"
        refused = replace(entry, alert=None, refused=says)
        try:
            came.append(await self._one(feed, refused, 0.0, dry))
        except Exception as error:
            if isinstance(error, db.FAULTS) and db.is_brief(error):
                raise
            logger.exception("feed.entry_lost", feed=feed.name, where=entry.where)
            came.append(Came(where=entry.where, guid=entry.guid, link=entry.link, refused=says))
        return f"the service itself failed on {entry.where or 'an entry'}: its log tells why"


async def _within(seconds: float, tasks: Sequence[asyncio.Future[None]]) -> None:
    """Let all run for so long, then end those left; raise the first fault."""
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault


def _storable(entry: Entry) -> Entry:
    """One hostile name in an entry must not spoil what is asked about all of them: no NUL reaches the database."""
    if entry.guid.isprintable() and entry.link.isprintable():
        return entry
    named = replace(entry, guid=printable(entry.guid))
    if entry.link.isprintable():
        return named
    says = f"its link {printable(entry.link)[:200]} is no address"
    return replace(named, link="", refused=entry.refused or ("" if entry.alert else says))


def _came(entry: Entry, told: Told, dry: bool) -> Came:
    alert = entry.alert
    return Came(
        where=entry.where,
        guid=entry.guid,
        link=entry.link,
        sender=alert.sender if alert else "",
        identifier=alert.identifier if alert else "",
        sent=alert.sent if alert else None,
        refused=entry.refused,
        warnings=len(entry.warnings),
        id=None if dry and told.new else told.source_alert_id,
        new=told.new,
        did=told.did,
        alert_id=told.alert_id,
        why=told.why,
    )
