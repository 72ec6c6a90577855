"""The ledger: attempts and retries reach Postgres together, every 50 ms or 500 rows, by COPY."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from channels.contract import Result
from crisis import db, log
from crisis.errors import NotReady
from crisis.model.dispatch import Again

logger = log.get("ledger")

FLUSH_SECONDS = 0.05
FLUSH_ROWS = 500
PATIENCE = 3600.0  # seconds a flush waits for a lost database before the service gives up and says so
LATE = 0.2  # seconds after which a flush counts as held up
LAST_PATIENCE = 5.0  # the same when the service is being stopped
PRUNE_EVERY = 5_000  # flushes

COLUMNS = ("dispatch_id", "address_id", "try", "outcome", "code", "refs", "account", "at")

# A flush may come twice: its COMMIT was lost on the way and it is tried again, or a carrier brings it again. Whoever
# has claimed its number writes it; the claim and the rows commit together or not at all.
CLAIM = "INSERT INTO flush (writer, number) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
PRUNE = "DELETE FROM flush WHERE at < now() - interval '7 days'"  # longer than anything is carried again

# Also for a dispatch that an officer holds back: what fails meanwhile is tried again once it goes on, never missed.
# The wait runs by the database's clock, which is the one that ends it.
AGAIN = """
INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before)
SELECT r.dispatch_id, r.address_id, d.account, d.urgent, r.language, r.try, now() + r.wait * interval '1 second'
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::float8[])
     AS r (dispatch_id, address_id, language, try, wait)
JOIN dispatch d ON d.id = r.dispatch_id AND (d.state IN ('waiting', 'sending') OR d.stopped = 'paused')
ON CONFLICT (dispatch_id, address_id) DO UPDATE
SET try = EXCLUDED.try, not_before = EXCLUDED.not_before, leased_until = NULL
"""

SETTLED = """
DELETE FROM retry USING unnest($1::bigint[], $2::bigint[]) AS s (dispatch_id, address_id)
WHERE retry.dispatch_id = s.dispatch_id AND retry.address_id = s.address_id
"""

# The resident blocked us at the provider: no alert of ours tries that address again. One that an import has in hand
# is left for the next time the provider says so: no flush waits for a large file.
OPTED_OUT = """
UPDATE address SET opted_out_at = now() WHERE id IN (
    SELECT id FROM address WHERE id = ANY($1::bigint[]) AND opted_out_at IS NULL
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""

TELL = "SELECT pg_notify('progress', d::text) FROM (SELECT DISTINCT unnest($1::bigint[])) AS s (d)"


class Entry(NamedTuple):
    """One attempt, in the order of COLUMNS, and whether the address is to be tried again."""

    dispatch_id: int
    address_id: int
    try_: int
    outcome: str
    code: str
    refs: tuple[str, ...]
    account: str
    at: datetime
    language: str = ""
    again: Again | None = None
    retried: bool = False  # it came from a row of `retry`, which is settled with it


# Makes entries durable as flush `number` of a writer, once however often it is called with the same two.
Write = Callable[[UUID, int, Sequence[Entry]], Awaitable[None]]


class Ledger:
    """Collects entries and writes them in one go a flush; `settled` tells when all so far are durable."""

    def __init__(self, write: Write) -> None:
        self._write, self._writer, self._number = write, uuid4(), 0
        self._waiting: list[Entry] = []
        self._unsure: list[Entry] = []  # of a flush that was cut off: it goes out again under its own number
        self._full = asyncio.Event()
        self._hurry = asyncio.Event()
        self._flushed = asyncio.Condition()
        self._began = 0.0  # when the flush that is under way began, by the loop's clock
        self._added = 0
        self._durable = 0
        self._broken = False

    @property
    def late(self) -> bool:
        """Tell whether a flush could not be written at once: the database is away or slow."""
        return asyncio.get_running_loop().time() - self._began > LATE if self._unsure else False

    def add(self, entry: Entry) -> None:
        """Take an entry; it is durable once a later `settled()` returned."""
        self._waiting.append(entry)
        self._added += 1
        self._full.set()
        if len(self._waiting) >= FLUSH_ROWS:
            self._hurry.set()

    async def settled(self) -> None:
        """Return when everything added before this call is durable."""
        mark = self._added
        if self._durable < mark:
            self._hurry.set()  # somebody waits: no sense in waiting for more rows
            async with self._flushed:
                await self._flushed.wait_for(lambda: self._durable >= mark or self._broken)
        if self._durable < mark:
            raise NotReady("attempts could not be written: the database was away too long")

    async def run(self) -> None:
        """Flush until cancelled; what is waiting at the cancel is written before it ends."""
        try:
            while True:
                await self._full.wait()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_SECONDS):
                        await self._hurry.wait()
                self._full.clear()
                self._hurry.clear()
                await self._flush(PATIENCE)
        finally:
            await self._flush(LAST_PATIENCE)  # what was cut off first, then what came since
            await self._flush(LAST_PATIENCE)

    async def _flush(self, patience: float) -> None:
        if not self._unsure:
            self._unsure, self._waiting = self._waiting, []
            self._number += 1
            self._began = asyncio.get_running_loop().time()
        entries, number = self._unsure, self._number
        try:
            if entries:
                await db.patiently(lambda: self._write(self._writer, number, entries), within=patience)
                self._durable += len(entries)
            self._unsure = []
        except BaseException:
            self._broken = not isinstance(sys.exception(), asyncio.CancelledError)
            raise
        finally:
            async with self._flushed:
                self._flushed.notify_all()


def into(pool: db.Pool) -> Write:
    """Give the Write that keeps a flush in Postgres."""

    # COPY and the retry rows commit together: after a crash an address has both its attempt and its retry, or neither.
    async def write(writer: UUID, number: int, entries: Sequence[Entry]) -> None:
        async with pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(CLAIM, writer, number) is None:
                return
            await connection.copy_records_to_table("attempt", columns=COLUMNS, records=[e[:8] for e in entries])
            await _after(connection, entries)
            await connection.execute(TELL, list({e.dispatch_id for e in entries}))
            if number % PRUNE_EVERY == 1:
                await connection.execute(PRUNE)

    return write


async def _after(connection: db.AnyConnection, entries: Sequence[Entry]) -> None:
    """Write what follows from the outcomes: who is tried again, who no more."""
    # Retry rows are locked in one order everywhere, so that a stop and a flush cannot deadlock.
    again = sorted((e for e in entries if e.again is not None), key=_place)
    if again:
        await connection.execute(AGAIN, *_columns(again))
    settled = sorted((e for e in entries if e.retried and e.again is None), key=_place)
    if settled:
        await connection.execute(SETTLED, [e.dispatch_id for e in settled], [e.address_id for e in settled])
    blocked = [e.address_id for e in entries if e.outcome == Result.OPTED_OUT]
    if blocked:
        await connection.execute(OPTED_OUT, blocked)


def _place(entry: Entry) -> tuple[int, int]:
    return entry.dispatch_id, entry.address_id


def _columns(entries: list[Entry]) -> tuple[list[object], ...]:
    again = [(e, e.again) for e in entries if e.again is not None]
    return (
        [e.dispatch_id for e, _ in again],
        [e.address_id for e, _ in again],
        [e.language for e, _ in again],
        [a.try_ for _, a in again],
        [(a.not_before - e.at).total_seconds() for e, a in again],
    )
