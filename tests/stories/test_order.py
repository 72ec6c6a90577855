"""What follows an alert comes after it, at every address; what cannot be read holds up nothing else."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import asyncpg

from tests.stories.town import Town, residents


async def test_an_update_never_overtakes_what_it_updates(town: Town) -> None:
    """The alert hangs at the provider for some when its update is released: they get the update after it."""
    await town.settle(residents(0, 60))
    town.telegram.delay = 0.7  # what is asked from now on is taken this much later
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    asked = town.telegram.requests
    await town.telegram.until(lambda t: t.requests > asked + 5)
    town.telegram.delay = 0.0  # an update that does not wait would be there first
    update = await town.must("Rina", "POST", f"/api/v1/alerts/{alert['id']}/follow", {"purpose": "update"})
    await town.approve(update)
    await town.done(update["id"])
    came: dict[str, list[bool]] = defaultdict(list)
    for sent in town.telegram.sent:
        came[sent.chat_id].append(sent.text in update["notices"]["telegram"].values())
    both = [order for order in came.values() if len(order) > 1]
    assert len(came) == 60
    assert all(order[-1] for order in came.values())
    assert both
    assert all(order == [False, True] for order in both)


async def test_a_batch_that_cannot_be_read_holds_up_no_other(town: Town) -> None:
    """One batch has lost its language: the others leave, the service goes on, and the account says what is wrong."""
    await town.settle(residents(8, 4))
    pool = town.service.house.pool
    town.smsc.fault = "throttle"
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    await pool.execute("UPDATE retry SET language = 'xx' WHERE address_id = (SELECT min(address_id) FROM retry)")
    bad = await pool.fetchval("SELECT count(*) FROM retry WHERE language = 'xx'")
    await pool.execute("UPDATE batch SET language = 'xx' WHERE language = 'en' AND state <> 'done'")
    town.smsc.fault = None
    good = [t for t in residents(8).splitlines() if ",id," in t]
    await town.smsc.wait_for(len(good) - bad, timeout=15)
    progress = await town.until(lambda p: p["telegram"]["state"] == "done", alert["id"])
    assert progress["telegram"]["accepted"] == 4
    assert not town.service.house.broken.is_set()


async def test_who_opted_out_while_calls_could_not_be_heard_is_left_out(town: Town) -> None:
    """The listening connection is cut while a slow carrier takes a batch: a STOP of those seconds still counts."""
    await town.settle(residents(200))
    pool, courier = town.service.house.pool, town.service.courier
    town.smsc.delay = 0.3
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.smsc.until(lambda: town.smsc.count > 0)
    ids = await pool.fetchval("SELECT address_ids FROM batch WHERE language = 'id'")
    courier.deafen()
    await pool.execute("UPDATE address SET opted_out_at = now() WHERE id = $1", ids[-1])  # and no call of it is heard
    courier.wake_all()
    progress = await town.done(alert["id"])
    assert progress["sms"]["accepted"] == 199


async def test_a_lease_is_kept_until_what_was_sent_is_written(town: Town) -> None:
    """Flushes wait longer than a lease: no other lane takes the batch meanwhile and sends it all again."""
    await town.settle(residents(300))
    blocker = await asyncpg.connect(town.dsn)
    alert = await town.trigger(channels=["sms"])
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE attempt IN SHARE MODE")  # reads go on, writes wait
        await town.approve(alert)
        await town.smsc.wait_for(300)
        pool = town.service.house.pool
        first = await pool.fetchval("SELECT min(leased_until) FROM batch")
        async with asyncio.timeout(20):  # until the first leases of 2 s would have run out twice over
            while await pool.fetchval("SELECT clock_timestamp() < $1::timestamptz + interval '3 s'", first):
                await town.service.house.progress.wait(0.1)
    await blocker.close()
    progress = await town.done(alert["id"])
    assert (progress["sms"]["accepted"], progress["sms"]["twice"], len(town.smsc.submitted)) == (300, 0, 300)
