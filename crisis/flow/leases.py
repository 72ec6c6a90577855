"""Leases: what deliver sends comes from here and goes back here; the rows of Postgres are the one truth."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import asyncpg

from crisis import db, log
from crisis.flow import fanout
from crisis.flow.notices import Notices
from crisis.flow.pace import BURST, loop_now
from crisis.flow.trip import Account, Away, Cargo, End, Load

logger = log.get("deliver")

RETRIES = 500  # taken at once
TIDY_EVERY = 0.5  # seconds between two looks for leases that ran out
HELD_FOR = 0.3  # seconds until an address is looked at again to which a former notice may be on the wire
MANY_LAPSES = 3  # leases of a batch that ran out: something in it may kill whoever sends it
LAST_LAPSE = 10  # the same for a batch of one

# Another worker may look at the same row: SKIP LOCKED gives it to one. Most urgent first, then most at risk.
# A dead worker's lease runs out by the database's clock; the raised `lease` number fences a slow one off.
LEASE = """
UPDATE batch SET state = 'leased', lease = lease + 1, leased_until = clock_timestamp() + $2 * interval '1 second'
WHERE id = (SELECT b.id FROM batch b JOIN dispatch d ON d.id = b.dispatch_id
            WHERE b.account = $1 AND b.state = 'ready' AND d.state IN ('waiting', 'sending') AND d.expires > now()
            ORDER BY b.urgent, b.seq, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED)
RETURNING id, dispatch_id, language, address_ids, lease, urgent
"""

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

# A statement of its own: in one transaction with LEASE it would lock batch, then dispatch, and a release that
# stops the dispatch locks them the other way round. A fan-out step that has the row is not waited for: the next
# lease tells.
SENDING = """
UPDATE dispatch SET state = 'sending' WHERE state = 'waiting'
  AND id = (SELECT id FROM dispatch WHERE id = $1 AND state = 'waiting' FOR NO KEY UPDATE SKIP LOCKED)
"""

LEASE_RETRIES = """
UPDATE retry r SET leased_until = clock_timestamp() + $2 * interval '1 second'
FROM (SELECT t.dispatch_id, t.address_id FROM retry t JOIN dispatch d ON d.id = t.dispatch_id
      WHERE t.account = $1 AND t.not_before <= now() AND (t.leased_until IS NULL OR t.leased_until < now())
        AND d.state IN ('waiting', 'sending') AND d.expires > now()
        AND NOT EXISTS (SELECT FROM batch b JOIN dispatch e ON e.id = b.dispatch_id
                        WHERE b.account = $1 AND b.state = 'ready' AND b.urgent < t.urgent
                          AND e.state IN ('waiting', 'sending') AND e.expires > now())
      ORDER BY t.urgent, t.not_before LIMIT $3 FOR UPDATE OF t SKIP LOCKED) s
WHERE r.dispatch_id = s.dispatch_id AND r.address_id = s.address_id
RETURNING r.dispatch_id, r.language, r.address_id, r.try, r.urgent
"""

NEXT_RETRY = """
SELECT extract(epoch FROM min(greatest(t.not_before, coalesce(t.leased_until, t.not_before))) - now())::float8
FROM retry t JOIN dispatch d ON d.id = t.dispatch_id
WHERE t.account = $1 AND d.state IN ('waiting', 'sending') AND d.expires > now()
"""

# Opt-outs are rechecked here, at every lease, and by NOTIFY while a batch is in hand. An answer goes to
# whoever wrote, also to say that the stop was heard. Retries have attempts already, batches must have none, not even
# those leased for the first time: whose risk was changed during the fan-out may be in two.
ADDRESSES = """
SELECT a.id, a.sealed FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, place) JOIN address a ON a.id = w.id
WHERE (a.opted_out_at IS NULL OR EXISTS (SELECT FROM dispatch d WHERE d.id = $2 AND d.answer_id IS NOT NULL))
  AND ($3 OR NOT EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = $2 AND t.address_id = a.id))
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
OPEN = "SELECT state IN ('waiting', 'sending') FROM dispatch WHERE id = $1"
RENEW_RETRIES = """
UPDATE retry r SET leased_until = clock_timestamp() + $4 * interval '1 second'
FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
WHERE r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try AND r.leased_until IS NOT NULL
"""

# Those who were held back have no attempt yet: they are tried again in a moment, as the first try it is. In one
# transaction with FINISH, so that nobody is in neither.
HOLD_BACK = """
INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before)
SELECT b.dispatch_id, w.id, b.account, b.urgent, b.language, 1, now() + $3 * interval '1 second'
FROM batch b, unnest($4::bigint[]) AS w (id)
WHERE b.id = $1 AND b.lease = $2 AND b.state = 'leased' ON CONFLICT (dispatch_id, address_id) DO NOTHING
"""
HOLD_RETRIES = """
UPDATE retry SET not_before = now() + $3 * interval '1 second' WHERE dispatch_id = $1 AND address_id = ANY($2::bigint[])
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
# at once. Only while the lease is ours: afterwards another worker may have them in hand.
FREE_RETRIES = """
UPDATE retry r SET leased_until = NULL FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
WHERE r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try AND r.leased_until IS NOT NULL
"""
GONE_RETRIES = "DELETE FROM retry WHERE dispatch_id = $1 AND address_id = ANY($2::bigint[])"

# One row an account, moved on by what each worker takes: together they get the account's rate and no more. A bucket
# that rested gives a moment's burst, so that a late timer costs nothing.
GRANT = """
INSERT INTO bucket AS b (account, free_at)
VALUES ($1, clock_timestamp() + ($2::float8 + $3::float8) * interval '1 second')
ON CONFLICT (account) DO UPDATE SET free_at = ($2::float8 + $3::float8) * interval '1 second'
    + greatest(b.free_at, clock_timestamp() - $4::float8 * interval '1 second')
