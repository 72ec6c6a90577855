"""Deliver: lease a batch, send it, record every attempt, decide what a failure means."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from channels.contract import Address, Misconfigured, Notice, Outcome, Reach, Result
from crisis import db, log
from crisis.errors import BadInput, NotReady
from crisis.flow import fanout
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.pace import loop_now
from crisis.flow.trip import ANSWER, Account, Load, Shared, Trip
from crisis.model.alert import ENDING
from crisis.model.words import Purpose
from crisis.privacy import Vault

logger = log.get("deliver")

BETWEEN = 99  # the urgency of a call that breaks into nothing: an ordinary answer
POLL = 1.0  # seconds: the safety net under LISTEN
LANES = 2  # batches of one account in hand at once, so that a window never runs dry between two
RETRIES = 500

# Another worker may look at the same row: SKIP LOCKED gives it to one. Most urgent first, then most at risk.
# A dead worker's lease runs out by the database's clock; the raised `lease` number fences a slow one off.
LEASE = """
UPDATE batch SET state = 'leased', lease = lease + 1, leased_until = now() + $2 * interval '1 second'
WHERE id = (SELECT b.id FROM batch b JOIN dispatch d ON d.id = b.dispatch_id
            WHERE b.account = $1 AND b.state = 'ready' AND d.state IN ('waiting', 'sending') AND d.expires > now()
            ORDER BY b.urgent, b.seq, b.id LIMIT 1 FOR UPDATE OF b SKIP LOCKED)
RETURNING id, dispatch_id, language, address_ids, lease, urgent
"""

# A worker that died keeps its batch until the lease ends. Then the batch is ready again, and the anti-join in
# ADDRESSES leaves out all that have an attempt: only what was in flight since the last flush can leave twice.
RECLAIM = """
UPDATE batch SET state = 'ready', leased_until = NULL
WHERE state = 'leased' AND leased_until < now() AND account = $1
"""

# A statement of its own: in one transaction with LEASE it would lock batch, then dispatch, and a release that
# stops the dispatch locks them the other way round.
SENDING = "UPDATE dispatch SET state = 'sending' WHERE id = $1 AND state = 'waiting'"

LEASE_RETRIES = """
UPDATE retry r SET leased_until = now() + $2 * interval '1 second'
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

# What a notice is made of; a dispatch belongs to an alert or to an answer.
NOTICE = """
SELECT d.id, d.expires, a.identifier, a.id AS alert_id, a.incident_id, a.mode, a.purpose, a.sent, a.words,
       a.notices, a.refs, a.urgent <= 1 AS urgent, w.id AS answer_id, w.text AS answer, w.language AS answer_language,
       ARRAY(SELECT p.identifier FROM alert p WHERE p.id = ANY(a.refs) ORDER BY p.id) AS replaces
FROM dispatch d LEFT JOIN alert a ON a.id = d.alert_id LEFT JOIN answer w ON w.id = d.answer_id
WHERE d.id = $1
"""

# Opt-outs are rechecked here, at every lease, and by NOTIFY while a batch is in hand. An answer goes to
# whoever wrote, also to say that the stop was heard. Retries have attempts already, batches must have none.
ADDRESSES = """
SELECT a.id, a.sealed FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, place) JOIN address a ON a.id = w.id
WHERE (a.opted_out_at IS NULL OR EXISTS (SELECT FROM dispatch d WHERE d.id = $2 AND d.answer_id IS NOT NULL))
  AND ($3 OR NOT EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = $2 AND t.address_id = a.id))
ORDER BY w.place
"""

THREADS = """
SELECT DISTINCT ON (t.address_id) t.address_id, t.refs[1] AS ref
FROM attempt t JOIN dispatch d ON d.id = t.dispatch_id
WHERE d.alert_id = ANY($1::bigint[]) AND t.address_id = ANY($2::bigint[]) AND t.outcome = 'accepted'
  AND cardinality(t.refs) > 0
ORDER BY t.address_id, d.alert_id DESC
"""

# The fence: a worker whose lease was taken over changes nothing here.
RENEW = """
UPDATE batch SET leased_until = now() + $3 * interval '1 second'
WHERE id = $1 AND lease = $2 AND state = 'leased'
  AND EXISTS (SELECT FROM dispatch d WHERE d.id = dispatch_id AND d.state IN ('waiting', 'sending'))
"""
RENEW_RETRIES = """
UPDATE retry r SET leased_until = now() + $4 * interval '1 second'
FROM unnest($2::bigint[], $3::smallint[]) AS mine (address_id, try)
WHERE r.dispatch_id = $1 AND r.address_id = mine.address_id AND r.try = mine.try AND r.leased_until IS NOT NULL
"""
FINISH = """
UPDATE batch SET state = CASE WHEN $3 THEN 'done' ELSE 'ready' END, leased_until = NULL
WHERE id = $1 AND lease = $2 AND state = 'leased'
"""

