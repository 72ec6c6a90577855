"""The service is killed in the middle: nobody is missed, and what can come twice has a bound."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from crisis import db
from crisis.flow.ledger import FLUSH_ROWS
from crisis.privacy import token_hash
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.town import OFFICERS, SLOTS, areas, environment, residents

RUN = """
import asyncio
from crisis import app, log
from crisis.settings import Settings
log.configure()
asyncio.run(app.serve(Settings.read(), lambda service: print("ready", flush=True)))
"""
PEOPLE = 2_000
WINDOW = 50


class Killed:
    """A service in a process of its own, which may be killed and started again."""

    def __init__(self, env: dict[str, str]) -> None:
        # Without the settings of the test run itself: the service refuses to start on one it does not know.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")} | env
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until its doors are open."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            RUN,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            assert await self._process.stdout.readline() == b"ready\n"

    async def kill(self, how: int = signal.SIGKILL) -> None:
        """End it with a signal to its process group, and wait until it is gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        await self._process.wait()

    def tell(self, how: int) -> None:
        """Send a signal and do not wait: SIGSTOP, SIGCONT."""
        assert self._process is not None
        os.killpg(self._process.pid, how)


class Office:
    """The office's side of the story: the API by token."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._url = session, f"http://127.0.0.1:{port}"

    async def ask(self, who: str, method: str, path: str, body: object = None) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {who}"}
        given = {"data": body} if isinstance(body, str) else {"json": body}
        async with self._session.request(method, self._url + path, headers=headers, **given) as reply:
            told = await reply.json()
            assert reply.status < 300, told
            return told


@pytest.fixture
async def carriers() -> AsyncIterator[tuple[Smsc, MastodonSandbox, TelegramSandbox]]:
    async with Smsc(receipts=False, delay=0.05) as smsc, MastodonSandbox() as mastodon, TelegramSandbox() as telegram:
        yield smsc, mastodon, telegram


async def enlist(pool: db.Pool) -> None:
    """Add the officers, whose tokens are their names: the service is not up yet to be asked."""
    for name, role in OFFICERS:
        await pool.execute(
            "INSERT INTO officer (name, role, token_hash) VALUES ($1, $2, $3)", name, role.value, token_hash(name)
        )


async def accepted(pool: db.Pool) -> int:
    query = "SELECT count(*) FROM attempt WHERE account = 'sms/exercise' AND outcome = 'accepted'"
    count: int = await pool.fetchval(query)
    return count


async def until(holds: Callable[[], bool], smsc: Smsc) -> None:
    await smsc.until(holds, 40)


@pytest.mark.parametrize("seed", [11, 12, 13])
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
    print(f"seed {seed}: killed at {taken} taken, {known} recorded; lost {PEOPLE - len(times)}, twice {twice}")
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
    print(f"paused: lost {600 - len(times)}, twice {twice}")
    assert len(times) == 600
    assert twice <= FLUSH_ROWS + 2 * WINDOW
