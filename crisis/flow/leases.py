"""Leases: what deliver sends comes from here and goes back here; the rows of Postgres are the one truth."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import asyncpg

from crisis import db, log
from crisis.flow import bucket, fanout
from crisis.flow.lapses import Lapses
from crisis.flow.notices import Notices
from crisis.flow.pace import loop_now
from crisis.flow.trip import ANY, Account, Away, Cargo, End, Load

logger = log.get("deliver")

RETRIES = 500  # taken at once
A_MOMENT = 0.02  # seconds until it is told that a dispatch has begun: the first send goes before
HELD_FOR = 0.3  # seconds until an address is looked at again to which a former notice may be on the wire

# Another worker may look at the same row: SKIP LOCKED gives it to one. Most urgent first, then most at risk.
# A dead worker's lease runs out by the database's clock; the raised `lease` number fences a slow one off. What has
# expired by our clock or by the database's is not taken: we would not send it, and take it again at once. While
# something more urgent is in anybody's hand the rest waits: the account is the urgent one's alone. That is asked
# once and the dispatch batch by batch (OFFSET 0), so that Postgres walks the index in its order and stops at the
# first, whatever its statistics make it think of batches that are ready.
LEASE = """
UPDATE batch SET state = 'leased', lease = lease + 1, leased_until = clock_timestamp() + $2 * interval '1 second'
WHERE id = (SELECT b.id FROM batch b
            WHERE b.account = $1 AND b.state = 'ready' AND b.urgent < $3
              AND b.urgent <= coalesce((SELECT min(u.urgent) FROM batch u WHERE u.account = $1 AND u.state = 'leased'
                                        AND u.leased_until > clock_timestamp()), $3)
              AND EXISTS (SELECT FROM dispatch d WHERE d.id = b.dispatch_id AND d.state IN ('waiting', 'sending')
                          AND d.expires > greatest(now(), $4) OFFSET 0)
            ORDER BY b.urgent, b.seq, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED)
RETURNING id, dispatch_id, language, address_ids, lease, urgent
"""

# A statement of its own: in one transaction with LEASE it would lock batch, then dispatch, and a release that
# stops the dispatch locks them the other way round. A fan-out step that has the row is not waited for: the next
# lease tells.
SENDING = """
UPDATE dispatch SET state = 'sending' WHERE state = 'waiting'
  AND id = (SELECT id FROM dispatch WHERE id = $1 AND state = 'waiting' FOR NO KEY UPDATE SKIP LOCKED)
"""

# `leased_by` is the fence: with it alone a worker may change what it took. Lapsed leases only where $5 says that
# the database's clock can be trusted (see Lapses).
LEASE_RETRIES = """
UPDATE retry r SET leased_until = clock_timestamp() + $2 * interval '1 second', leased_by = $6
FROM (SELECT t.dispatch_id, t.address_id FROM retry t JOIN dispatch d ON d.id = t.dispatch_id
      WHERE t.account = $1 AND t.not_before <= now()
        AND (t.leased_until IS NULL OR ($5 AND t.leased_until < clock_timestamp()))
        AND d.state IN ('waiting', 'sending') AND d.expires > greatest(now(), $4)
        AND t.urgent <= coalesce((SELECT min(b.urgent) FROM batch b JOIN dispatch e ON e.id = b.dispatch_id
                                  WHERE b.account = $1 AND b.state IN ('ready', 'leased')
                                    AND e.state IN ('waiting', 'sending') AND e.expires > greatest(now(), $4)),
                                 t.urgent)
      ORDER BY t.urgent, t.not_before LIMIT $3 FOR UPDATE OF t SKIP LOCKED) s
WHERE r.dispatch_id = s.dispatch_id AND r.address_id = s.address_id
RETURNING r.dispatch_id, r.language, r.address_id, r.try, r.urgent
"""

NEXT_RETRY = """
SELECT extract(epoch FROM min(greatest(t.not_before, coalesce(t.leased_until, t.not_before))) - now())::float8
FROM retry t JOIN dispatch d ON d.id = t.dispatch_id
WHERE t.account = $1 AND d.state IN ('waiting', 'sending') AND d.expires > greatest(now(), $2)
"""

# Opt-outs are rechecked here, at every lease, and by NOTIFY while a batch is in hand. An answer goes to
# whoever wrote, also to say that the stop was heard. Retries have attempts already, batches must have none, not even
# those leased for the first time: whose risk was changed during the fan-out may be in two.
ADDRESSES = """
SELECT a.id, a.sealed FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, place) JOIN address a ON a.id = w.id
WHERE (a.opted_out_at IS NULL OR EXISTS (SELECT FROM dispatch d WHERE d.id = $2 AND d.answer_id IS NOT NULL))
  AND ($3 OR NOT EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = $2 AND t.address_id = a.id OFFSET 0))