# fanout.DONE for all of an account, when a lane finds nothing to do: a worker may have died, or lost the database,
# between its last batch and DONE, or finished it while the last step of the fan-out was not committed.
DONE_ALL = """
UPDATE dispatch d SET state = 'done', done_at = now()
WHERE account = $1 AND state IN ('waiting', 'sending') AND expanded
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

ALARM = """
INSERT INTO alarm (kind, says, role)
SELECT 'channel_stopped', $1, 'officer'
WHERE NOT EXISTS (SELECT FROM alarm WHERE kind = 'channel_stopped' AND says = $1 AND seen_at IS NULL)
"""


class Courier:
    """Feeds every channel account of this process from Postgres; one dead channel never delays another."""

    def __init__(
        self,
        pool: db.Pool,
        vault: Vault,
        accounts: Sequence[Account],
        *,
        public_url: str,
        lease_seconds: float,
        now: Callable[[], datetime],
        document: Callable[[int], Awaitable[bytes]] | None = None,
    ) -> None:
        """`document` gives an alert as CAP XML, for the channels that carry it; without it they send nothing."""
        self._pool, self._vault, self._accounts = pool, vault, {a.name: a for a in accounts}
        self._public_url, self._lease, self._document = public_url, lease_seconds, document
        self._ledger = Ledger(pool)
        self._shared = Shared(self._ledger, now, lease_seconds)

    def woken(self, payload: str) -> None:
        """Hear NOTIFY batch: `account rank`."""
        name, _, rank = payload.partition(" ")
        if account := self._accounts.get(name):
            if rank:
                account.calls[int(rank)] = loop_now()
            account.wake.set()

    def stop_dispatch(self, payload: str) -> None:
        """Hear NOTIFY stop: nothing more of this dispatch leaves."""
        self._shared.stopped.add(int(payload))

    def silence(self, payload: str) -> None:
        """Hear NOTIFY opted_out: nothing of an alert leaves to this address."""
        self._shared.silenced[int(payload)] = loop_now()

    def wake_all(self) -> None:
        """Look again at everything: the listener was away and may have missed a call."""
        for account in self._accounts.values():
            account.wake.set()

    async def run(self) -> None:
        """Deliver until drained or cancelled; what was sent by then is written down before it ends."""
        async with asyncio.TaskGroup() as group:
            ledger = group.create_task(self._ledger.run())
            try:
                async with asyncio.TaskGroup() as lanes:  # the ledger outlives them: they wait for it
                    for account in self._accounts.values():
                        for _ in range(LANES if account.channel.reach is Reach.ADDRESSED else 1):
                            lanes.create_task(self._lane(account))
            finally:
                ledger.cancel()

    def drain(self) -> None:
        """Hand out no more addresses; run() ends when those in flight have settled."""
        self._shared.draining = True
        self.wake_all()

    async def _lane(self, account: Account) -> None:
        while not self._shared.draining:
            account.wake.clear()
            try:
                blocked = account.pace.breaker.blocked_for(loop_now())
                if blocked:
                    await asyncio.sleep(min(blocked, POLL))
                elif not await self._work(account):
                    await self._rest(account)
            except db.FAULTS as error:
                if not db.is_brief(error):
                    raise
                logger.warning("deliver.database_lost", account=account.name, error=type(error).__name__)
                await asyncio.sleep(POLL)

    async def _rest(self, account: Account) -> None:
        """Wait for a call, the next due retry, or the poll that catches a call that was missed."""
        async with self._pool.acquire() as connection:
            await connection.execute(DONE_ALL, account.name)
            next_retry: float | None = await connection.fetchval(NEXT_RETRY, account.name)
        wait = POLL if next_retry is None else min(max(next_retry, 0.01), POLL)
        try:
            async with asyncio.timeout(wait):
                await account.wake.wait()
        except TimeoutError:
            return

    async def _work(self, account: Account) -> bool:
        loads = await self._take(account)
        for load in loads:
            await self._send(account, load)
        return bool(loads)

    async def _take(self, account: Account) -> list[Load]:
        await self._ledger.settled()  # else the lane next door may take again what is sent and not yet written
        taken = loop_now()  # before we ask: our lease must not outlast the database's
        called = any(at > account.heeded for rank, at in account.calls.items() if rank != BETWEEN)
        account.heeded = taken
        async with self._pool.acquire() as connection:
            await connection.execute(RECLAIM, account.name)
            if not called:  # retries are of the most at risk: first, unless something new calls
                retries = await connection.fetch(LEASE_RETRIES, account.name, self._lease, RETRIES)
                if retries:
                    return _grouped(retries, taken)
            row = await connection.fetchrow(LEASE, account.name, self._lease)
            if row is not None:
                await connection.execute(SENDING, row["dispatch_id"])
        if row is None:
            return []
        ids = row["address_ids"]
        return [Load(row["dispatch_id"], row["language"], row["urgent"], ids, {}, row["id"], row["lease"], taken)]

    async def _send(self, account: Account, load: Load) -> None:
        trip = Trip(self._shared, account, load, self._renew)
        try:
            trip.ready(*await self._prepare(account, load))
            await trip.go()
        finally:
            # Written down even when this worker is being stopped: what was reported must not be sent again.
            await asyncio.shield(self._finish(account, load, trip))

    async def _prepare(self, account: Account, load: Load) -> tuple[list[Address], Notice, datetime]:
        async with self._pool.acquire() as connection:
            (row,) = await connection.fetch(NOTICE, load.dispatch_id)
            rows = await connection.fetch(ADDRESSES, load.ids, load.dispatch_id, not load.batch_id)
            threads: dict[int, str] = {}
            if account.channel.reach is Reach.POSTED and row["refs"]:
                found = await connection.fetch(THREADS, row["refs"], load.ids)
                threads = {r["address_id"]: r["ref"] for r in found}
        notice = make_notice(row, account.channel.name, load.language, self._public_url)
        if "cap" in account.channel.limit.renditions and row["alert_id"] is not None:
            notice = replace(notice, document=await self._as_cap(row["alert_id"]))
        opened = [(r["id"], self._open(account, load, r)) for r in rows]
        addresses = [
            Address(id=i, value=value, key=f"{notice.id}/{i}", thread=threads.get(i, ""))
            for i, value in opened
            if value is not None
        ]
        return addresses, notice, row["expires"]

    async def _as_cap(self, alert_id: int) -> bytes:
        """Give the CAP document; an alert that cannot be written as CAP has none, and an alarm told why."""
        if self._document is None:
            return b""
        try:
            return await self._document(alert_id)
        except BadInput:
            return b""

    def _open(self, account: Account, load: Load, row: asyncpg.Record) -> str | None:
        """Open a sealed address; one that was sealed with another key is refused, and holds up nobody else."""
        try:
            return self._vault.open(row["sealed"])
        except NotReady:
            outcome = Outcome(address_id=row["id"], result=Result.REFUSED, code="sealed with another key")
            tried = load.tries.get(row["id"], 1)
            now = self._shared.now()
            self._ledger.add(Entry(load.dispatch_id, account.name, load.language, tried, outcome, now, None))
            logger.error("deliver.address_unreadable", dispatch=load.dispatch_id, account=account.name)
            return None

    async def _renew(self, load: Load) -> bool | None:
        try:
            async with self._pool.acquire() as connection:
                if not load.batch_id:
                    await connection.execute(RENEW_RETRIES, load.dispatch_id, *_tries(load), self._lease)
                    return True
                return await connection.execute(RENEW, load.batch_id, load.lease, self._lease) == "UPDATE 1"
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            return None

    async def _finish(self, account: Account, load: Load, trip: Trip) -> None:
        await self._ledger.settled()
        if trip.misconfigured is not None:
            await self._call_officer(account, trip.misconfigured)
        async with self._pool.acquire() as connection:
            if load.batch_id:
                await connection.execute(FINISH, load.batch_id, load.lease, trip.complete)
            else:
                await connection.execute(GONE_RETRIES, load.dispatch_id, trip.unsendable)
                if trip.holds_lease:
                    await connection.execute(FREE_RETRIES, load.dispatch_id, *_tries(load))
            await connection.execute(fanout.DONE, load.dispatch_id)

    async def _call_officer(self, account: Account, error: Misconfigured) -> None:
        """Tell an officer once that an account cannot work, and leave it alone for a while."""
        says = f"channel {account.name} stopped: {error} Mend its CRISIS_ setting or its account at the provider."
        async with self._pool.acquire() as connection:
            await connection.execute(ALARM, says)
        logger.error("deliver.channel_stopped", account=account.name, code=error.code)


def make_notice(row: asyncpg.Record, channel: str, language: str, public_url: str) -> Notice:
    """Fit the frozen words of a dispatch to its channel: the very bytes the approver saw."""
    if row["answer_id"] is not None:
        return Notice(
            id=f"{ANSWER}{row['answer_id']}",
            language=row["answer_language"],
            text=row["answer"],
            mode="Actual",
        )
    words = row["words"][language]
    return Notice(
        id=row["identifier"],
        language=language,
        text=row["notices"][channel][language],
        mode=row["mode"],
        urgent=row["urgent"],
        incident=str(row["incident_id"]),
        sent=row["sent"],
        expires=row["expires"],
        headline=words["headline"],
        script=words["radio"],
        link=f"{public_url}/a/{row['alert_id']}",
        replaces=tuple(row["replaces"]),
        ends=Purpose(row["purpose"]) in ENDING,
    )


def _tries(load: Load) -> tuple[list[int], list[int]]:
    return list(load.tries), list(load.tries.values())


def _grouped(rows: Sequence[asyncpg.Record], taken: float) -> list[Load]:
    groups: dict[tuple[int, str, int], dict[int, int]] = defaultdict(dict)
    for row in rows:
        groups[row["dispatch_id"], row["language"], row["urgent"]][row["address_id"]] = row["try"]
    return [
        Load(d, language, urgent, list(tries), tries, taken=taken) for (d, language, urgent), tries in groups.items()
    ]
