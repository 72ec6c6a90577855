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
from crisis.flow.lapses import LAST_LAPSE, MANY_LAPSES, Lapses
from crisis.flow.leases import Leases
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.notices import Notices
from crisis.flow.pace import BURST, Pace, loop_now
from crisis.flow.trip import Account, End
from crisis.plane import utc_now

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
    return Leases(pool, Notices("http://127.0.0.1"), seconds, utc_now)


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
    assert second.ids == [4, 5]
    await source.finish(account(), second, End(complete=False, unsendable=(), held=(5,), ours=True))
    rows = await pool.fetch("SELECT address_id, try FROM retry WHERE dispatch_id = $1", made)
    assert [tuple(r) for r in rows] == [(2, 1)]
    states = await pool.fetch("SELECT state FROM batch WHERE dispatch_id = $1 ORDER BY seq", made)
    assert [r["state"] for r in states] == ["done", "ready"]


async def test_those_held_back_are_kept_though_the_dispatch_was_paused_meanwhile(pool: db.Pool) -> None:
    """The lease is no more ours to renew, the batch is done all the same: they wait for the resume as retries."""
    made = await dispatch(pool, [1, 2])
    source = leases(pool)
    (load,) = await source.take(account(), called=False)
    await pool.execute("UPDATE dispatch SET state = 'stopped', stopped = 'paused' WHERE id = $1", made)
    assert await source.renew(load) is False
    await source.finish(account(), load, End(complete=True, unsendable=(), held=(2,), ours=False))
    assert await pool.fetchval("SELECT array_agg(address_id) FROM retry") == [2]


async def test_a_retry_that_another_worker_took_is_no_more_ours(pool: db.Pool) -> None:
    """After its lease it goes to another; the first can neither renew nor free it."""
    made = await dispatch(pool)
    await pool.execute(
        "INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before) "
        "VALUES ($1, 7, 'sms', 9, 'id', 2, now())", made
    )  # fmt: skip
    first, second = leases(pool), leases(pool)
    (mine,) = await first.take(account(), called=False)
    assert await first.renew(mine) is True
    await pool.execute("UPDATE retry SET leased_until = now() - interval '1 s'")
    (theirs,) = await second.take(account(), called=False)
    assert await first.renew(mine) is False
    await first.finish(account(), mine, CLEAN)
    assert await pool.fetchval("SELECT leased_until > now() FROM retry") is True
    assert await second.renew(theirs) is True


async def test_retries_and_batches_take_turns(pool: db.Pool) -> None:
    """Many that fail again and again keep nobody waiting who was not tried at all."""
    made = await dispatch(pool, [1], [2])
    await pool.execute(
        "INSERT INTO retry (dispatch_id, address_id, account, urgent, language, try, not_before) "
        "SELECT $1, n, 'sms', 9, 'id', 2, now() FROM generate_series(1000, 3000) n", made
    )  # fmt: skip
    source = leases(pool)
    loads = [(await source.take(account(), called=False))[0] for _ in range(4)]
    assert [bool(load.batch_id) for load in loads] == [False, True, False, True]


async def test_what_has_expired_by_either_clock_is_not_taken(pool: db.Pool) -> None:
    """A worker whose clock is ahead leaves it alone, instead of taking it again and again."""
    await dispatch(pool, [1])
    ahead = Leases(pool, Notices("http://127.0.0.1"), 60.0, lambda: EXPIRES + timedelta(seconds=1))
    assert await ahead.take(account(), called=False) == []
    assert len(await leases(pool).take(account(), called=False)) == 1


async def test_only_what_is_more_urgent_is_taken_beside_what_is_in_hand(pool: db.Pool) -> None:
    """The lane for urgent calls leaves advisories to the others."""
    await dispatch(pool, [1])
    source = leases(pool)
    assert await source.take(account(), called=True, below=9) == []
    await pool.execute("UPDATE batch SET urgent = 0")
    assert len(await source.take(account(), called=True, below=9)) == 1


async def test_a_clock_set_back_does_not_silence_an_account(pool: db.Pool) -> None:
    """A bucket far in the future counts as no more than everybody's place in line; a hold as the longest there is."""
    source = leases(pool)
    await source.grant("sms", 0.1, 0.0)
    await pool.execute("UPDATE bucket SET free_at = now() + interval '1 hour'")
    begins = await source.grant("sms", 0.1, 0.0)
    await pool.execute("UPDATE bucket SET held_until = now() + interval '1 hour', free_at = now()")
    held = await source.grant("sms", 0.1, 0.0)
    assert begins is not None
    assert held is not None
    assert begins < 10
    assert held < 61


async def test_holds_of_several_workers_are_one_hold(pool: db.Pool) -> None:
    """Four that were each told to wait 60 s wait 60 s, not 240."""
    source = leases(pool)
    begins = [await source.grant("sms", 0.1, 60.0) for _ in range(4)]
    assert all(b is not None and b < 62 for b in begins)


@pytest.mark.parametrize(
    ("readings", "trusted"),
    [
        ([(100.0, 5.0, 5.001), (100.5, 5.5, 5.501)], True),
        ([(100.0, 5.0, 5.001), (160.5, 5.5, 5.501)], False),  # set forward a minute
        ([(100.0, 5.0, 5.001), (40.5, 5.5, 5.501)], False),  # set back
        ([(100.0, 5.0, 5.001), (102.0, 5.5, 7.2)], False),  # frozen: flushes of live workers may be behind
        ([(100.0, 5.0, 5.001), (100.9, 5.5, 5.9)], True),  # slow, no more
        ([(100.0, 5.0, 5.001)], True),  # a service that was just started takes over at once
    ],
)
async def test_leases_lapse_only_by_a_clock_that_can_be_trusted(
    readings: list[tuple[float, float, float]], trusted: bool
) -> None:
    """A jump of the database's clock makes leases of live workers look lapsed: for one lease nothing is taken over."""
    lapses, base = Lapses(60.0), loop_now()
    for theirs, before, after in readings:
        lapses.heard_clock(theirs, base + before, base + after)
    assert lapses.trusted is trusted