ORDER BY w.place
"""

# An update never overtakes what it updates: whoever is in a batch of a former alert that a worker still has in hand,
# or whose retry was in hand when it was stopped, waits until that one has ended or its lease has run out.
HELD = """
WITH former AS (SELECT id FROM dispatch WHERE alert_id = ANY($1::bigint[]) AND account = $2)
SELECT w.id FROM former f JOIN batch b ON b.dispatch_id = f.id, unnest(b.address_ids) AS w (id)
WHERE b.state = 'leased' AND b.leased_until > now() AND w.id = ANY($3::bigint[])
UNION
SELECT t.address_id FROM former f JOIN attempt t ON t.dispatch_id = f.id
WHERE t.address_id = ANY($3::bigint[]) AND t.code = 'in hand at the stop' AND t.at > now() - $4 * interval '1 second'
  AND NOT EXISTS (SELECT FROM attempt u WHERE u.dispatch_id = f.id AND u.address_id = t.address_id
                  AND u.try = t.try AND u.code <> t.code)
"""

# The fence: a worker whose lease was taken over changes nothing here.
RENEW = """
UPDATE batch SET leased_until = clock_timestamp() + $3 * interval '1 second'
WHERE id = $1 AND lease = $2 AND state = 'leased'
  AND EXISTS (SELECT FROM dispatch d WHERE d.id = dispatch_id AND d.state IN ('waiting', 'sending'))
"""
RENEW_RETRIES = """
UPDATE retry r SET leased_until = clock_timestamp() + $5 * interval '1 second'
FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
WHERE r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try AND r.leased_by = $4
  AND r.leased_until IS NOT NULL
"""
# Still ours: the dispatch sends, and nobody else has taken one of these tries meanwhile.
OURS = """
SELECT state IN ('waiting', 'sending') AND NOT EXISTS (
    SELECT FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
    JOIN retry r ON r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try WHERE r.leased_by <> $4)
FROM dispatch WHERE id = $1
"""

# Those who were held back have no attempt yet: they are tried again in a moment, as the first try it is. In one
# transaction with a FINISH that found the lease ours, so that nobody is in neither, and nobody in both.
HOLD_BACK = """
INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before)
SELECT b.dispatch_id, w.id, b.account, b.urgent, b.language, 1, now() + $2 * interval '1 second'
FROM batch b, unnest($3::bigint[]) AS w (id) WHERE b.id = $1 ON CONFLICT (dispatch_id, address_id) DO NOTHING
"""
HOLD_RETRIES = """
UPDATE retry SET not_before = now() + $4 * interval '1 second'
WHERE dispatch_id = $1 AND address_id = ANY($2::bigint[]) AND leased_by = $3
"""
FINISH = """
UPDATE batch b SET leased_until = NULL, state = CASE
    WHEN $3 THEN 'done'
    WHEN d.state = 'stopped' AND d.stopped <> 'paused' THEN 'stopped'
    ELSE 'ready' END
FROM dispatch d WHERE d.id = b.dispatch_id AND b.id = $1 AND b.lease = $2 AND b.state = 'leased'
"""

# fanout.DONE for all of an account, when a lane finds nothing to do: a worker may have died, or lost the database,
# between its last batch and DONE, or finished it while the last step of the fan-out was not committed.
DONE_ALL = """
UPDATE dispatch d SET state = 'done', done_at = now()
FROM (SELECT id, next_seq FROM dispatch WHERE account = $1 AND state IN ('waiting', 'sending')) s
WHERE d.id = s.id AND d.next_seq = s.next_seq AND d.state IN ('waiting', 'sending') AND d.expanded
  AND NOT EXISTS (SELECT FROM batch WHERE dispatch_id = d.id AND state IN ('ready', 'leased'))
  AND NOT EXISTS (SELECT FROM retry WHERE dispatch_id = d.id)
"""
# Retries that were leased and not handed out (the breaker opened, something more urgent called) are free again
# at once. Only those that are still ours: another worker may have taken them after our lease.
FREE_RETRIES = """
UPDATE retry r SET leased_until = NULL FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
WHERE r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try AND r.leased_by = $4
  AND r.leased_until IS NOT NULL
