"""Leases, the shared rate and the ledger, on a real Postgres: what two workers may and may not do."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from channels.contract import Reach
from channels.sms.smpp import Smpp
from crisis import db
from crisis.flow import ledger
from crisis.flow.leases import LAST_LAPSE, MANY_LAPSES, Leases
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.notices import Notices
from crisis.flow.pace import BURST, Pace, loop_now
from crisis.flow.trip import Account, End

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EXPIRES = datetime.now(UTC) + timedelta(hours=6)
CLEAN = End(complete=True, unsendable=(), held=(), ours=True)

DISPATCH = """
INSERT INTO dispatch (answer_id, channel, account, reach, urgent, expanded, expires)
SELECT a.id, 'sms', 'sms', 'addressed', 9, true, $1 FROM a RETURNING id
"""
ANSWER = """
WITH i AS (INSERT INTO inquiry (code, account, provider_id, language, text, received_at)
           VALUES (gen_random_uuid()::text, 'sms', gen_random_uuid()::text, 'id', '', now()) RETURNING id),
     a AS (INSERT INTO answer (inquiry_id, language, text) SELECT id, 'id', 'Ya.' FROM i RETURNING id)
"""
BATCH = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids) VALUES ($1, 'sms', 9, $2, 'id', $3)
"""


def account() -> Account:
    channel = Smpp.from_url("smpp://a:b@127.0.0.1:1/?source=X&rate=100")
    assert channel.reach is Reach.ADDRESSED
    return Account(name="sms", channel=channel, pace=Pace(100.0))


def leases(pool: db.Pool, seconds: float = 60.0) -> Leases:
    return Leases(pool, Notices("http://127.0.0.1"), seconds)


async def dispatch(pool: db.Pool, *batches: list[int]) -> int:
    """A dispatch with these batches."""
    made: int = await pool.fetchval(ANSWER + DISPATCH, EXPIRES)
    for seq, ids in enumerate(batches):
        await pool.execute(BATCH, made, seq, ids)
    await pool.execute("UPDATE dispatch SET next_seq = $2 WHERE id = $1", made, len(batches))
    return made


def entry(dispatch_id: int, address_id: int) -> Entry:
    return Entry(dispatch_id, address_id, 1, "accepted", "", ("ref",), "sms", NOW)


async def test_all_workers_together_keep_the_rate_of_an_account(pool: db.Pool, dsn: str) -> None:
    """Slices of one bucket, taken by two workers at once, never overlap: what they may send adds up to the rate."""
    other = await db.connect_pool(dsn, size=1)
    try:
        workers = [leases(pool), leases(other)]
        before = loop_now()
        begins = await asyncio.gather(*(workers[n % 2].grant("sms", 0.1, 0.0) for n in range(20)))
        after = loop_now()
    finally:
        await other.close()
    known = sorted(b for b in begins if b is not None)
    assert len(known) == 20
    # The last of twenty slices of 0.1 s begins 1.9 s after the first, but for the burst a rested bucket gives.
    assert (after + known[-1]) - (before + known[0]) >= 19 * 0.1 - BURST
    assert known[-1] <= 19 * 0.1


async def test_an_account_that_must_wait_waits_in_every_worker(pool: db.Pool) -> None:
    """What a provider asked of one worker holds for the next slice of any other."""
    first, second = leases(pool), leases(pool)
    await first.grant("sms", 0.1, 0.0)
    asked = loop_now()
    held = await first.grant("sms", 0.1, 30.0)
    begins = await second.grant("sms", 0.1, 0.0)
    assert held is not None
    assert begins is not None
    assert begins + (loop_now() - asked) >= 30.0


async def test_a_flush_that_comes_twice_is_written_once(pool: db.Pool) -> None:
    """The same number of the same writer changes nothing the second time; another number does."""
    write, writer = ledger.into(pool), uuid4()
    entries = [entry(1, n) for n in range(3)]
    for number in (1, 1, 2, 2, 1):
        await write(writer, number, entries)
    assert await pool.fetchval("SELECT count(*) FROM attempt") == 6


