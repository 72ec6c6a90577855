"""Carriers hang, drop, throttle and change their mind, and clocks step: nobody is missed, few hear twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from crisis.flow import register
from crisis.model.officer import Role
from deploy.sandbox.loopback import Fault, reply
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.town import SLOTS, Hands, Town, residents

TAKEN = "SELECT count(*) FROM batch WHERE state = 'leased' AND leased_until > now()"
Answer = Callable[[web.BaseRequest, Fault], Awaitable[web.StreamResponse]]


def counted(times: Collection[int], people: int, most: int) -> None:
    """Hold how often each was sent to against what may be: nobody lost, at most so many sends beyond one."""
    twice = sum(times) - len(times)
    print(f"lost {people - len(times)}, twice {twice} (at most {most})")
    assert len(times) == people
    assert twice <= most


def failing(telegram: TelegramSandbox, status: int, body: dict[str, Any], **headers: str) -> Answer:
    """Give an answer that fails every send so, and nothing else."""
    well = TelegramSandbox.answer

    async def answer(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        if request.path.endswith("/sendMessage"):
            return reply({"ok": False, "error_code": status, "description": "no"} | body, status, **headers)
        return await well(telegram, request, fault)

    return answer


@pytest.mark.parametrize("fault", ["hang", "drop", "drop_after_accept"])
async def test_an_sms_carrier_that_hangs_or_drops_gets_each_once_and_what_it_took_at_most_twice(
    town: Town, fault: str
) -> None:
    """It recovers after a while: who was not taken is sent to once, who was taken without a word at most twice."""
    await town.settle(residents(120))
    town.smsc.fault = fault
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    house = town.service.house
    async with asyncio.timeout(10):
        while not (await house.pool.fetchval(TAKEN) if fault == "hang" else house.trouble().get("sms/exercise")):
            await house.progress.wait(0.05)
    unanswered = town.smsc.count
    town.smsc.fault = None
    town.smsc.hang_up()
    await town.done(alert["id"], within=40)
    counted(Counter(t.destination for t in town.smsc.submitted).values(), 120, unanswered)


async def test_an_http_carrier_that_drops_what_it_took_is_asked_at_most_once_more(town: Town) -> None:
    """It takes the request and cuts the connection: that may come twice, and no more often."""
    await town.settle(residents(0, 60))
    town.telegram.fault = "drop"
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    await town.until(lambda p: p["telegram"]["retrying"] > 0, alert["id"])
    town.telegram.fault = None
    dropped = len(town.telegram.sent)
    await town.done(alert["id"], within=40)
    times = Counter(s.chat_id for s in town.telegram.sent).values()
    counted(times, 60, dropped + town.service.accounts[0].channel.concurrency)
    assert max(times) <= 2


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (429, {"parameters": {"retry_after": 1}}, {}),
        (429, {}, {"Retry_After": "1"}),
        (429, {}, {}),
        (503, {}, {"Retry_After": "1"}),
        (503, {}, {}),
    ],
)
async def test_a_carrier_that_says_later_gets_each_once_whether_or_not_it_says_when(
    town: Town, status: int, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """429 and 503, with a time and without: all wait, and each is sent to once."""
    await town.settle(residents(0, 40))
    town.telegram.answer = failing(town.telegram, status, body, **headers)  # type: ignore[method-assign]
    alert = await town.trigger(channels=["telegram"])
    await town.approve(alert)
    await town.until(lambda p: p["telegram"]["retrying"] > 0, alert["id"])
    del town.telegram.answer
    await town.done(alert["id"], within=40)
    counted(Counter(s.chat_id for s in town.telegram.sent).values(), 40, 0)


async def test_a_carrier_that_accepts_and_then_refuses_is_told_as_it_is(town: Town) -> None:
    """SMS taken and then undeliverable; a chat that has it, whose answer was cut off, and then says 403: no third."""
    await town.settle(residents(10, 10))
    town.smsc.undeliverable = lambda number: number.endswith("3")
    town.telegram.fault = "drop"
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    await town.until(lambda p: p["telegram"]["retrying"] > 0 and p["sms"]["undelivered"] == 1, alert["id"])
    had = {s.chat_id for s in town.telegram.sent}
    town.telegram.blocked, town.telegram.fault = set(had), None
    progress = await town.done(alert["id"], within=40)
    counted(Counter(t.destination for t in town.smsc.submitted).values(), 10, 0)
    counted(Counter(s.chat_id for s in town.telegram.sent).values(), 10, 0)
    assert (progress["sms"]["accepted"], progress["telegram"]["opted_out"]) == (10, len(had))


async def test_clock_steps_of_a_minute_lose_and_repeat_nothing(town: Town, hands: Hands) -> None:
    """The service's clock goes a minute ahead and a minute back while it sends: leases do not follow it."""
    await town.settle(residents(400, 100))
    town.smsc.delay, town.telegram.delay = 0.2, 0.2
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    for at, minutes in ((80, 1), (160, -1), (240, 1), (320, 0)):
        await town.smsc.until(lambda at=at: town.smsc.count >= at, 20)
        hands.ahead = timedelta(minutes=minutes)
    await town.done(alert["id"], within=30)
    counted(Counter(t.destination for t in town.smsc.submitted).values(), 400, 0)
    counted(Counter(s.chat_id for s in town.telegram.sent).values(), 100, 0)


async def test_ten_alerts_at_once_all_arrive_and_the_extreme_one_first(town: Town) -> None:
    """Ten officers ask and one approves them all at the same moment: each resident gets each once."""
    await town.settle(residents(80))
    house, places = town.service.house, [f"Desa {n}" for n in range(10)]
    ani = await register.who_is(house.pool, town.tokens["Ani"])
    for place in places:
        town.tokens[place] = await register.add_officer(house.pool, place, Role.OFFICER, ani, house.now())

    async def asked(place: str) -> Any:
        level = "awas" if place == "Desa 7" else "siaga"
        body = {"playbook": "flood", "level": level, "mode": "Exercise", "areas": ["61.01"], "channels": ["sms"]}
        return await town.must(place, "POST", "/api/v1/alerts", body | {"slots": SLOTS | {"place": place}})

    town.smsc.delay = 0.7
    alerts = await asyncio.gather(*map(asked, places))
    await asyncio.gather(*map(town.approve, alerts))
    await town.done(alerts[7]["id"])
    town.smsc.delay = 0
    first = await house.pool.fetch("SELECT alert_id FROM dispatch WHERE state = 'done'")
    for alert in alerts:
        await town.done(alert["id"], within=30)
    assert [r["alert_id"] for r in first] == [alerts[7]["id"]]
    counted(Counter((t.destination, t.text) for t in town.smsc.submitted).values(), 80 * 10, 0)
