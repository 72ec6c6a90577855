"""Carriers fail, people change their minds in the middle: the others go on, and nothing leaves that should not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import asyncpg

from tests.stories.town import Hands, Town, open_town, residents


async def test_a_hanging_sms_carrier_delays_no_other_channel(town: Town) -> None:
    """Telegram, Mastodon, page and radio are done while SMS waits, and say how SMS stands."""
    await town.settle(residents(60, 60))
    town.smsc.fault = "hang"
    alert = await town.trigger()
    await town.approve(alert)
    others = ("telegram", "mastodon", "page", "radio")
    progress = await town.until(lambda p: all(p[c]["state"] == "done" for c in others), alert["id"])
    assert progress["sms"]["accepted"] == 0
    assert progress["telegram"]["accepted"] == 60
    town.smsc.hang_up()


async def test_a_carrier_that_comes_back_gets_everything_once(town: Town) -> None:
    """Connections are dropped at first; when the carrier recovers, each resident gets one text."""
    await town.settle(residents(80))
    town.smsc.fault = "drop"
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    async with asyncio.timeout(10):
        while not town.service.house.trouble().get("sms/exercise"):
            await town.service.house.progress.wait(0.05)
    assert (await town.progress(alert["id"]))["sms"]["accepted"] == 0
    town.smsc.fault = None
    progress = await town.done(alert["id"], within=40)
    assert (progress["sms"]["accepted"], progress["sms"]["twice"]) == (80, 0)
    assert len(town.smsc.submitted) == 80


async def test_throttled_posts_wait_as_long_as_asked_and_no_longer_than_needed(town: Town) -> None:
    """Mastodon says 429 with a wait: the post goes out after it, once."""
    await town.settle(residents(1))
    town.mastodon.fault, town.mastodon.retry_after = "throttle", 1
    alert = await town.trigger(channels=["mastodon"])
    await town.approve(alert)
    await town.until(lambda p: p["mastodon"]["retrying"] > 0, alert["id"])
    town.mastodon.fault = None
    progress = await town.done(alert["id"])
    assert progress["mastodon"]["accepted"] == 2
    assert len(town.mastodon.posts) == 2


async def test_a_wrong_account_stops_its_channel_and_calls_an_officer(town: Town) -> None:
    """A refused token is told once as an alarm; the other channels do not notice."""
    await town.settle(residents(5))
    town.mastodon.token = "another"
    alert = await town.trigger(channels=["mastodon", "sms"])
    await town.approve(alert)
    progress = await town.until(lambda p: p["sms"]["accepted"] == 5, alert["id"])
    async with asyncio.timeout(10):
        while not (alarms := await town.must("Rina", "GET", "/api/v1/alarms")):
            await town.service.house.progress.wait(0.05)
    assert [a["kind"] for a in alarms] == ["channel_stopped"]
    assert "mastodon/exercise" in alarms[0]["says"]
    assert progress["mastodon"]["accepted"] == 0


async def test_blocked_residents_are_left_alone_from_then_on(town: Town) -> None:
    """Who blocked the bot is opted out by that; the next alert does not try them."""
    await town.settle(residents(0, 5))
    town.telegram.blocked.add("1000003")
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    progress = await town.done(alert["id"])
    assert (progress["telegram"]["accepted"], progress["telegram"]["opted_out"]) == (4, 1)
    second = await town.trigger(channels=["telegram"])
    assert second["audience"]["addresses"] == 4


async def test_after_a_cancel_nothing_more_of_the_alert_leaves(town: Town) -> None:
    """A slow carrier has taken a part; the cancel stops the rest and goes to that part."""
    await town.settle(residents(400))
    town.smsc.delay = 0.3
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.until(lambda p: p["sms"]["accepted"] > 0, alert["id"])
    body = {"purpose": "cancel", "reason": "salah wilayah", "submit": False}
    cancel = await town.must("Sari", "POST", f"/api/v1/alerts/{alert['id']}/follow", body)
    await town.must("Sari", "POST", f"/api/v1/alerts/{cancel['id']}/break-glass", {"reason": "salah wilayah"})
    at_cancel = town.smsc.count
    in_flight = town.service.accounts[0].channel.concurrency
    progress = await town.done(cancel["id"])
    warned = {t.destination for t in town.smsc.submitted if "PEMBATALAN" not in t.text.upper()}
    first_texts = [t for t in town.smsc.submitted if t.text in alert["notices"]["sms"].values()]
    assert len(first_texts) < 400
    assert len(first_texts) <= at_cancel + 2 * in_flight
    cancelled = {t.destination for t in town.smsc.submitted if t.text in cancel["notices"]["sms"].values()}
    assert {t.destination for t in first_texts} <= cancelled
    assert progress["sms"]["accepted"] == len(cancelled)
    assert warned


async def test_an_expired_alert_stops_leaving(town: Town, hands: Hands) -> None:
    """What was not sent by its expiry is not sent any more."""
    await town.settle(residents(50))
    town.smsc.fault = "throttle"
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.until(lambda p: p["sms"]["retrying"] > 0, alert["id"])
    hands.ahead = timedelta(hours=13)
    progress = await town.done(alert["id"])
    assert (progress["sms"]["state"], progress["sms"]["stopped"]) == ("stopped", "expired")
    town.smsc.fault = None
    assert (await town.progress(alert["id"]))["sms"]["retrying"] == 0
    assert town.smsc.submitted == []


async def test_who_opts_out_in_the_middle_gets_nothing_more(town: Town) -> None:
    """The carrier is slow; a resident who writes STOP before their turn is left out."""
    await town.settle(residents(300))
    town.smsc.delay = 0.3
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.until(lambda p: p["sms"]["accepted"] > 0, alert["id"])
    order = await town.service.house.pool.fetchval("SELECT address_ids FROM batch WHERE language = 'id' ORDER BY seq")
    last = await town.service.house.pool.fetchval("SELECT sealed FROM address WHERE id = $1", order[-1])
    number = town.service.house.desk.vault.open(last)
    await town.smsc.write(number, "BPBD", "STOP")
    await town.done(alert["id"], within=40)
    got = [t.text for t in town.smsc.submitted if t.destination.lstrip("+") == number.lstrip("+")]
    assert not set(got) & set(alert["notices"]["sms"].values())


async def test_after_a_short_outage_nobody_waits_for_a_lease_to_run_out(town: Town) -> None:
    """Retries that were leased while the carrier was still away are free at once, not when their lease ends."""
    await town.settle(residents(0, 200))
    house = town.service.house
    town.telegram.fault = "error"
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    await town.until(lambda p: p["telegram"]["retrying"] >= 10, alert["id"])
    async with asyncio.timeout(10):
        while await house.pool.fetchval("SELECT max(try) FROM retry") < 3:
            await house.progress.wait(0.05)
    leased = "SELECT count(*) FROM retry WHERE leased_until > now() AND account = 'telegram/exercise'"
    async with asyncio.timeout(1.5):  # the lease of this town is 2 s
        while await house.pool.fetchval(leased):
            await house.progress.wait(0.05)
    town.telegram.fault = None
    progress = await town.done(alert["id"], within=30)
    assert (progress["telegram"]["accepted"], progress["telegram"]["twice"]) == (200, 0)


async def test_a_postgres_killed_in_the_middle_is_started_again_and_nobody_is_missed(
    open_folder: Path, free_port: Callable[[], int], hands: Hands
) -> None:
    """kill -9 of the embedded server while SMS are leaving: it comes back, and each resident gets the alert."""
    async with open_town("", open_folder / "data", free_port(), hands) as town:
        await town.settle(residents(500))
        town.smsc.delay = 0.2
        alert = await town.trigger(channels=["sms", "telegram"])
        await town.approve(alert)
        await town.until(lambda p: p["sms"]["accepted"] > 100, alert["id"])
        pid = int((open_folder / "data/postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        await town.smsc.until(lambda: len({t.destination for t in town.smsc.submitted}) == 500, 40)
        async with asyncio.timeout(30):
            while (await town.call("Rina", "GET", f"/api/v1/alerts/{alert['id']}"))[0] != 200:
                await town.service.house.progress.wait(0.1)
        progress = await town.done(alert["id"], within=30)
        assert progress["sms"]["accepted"] == 500
        assert not town.service.house.broken.is_set()
        twice = len(town.smsc.submitted) - 500
        print(f"postgres killed: lost 0, twice {twice}")
        assert twice <= 100  # what was in flight, or accepted and not yet flushed


async def test_a_cancel_reaches_those_whose_retry_was_on_the_wire(town: Town) -> None:
    """The second try of some is with the carrier when the cancel is released: they hear the cancel too."""
    await town.settle(residents(0, 5))
    town.telegram.fault = "error"
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    await town.until(lambda p: p["telegram"]["retrying"] == 5, alert["id"])
    town.telegram.fault, town.telegram.delay = None, 1.0
    asked = town.telegram.requests
    await town.telegram.until(lambda t: t.requests > asked)
    body = {"purpose": "cancel", "reason": "salah wilayah", "submit": False}
    cancel = await town.must("Sari", "POST", f"/api/v1/alerts/{alert['id']}/follow", body)
    await town.must("Sari", "POST", f"/api/v1/alerts/{cancel['id']}/break-glass", {"reason": "salah wilayah"})
    await town.done(cancel["id"])
    warned = {s.chat_id for s in town.telegram.sent if s.text in alert["notices"]["telegram"].values()}
    told = {s.chat_id for s in town.telegram.sent if s.text in cancel["notices"]["telegram"].values()}
    assert warned
    assert warned <= told


async def test_an_alert_is_not_released_by_fewer_channels_than_were_approved(town: Town) -> None:
    """An account that went away since the draft is told, instead of an alert that leaves by less or by nothing."""
    await town.settle(residents(2))
    alert = await town.trigger(channels=["sms", "telegram"])
    house = town.service.house
    house.outlets = [o for o in house.outlets if o.channel != "telegram"]
    body = {"words_hash": alert["words_hash"]}
    status, told = await town.call("Budi", "POST", f"/api/v1/alerts/{alert['id']}/approve", body)
    assert status == 409
    assert "telegram" in told["error"]
    assert town.smsc.submitted == []


async def test_a_postgres_that_ends_its_sessions_does_not_end_the_service(town: Town) -> None:
    """Sessions ended by word of the server, again and again, while SMS leave: delivery goes on."""
    await town.settle(residents(300))
    town.smsc.delay = 0.2
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"
    for taken in range(30, 300, 30):
        await town.smsc.until(lambda taken=taken: len(town.smsc.submitted) >= taken, 20)
        connection = await asyncpg.connect(town.dsn)
        await connection.execute(end, connection.get_server_pid())
        await connection.close()
    await town.smsc.until(lambda: len({t.destination for t in town.smsc.submitted}) == 300, 30)
    assert not town.service.house.broken.is_set()
