"""Holds the turn of a feed while it is read: renewed as long as the reader lives, lost when the feed is changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from crisis import db, log
from crisis.flow import feedbook
from crisis.flow.feedbook import Note, Turn
from crisis.model.feed import Feed

logger = log.get("feed")

RENEWED = feedbook.LEASE.total_seconds() / 3


class Hold:
    """One turn in hand; `lost` is set once another reads the feed or an admin changed it."""

    def __init__(self, pool: db.Pool, turn: Turn, now: Callable[[], datetime]) -> None:
        self.turn, self.lost = turn, asyncio.Event()
        self._pool, self._now, self._ends = pool, now, turn.ends
        self._one = asyncio.Lock()  # a renewal and a note would each void the other

    @property
    def feed(self) -> Feed:
        return self.turn.feed

    async def keep(self) -> None:
        """Renew the turn until it is lost or this is cancelled."""
        while not self.lost.is_set():
            await asyncio.sleep(RENEWED)
            try:
                await self.renew()
            except db.FAULTS as error:
                if not db.is_brief(error):
                    raise
                logger.warning("feed.turn_unsure", feed=self.feed.name, error=type(error).__name__)

    async def renew(self) -> None:
        """Hold on to the turn for another while."""
        async with self._one:
            ends = await feedbook.renew(self._pool, self.turn, self._ends, self._now())
            if ends is None:
                self.lost.set()
            else:
                self._ends = ends

    async def give_back(self) -> None:
        """Leave the feed to whoever comes next, now that this service stops."""
        async with self._one:
            with contextlib.suppress(*db.FAULTS):  # then the turn ends by itself
                await feedbook.give_back(self._pool, self.turn, self._ends, self._now())

    async def note(self, told: Note) -> None:
        """Write down how the feed stands; `told.next_at` is when it is due for whoever comes first."""
        async with self._one:
            kept = await db.patiently(lambda: feedbook.note(self._pool, self.turn, self._ends, told), within=RENEWED)
            if not kept:
                self.lost.set()
            self._ends = told.next_at


class Subscription(Hold):
    """The turn of a feed that tells by itself: as long as the connection stands, it counts as read."""

    def __init__(self, pool: db.Pool, turn: Turn, now: Callable[[], datetime]) -> None:
        super().__init__(pool, turn, now)
        self.was_connected, self._trouble = False, ""

    async def connected(self) -> None:
        """Write down that the broker took us."""
        self.was_connected = True
        await self.renew()

    async def heard(self, changed: bool, trouble: str) -> None:
        """Write down that the feed told something, and what could not be read of it."""
        self._trouble = trouble
        await self._tell(changed)

    async def renew(self) -> None:
        if self.was_connected:
            await self._tell(changed=False)
        else:
            await super().renew()

    async def _tell(self, changed: bool) -> None:
        now = self._now()
        read = not self._trouble
        await self.note(Note(at=now, next_at=now + feedbook.LEASE, read=read, changed=changed, trouble=self._trouble))
