"""The service is killed in the middle: nobody is missed, and what can come twice has a bound."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from crisis import db
from crisis.flow.ledger import FLUSH_ROWS
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.processes import Killed, Office, accepted, enlist
from tests.stories.town import SLOTS, areas, environment, residents

PEOPLE = 2_000
WINDOW = 50


async def until(holds: Callable[[], bool], smsc: Smsc) -> None:
    await smsc.until(holds, 40)


@pytest.mark.parametrize("seed", [11, 13])
async def test_after_kill_9_in_the_fan_out_everyone_is_warned_and_few_twice(
    seed: int,
    pool: db.Pool,
    dsn: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    carriers: tuple[Smsc, MastodonSandbox, TelegramSandbox],
) -> None:
    """kill -9 at a random moment and a restart: 0 lost, doubles at most what was in flight since the last flush."""
    smsc, mastodon, telegram = carriers
    port = free_port()
    killed = Killed(environment(tmp_path, dsn, smsc, mastodon, telegram, port))
    await enlist(pool)
    await killed.start()
    try:
        async with aiohttp.ClientSession() as session:
            office = Office(session, port)
            await office.ask("Ani", "POST", "/api/v1/areas", areas())
            await office.ask("Ani", "POST", "/api/v1/residents", residents(PEOPLE, 50))
            body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS}
            alert = await office.ask("Rina", "POST", "/api/v1/alerts", body)
            one = f"/api/v1/alerts/{alert['id']}"
            await office.ask("Budi", "POST", f"{one}/approve", {"words_hash": alert["words_hash"]})
            at = random.Random(seed).randrange(PEOPLE // 10, PEOPLE * 9 // 10)
            await until(lambda: len(smsc.submitted) >= at, smsc)
            await killed.kill()
            taken, known = len(smsc.submitted), await accepted(pool)
            await killed.start()
            await until(lambda: len({t.destination for t in smsc.submitted}) == PEOPLE, smsc)
            async with asyncio.timeout(30):
                while not all(d["state"] == "done" for d in (await office.ask("Rina", "GET", one))["dispatches"]):
                    await asyncio.sleep(0)
            shown = await office.ask("Rina", "GET", one)
    finally:
        await killed.kill(signal.SIGTERM)
    times = Counter(t.destination for t in smsc.submitted)
    twice = sum(n - 1 for n in times.values())
    lost, most = PEOPLE - len(times), taken - known
    print(f"seed {seed}: killed at {taken} taken, {known} recorded; lost {lost}, twice {twice} (at most {most})")
    assert len(times) == PEOPLE
    assert twice <= taken - known  # exactly those the carrier had taken and no flush had recorded
    assert twice <= FLUSH_ROWS + WINDOW
    assert max(times.values()) <= 2
    by_channel = {d["channel"]: d["accepted"] for d in shown["dispatches"]}
    assert by_channel == {"sms": PEOPLE, "telegram": 50, "mastodon": 2, "page": 2, "radio": 2}
    assert len({p.key for p in mastodon.posts}) == len(mastodon.posts) == 2


async def test_a_service_that_was_paused_past_its_lease_sends_nothing_twice_over(
    pool: db.Pool,
    dsn: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    carriers: tuple[Smsc, MastodonSandbox, TelegramSandbox],
) -> None:
    """SIGSTOP for longer than the lease while a second service works: the first stops by itself when it wakes."""
    smsc, mastodon, telegram = carriers
    smsc.delay = 0.2
    ports = free_port(), free_port()
    first, second = (
        Killed(environment(tmp_path / str(p), dsn, smsc, mastodon, telegram, p) | {"CRISIS_LEASE_SECONDS": "1"})
        for p in ports
    )
    await enlist(pool)
    await first.start()
    try:
        async with aiohttp.ClientSession() as session:
            office = Office(session, ports[0])
            await office.ask("Ani", "POST", "/api/v1/areas", areas())
            await office.ask("Ani", "POST", "/api/v1/residents", residents(600))
            body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS}
            alert = await office.ask("Rina", "POST", "/api/v1/alerts", body | {"channels": ["sms"]})
            one = f"/api/v1/alerts/{alert['id']}"
            await office.ask("Budi", "POST", f"{one}/approve", {"words_hash": alert["words_hash"]})
            await until(lambda: smsc.count >= 100, smsc)
            first.tell(signal.SIGSTOP)
            await second.start()
            await until(lambda: len({t.destination for t in smsc.submitted}) == 600, smsc)
            first.tell(signal.SIGCONT)
            other = Office(session, ports[1])
            async with asyncio.timeout(30):
                while (await other.ask("Rina", "GET", one))["dispatches"][0]["state"] != "done":
                    await asyncio.sleep(0)
    finally:
        await first.kill()
        await second.kill()
    times = Counter(t.destination for t in smsc.submitted)
    twice = sum(n - 1 for n in times.values())
    print(f"paused: lost {600 - len(times)}, twice {twice} (at most {FLUSH_ROWS + 2 * WINDOW})")
    assert len(times) == 600
    assert twice <= FLUSH_ROWS + 2 * WINDOW
