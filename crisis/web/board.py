"""The board: what residents may see of all alerts, read once for everybody and rendered once a language."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import asyncpg
from aiohttp import web

from crisis import db, log
from crisis.errors import NotReady
from crisis.web.house import House
from crisis.web.shown import Row

logger = log.get("board")

FRESH = timedelta(seconds=2)  # the safety net; a NOTIFY says sooner that something changed
PATIENCE = 2.0  # seconds a resident waits for Postgres before the last reading is shown
RETRY = timedelta(seconds=5)
STALE = timedelta(seconds=60)  # an older reading no longer proves that nothing is in force
KEPT = 500  # rendered pages
REMEMBERED = timedelta(hours=24)  # how long what ended is listed as ended
MOST = 200  # alerts read, those in force first
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the date of a feed that never had an entry

# With $1 that alert alone, without it all in force and those that ended since $2. What was not released has no
# `sent`, so drafts are nowhere on the board.
SHOWN = """
SELECT a.id, a.identifier, a.purpose, a.mode, a.state, a.playbook, a.level, a.urgent, a.facts, a.words, a.area_desc,
       a.source, a.sent, a.expires, a.next_update, later.id AS replaced_by, later.at AS replaced_at
FROM alert a, LATERAL (
    SELECT max(r.id) AS id, min(r.sent) AS at FROM alert r
    WHERE r.incident_id = a.incident_id AND r.sent IS NOT NULL AND a.id = ANY(r.refs)
) later
WHERE a.sent IS NOT NULL AND CASE WHEN $1::bigint IS NULL
    THEN a.state = 'live' OR (a.expires > $2 AND least(a.expires, later.at) > $2) ELSE a.id = $1 END
ORDER BY (a.state = 'live') DESC, a.urgent, a.sent DESC, a.id DESC LIMIT $3
"""

# Never goes back, so that the feed's date moves with every release and every expiry and never otherwise.
CHANGED = """
SELECT mode = 'Actual' AS actual, max(CASE WHEN expires <= $1 THEN expires ELSE sent END) AS at
FROM alert WHERE sent IS NOT NULL GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One reading of the table: when it was read, when to read again, and after which call."""

    rows: Sequence[Row]
    changed: Mapping[bool, datetime]
    at: datetime
    again: datetime
    call: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Bytes ready to leave, and until when they are true."""

    body: bytes
    packed: bytes
    tag: str
    ends: datetime | None = None  # the next expiry of an alert on it
    until: datetime
    call: int = 0

    @classmethod
    def of(cls, body: bytes, until: datetime, ends: datetime | None = None, call: int = 0) -> Rendered:
        """Pack a body; the same bytes have the same tag."""
        tag = hashlib.sha256(body).hexdigest()[:24]
        return cls(body=body, packed=gzip.compress(body, 6, mtime=0), tag=tag, until=until, ends=ends, call=call)


class Board:
    """One for each service."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._call = 0
        self._seen: Seen | None = None
        self._reading = asyncio.Lock()
        self._pages: dict[Hashable, Rendered] = {}

    async def follow(self) -> None:
        """Run until cancelled, forgetting what was read each time an alert is released, replaced or expired."""
        while True:
            await self._house.alerts.wait(60)
            self._call += 1

    async def page(self, key: Hashable, make: Callable[[Seen, datetime], Awaitable[bytes]]) -> Rendered:
        """Give the page `make` renders, kept until a call, an expiry or two seconds make it untrue."""
        now = self._house.now()
        kept = self._pages.get(key)
        if kept is not None and kept.call == self._call and now < kept.until:
            return kept
        seen = await self.look(now)
        body = await make(seen, now)
        ends = min((row["expires"] for row in seen.rows if row["expires"] > now), default=None)
        until = min(seen.again, ends or seen.again)
        rendered = Rendered.of(body, until, ends, seen.call)
        if len(self._pages) >= KEPT:
            self._pages.clear()
        self._pages[key] = rendered
        return rendered

    async def look(self, now: datetime) -> Seen:
        """Give the latest reading, however many ask; the last one when Postgres is away, NotReady without any."""
        if (seen := self._seen) is not None and self._is_fresh(seen, now):
            return seen
        async with self._reading:
            if self._seen is None or not self._is_fresh(self._seen, now):
                self._seen = await self._read(now)
            return self._seen

    def _is_fresh(self, seen: Seen, now: datetime) -> bool:
        return seen.call == self._call and now < seen.again

    async def _read(self, now: datetime) -> Seen:
        call = self._call  # a call while we read makes this reading old at once
        try:
            rows = await self._fetch(SHOWN, None, now - REMEMBERED, MOST)
            changed = {row["actual"]: row["at"] for row in await self._fetch(CHANGED, now)}
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if self._seen is None or not db.is_brief(error):
                raise NotReady("the alerts in force cannot be read: the database does not answer") from error
            logger.warning("board.database_lost", error=type(error).__name__)
            return replace(self._seen, again=now + RETRY, call=call)
        return Seen(rows=rows, changed=changed, at=now, again=now + FRESH, call=call)

    async def one(self, seen: Seen, alert_id: int) -> Row | None:
        """Give one released alert, from the reading or, when it is older than that, from the table."""
        for row in seen.rows:
            if row["id"] == alert_id:
                return row
        rows = await self._fetch(SHOWN, alert_id, seen.at, 1)
        return rows[0] if rows else None

    async def _fetch(self, statement: str, *arguments: object) -> Sequence[Row]:
        async with asyncio.timeout(PATIENCE), self._house.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(statement, *arguments)]


def is_stale(seen: Seen, now: datetime) -> bool:
    """Tell whether a reading is too old to say that nothing is in force."""
    return now - seen.at > STALE


BOARD = web.AppKey("board", Board)
