"""An officer holds back what an alert has still to send, lets it go on, or ends it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.stories.town import Hands, Town, residents

IN_HAND = """
SELECT (SELECT count(*) FROM batch WHERE state = 'leased') + (SELECT count(*) FROM retry WHERE leased_until > now())
"""
BATCHES = """
SELECT array_agg(DISTINCT b.state) FROM batch b JOIN dispatch d ON d.id = b.dispatch_id
WHERE d.alert_id = $1 AND b.state <> 'done'
"""
WHY = {"reason": "salah wilayah?"}


async def ask(town: Town, who: str, verb: str, alert: Any, **body: Any) -> Any:
    """Pause, resume or stop an alert."""
    given = body if verb == "resume" else WHY | body
    return await town.must(who, "POST", f"/api/v1/alerts/{alert['id']}/{verb}", given)


async def quiet(town: Town) -> None:
    """Wait until no worker has anything in hand."""
    async with asyncio.timeout(10):
        while await town.service.house.pool.fetchval(IN_HAND):
            await town.service.house.progress.wait(0.05)


async def begun(town: Town, people: int = 400) -> Any:
    """Release an alert over a slow SMS carrier, and wait until the first of it has arrived."""
    await town.settle(residents(people))
    town.smsc.delay = 0.3
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.until(lambda p: p["sms"]["accepted"] > 0, alert["id"])
    return alert


async def cancelled(town: Town, alert: Any) -> Any:
    """Have Sari cancel an alert alone."""
    body = {"purpose": "cancel", "reason": "salah wilayah", "submit": False}
    cancel = await town.must("Sari", "POST", f"/api/v1/alerts/{alert['id']}/follow", body)
    await town.must("Sari", "POST", f"/api/v1/alerts/{cancel['id']}/break-glass", {"reason": "salah wilayah"})
    return cancel


def who_got(town: Town, alert: Any) -> Counter[str]:
    """Count the texts of an alert by number."""
    return Counter(t.destination for t in town.smsc.submitted if t.text in alert["notices"]["sms"].values())


async def test_a_paused_dispatch_sends_nothing_and_resumes_where_it_stopped(town: Town) -> None:
    """After the pause only what was in flight arrives; another alert passes it; resumed, each gets it once."""
    alert = await begun(town)
    told = await ask(town, "Rina", "pause", alert)
    at_pause, in_flight = town.smsc.count, town.service.accounts[0].channel.concurrency
    assert (told["changed"], told["dispatches"][0]["state"], told["dispatches"][0]["stopped"]) == (
        ["sms/exercise"], "stopped", "paused",
    )  # fmt: skip
    await quiet(town)
    assert town.smsc.count <= at_pause + 2 * in_flight
    had = who_got(town, alert)
    town.smsc.delay = 0
    other = await town.trigger(channels=["sms"])
    await town.approve(other)
    assert (await town.done(other["id"]))["sms"]["accepted"] == 400
    assert who_got(town, alert) == had
    assert 0 < len(had) < 400
    assert (await ask(town, "Rina", "pause", alert))["changed"] == []
    assert (await ask(town, "Rina", "resume", alert))["dispatches"][0]["state"] == "sending"
    progress = await town.done(alert["id"])
    assert (progress["sms"]["state"], progress["sms"]["accepted"], progress["sms"]["twice"]) == ("done", 400, 0)
    assert sorted(who_got(town, alert).values()) == [1] * 400


async def test_who_fails_after_the_pause_is_tried_again_after_the_resume(town: Town) -> None:
    """The first try of some is on the wire at the pause and fails then: nobody is forgotten."""
    await town.settle(residents(0, 15))
    town.telegram.fault, town.telegram.delay = "error", 0.5
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    await town.telegram.until(lambda t: t.requests >= 1)
    await ask(town, "Rina", "pause", alert)
    await quiet(town)
    assert town.telegram.sent == []
    town.telegram.fault, town.telegram.delay = None, 0
    await ask(town, "Rina", "resume", alert)
    progress = await town.done(alert["id"])
    assert (progress["telegram"]["accepted"], progress["telegram"]["twice"]) == (15, 0)
    assert len(town.telegram.sent) == 15


async def test_a_stopped_dispatch_never_sends_again_and_its_cancel_reaches_those_it_reached(town: Town) -> None:
    """What was left to send is out of the queues, nobody can resume it, and whoever has it hears the cancel."""
    alert = await begun(town)
    told = await ask(town, "Budi", "stop", alert)
    assert told["dispatches"][0]["stopped"] == "officer"
    assert (await ask(town, "Budi", "stop", alert))["changed"] == []
    await quiet(town)
    town.smsc.delay = 0
    for verb, body, says in (("resume", {}, "nothing of alert"), ("pause", WHY, "nothing left to pause: sms/exercise")):
        status, told = await town.call("Sari", "POST", f"/api/v1/alerts/{alert['id']}/{verb}", body)
        assert (status, says in told["error"]) == (409, True), told
    assert await town.service.house.pool.fetchval("SELECT count(*) FROM retry") == 0
    had = set(who_got(town, alert))
    cancel = await cancelled(town, alert)
    await town.done(cancel["id"])
    assert set(who_got(town, alert)) == had
    assert len(had) < 400
    assert had <= set(who_got(town, cancel))
    assert (await town.progress(alert["id"]))["sms"]["stopped"] == "officer"


async def test_a_paused_alert_that_is_cancelled_stays_stopped(town: Town) -> None:
    """The cancel ends what was paused, batches and all, and nobody can resume it."""
    alert = await begun(town)
    await ask(town, "Rina", "pause", alert)
    await quiet(town)
    town.smsc.delay = 0
    had = who_got(town, alert)
    cancel = await cancelled(town, alert)
    await town.done(cancel["id"])
    assert (await town.progress(alert["id"]))["sms"]["stopped"] == "cancelled"
    assert await town.service.house.pool.fetchval(BATCHES, alert["id"]) == ["stopped"]
    status, told = await town.call("Sari", "POST", f"/api/v1/alerts/{alert['id']}/resume", {})
    assert (status, told["error"]) == (409, f"alert {alert['id']} is cancelled: only a live alert can go on")
    assert who_got(town, alert) == had
    assert set(had) <= set(who_got(town, cancel))


async def test_a_paused_alert_that_expires_calls_once_and_ends(town: Town, hands: Hands) -> None:
    """Ten minutes of a pause that nobody ends call supervisors, once; then its expiry ends it for good."""
    await town.settle(residents(5))
    town.smsc.fault = "throttle"
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await ask(town, "Rina", "pause", alert)
    for ahead, called in ((9, 0), (11, 1), (30, 1)):
        hands.ahead = timedelta(minutes=ahead)
        await caught_up(town, hands)
        alarms = await town.must("Sari", "GET", "/api/v1/alarms")
        assert [a["kind"] for a in alarms].count("dispatch_paused") == called
    (alarm,) = (a for a in alarms if a["kind"] == "dispatch_paused")
    assert "is still paused on sms/exercise" in alarm["says"]
    hands.ahead = timedelta(hours=13)
    status, told = await town.call("Rina", "POST", f"/api/v1/alerts/{alert['id']}/resume", {})
    assert (status, "only a live alert can go on" in told["error"]) == (409, True), told
    progress = await town.until(lambda p: p["sms"]["stopped"] != "paused", alert["id"])
    assert (progress["sms"]["stopped"], progress["sms"]["retrying"]) == ("expired", 0)
    assert town.smsc.submitted == []


async def caught_up(town: Town, hands: Hands) -> None:
    """Wait until the clock has done all that is due."""
    late = "SELECT count(*) FROM due WHERE done_at IS NULL AND at <= $1"
    async with asyncio.timeout(10):
        while await town.service.house.pool.fetchval(late, hands.now()):
            await town.service.house.progress.wait(0.05)


async def test_a_pause_that_ended_calls_nobody(town: Town, hands: Hands) -> None:
    """The clock forgets a pause that was resumed, and remembers the next one anew."""
    await town.settle(residents(5))
    town.smsc.fault = "throttle"
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    for minutes, again in ((0, False), (20, True)):
        hands.ahead = timedelta(minutes=minutes)
        await ask(town, "Rina", "pause", alert)
        waits = "SELECT count(*) FROM due WHERE kind = 'paused' AND done_at IS NULL AND at > $1"
        assert await town.service.house.pool.fetchval(waits, hands.now() + timedelta(minutes=9)) == 1
        if not again:
            await ask(town, "Rina", "resume", alert)
            assert await town.service.house.pool.fetchval(waits, hands.now()) == 0
    assert "dispatch_paused" not in [a["kind"] for a in await town.must("Sari", "GET", "/api/v1/alarms")]


async def test_pausing_one_channel_leaves_the_others_alone(town: Town) -> None:
    """SMS is paused by its name, Telegram goes on; then all is paused, which only SMS can be."""
    await town.settle(residents(10, 10))
    town.smsc.fault, town.telegram.fault = "throttle", "error"
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    told = await ask(town, "Rina", "pause", alert, channel="sms")
    assert told["changed"] == ["sms/exercise"]
    town.smsc.fault = town.telegram.fault = None
    progress = await town.until(lambda p: p["telegram"]["state"] == "done", alert["id"])
    assert (progress["telegram"]["accepted"], progress["sms"]["stopped"]) == (10, "paused")
    status, told = await town.call("Rina", "POST", f"/api/v1/alerts/{alert['id']}/pause", WHY | {"channel": "telegram"})
    assert (status, told["error"]) == (409, "there is nothing left to pause: telegram/exercise is done")
    assert (await ask(town, "Rina", "pause", alert))["changed"] == []
    assert (await ask(town, "Rina", "resume", alert, channel="sms/exercise"))["changed"] == ["sms/exercise"]
    assert (await town.done(alert["id"]))["sms"]["accepted"] == 10
    assert len(town.smsc.submitted) == 10
    shown = await town.must("Rina", "GET", f"/api/v1/alerts/{alert['id']}")
    acts = [(h["act"], h["account"], h["officer"], h["reason"]) for h in shown["history"] if h["account"]]
    assert acts == [
        ("dispatch.pause", "sms/exercise", "Rina", WHY["reason"]),
        ("dispatch.resume", "sms/exercise", "Rina", ""),
    ]


async def events(town: Town, alert: Any) -> AsyncIterator[tuple[str, Any]]:
    """Watch an alert as `crisis alert show --follow` does."""
    url = f"http://127.0.0.1:{town.service.port}/api/v1/alerts/{alert['id']}/events"
    kind = ""
    async with town.session.get(url, headers={"Authorization": f"Bearer {town.tokens['Rina']}"}) as reply:
        async for line in reply.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)["dispatches"]


async def test_whoever_watches_a_paused_alert_sees_it_paused_and_stays(town: Town) -> None:
    """The stream says paused and ends only when the resumed alert has ended."""
    alert = await begun(town, 200)
    await ask(town, "Rina", "pause", alert)
    kinds = []
    async with asyncio.timeout(15):
        async for kind, (sms,) in events(town, alert):
            if not kinds:
                assert (kind, sms["state"], sms["stopped"]) == ("progress", "stopped", "paused")
                town.smsc.delay = 0
                await ask(town, "Rina", "resume", alert)
            kinds.append(kind)
    assert kinds[-1] == "end"
    assert (sms["state"], sms["stopped"], sms["accepted"]) == ("done", None, 200)


async def test_who_may_pause_resume_and_stop(town: Town) -> None:
    """Any officer pauses; whoever paused it, or an approver, resumes it; an approver stops it; always with a token."""
    await town.settle(residents(5))
    town.smsc.fault = "throttle"
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    for who, verb, status, says in (
        ("", "pause", 403, "needs an officer's token"),
        ("Rina", "stop", 403, "Rina is officer: this needs the role approver or higher"),
        ("Rina", "pause", 200, ""),
        ("Rina", "resume", 200, ""),
        ("Budi", "pause", 200, ""),
        ("Rina", "resume", 403, "Budi paused sms/exercise: only Budi, or an officer with the role approver or higher"),
        ("Sari", "resume", 200, ""),
        ("Rina", "pause", 200, ""),
        ("Budi", "stop", 200, ""),
    ):
        body = {} if verb == "resume" else WHY
        got, told = await town.call(who, "POST", f"/api/v1/alerts/{alert['id']}/{verb}", body)
        assert (got, says in told.get("error", "")) == (status, True), (who, verb, told)


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
async def test_what_cannot_be_held_is_told_in_a_sentence(town: Town, verb: str) -> None:
    """No such alert, one that was never sent, a channel it does not use, no reason: nothing is changed."""
    await town.settle(residents(5))
    town.smsc.fault = "throttle"
    live = await town.trigger(channels=["sms"])
    await town.approve(live)
    waits = await town.trigger(channels=["sms"])
    why = {} if verb == "resume" else WHY
    table: list[tuple[int, dict[str, Any], int, str]] = [
        (live["id"] + 99, why, 404, "there is no alert"),
        (waits["id"], why, 409, f"is pending: nothing of it was sent, so there is nothing to {verb}"),
        (live["id"], why | {"channel": "fax"}, 400, "does not leave by fax; it leaves by sms/exercise"),
        (live["id"], why | {"channel": ""}, 400, "channel"),
        (live["id"], why | {"chanel": "sms"}, 400, "chanel"),
    ]
    if verb == "resume":
        table.append((live["id"], {}, 409, "is paused: sms/exercise is sending"))
    else:
        table += [(live["id"], {}, 400, "reason"), (live["id"], {"reason": " x "}, 400, "at least three letters")]
    before = await town.until(lambda p: p["sms"]["state"] == "sending", live["id"])
    for alert_id, body, status, says in table:
        got, told = await town.call("Budi", "POST", f"/api/v1/alerts/{alert_id}/{verb}", body)
        assert (got, says in told["error"]) == (status, True), (body, told)
    assert (await town.progress(live["id"]))["sms"]["state"] == before["sms"]["state"]
    acts = "SELECT count(*) FROM audit WHERE act LIKE 'dispatch.%'"
    assert await town.service.house.pool.fetchval(acts) == 0
