"""Several processes deliver: each delivery once, whoever is stopped or killed, and none outlives its service."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from crisis import db
from crisis.flow.ledger import FLUSH_ROWS
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.processes import Killed, Office, enlist
from tests.stories.town import environment, residents

WINDOW = 50
LONG = {"CRISIS_LEASE_SECONDS": "600"}  # whoever waits for a lease of these has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A database, carriers, and the processes started there."""

    env: dict[str, str]
    smsc: Smsc
    telegram: TelegramSandbox
    office: Office
    run: Callable[..., Awaitable[Killed]]  # run("serve", "--workers", "2", CRISIS_SETTING=...), killed at the end

    def times(self) -> Counter[str]:
        """How often each number was sent to."""
        return Counter(t.destination for t in self.smsc.submitted)


@pytest.fixture
async def site(
    pool: db.Pool,
    dsn: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    carriers: tuple[Smsc, MastodonSandbox, TelegramSandbox],
) -> AsyncIterator[Site]:
    port = free_port()
    env = environment(tmp_path, dsn, *carriers, port)
    await enlist(pool)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def run(*command: str, **settings: str) -> Killed:
            process = Killed(env | settings, *command)
            stack.push_async_callback(process.kill)
            await process.start()
            return process

        yield Site(env=env, smsc=carriers[0], telegram=carriers[2], office=Office(session, port), run=run)


async def test_two_workers_send_each_delivery_once(site: Site, pool: db.Pool) -> None:
    """2,000 SMS and 500 chats by two processes: every one exactly once, and both had a share."""
    service = await site.run("serve", "--workers", "2", **LONG)
    await site.office.settle(residents(2_000, 500))
    await service.until(lambda: service.count("crew.worker_up") == 1)
    assert (await site.office.ask("", "GET", "/readyz"))["workers"] == {"up": 2, "of": 2}
    await site.office.done(await site.office.release())
    assert sorted(site.times().values()) == [1] * 2_000
    assert sorted(Counter(s.chat_id for s in site.telegram.sent).values()) == [1] * 500
    assert await pool.fetchval("SELECT count(DISTINCT writer) FROM flush") == 2
    assert await service.kill(signal.SIGTERM) == 0
    await service.all_ended()
    assert service.count("work.ended") == 1


async def test_a_worker_told_to_stop_gives_back_what_it_has_not_sent(
    site: Site, pool: db.Pool, free_port: Callable[[], int]
) -> None:
    """SIGTERM in mid-send: another goes on at once where it stopped, nobody is missed and nobody hears twice."""
    site.smsc.delay = 0.2
    nowhere = site.smsc.url.replace(str(site.smsc.port), str(free_port()))
    await site.run("serve", CRISIS_EXERCISE_SMS=nowhere, **LONG)  # so that the worker alone can send
    await site.office.settle(residents(600))
    first = await site.run("work", **LONG)
    one = await site.office.release(channels=["sms"])
    await site.smsc.until(lambda: site.smsc.count >= 100)
    assert await first.kill(signal.SIGTERM) == 0
    sent = len(site.times())
    assert 0 < sent < 600
    assert await pool.fetchval("SELECT count(DISTINCT address_id) FROM attempt WHERE outcome = 'accepted'") == sent
    site.smsc.delay = 0
    await site.run("work", **LONG)
    await site.office.done(one)
    assert sorted(site.times().values()) == [1] * 600


async def test_a_worker_killed_is_replaced_and_nobody_is_missed(site: Site) -> None:
    """kill -9 of a worker in mid-send: its service starts another; 0 lost, doubles at most what was in flight."""
    service = await site.run("serve", "--workers", "2", CRISIS_LEASE_SECONDS="1")
    await site.office.settle(residents(5_000))  # five batches: both have a share
    await service.until(lambda: service.count("crew.worker_up") == 1)
    one = await site.office.release(channels=["sms"])
    await site.smsc.until(lambda: site.smsc.binds >= 2 and site.smsc.count >= 400)  # a worker binds when it sends
    killed = worker_pids(service)[0]
    os.kill(killed, signal.SIGKILL)
    await service.until(lambda: service.count("crew.worker_up") == 2)
    await site.office.done(one)
    times = site.times()
    twice = sum(times.values()) - len(times)
    print(f"worker killed: lost {5_000 - len(times)}, twice {twice}")
    assert len(times) == 5_000
    assert twice <= FLUSH_ROWS + WINDOW
    assert service.count("crew.worker_died") == 1
    assert killed not in worker_pids(service)[1:]


async def test_workers_end_when_their_service_is_gone(site: Site) -> None:
    """kill -9 of the service alone: its workers drain and end by themselves."""
    service = await site.run("serve", "--workers", "3")
    await service.until(lambda: service.count("crew.worker_up") == 2)
    service.tell_alone(signal.SIGKILL)
    await service.all_ended()
    assert service.count("work.ended") == 2


async def test_a_second_signal_ends_a_worker_at_once(site: Site, free_port: Callable[[], int]) -> None:
    """The first SIGTERM waits for answers that do not come; the second does not, and its exit code tells so."""
    nowhere = site.smsc.url.replace(str(site.smsc.port), str(free_port()))
    await site.run("serve", CRISIS_EXERCISE_SMS=nowhere)
    await site.office.settle(residents(600))
    worker = await site.run("work")
    await site.office.release(channels=["sms"])
    await site.smsc.until(lambda: site.smsc.count >= WINDOW)
    site.smsc.delay = 3_600
    worker.tell(signal.SIGTERM)
    await worker.until(lambda: worker.count("work.draining") == 1)
    assert await worker.kill(signal.SIGTERM) == 1


def worker_pids(service: Killed) -> list[int]:
    """The workers a service started, by what it said, in the order they came up."""
    return [int(found[1]) for line in service.said if (found := re.search(r"crew\.worker_up .*\bpid=(\d+)", line))]