async def test_a_ledger_cut_off_in_mid_flush_writes_each_entry_once(pool: db.Pool) -> None:
    """Cancelled while its COMMIT is on the way, it writes that flush again under its old number, and then the rest."""
    write, started, blocked = ledger.into(pool), asyncio.Event(), asyncio.Event()

    async def slow(writer: object, number: int, entries: object) -> None:
        await write(writer, number, entries)  # type: ignore[arg-type]
        if number == 1 and not started.is_set():
            started.set()
            await blocked.wait()  # committed, and nobody was told

    book = Ledger(slow)
    running = asyncio.create_task(book.run())
    book.add(entry(1, 1))
    await started.wait()
    book.add(entry(1, 2))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    rows = await pool.fetch("SELECT address_id FROM attempt ORDER BY 1")
    assert [r["address_id"] for r in rows] == [1, 2]


async def test_a_batch_goes_to_one_worker_and_is_fenced_after_its_lease(pool: db.Pool) -> None:
    """A second worker gets another batch; a lease that ran out cannot be renewed or finished by who had it."""
    await dispatch(pool, [1, 2], [3])
    first, second = leases(pool), leases(pool)
    (mine,) = await first.take(account(), called=False)
    (theirs,) = await second.take(account(), called=False)
    assert {*mine.ids, *theirs.ids} == {1, 2, 3}
    assert await second.take(account(), called=False) == []
    await pool.execute("UPDATE batch SET leased_until = now() - interval '1 s' WHERE id = $1", mine.batch_id)
    (again,) = await leases(pool).take(account(), called=False)
    assert (again.batch_id, again.lease) == (mine.batch_id, mine.lease + 1)
    assert await first.renew(mine) is False
    await first.finish(account(), mine, CLEAN)
    assert await pool.fetchval("SELECT state FROM batch WHERE id = $1", mine.batch_id) == "leased"
    assert await leases(pool).renew(again) is True


async def test_a_batch_that_kills_its_workers_is_taken_apart_until_what_kills_stands_alone(pool: db.Pool) -> None:
    """Each lease with the bad address lapses; all others are sent, it is put aside at last, and a supervisor told."""
    await dispatch(pool, list(range(1, 21)))
    sent: Counter[int] = Counter()
    for _ in range(MANY_LAPSES + LAST_LAPSE + 10):
        source = leases(pool)  # a new worker each time: the old one died
        while loads := await source.take(account(), called=False):
            if 13 in loads[0].ids:
                break
            sent.update(loads[0].ids)
            await source.finish(account(), loads[0], CLEAN)
        await pool.execute("UPDATE batch SET leased_until = now() - interval '1 s' WHERE state = 'leased'")
    assert sent == Counter({n: 1 for n in range(1, 21) if n != 13})
    aside = await pool.fetch("SELECT address_ids FROM batch WHERE state = 'stopped'")
    assert [r["address_ids"] for r in aside] == [[13]]
    assert await pool.fetchval("SELECT count(*) FROM alarm WHERE kind = 'address_put_aside'") == 1


async def test_who_is_held_back_is_not_lost(pool: db.Pool) -> None:
    """A batch done but for those held back leaves a first try for each of them; one cut short keeps them."""
    made = await dispatch(pool, [1, 2, 3], [4, 5])
    source = leases(pool)
    (first,) = await source.take(account(), called=False)
    await source.finish(account(), first, End(complete=True, unsendable=(), held=(2,), ours=True))
    (second,) = await source.take(account(), called=True)
    await source.finish(account(), second, End(complete=False, unsendable=(), held=(5,), ours=True))
    rows = await pool.fetch("SELECT address_id, try FROM retry WHERE dispatch_id = $1", made)
    assert [tuple(r) for r in rows] == [(2, 1)]
    states = await pool.fetch("SELECT state FROM batch WHERE dispatch_id = $1 ORDER BY seq", made)
    assert [r["state"] for r in states] == ["done", "ready"]
