"""Two worker processes and a database that breaks under them: nobody is missed, and what can come twice has a bound."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from crisis import db, postgres
from crisis.flow.ledger import FLUSH_ROWS
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc, Submitted
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.processes import Killed, Office, enlist
from tests.stories.town import SLOTS, environment, residents

WINDOW = 50  # SMS parts one process has in flight
PEOPLE = 800
MANY = 4_500  # five batches in two languages: no worker has lanes for all, so that both send
SMALL = {"fsync": "off", "max_wal_size": "32MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
TMPFS = "200m"
SENTENCES = (db.DISK_FULL, "the database is away just now: try again in a few seconds")
Carriers = tuple[Smsc, MastodonSandbox, TelegramSandbox]


def counted(smsc: Smsc, people: int, most: int) -> None:
    """Hold how often each was sent to against what may be: nobody lost, at most so many sends beyond one."""
    times = Counter((t.destination, t.text) for t in smsc.submitted)
    twice = sum(times.values()) - len(times)
    print(f"lost {people - len(times)}, twice {twice} (at most {most})")
    assert len(times) == people
    assert twice <= most


@asynccontextmanager
async def office_of(
    dsn: str, folder: Path, port: int, carriers: Carriers, *command: str, **settings: str
) -> AsyncIterator[tuple[Killed, Office]]:
    """Run a service on a database, ready with its workers and without residents; it is killed at the end."""
    pool = await db.connect_pool(dsn, size=2)
    try:
        await enlist(pool)
    finally:
        await pool.close()
    async with AsyncExitStack() as stack:
        service = Killed(environment(folder, dsn, *carriers, port) | settings, *command)
        stack.push_async_callback(service.kill)
        await service.start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await service.until(lambda: service.count("crew.worker_up") == ("--workers" in command))
        stack.callback(lambda: print(*service.said[-30:], sep="\n"))
        yield service, Office(session, port)


@asynccontextmanager
async def server_in(folder: Path) -> AsyncIterator[postgres.Server]:
    """Run an embedded Postgres as a service keeps it, migrated."""
    server = await postgres.start(folder, settings=SMALL)
    watching = asyncio.create_task(server.watch())
    try:
        await db.migrate(server.dsn)
        yield server
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await server.stop()


async def test_a_postgres_killed_and_restarted_under_two_workers_costs_nobody_their_alert(
    open_folder: Path, tmp_path: Path, free_port: Callable[[], int], carriers: Carriers
) -> None:
    """It ends twice in mid-run, by kill -9 and in order: both processes go on by themselves, and all are reached."""
    smsc, workers = carriers[0], ("serve", "--workers", "2")
    smsc.delay = 0.2
    async with (
        server_in(open_folder / "pg") as server,
        office_of(server.dsn, tmp_path, free_port(), carriers, *workers, CRISIS_LEASE_SECONDS="5") as (service, office),
    ):
        await office.settle(residents(PEOPLE))
        one = await office.release(channels=["sms"])
        for part, how in ((3, signal.SIGKILL), (2, signal.SIGINT)):
            await smsc.until(lambda part=part: len(smsc.submitted) >= PEOPLE // part, 30)
            os.kill(int((open_folder / "pg/data/postmaster.pid").read_text().split()[0]), how)
            await answers(office, one)
        await smsc.until(lambda: len({t.destination for t in smsc.submitted}) == PEOPLE, 60)
        await office.done(one)
        assert service.count("part_broke") == service.count("crew.worker_died") == 0
    counted(smsc, PEOPLE, FLUSH_ROWS + 2 * WINDOW)


async def answers(office: Office, path: str) -> None:
    """Wait until the service can read its database again."""
    async with asyncio.timeout(30):
        while (await office.reply("Rina", "GET", path))[0] != 200:
            await asyncio.sleep(0)


def of(texts: Sequence[Submitted], place: str) -> list[int]:
    """Give where the texts of an alert stand among all."""
    return [n for n, t in enumerate(texts) if place in t.text]


async def test_an_extreme_alert_overtakes_an_advisory_that_two_workers_are_sending(
    dsn: str, tmp_path: Path, free_port: Callable[[], int], carriers: Carriers
) -> None:
    """After its release at most what both have in flight of the advisory leaves before the last of it."""
    smsc, people = carriers[0], 500
    smsc.delay = 0.2
    async with office_of(dsn, tmp_path, free_port(), carriers, "serve", "--workers", "2") as (_, office):
        south = residents(people, area="61.02", seed=2).splitlines()[1:]
        await office.settle("\n".join([residents(MANY), *south]))
        await office.release(channels=["sms"], areas=["61.01", "61.02"], slots=SLOTS | {"place": "Lambat"})
        await smsc.until(lambda: smsc.binds >= 2 and smsc.count >= 2 * WINDOW, 30)
        fast = await office.release(channels=["sms"], areas=["61.02"], level="awas", slots=SLOTS | {"place": "Cepat"})
        before = len(of(smsc.submitted, "Lambat"))
        await smsc.until(lambda: len(of(smsc.submitted, "Cepat")) == people, 60)
        last = of(smsc.submitted, "Cepat")[-1]
        passed = sum(n < last for n in of(smsc.submitted, "Lambat")) - before
        print(f"{passed} of the advisory left before the last of the Extreme alert (at most {2 * WINDOW})")
        assert passed <= 2 * WINDOW
        await office.done(fast)
        assert len(of(smsc.submitted, "Lambat")) < MANY


async def test_after_a_cancel_two_workers_send_no_more_of_it_than_they_had_in_flight(
    dsn: str, tmp_path: Path, free_port: Callable[[], int], carriers: Carriers
) -> None:
    """Both are sending when the cancel is committed: what leaves after it has a bound, and hears the cancel too."""
    smsc = carriers[0]
    smsc.delay = 0.2
    async with office_of(dsn, tmp_path, free_port(), carriers, "serve", "--workers", "2") as (_, office):
        await office.settle(residents(MANY))
        one = await office.release(channels=["sms"])
        told = {*(await office.ask("Rina", "GET", one))["notices"]["sms"].values()}
        await smsc.until(lambda: smsc.binds >= 2 and smsc.count >= 2 * WINDOW, 30)
        cancel = await office.cancel(one)
        at_cancel = len([t for t in smsc.submitted if t.text in told])
        smsc.delay = 0  # all who may have been warned are told, and those in hand count: thousands
        await office.done(cancel)
        warned = {t.destination for t in smsc.submitted if t.text in told}
        after = len(warned) - at_cancel
        print(f"{after} of {MANY} left after the cancel was committed (at most {2 * WINDOW})")
        assert after <= 2 * WINDOW
        assert warned <= {t.destination for t in smsc.submitted if t.text not in told}


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A folder on a disk of its own that a test may fill."""
    disk = open_folder / "disk"
    disk.mkdir()
    told = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS},mode=711", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if told.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {told.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def fill(disk: Path) -> Path:
    """Leave no byte free, and give the file that stands in the way."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return ballast


async def test_a_full_disk_of_the_database_is_told_in_a_sentence_and_delivery_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path, free_port: Callable[[], int], carriers: Carriers
) -> None:
    """No room in mid-run: one line in the log, one sentence for who asks, the service stays; then all get it."""
    smsc = carriers[0]
    async with (
        server_in(small_disk / "pg") as server,
        office_of(server.dsn, tmp_path, free_port(), carriers, CRISIS_LEASE_SECONDS="5") as (service, office),
    ):
        await office.settle(residents(PEOPLE))
        body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS}
        one = await office.release(channels=["sms"])
        await smsc.until(lambda: smsc.count >= 100, 30)
        ballast = fill(small_disk)
        await service.until(lambda: service.count("db.disk_full") > 0 or service.count("listener_lost") > 0)
        said = {await office.reply("Rina", "POST", "/api/v1/alerts", body) for _ in range(30)}
        assert {status for status, _ in said} <= {201, 503}, said
        assert all(status == 201 or any(s in words for s in SENTENCES) for status, words in said), said
        assert service.count("Traceback") == 0
        ballast.unlink()
        await smsc.until(lambda: len({t.destination for t in smsc.submitted}) == PEOPLE, 60)
        await answers(office, one)
        await office.done(one)
        assert service.count("part_broke") == 0
    counted(smsc, PEOPLE, FLUSH_ROWS + WINDOW)