RETURNING extract(epoch FROM free_at - clock_timestamp())::float8 - $2::float8
"""
HOLD = """
UPDATE bucket SET free_at = greatest(free_at, clock_timestamp() + $2 * interval '1 second') WHERE account = $1
"""

ALARM = """
INSERT INTO alarm (kind, says, role)
SELECT 'channel_stopped', $1, 'officer'
WHERE NOT EXISTS (SELECT FROM alarm WHERE kind = 'channel_stopped' AND says = $1 AND seen_at IS NULL)
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

    def __init__(self, pool: db.Pool, notices: Notices, lease_seconds: float) -> None:
        self._pool, self._notices, self._lease = pool, notices, lease_seconds
        self._tidied: dict[str, float] = {}

    async def take(self, account: Account, *, called: bool) -> list[Load]:
        """Lease what is next: due retries of the most at risk, unless something new called, then a batch."""
        taken = loop_now()  # before we ask: our lease must not outlast the database's
        with _away():
            async with self._pool.acquire() as connection:
                if taken - self._tidied.get(account.name, -TIDY_EVERY) >= TIDY_EVERY:
                    self._tidied[account.name] = taken
                    await self._reclaim(connection, account)
                if not called:
                    retries = await connection.fetch(LEASE_RETRIES, account.name, self._lease, RETRIES)
                    if retries:
                        return _grouped(retries, taken)
                row = await connection.fetchrow(LEASE, account.name, self._lease)
                if row is None:
                    return []
                await connection.execute(SENDING, row["dispatch_id"])
        ids = row["address_ids"]
        return [Load(row["dispatch_id"], row["language"], row["urgent"], ids, {}, row["id"], row["lease"], taken)]

    async def _reclaim(self, connection: db.AnyConnection, account: Account) -> None:
        lapsed = await connection.fetch(RECLAIM, account.name)
        if all(row["lapses"] < MANY_LAPSES for row in lapsed):
            return
        async with connection.transaction():
            for row in await connection.fetch(SUSPECTS, account.name, MANY_LAPSES):
                await self._take_apart(connection, account, row)

    async def _take_apart(self, connection: db.AnyConnection, account: Account, row: asyncpg.Record) -> None:
        half = row["size"] // 2
        if half:
            logger.error("deliver.batch_halved", account=account.name, batch=row["id"], addresses=row["size"])
            seq = await connection.fetchval(NEXT_SEQ, row["dispatch_id"])
            await connection.execute(SECOND_HALF, row["id"], seq, half, MANY_LAPSES - 1)
            await connection.execute(FIRST_HALF, row["id"], half, MANY_LAPSES - 1)
            await connection.execute(WATCH_ANEW, row["id"])
        elif await connection.execute(PUT_ASIDE, row["id"], LAST_LAPSE) == "UPDATE 1":
            says = f"one address on {account.name} was put aside: {LAST_LAPSE} times whoever sent to it broke down"
            await connection.execute(ALARM_ASIDE, row["dispatch_id"], says)

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
                await connection.execute(RENEW_RETRIES, load.dispatch_id, *_tries(load), self._lease)
                return bool(await connection.fetchval(OPEN, load.dispatch_id))
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
                        if end.held and end.complete:
                            await connection.execute(HOLD_BACK, load.batch_id, load.lease, HELD_FOR, end.held)
                        await connection.execute(FINISH, load.batch_id, load.lease, end.complete)
                    else:
                        await self._give_back_retries(connection, load, end)
                await connection.execute(fanout.DONE, load.dispatch_id)
                if end.hold:
                    await connection.execute(HOLD, account.name, end.hold)
                if end.misconfigured:
                    await self._call_officer(connection, account, end.misconfigured)

    async def _give_back_retries(self, connection: db.AnyConnection, load: Load, end: End) -> None:
        await connection.execute(GONE_RETRIES, load.dispatch_id, end.unsendable)
        if end.ours:
            await connection.execute(FREE_RETRIES, load.dispatch_id, *_tries(load))
            if end.held:
                await connection.execute(HOLD_RETRIES, load.dispatch_id, end.held, HELD_FOR)

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
                wait: float | None = await connection.fetchval(NEXT_RETRY, account.name)
        return wait

    async def grant(self, account: str, seconds: float, hold: float) -> float | None:
        """Take a slice of the rate all workers share; None while the database is away."""
        try:
            begins: float = await self._pool.fetchval(GRANT, account, seconds, hold, BURST)
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            return None
        return begins

    async def opted_out_within(self, seconds: float) -> list[int]:
        """Give the addresses that opted out lately: a call of theirs may have been missed."""
        with _away():
            return [r["id"] for r in await self._pool.fetch(RECENT_OPT_OUTS, seconds)]


def _tries(load: Load) -> tuple[list[int], list[int]]:
    return list(load.tries), list(load.tries.values())


def _grouped(rows: Sequence[asyncpg.Record], taken: float) -> list[Load]:
    groups: dict[tuple[int, str, int], dict[int, int]] = defaultdict(dict)
    for row in rows:
        groups[row["dispatch_id"], row["language"], row["urgent"]][row["address_id"]] = row["try"]
    return [
        Load(d, language, urgent, list(tries), tries, taken=taken) for (d, language, urgent), tries in groups.items()
    ]