"""
GONE_RETRIES = "DELETE FROM retry WHERE dispatch_id = $1 AND address_id = ANY($2::bigint[])"

ALARM = """
INSERT INTO alarm (kind, says, role)
SELECT 'channel_stopped', $1, 'officer'
WHERE NOT EXISTS (SELECT FROM alarm WHERE kind = 'channel_stopped' AND says = $1 AND seen_at IS NULL)
"""

CALLING = """
SELECT DISTINCT b.account, b.urgent FROM batch b JOIN dispatch d ON d.id = b.dispatch_id
WHERE b.state = 'ready' AND d.state IN ('waiting', 'sending') AND d.expires > now()
UNION SELECT account, urgent FROM retry WHERE not_before <= now()
"""
RECENT_OPT_OUTS = "SELECT id FROM address WHERE opted_out_at > now() - $1 * interval '1 second'"


@contextlib.contextmanager
def _away() -> Iterator[None]:
    """Tell a database that is away just now from a fault."""
    try:
        yield
    except db.FAULTS as error:
        if not db.is_brief(error):
            raise
        raise Away(type(error).__name__) from error


class Leases:
    """The Source that leases from Postgres (see trip.Source); one for a process."""

    def __init__(self, pool: db.Pool, notices: Notices, lease_seconds: float, now: Callable[[], datetime]) -> None:
        self._pool, self._notices, self._lease, self._now = pool, notices, lease_seconds, now
        self._lapses = Lapses(lease_seconds)
        self._had_retries: dict[str, bool] = {}  # whether an account's last load was of retries
        self._sending: set[int] = set()  # dispatches we said have begun
        self._telling: set[asyncio.Task[None]] = set()

    async def take(self, account: Account, *, called: bool, below: int = ANY) -> list[Load]:
        """Lease what is next: due retries and batches in turn, a batch first when something new called."""
        with _away():
            async with self._pool.acquire() as connection:
                if below < ANY:
                    return await self._take_batch(connection, account, below)
                loads = await self._next(connection, account, called)
                # What lapsed is looked for when there is time: here, and after each load that ends.
                if not loads and await self._lapses.tidy(connection, account.name):
                    loads = await self._next(connection, account, called)
        return loads

    async def _next(self, connection: db.AnyConnection, account: Account, called: bool) -> list[Load]:
        batch_first = called or self._had_retries.get(account.name, False)
        if batch_first and (loads := await self._take_batch(connection, account, ANY)):
            return loads
        if loads := await self._take_retries(connection, account):
            return loads
        return [] if batch_first else await self._take_batch(connection, account, ANY)

    async def _take_batch(self, connection: db.AnyConnection, account: Account, below: int) -> list[Load]:
        taken = loop_now()  # before we ask: our lease must not outlast the database's
        row = await connection.fetchrow(LEASE, account.name, self._lease, below, self._now())
        if row is None:
            return []
        self._had_retries[account.name] = False
        self._tell_sending(row["dispatch_id"])
        ids, batch = row["address_ids"], (row["id"], row["lease"], taken)
        return [Load(row["dispatch_id"], row["language"], row["urgent"], ids, {}, *batch)]

    def _tell_sending(self, dispatch_id: int) -> None:
        """Say once, beside the way of the first send, that a dispatch has begun; nothing waits for it."""
        if dispatch_id in self._sending:
            return
        self._sending.add(dispatch_id)
        telling = asyncio.create_task(self._say_sending(dispatch_id))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _say_sending(self, dispatch_id: int) -> None:
        await asyncio.sleep(A_MOMENT)
        try:
            await self._pool.execute(SENDING, dispatch_id)
        except db.FAULTS as error:
            self._sending.discard(dispatch_id)  # the next lease tells
            logger.warning("deliver.source_away", dispatch=dispatch_id, error=type(error).__name__)

    async def _take_retries(self, connection: db.AnyConnection, account: Account) -> list[Load]:
        taken, fence = loop_now(), secrets.randbits(62)
        trusted = self._lapses.trusted
        rows = await connection.fetch(LEASE_RETRIES, account.name, self._lease, RETRIES, self._now(), trusted, fence)
        if rows:
            self._had_retries[account.name] = True
        return _grouped(rows, fence, taken)

    async def prepare(self, account: Account, load: Load) -> Cargo:
        """Give the notice and the sealed addresses that have no attempt yet, or are due again."""
        with _away():
            async with self._pool.acquire() as connection:
                refs, expires = await self._notices.of(connection, load.dispatch_id)
                rows = await connection.fetch(ADDRESSES, load.ids, load.dispatch_id, not load.batch_id)
                held, threads = set[int](), dict[int, str]()
                if refs:
                    found = await connection.fetch(HELD, refs, account.name, load.ids, self._lease)
                    held = {r["id"] for r in found}
                    threads = await self._notices.threads(connection, account.channel, refs, load.ids)
            notice = await self._notices.fit(load.dispatch_id, account.channel, load.language)
        addresses = [(r["id"], r["sealed"], threads.get(r["id"], "")) for r in rows if r["id"] not in held]
        return Cargo(notice, expires, addresses, tuple(held))

    async def renew(self, load: Load) -> bool | None:
        """Extend a lease that is still ours, of a dispatch that still sends."""
        try:
            async with self._pool.acquire() as connection:
                if load.batch_id:
                    return await connection.execute(RENEW, load.batch_id, load.lease, self._lease) == "UPDATE 1"
                mine = (load.dispatch_id, *_tries(load), load.lease)
                await connection.execute(RENEW_RETRIES, *mine, self._lease)
                return bool(await connection.fetchval(OURS, *mine))
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            return None

    async def finish(self, account: Account, load: Load, end: End) -> None:
        """Give a load back; raise Away when its lease has to bring it back instead."""
        with _away():
            async with self._pool.acquire() as connection:
                async with connection.transaction():
                    if load.batch_id:
                        done = await connection.execute(FINISH, load.batch_id, load.lease, end.complete)
                        if end.held and end.complete and done == "UPDATE 1":
                            await connection.execute(HOLD_BACK, load.batch_id, HELD_FOR, end.held)
                    else:
                        await self._give_back_retries(connection, load, end)
                await connection.execute(fanout.DONE, load.dispatch_id)
                if end.hold:
                    await bucket.rest(connection, account.name, end.hold)
                if end.misconfigured:
                    await self._call_officer(connection, account, end.misconfigured)
                await self._lapses.tidy(connection, account.name)

    async def _give_back_retries(self, connection: db.AnyConnection, load: Load, end: End) -> None:
        await connection.execute(GONE_RETRIES, load.dispatch_id, end.unsendable)
        if end.ours:
            if end.held:
                await connection.execute(HOLD_RETRIES, load.dispatch_id, end.held, load.lease, HELD_FOR)
            await connection.execute(FREE_RETRIES, load.dispatch_id, *_tries(load), load.lease)

    async def _call_officer(self, connection: db.AnyConnection, account: Account, why: str) -> None:
        """Tell an officer once that an account cannot work."""
        says = f"channel {account.name} stopped: {why} Mend its CRISIS_ setting or its account at the provider."
        await connection.execute(ALARM, says)
        logger.error("deliver.channel_stopped", account=account.name)

    async def rest(self, account: Account) -> float | None:
        """Close what is done, and give the seconds until a retry is due."""
        with _away():
            async with self._pool.acquire() as connection:
                await connection.execute(DONE_ALL, account.name)
                wait: float | None = await connection.fetchval(NEXT_RETRY, account.name, self._now())
        return wait

    async def grant(self, account: str, seconds: float, hold: float) -> float | None:
        """Take a slice of the rate all workers share; None while the database is away."""
        return await bucket.take(self._pool, account, seconds, hold)

    async def calling(self) -> list[tuple[str, int]]:
        """Give the accounts and urgencies that something waits for: their calls may have been missed."""
        with _away():
            return [(r["account"], r["urgent"]) for r in await self._pool.fetch(CALLING)]

    async def opted_out_within(self, seconds: float) -> list[int]:
        """Give the addresses that opted out lately: a call of theirs may have been missed."""
        with _away():
            return [r["id"] for r in await self._pool.fetch(RECENT_OPT_OUTS, seconds)]


def _tries(load: Load) -> tuple[list[int], list[int]]:
    return list(load.tries), list(load.tries.values())


def _grouped(rows: Sequence[asyncpg.Record], fence: int, taken: float) -> list[Load]:
    groups: dict[tuple[int, str, int], dict[int, int]] = defaultdict(dict)
    for row in rows:
        groups[row["dispatch_id"], row["language"], row["urgent"]][row["address_id"]] = row["try"]
    return [
        Load(d, language, urgent, list(tries), tries, lease=fence, taken=taken)
        for (d, language, urgent), tries in groups.items()
    ]
