"""Lapses: what a worker that died left behind comes back; what kills whoever takes it is taken apart."""

from __future__ import annotations

import asyncpg

from crisis import db, log
from crisis.flow.pace import loop_now

logger = log.get("deliver")

TIDY_EVERY = 0.5  # seconds between two looks for leases that ran out
JUMP = 1.0  # seconds: the database's clock does not gain so much on ours by itself
MANY_LAPSES = 3  # leases of a batch that ran out: something in it may kill whoever sends it
LAST_LAPSE = 10  # the same for a batch of one

CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"

# A worker that died keeps its batch until the lease ends. Then the batch is ready again, and the anti-join in
# ADDRESSES leaves out all that have an attempt: only what was in flight since the last flush can leave twice.
RECLAIM = """
UPDATE batch SET state = 'ready', leased_until = NULL, lapses = lapses + 1
WHERE state = 'leased' AND leased_until < clock_timestamp() AND account = $1 RETURNING lapses
"""

# A batch that outlives nobody who takes it is halved at each further lapse, until what kills is alone. The first
# half stays where it was; the other gets the next number of its dispatch. One row at a time may do so.
SUSPECTS = """
SELECT id, dispatch_id, cardinality(address_ids) AS size FROM batch
WHERE account = $1 AND state = 'ready' AND lapses >= $2 FOR UPDATE SKIP LOCKED
"""
NEXT_SEQ = "UPDATE dispatch SET next_seq = next_seq + 1 WHERE id = $1 RETURNING next_seq - 1"
SECOND_HALF = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids, lapses, lease, came_from, moved_at)
SELECT dispatch_id, account, urgent, $2, language, address_ids[$3 + 1:], $4, lease, came_from, moved_at
FROM batch WHERE id = $1
"""
# Failover watches a batch whole: both halves are taken on anew, or those of the second would look as if they had ended.
WATCH_ANEW = "DELETE FROM suspense WHERE batch_id = $1"
FIRST_HALF = "UPDATE batch SET address_ids = address_ids[:$2], lapses = $3 WHERE id = $1"
PUT_ASIDE = "UPDATE batch SET state = 'stopped' WHERE id = $1 AND lapses >= $2"
ALARM_ASIDE = """
INSERT INTO alarm (kind, alert_id, says, role)
SELECT 'address_put_aside', d.alert_id, $2, 'supervisor' FROM dispatch d WHERE d.id = $1
"""


class Lapses:
    """Brings back the batches of an account whose lease ran out; one for a process.

    Leases run out by the database's clock. When that clock jumps, or the server was frozen, those of live workers look
    lapsed too, and what they sent may not be written down yet. So for as long as a live worker needs to renew its
    lease nothing is taken for lapsed.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease = lease_seconds
        self._tidied: dict[str, float] = {}
        self._clock: tuple[float, float, float] | None = None  # the database's, ours, and how sure we are of the pair
        self._trusted_from = 0.0

    @property
    def trusted(self) -> bool:
        """Tell whether a lease that has lapsed by the database's clock was given up by its worker."""
        return loop_now() >= self._trusted_from

    async def tidy(self, connection: db.AnyConnection, account: str) -> bool:
        """Free the lapsed batches of an account, at most every half second; tell whether there were any."""
        now = loop_now()
        if now - self._tidied.get(account, -TIDY_EVERY) < TIDY_EVERY:
            return False
        self._tidied[account] = now
        await self._read_clock(connection)
        if not self.trusted:
            return False
        lapsed = await connection.fetch(RECLAIM, account)
        if all(row["lapses"] < MANY_LAPSES for row in lapsed):
            return bool(lapsed)
        async with connection.transaction():
            for row in await connection.fetch(SUSPECTS, account, MANY_LAPSES):
                await _take_apart(connection, account, row)
        return True

    async def _read_clock(self, connection: db.AnyConnection) -> None:
        before = loop_now()
        theirs: float = await connection.fetchval(CLOCK)
        self.heard_clock(theirs, before, loop_now())

    def heard_clock(self, theirs: float, before: float, after: float) -> None:
        """Hold the database's clock, read between two moments of ours, against the last reading."""
        took = after - before
        if took > JUMP:
            self._trusted_from = after + self._lease
        if self._clock is not None:
            then_theirs, then_ours, unsure = self._clock
            if abs((theirs - then_theirs) - (after - then_ours)) > JUMP + took + unsure:
                self._trusted_from = after + self._lease
                logger.warning("deliver.database_clock_jumped", seconds=round(theirs - then_theirs - after + then_ours))
        self._clock = theirs, after, took


async def _take_apart(connection: db.AnyConnection, account: str, row: asyncpg.Record) -> None:
    half = row["size"] // 2
    if half:
        logger.error("deliver.batch_halved", account=account, batch=row["id"], addresses=row["size"])
        seq = await connection.fetchval(NEXT_SEQ, row["dispatch_id"])
        await connection.execute(SECOND_HALF, row["id"], seq, half, MANY_LAPSES - 1)
        await connection.execute(FIRST_HALF, row["id"], half, MANY_LAPSES - 1)
        await connection.execute(WATCH_ANEW, row["id"])
    elif await connection.execute(PUT_ASIDE, row["id"], LAST_LAPSE) == "UPDATE 1":
        says = f"one address on {account} was put aside: {LAST_LAPSE} times whoever sent to it broke down"
        await connection.execute(ALARM_ASIDE, row["dispatch_id"], says)
