"""The ledger: attempts and retries reach Postgres together, every 50 ms or 500 rows, by COPY."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Outcome, Result
from crisis import db, log
from crisis.errors import NotReady
from crisis.model.dispatch import Again

logger = log.get("ledger")

FLUSH_SECONDS = 0.05
FLUSH_ROWS = 500
PATIENCE = 3600.0  # seconds a flush waits for a lost database before the service gives up and says so
LAST_PATIENCE = 5.0  # the same when the service is being stopped

COLUMNS = ("dispatch_id", "address_id", "try", "outcome", "code", "refs", "account", "at")

# Also for a dispatch that an officer holds back: what fails meanwhile is tried again once it goes on, never missed.
AGAIN = """
INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before)
SELECT r.dispatch_id, r.address_id, d.account, d.urgent, r.language, r.try, r.not_before
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::timestamptz[])
     AS r (dispatch_id, address_id, language, try, not_before)
JOIN dispatch d ON d.id = r.dispatch_id AND (d.state IN ('waiting', 'sending') OR d.stopped = 'paused')
ON CONFLICT (dispatch_id, address_id) DO UPDATE
SET try = EXCLUDED.try, not_before = EXCLUDED.not_before, leased_until = NULL
"""

SETTLED = """
DELETE FROM retry USING unnest($1::bigint[], $2::bigint[]) AS s (dispatch_id, address_id)
WHERE retry.dispatch_id = s.dispatch_id AND retry.address_id = s.address_id
"""

# The resident blocked us at the provider: no alert of ours tries that address again.
OPTED_OUT = "UPDATE address SET opted_out_at = now() WHERE id = ANY($1::bigint[]) AND opted_out_at IS NULL"

TELL = "SELECT pg_notify('progress', d::text) FROM (SELECT DISTINCT unnest($1::bigint[])) AS s (d)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt, and whether the address is to be tried again."""

    dispatch_id: int
    account: str
    language: str
    try_: int
    outcome: Outcome
    at: datetime
    again: Again | None


class Ledger:
    """Collects entries and writes them in one transaction a flush; `settled` tells when all so far are durable."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._waiting: list[Entry] = []
        self._full = asyncio.Event()
        self._flushed = asyncio.Condition()
        self._added = 0
        self._durable = 0
        self._broken = False

    def add(self, entry: Entry) -> None:
        """Take an entry; it is durable once a later `settled()` returned."""
        self._waiting.append(entry)
        self._added += 1
        if len(self._waiting) == 1 or len(self._waiting) >= FLUSH_ROWS:
            self._full.set()

    async def settled(self) -> None:
        """Return when everything added before this call is durable."""
        mark = self._added
        async with self._flushed:
            await self._flushed.wait_for(lambda: self._durable >= mark or self._broken)
        if self._durable < mark:
            raise NotReady("attempts could not be written: the database was away too long")

    async def run(self) -> None:
        """Flush until cancelled; what is waiting at the cancel is written before it ends."""
        try:
            while True:
                await self._full.wait()
                self._full.clear()
                if len(self._waiting) < FLUSH_ROWS:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(FLUSH_SECONDS):
                            await self._full.wait()
                    self._full.clear()
                await self._flush(PATIENCE)
        finally:
            await self._flush(LAST_PATIENCE)

    async def _flush(self, patience: float) -> None:
        entries, self._waiting = self._waiting, []
        try:
            if entries:
                await db.patiently(lambda: self._write(entries), within=patience)
                self._durable += len(entries)
        except BaseException:
            self._waiting = entries + self._waiting  # a cancel in mid-flush: the last flush takes them again
            self._broken = not isinstance(sys.exception(), asyncio.CancelledError)
            raise
        finally:
            async with self._flushed:
                self._flushed.notify_all()

    # COPY and the retry rows commit together: after a crash an address has both its attempt and its retry, or
    # neither. If the connection is lost in the commit itself we cannot know, write again, and the ledger then
    # tells the same attempt twice: counts are by address, so none is counted twice.
    async def _write(self, entries: list[Entry]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.copy_records_to_table("attempt", columns=COLUMNS, records=map(_row, entries))
            # Retry rows are locked in one order everywhere, so that a stop and a flush cannot deadlock.
            ordered = sorted(entries, key=lambda e: (e.dispatch_id, e.outcome.address_id))
            again = [e for e in ordered if e.again is not None]
            settled = [e for e in ordered if e.again is None and e.try_ > 1]
            if again:
                await connection.execute(AGAIN, *_columns(again))
            if settled:
                ids = [e.dispatch_id for e in settled], [e.outcome.address_id for e in settled]
                await connection.execute(SETTLED, *ids)
            blocked = [e.outcome.address_id for e in entries if e.outcome.result is Result.OPTED_OUT]
            if blocked:
                await connection.execute(OPTED_OUT, blocked)
            await connection.execute(TELL, [e.dispatch_id for e in entries])


def _row(entry: Entry) -> tuple[object, ...]:
    o = entry.outcome
    return (
        entry.dispatch_id,
        o.address_id,
        entry.try_,
        o.result.value,
        o.code[:80],
        list(o.refs),
        entry.account,
        entry.at,
    )


def _columns(entries: list[Entry]) -> tuple[list[object], ...]:
    again = [e.again for e in entries if e.again is not None]
    return (
        [e.dispatch_id for e in entries],
        [e.outcome.address_id for e in entries],
        [e.language for e in entries],
        [a.try_ for a in again],
        [a.not_before for a in again],
    )
