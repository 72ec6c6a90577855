"""Watches every feed on its own rhythm: what it tells goes to intake at once, and that it cannot be read is told."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

import aiohttp

from crisis import db, log
from crisis.cap.entry import Entry
from crisis.errors import BadInput, IllegalMove, NotReady
from crisis.feeds import subscribe
from crisis.feeds.contract import Format, Lists, Way
from crisis.feeds.fetch import CannotRead, Fetched, bare, fetch, open_session, printable, shown
from crisis.feeds.gone import gone
from crisis.feeds.links import Links
from crisis.feeds.look import Intake, Look, Looker
from crisis.feeds.turn import Hold, Subscription
from crisis.flow import feed_rests, feedbook
from crisis.flow.feedbook import Note, Poll, Turn
from crisis.model.feed import Feed
from crisis.model.feed_rules import Kind, next_poll

logger = log.get("feed")

PULSE = 0.5  # seconds between two looks at what is due
CALLS_EVERY = 5.0  # seconds between two looks at whom to call
RECONNECT = timedelta(seconds=1)  # the first wait after a subscription was lost; doubled each time ...
RECONNECT_LATEST = timedelta(minutes=1)  # ... up to this
LINK_WAITS = (1.0, 5.0, 15.0)  # seconds after each try of what a payload links to
UNCHANGED = "nothing has changed since the last look"


@dataclass(slots=True)
class _Known:
    """What this process remembers of a feed as it is set up now; a change of it begins anew."""

    feed: Feed
    links: Links = field(default_factory=Links)
    body: bytes = b""  # digest of what was last read whole: some servers know no ETag


class Watcher:
    """Reads all feeds of one service; several services on one database share them out by turns."""

    def __init__(
        self,
        pool: db.Pool,
        intake: Intake,
        formats: Mapping[str, Format],
        now: Callable[[], datetime],
        *,
        zone: tzinfo = UTC,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._pool, self._formats, self._now = pool, formats, now
        self.zone, self._chance = zone, chance
        self._looker = Looker(pool, intake, formats, now)
        self._session: aiohttp.ClientSession | None = None
        self._readers: dict[int, asyncio.Task[None]] = {}
        self._known: dict[int, _Known] = {}
        self._looks: dict[int, asyncio.Lock] = {}
        self.kinds: Mapping[str, Kind] = {
            name: Kind(way=one.way.value, says=one.says, every=one.every) for name, one in formats.items()
        }

    async def run(self) -> None:
        """Read every feed when it is due, each in a task of its own, until cancelled."""
        async with self.opened():
            try:
                called = -CALLS_EVERY
                while True:
                    if look := time.monotonic() - called >= CALLS_EVERY:
                        called = time.monotonic()
                    await self._beat(call=look)
                    await asyncio.sleep(PULSE)
            finally:
                readers = list(self._readers.values())
                for reader in readers:
                    reader.cancel()
                await asyncio.gather(*readers, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Be able to read feeds inside the `async with`."""
        async with open_session() as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def poll(self, name: str) -> Poll:
        """Look at a feed now, whatever its rhythm, and tell what came; IllegalMove for one that tells by itself."""
        row = await feedbook.one(self._pool, name)
        if (kind := self.kinds.get(row["format"])) and kind.way != Way.POLLED.value:
            how = "posts" if kind.way == Way.POSTED.value else "tells over a connection that stays open"
            says = f"the feed {name} is never asked, it {how} what is new: see what came with `crisis feed show {name}`"
            raise IllegalMove(says)
        async with self._look_of(row["id"]):
            turn = await feedbook.take(self._pool, name, self._now())
            return await self._look_held(Hold(self._pool, turn, self._now))

    async def replay(self, name: str, raw: bytes, *, dry: bool) -> Poll:
        """Judge bytes as if this feed had told them; `dry` changes nothing, and no replay ever releases an alert."""
        # Whoever replays would otherwise release alone what no source ever said.
        feed = replace(feedbook.feed_of(await feedbook.one(self._pool, name)), may_release=False)
        entries = await self._looker.parse(feed, raw, "" if feed.url.startswith("mqtt") else bare(feed.url))
        look = await self._looker.take(feed, [_unfollowed(entry) for entry in entries], dry=dry)
        return Poll(feed=name, read=not look.trouble, says=look.trouble, came=look.came)

    async def post(self, name: str, raw: bytes) -> Poll:
        """Take what a feed's owner posted, as a refused entry with its reason where it cannot be read."""
        feed = feedbook.feed_of(await feedbook.one(self._pool, name))
        began = time.perf_counter()
        entries = await self._entries(feed, raw)
        look = await self._looker.take(feed, [_unfollowed(entry) for entry in entries], began)
        await feedbook.note_posted(self._pool, feed.id, any(one.new for one in look.came), self._now())
        return Poll(feed=name, read=not look.trouble, says=look.trouble, came=look.came)

    async def _beat(self, *, call: bool) -> None:
        try:
            await self._start_due()
            if call:
                await feedbook.call_officers(self._pool, self.kinds, self._now(), self.zone)
                for feed, entry in await feedbook.waiting(self._pool, self._now()):
                    await self._looker.take(feed, [entry])
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            logger.warning("feed.database_lost", error=type(error).__name__)

    async def _start_due(self) -> None:
        posted = [name for name, kind in self.kinds.items() if kind.way == Way.POSTED.value]
        while True:
            busy = {*self._readers, *(number for number, look in self._looks.items() if look.locked())}
            turn = await feedbook.take_due(self._pool, self._now(), never=posted, busy=busy)
            if turn is None:
                return
            number = turn.feed.id
            reader = asyncio.create_task(self._read(turn), name=f"feed {turn.feed.name}")
            self._readers[number] = reader
            reader.add_done_callback(lambda _, number=number: self._readers.pop(number, None))  # type: ignore[misc]

    async def _read(self, turn: Turn) -> None:
        """Read one feed for its turn; whatever goes wrong stays here, and the turn runs out."""
        kind = self.kinds.get(turn.feed.format)
        by_itself = kind is not None and kind.way == Way.SUBSCRIBED.value
        hold = (Subscription if by_itself else Hold)(self._pool, turn, self._now)
        try:
            if isinstance(hold, Subscription):
                await self._hear(hold)
                return
            async with self._look_of(turn.feed.id):
                await self._look_held(hold)
        except asyncio.CancelledError:
            await hold.give_back()
            raise
        except Exception as error:
            if not (isinstance(error, db.FAULTS) and db.is_brief(error)):
                logger.exception("feed.reader_broke", feed=turn.feed.name)
                return
            logger.warning("feed.database_lost", feed=turn.feed.name, error=type(error).__name__)

    def _known_of(self, feed: Feed) -> _Known:
        known = self._known.get(feed.id)
        if known is None or known.feed != feed:
            known = self._known[feed.id] = _Known(feed)
        return known

    def _look_of(self, number: int) -> asyncio.Lock:
        return self._looks.setdefault(number, asyncio.Lock())

    async def _look_held(self, hold: Hold) -> Poll:
        keeping = asyncio.create_task(hold.keep())
        try:
            return await self._look(hold)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _look(self, hold: Hold) -> Poll:
        feed, known = hold.feed, self._known_of(hold.feed)
        if self._session is None:
            raise NotReady("feeds are not read yet: the service is just starting")
        try:
            fetched = await self._fetch(self._session, hold)
            digest = hashlib.sha256(fetched.body).digest()
            if fetched.unchanged or known.body == digest:
                return await self._note(hold, fetched, Look(), unchanged=True)
            began = time.perf_counter()
            entries = await self._looker.parse(feed, fetched.body, bare(fetched.url))
        except CannotRead as error:
            return await self._fail(hold, str(error), error.retry_after)
        except BadInput as error:
            says = printable(str(error).partition("\n")[0])[:500]
            return await self._fail(hold, f"{shown(feed.url)} cannot be read as {feed.format}: {says}")
        look = await self._looker.take_all(self._session, feed, entries, known.links, began)
        if not look.left and not look.trouble:
            await self._call_gone(feed, entries, known.links)
        known.body = b"" if look.left else digest
        return await self._note(hold, fetched, look)

    async def _call_gone(self, feed: Feed, entries: Sequence[Entry], links: Links) -> None:
        """Before the look is written down: unchanged from then on, it would never be looked at again."""
        now, lists = self._now(), self._looker.format(feed).lists
        rests = await feed_rests.rests(self._pool, feed.id, now) if lists is not Lists.SOME else []
        await feed_rests.call_gone(self._pool, feed, gone(rests, entries, links.names, lists, now), now)

    async def _fetch(self, session: aiohttp.ClientSession, hold: Hold) -> Fetched:
        turn, feed = hold.turn, hold.feed
        return await fetch(
            session,
            feed.url,
            etag=turn.etag,
            last_modified=turn.last_modified,
            hosts=feed.hosts,
            accept=self._looker.format(feed).accept,
        )

    async def _note(self, hold: Hold, fetched: Fetched, look: Look, *, unchanged: bool = False) -> Poll:
        now = self._now()
        await hold.note(
            Note(
                at=now,
                next_at=now + hold.feed.every,
                read=not look.trouble,
                changed=any(one.new for one in look.came),
                trouble=look.trouble,
                # While something is left undone, the next look must not be told that nothing has changed.
                etag="" if look.left else fetched.etag,
                last_modified="" if look.left else fetched.last_modified,
            )
        )
        says = look.trouble or (UNCHANGED if unchanged else "" if look.came else "it holds no alerts that are new")
        return Poll(feed=hold.feed.name, unchanged=unchanged, says=says, came=look.came)

    async def _fail(self, hold: Hold, says: str, retry_after: timedelta | None = None) -> Poll:
        """Write down that a feed cannot be read; what it told before still holds, this revokes nothing."""
        turn, now = hold.turn, self._now()
        every, failures = hold.feed.every, turn.failures + 1
        later = next_poll(every, failures, now, chance=self._chance(), retry_after=retry_after)
        told = Note(at=now, next_at=later, read=False, trouble=says, etag=turn.etag, last_modified=turn.last_modified)
        await hold.note(told)
        logger.warning("feed.unread", feed=hold.feed.name, failures=failures, says=says)
        return Poll(feed=hold.feed.name, read=False, says=says)

    async def _hear(self, hold: Subscription) -> None:
        """Listen to a feed that tells by itself, until the connection or the turn is lost."""

        async def take(payload: bytes) -> None:
            look = await self._told(hold.feed, payload)
            await hold.heard(any(one.new for one in look.came), look.trouble)

        listening = asyncio.create_task(subscribe.listen(hold.turn, take, hold.connected))
        keeping = asyncio.create_task(hold.keep())
        try:
            await asyncio.wait([listening, keeping], return_when=asyncio.FIRST_COMPLETED)
            for task in (listening, keeping):
                if task.done():
                    task.result()
        except CannotRead as error:
            await self._disconnected(hold, str(error))
        finally:
            for task in (listening, keeping):
                task.cancel()
            await asyncio.gather(listening, keeping, return_exceptions=True)

    async def _told(self, feed: Feed, payload: bytes) -> Look:
        """Take one payload; what it links to is asked for a few times, for it is told only once."""
        if self._session is None:
            raise NotReady("feeds are not read yet: the service is just starting")
        began, entries = time.perf_counter(), await self._entries(feed, payload)
        for wait in LINK_WAITS:
            look = await self._looker.take_all(self._session, feed, entries, Links(), began)
            if not look.left:
                return look
            await asyncio.sleep(wait)
        unread = [entry if entry.alert else replace(entry, refused=entry.refused or look.trouble) for entry in entries]
        return replace(await self._looker.take(feed, unread, began), trouble=look.trouble)

    async def _disconnected(self, hold: Subscription, says: str) -> None:
        now, failures = self._now(), 1 if hold.was_connected else hold.turn.failures + 1
        later = next_poll(RECONNECT, failures, now, chance=self._chance())
        await hold.note(Note(at=now, next_at=min(later, now + RECONNECT_LATEST), read=False, trouble=says))
        logger.warning("feed.unread", feed=hold.feed.name, failures=failures, says=says)

    async def _entries(self, feed: Feed, raw: bytes) -> list[Entry]:
        """Give the entries of what was told by itself; what cannot be read is one that was refused."""
        try:
            return list(await self._looker.parse(feed, raw, ""))
        except BadInput as error:
            return [Entry(raw=raw, refused=str(error))]


def _unfollowed(entry: Entry) -> Entry:
    """What only links to its alert is not fetched for whoever posted it: the alert itself is wanted."""
    if entry.alert is not None or entry.refused:
        return entry
    return replace(entry, refused=f"holds no alert, only a link to {entry.link[:300]}: give that document itself")
