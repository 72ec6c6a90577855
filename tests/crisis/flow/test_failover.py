"""Failover on a real Postgres: who is moved on, who is held back, and whom a look waits for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from crisis import db
from crisis.flow import failover, hold, receipts
from crisis.model.audience import Target
from crisis.model.officer import Officer, Role
from tests.crisis.flow.ground import ADD_DISPATCH, BATCHES, SQUARE, Ground, ids_of

TARGET = Target(geometry=SQUARE, desc="x")
RULE = {"order": ["sms", "telegram"], "after": 60}
TAKEN = "INSERT INTO attempt VALUES ($1, $2, 1, 'accepted', '', $3, 'sms', now())"
STATES = "SELECT channel, state, stopped FROM dispatch ORDER BY id"


@pytest.fixture
def ground(pool: db.Pool) -> Ground:
    return Ground(pool)


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def rina(pool: db.Pool) -> Officer:
    """An officer who may do everything."""
    add = "INSERT INTO officer (name, role, token_hash) VALUES ('Rina', 'supervisor', 'a') RETURNING id"
    return Officer(id=await pool.fetchval(add), name="Rina", role=Role.SUPERVISOR)


async def release(ground: Ground, order: Sequence[str] = ("sms", "telegram")) -> tuple[int, list[int]]:
    """Release an alert with failover and expand it on every channel in turn; give it and its dispatches."""
    rule = RULE | {"order": list(order)}
    dispatches = [await ground.release(TARGET, failover=rule, channel=order[0])]
    alert_id = await ground.alert_of(dispatches[0])
    dispatches += [await ground.pool.fetchval(ADD_DISPATCH, alert_id, channel) for channel in order[1:]]
    for dispatch_id in dispatches:
        await ground.expand(dispatch_id)
    return alert_id, dispatches


async def people(ground: Ground, count: int, channels: Sequence[str] = ("sms", "telegram")) -> list[int]:
    """Settle residents inside the target, each with these channels."""
    return [await ground.live(point=(109.05, 0.05), channels=channels) for _ in range(count)]


async def accept(ground: Ground, dispatch_id: int) -> None:
    """Let the provider take all there is of a dispatch, and tell nothing of its arrival."""
    ids = ids_of(await ground.pool.fetch(BATCHES, dispatch_id))
    await ground.pool.executemany(TAKEN, [(dispatch_id, i, [f"r{i}"]) for i in ids])
    await ground.pool.execute("UPDATE batch SET state = 'done', lease = 1 WHERE dispatch_id = $1", dispatch_id)
    await ground.pool.execute("UPDATE dispatch SET state = 'done' WHERE id = $1", dispatch_id)


@dataclass(slots=True)
class Clock:
    """Stands still, and counts how often it was asked."""

    at: datetime
    asked: int = 0

    def __call__(self) -> datetime:
        self.asked += 1
        return self.at


async def look(ground: Ground, now: datetime) -> None:
    """Look until nothing more is due by then."""
    while await failover.look_around(ground.pool, {"sms"}, lambda: now):
        pass


async def moved(ground: Ground, dispatch_id: int) -> int:
    """How many a dispatch was given."""
    return len(ids_of(await ground.pool.fetch(BATCHES, dispatch_id)))


@pytest.mark.parametrize("channel", [None, "telegram"])
async def test_what_failover_has_still_to_send_can_be_paused_and_goes_on_after_it(
    ground: Ground, channel: str | None
) -> None:
    """All that there was is sent, all dispatches done: a pause still keeps everybody from being moved on."""
    await people(ground, 3)
    alert_id, (sms, telegram) = await release(ground)
    await accept(ground, sms)
    await accept(ground, telegram)
    officer = await rina(ground.pool)
    await hold.pause(ground.pool, alert_id, officer, channel, "salah besar", after(0))
    await look(ground, after(90))
    assert await moved(ground, telegram) == 0
    await hold.resume(ground.pool, alert_id, officer, channel, after(91))
    await look(ground, after(600))
    assert await moved(ground, telegram) == 3


async def test_what_an_officer_stopped_is_not_revived_by_failover(ground: Ground) -> None:
    """Its dispatch was done and empty; stopped for good, it stays so past the deadline."""
    await people(ground, 3)
    alert_id, (sms, telegram) = await release(ground)
    await accept(ground, sms)
    await accept(ground, telegram)
    await hold.stop(ground.pool, alert_id, await rina(ground.pool), "telegram", "salah besar", after(0))
    await look(ground, after(90))
    assert await moved(ground, telegram) == 0
    stands = [tuple(r) for r in await ground.pool.fetch(STATES)]
    assert stands == [("sms", "done", None), ("telegram", "stopped", "officer")]


@pytest.mark.parametrize(("hold_back", "expected"), [(hold.pause, 3), (hold.stop, 0)], ids=["paused", "stopped"])
async def test_what_is_stopped_for_good_leaves_nobody_undecided(
    ground: Ground, hold_back: Callable[..., Awaitable[hold.Held]], expected: int
) -> None:
    """On an alert that is still live: else whoever watches its progress would wait for the end for ever."""
    await people(ground, 3)
    alert_id, _ = await release(ground)
    await look(ground, after(1))
    await hold_back(ground.pool, alert_id, await rina(ground.pool), None, "salah besar", after(2))
    await look(ground, after(600))
    async with ground.pool.acquire() as connection:
        told = {d["channel"]: d["undecided"] for d in await receipts.progress(connection, alert_id)}
    assert told == {"sms": expected, "telegram": 0}


async def test_the_time_of_a_pause_is_no_silence(ground: Ground) -> None:
    """Whoever was not sent to before a long pause has their whole time from the resume, and is moved on after it."""
    await people(ground, 3)
    alert_id, (_, telegram) = await release(ground)
    officer = await rina(ground.pool)
    await look(ground, after(1))
    await hold.pause(ground.pool, alert_id, officer, "sms", "salah wilayah?", after(2))
    await look(ground, after(300))
    await hold.resume(ground.pool, alert_id, officer, "sms", after(301))
    for seconds, expected in ((302, 0), (360, 0), (362, 3)):
        await look(ground, after(seconds))
        assert await moved(ground, telegram) == expected, seconds


@pytest.mark.parametrize(("absent", "at_last"), [(10.0, 3), (-1.0, 0)], ids=["started", "away at every look"])
async def test_while_nobody_was_there_to_send_no_channel_was_silent(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, absent: float, at_last: int
) -> None:
    """A service that was down or lost its database begins with sending, not with moving everybody on."""
    monkeypatch.setattr(failover, "ABSENT", absent)
    await people(ground, 3)
    _, (_, telegram) = await release(ground)
    clock = Clock(after(300))
    running = asyncio.create_task(failover.run(ground.pool, {"sms"}, clock, every=0.01))
    for seconds, expected in ((301, 0), (359, 0), (361, at_last)):
        clock.at, enough = after(seconds), clock.asked + 12  # more than two looks
        while clock.asked < enough:
            await ground.pool.execute("SELECT")
            assert not running.done()
        assert await moved(ground, telegram) == expected, seconds
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_an_officer_is_told_whom_a_stop_cuts_off_from_later_channels(ground: Ground, channel: str) -> None:
    """Only the first channel, and only while it is not looked through, keeps somebody from the next."""
    await people(ground, 1)
    alert_id = await ground.alert_of(await ground.release(TARGET, failover=RULE))
    await ground.pool.execute(ADD_DISPATCH, alert_id, "telegram")
    officer = await rina(ground.pool)
    held = await hold.stop(ground.pool, alert_id, officer, channel, "salah besar", after(0))
    assert {d["channel"]: d["cuts_off"] for d in held.dispatches} == {"sms": channel == "sms", "telegram": False}
    await ground.pool.execute("UPDATE dispatch SET expanded = true")
    again = await hold.stop(ground.pool, alert_id, officer, channel, "salah besar", after(0))
    assert not any(d["cuts_off"] for d in again.dispatches)


async def test_an_alert_whose_next_channel_is_paused_keeps_no_other_waiting(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a look at the one takes, and however often it is due again: the other has its turn."""
    monkeypatch.setattr(failover, "AT_ONCE", 1)
    await people(ground, 3)
    _, (sms, telegram) = await release(ground)
    await accept(ground, sms)
    await ground.pool.execute("UPDATE dispatch SET state = 'stopped', stopped = 'paused' WHERE id = $1", telegram)
    _, (sms, telegram) = await release(ground)
    await accept(ground, sms)
    ticks = itertools.count(90, 11)  # at every look all that is stuck is due again
    async with asyncio.timeout(20):
        await failover.look_around(ground.pool, {"sms"}, lambda: after(next(ticks)))
    assert await moved(ground, telegram) == 3


