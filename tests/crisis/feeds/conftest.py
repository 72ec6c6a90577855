"""A server of feeds, a plain format, and an intake that remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crisis import db
from crisis.cap.entry import Entry
from crisis.errors import BadInput
from crisis.feeds.contract import Format, Way
from crisis.feeds.watch import Watcher
from crisis.flow import feedbook, register
from crisis.model.feed import Feed
from crisis.model.feed_rules import NewFeed
from crisis.model.officer import Officer, Role
from deploy.sandbox.feeds import FeedServer


def cap(identifier: str, event: str = "Banjir") -> str:
    """A small alert that breaks no rule."""
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>met@example.test</sender><sent>2026-11-21T10:00:00+07:00</sent><status>Actual</status><msgType>Alert</msgType>
<scope>Public</scope><info><language>id</language><category>Met</category><event>{event}</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<expires>2026-11-22T10:00:00+07:00</expires><headline>{event}</headline>
<area><areaDesc>Utara</areaDesc><polygon>0.0,109.0 0.0,109.5 0.4,109.5 0.4,109.0 0.0,109.0</polygon></area></info>
</alert>"""


def parse_lines(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """A format of one entry a line: a link, a refusal, or an alert in words; `FEED` comes first."""
    lines = raw.split(b"\n")
    if lines[0] != b"FEED":
        raise BadInput("the first line is not FEED")
    return [_line(line, at) for at, line in enumerate(lines[1:]) if line]


def _line(line: bytes, at: int) -> Entry:
    text = line.decode()
    link = text.split(" ")[0] if text.startswith("http") else ""
    return Entry(raw=line, where=f"line[{at}]", guid=text, link=link, refused="" if link else "words only")


LINES = Format(parse=parse_lines, says="lines", every=timedelta(minutes=1))
FORMATS = {
    "lines": LINES,
    "post": Format(parse=parse_lines, says="posted lines", way=Way.POSTED),
    "heard": Format(parse=parse_lines, says="lines over MQTT", way=Way.SUBSCRIBED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the intake of these tests says."""

    source_alert_id: int
    new: bool
    did: str = "nothing"
    alert_id: int | None = None
    why: tuple[str, ...] = ("because",)


@dataclass(slots=True)
class Taker:
    """An intake that remembers, and fails on what it is told to."""

    spoilt: set[str] = field(default_factory=set)  # guids on which it fails while they are not refused
    taken: list[tuple[Feed, Entry, bool]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, feed: Feed, entry: Entry, now: datetime, *, dry: bool = False) -> Told:
        if entry.guid in self.spoilt and "failed" not in entry.refused:
            raise RuntimeError("a bug")
        known = [e.raw for f, e, _ in self.taken if f.id == feed.id]
        self.taken.append((feed, entry, dry))
        self.changed.set()
        return Told(source_alert_id=len(self.taken), new=entry.raw not in known)

    def told(self, name: str) -> list[str]:
        """What a feed told, by the names it gave."""
        return [e.guid for f, e, _ in self.taken if f.name == name]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something taken makes it true."""
        while not holds():
            self.changed.clear()
            await self.changed.wait()


@dataclass(slots=True)
class Hands:
    """The clock of a service under test."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def on(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass(slots=True)
class Desk:
    """A watcher with its book, its intake, its clock and the server it reads."""

    pool: db.Pool
    server: FeedServer
    taker: Taker
    hands: Hands
    admin: Officer
    formats: dict[str, Format]
    watcher: Watcher

    def another(self, taker: Taker | None = None) -> Watcher:
        """A second service on the same database."""
        return Watcher(self.pool, taker or self.taker, self.formats, self.hands.now, chance=lambda: 0.0)

    async def add(self, name: str, url: str = "", **more: Any) -> None:
        """Add a feed as an admin would."""
        given = {"format": "lines", "every": timedelta(minutes=1)} | more
        new = NewFeed(name=name, url=url or self.server.url(f"/{name}"), **given)
        await feedbook.add(self.pool, new, self.watcher.kinds, self.admin, self.hands.now())

    async def row(self, name: str) -> Any:
        return await feedbook.one(self.pool, name)

    async def alarms(self) -> list[str]:
        rows = await self.pool.fetch("SELECT says FROM alarm WHERE kind = 'feed_unread' ORDER BY id")
        return [row["says"] for row in rows]

    async def until(self, name: str, holds: Callable[[Any], bool]) -> Any:
        """Wait until a feed's row is as wanted."""
        async with asyncio.timeout(10):
            while not holds(row := await self.row(name)):
                await asyncio.sleep(0.02)
        return row


@pytest.fixture
async def server_of_feeds() -> AsyncIterator[FeedServer]:
    """A loopback server that tests publish feeds on."""
    async with FeedServer() as running:
        yield running


@pytest.fixture
async def desk(pool: db.Pool, server_of_feeds: FeedServer) -> Desk:
    """A watcher that is not running yet."""
    hands, taker = Hands(), Taker()
    token = await register.add_officer(pool, "Ani", Role.ADMIN, None, hands.now())
    admin = await register.who_is(pool, token)
    assert admin is not None
    formats = dict(FORMATS)
    watcher = Watcher(pool, taker, formats, hands.now, chance=lambda: 0.0)
    return Desk(pool, server_of_feeds, taker, hands, admin, formats, watcher)


@pytest.fixture
async def watching(desk: Desk) -> AsyncIterator[Desk]:
    """The same, running."""
    run = asyncio.create_task(desk.watcher.run())
    try:
        yield desk
        assert not run.done(), run
    finally:
        run.cancel()
        await asyncio.wait([run])