OPT_OUT = "UPDATE address SET opted_out_at = now() WHERE resident_id = ANY($1) AND channel = 'telegram'"
TO_WHOM = "SELECT resident_id FROM address WHERE id = ANY($1) ORDER BY resident_id"


async def test_whoever_opts_out_between_the_walks_of_two_channels_is_warned_on_the_other(ground: Ground) -> None:
    """The later channel is walked first and leaves them out, the first one comes too late: once, and nobody else."""
    left, stays, late = await people(ground, 3)
    (only,) = await people(ground, 1, ["telegram"])
    far = await ground.live(point=(111.0, 0.05), channels=("sms", "telegram"))
    sms = await ground.release(TARGET, failover=RULE | {"order": ["telegram", "sms"]})
    alert_id = await ground.alert_of(sms)
    telegram = await ground.pool.fetchval(ADD_DISPATCH, alert_id, "telegram")
    await ground.expand(sms)
    await ground.pool.execute(OPT_OUT, [left, only, far])
    await look(ground, after(1))  # not yet: the first channel is still to be walked
    await ground.expand(telegram)
    await ground.pool.execute(OPT_OUT, [late])  # in a batch, so the delivery finds it
    for seconds in (2, 3):
        await look(ground, after(seconds))
        chosen = [ids_of(await ground.pool.fetch(BATCHES, d)) for d in (sms, telegram)]
        warned = [[r[0] for r in await ground.pool.fetch(TO_WHOM, ids)] for ids in chosen]
        assert warned == [[left], [stays, late]]
        assert len(chosen[0]) == 1


WAITS = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'receipt'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_a_cancel_does_not_wait_for_a_look_and_nobody_is_moved_on_after_it(ground: Ground) -> None:
    """In the middle of a look the alert is free to be ended; the look then comes to nothing."""
    await people(ground, 3)
    alert_id, (sms, telegram) = await release(ground)
    await accept(ground, sms)
    async with ground.pool.acquire() as other, ground.pool.acquire() as officer:
        held = other.transaction()
        await held.start()
        await other.execute("LOCK TABLE receipt IN ACCESS EXCLUSIVE MODE")  # a look reads it, and waits here
        looking = asyncio.create_task(failover.look_around(ground.pool, {"sms"}, lambda: after(90)))
        while not await officer.fetchval(WAITS):
            assert not looking.done()
        async with officer.transaction():
            await officer.execute("SET LOCAL lock_timeout = '2s'")
            await officer.execute("UPDATE alert SET state = 'cancelled' WHERE id = $1", alert_id)
        await held.rollback()
        await looking
    assert await moved(ground, telegram) == 0
    assert await ground.pool.fetchval("SELECT count(*) FROM suspense") == 0
