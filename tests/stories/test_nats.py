"""Batches travel over NATS to workers without a database: everyone is reached, whatever dies on the way."""

from __future__ import annotations

import asyncio
import signal
import struct
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from crisis import privacy
from crisis.carriage import wire
from crisis.carriage.far import Far
from crisis.carriage.hub import BACK, Hub, Stream, TooLarge, loads_of
from crisis.carrying import afar
from crisis.flow.ledger import FLUSH_ROWS, Entry
from crisis.settings import Settings
from crisis.work import spoken_of
from tests.bench.nats import PROGRAM, Nodes, nodes
from tests.stories.processes import Killed
from tests.stories.town import KEY, Hands, Town, open_town, residents

pytestmark = pytest.mark.asyncio(loop_scope="module")

WINDOW = 50
NORTH, SOUTH, EAST = "61.01", "61.02", "61.03"
PEOPLE = {NORTH: 500, SOUTH: 40, EAST: 400}  # in two languages, so that an area is two batches
ACCOUNT = "sms/exercise"
LOADS = loads_of(ACCOUNT)
VAULT = privacy.Vault(bytes.fromhex(KEY))


class Yard:
    """A town whose service offers its batches over NATS, and workers that know neither its database nor its doors."""

    def __init__(self, town: Town, nats: Nodes, client: Client, folder: Path) -> None:
        self.town, self.nats, self.client, self.folder = town, nats, client, folder
        self.smsc = town.smsc
        self.people = self._before = self._texts = self._workers = 0
        self.alerts: list[int] = []
        self._numbers: tuple[str, ...] = ()  # how the telephone numbers of those begin who are warned

    def environment(self) -> dict[str, str]:
        """What a worker is told: NATS, the key, its carrier. Each has a folder of its own."""
        self._workers += 1
        return {
            "CRISIS_NATS_URL": self.nats.url,
            "CRISIS_KEY": KEY,
            "CRISIS_EXERCISE_SMS": self.smsc.url,
            "CRISIS_LEASE_SECONDS": "1",
            "CRISIS_DATA_DIR": str(self.folder / f"far{self._workers}"),
        }

    @asynccontextmanager
    async def processes(self, count: int) -> AsyncIterator[list[Killed]]:
        """Run workers as processes inside the `async with`, all of which take loads."""
        workers = [Killed(self.environment(), "work") for _ in range(count)]
        async with AsyncExitStack() as stack:
            for worker in workers:
                stack.push_async_callback(worker.kill)
            await asyncio.gather(*(worker.start() for worker in workers))
            for worker in workers:
                await worker.until(lambda worker=worker: worker.count("carriage.heard") >= 1)
            yield workers

    @asynccontextmanager
    async def worker(self, key: str = KEY) -> AsyncIterator[Far]:
        """Run a worker in this process inside the `async with`, which takes loads."""
        settings = Settings.read(self.environment() | {"CRISIS_KEY": key})
        vault = privacy.Vault(bytes.fromhex(key))
        async with afar(settings, vault, spoken_of(settings), asyncio.Event()) as far:
            async with asyncio.timeout(20):
                await far.hearing.wait()
            yield far

    async def release(self, *areas: str) -> None:
        """Warn these areas by SMS, each by an alert of its own."""
        self.people, self._before, self._texts = (
            sum(PEOPLE[a] for a in areas),
            self.smsc.count,
            len(self.smsc.submitted),
        )
        self._numbers = tuple(f"62812{[*PEOPLE].index(area) + 1:02d}" for area in areas)
        drafts = [await self.town.trigger(channels=["sms"], areas=[area]) for area in areas]
        self.alerts = [int(draft["id"]) for draft in drafts]
        for draft in drafts:
            await self.town.approve(draft)

    async def done(self) -> None:
        """Wait until every dispatch has ended."""
        for alert in self.alerts:
            await self.town.done(alert, 40)

    @property
    def count(self) -> int:
        """Give how much the carrier has taken since the release, each part of a text counted."""
        return self.smsc.count - self._before

    async def sent(self, count: int, within: float = 20) -> None:
        """Return once the carrier has taken so many parts of texts since the release."""
        await self.smsc.until(lambda: self.count >= count, within)

    def heard(self) -> Counter[str]:
        """Give how often each has the alert by the carrier; a text of the test before may still come in."""
        numbers = (t.destination.lstrip("+") for t in self.smsc.submitted[self._texts :])
        return Counter(number for number in numbers if number.startswith(self._numbers))

    def told(self, what: str) -> tuple[int, int]:
        """Print and give how many were lost, and how often somebody heard it again."""
        times = self.heard()
        lost, twice = self.people - len(times), sum(times.values()) - len(times)
        print(f"{what}: lost {lost}, twice {twice}")
        return lost, twice

    async def ends(self, what: str) -> int:
        """Wait until all is done; hold it to its promises, and give how often somebody heard it again."""
        await self.done()
        lost, twice = self.told(what)
        assert lost == 0
        assert await self.recorded() == self.people
        return twice

    async def recorded(self) -> int:
        """Count the addresses that have their alert by the ledger, which tells of no text twice."""
        query = (
            "SELECT count(*), count(DISTINCT t.address_id) FROM attempt t JOIN dispatch d ON d.id = t.dispatch_id "
            "WHERE d.alert_id = ANY($1::bigint[]) AND t.outcome = 'accepted'"
        )
        every, distinct = await self.town.service.house.pool.fetchrow(query, self.alerts)
        assert every <= len(self.smsc.submitted) - self._texts  # none is written down that did not leave
        return int(distinct)

    async def leased_until(self) -> datetime:
        """Give when the last lease ends."""
        query = "SELECT coalesce(max(leased_until), '-infinity') FROM batch WHERE state = 'leased'"
        until: datetime = await self.town.service.house.pool.fetchval(query)
        return until

    async def empty(self, stream: Stream) -> None:
        """Return once nothing is left in a stream."""
        async with asyncio.timeout(20):
            while (await self.client.jetstream().stream_info(stream.name)).state.messages:
                await asyncio.sleep(0)

    async def put(self, stream: Stream, payload: bytes, **headers: str) -> None:
        """Put anything at all into a stream."""
        await self.client.jetstream().publish(stream.subject, payload, headers=headers or None)


@asynccontextmanager
async def yard(
    dsn: str, folder: Path, free_port: Callable[[], int], size: int = 1, *, sends: bool = False
) -> AsyncIterator[Yard]:
    """Open a yard with so many servers; unless the service `sends`, its own way to the SMS carrier is cut."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(nodes(folder, size))
        more = {"CRISIS_NATS_URL": nats.url, "CRISIS_NATS_REPLICAS": str(size), "CRISIS_LEASE_SECONDS": "1"}
        if not sends:
            more["CRISIS_EXERCISE_SMS"] = f"smpp://test:test@127.0.0.1:{free_port()}/?source=BPBD&rate=100000"
        town = await stack.enter_async_context(open_town(dsn, folder, free_port(), Hands(), **more))
        town.smsc.receipts, town.smsc.delay = False, 0.03
        client = Client()
        await client.connect(nats.url.split(","), error_cb=_silent, reconnect_time_wait=0)
        stack.push_async_callback(client.close)
        for seed, (area, people) in enumerate(PEOPLE.items(), 1):
            await town.settle(residents(people, area=area, seed=seed))
        yield Yard(town, nats, client, folder)


async def _silent(_: Exception) -> None:
    """The servers die on purpose here."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(
    fresh: Callable[[], Any], open_folders: Callable[[], AbstractContextManager[Path]], free_port: Callable[[], int]
) -> AsyncIterator[Yard]:
    """The yard of all stories in which no server dies; its service sends nothing by itself."""
    with open_folders() as folder:
        async with fresh() as dsn, yard(dsn, folder, free_port) as opened:
            yield opened


async def test_a_redelivered_load_is_not_sent_from_the_copy(here: Yard) -> None:
    """A worker claims a load and dies; another gets the very copy: it sends what Postgres gives out again instead."""
    await here.client.publish("crisis.hands", wire.Hands(worker="dead", accounts=[ACCOUNT]).pack())
    await here.release(SOUTH)
    pull = await here.client.jetstream().pull_subscribe_bind(LOADS.consumer, LOADS.name)
    (taken, *_) = await pull.fetch(1, timeout=10)
    parcel = wire.unpack(taken.data)
    assert isinstance(parcel, wire.Parcel)
    claim = wire.Claim(id=parcel.id, key=wire.key_of(VAULT), lease_seconds=1).pack()
    answers = [(await here.client.request(f"crisis.claim.{parcel.relay}", claim)).data for _ in range(2)]
    assert [getattr(wire.unpack(a), "go", None) for a in answers] == [True, False]
    await taken.nak()  # the worker is dead: NATS gives the copy to another
    await here.put(LOADS, taken.data)  # and here is one more of it
    async with here.worker():
        assert await here.ends("redelivered") == 0
        await here.empty(LOADS)


async def test_a_worker_with_another_key_is_given_nothing(here: Yard) -> None:
    """It would write off every address as one that cannot be opened; it is told why, and the others go on."""
    with capture_logs() as said:
        async with here.worker("08" * 32):
            await here.release(SOUTH)
            async with asyncio.timeout(20):
                while not any(line["event"] == "carriage.refused" for line in said):
                    await asyncio.sleep(0)
    assert here.count == 0
    async with here.worker():
        assert await here.ends("beside a wrong key") == 0


async def test_far_workers_reach_everyone_whatever_stops_one_of_them(here: Yard) -> None:
    """Two processes without a database: everyone exactly once, and no address can be read on the wire.

    Then SIGSTOP of one for longer than its lease, and SIGCONT: it does not go on by itself. Then kill -9 of it: 0
    lost, doubles at most what was in flight since the last flush. SIGTERM ends the other one well.
    """
    wire_seen: list[bytes] = []

    async def see(passing: Msg) -> None:
        wire_seen.append(passing.data)

    listening = await here.client.subscribe(">", cb=see)
    async with here.processes(2) as (first, second):
        binds = here.smsc.binds
        await here.release(NORTH, EAST)
        assert await here.ends("two far workers") == 0
        assert here.smsc.binds == binds + 2  # both had a share, for neither has lanes for four batches
        await listening.unsubscribe()
        assert any(b'"parcel"' in seen for seen in wire_seen)
        assert not any(b"62812" in seen for seen in wire_seen)

        await here.release(NORTH, EAST)
        await here.sent(400)
        first.tell(signal.SIGSTOP)
        await here.smsc.until(lambda: len(here.heard()) == here.people, 40)
        sent = here.count
        first.tell(signal.SIGCONT)
        assert await here.ends("slept past its lease") <= FLUSH_ROWS + WINDOW
        assert here.count <= sent + WINDOW  # a text of several parts that had begun goes out whole

        await here.release(NORTH, EAST)
        await here.sent(400)
        await first.kill()
        assert await here.ends("far worker killed") <= FLUSH_ROWS + WINDOW
        assert await second.kill(signal.SIGTERM) == 0


async def test_outcomes_left_to_nats_keep_others_from_sending_again(here: Yard) -> None:
    """A worker leaves while the database writes nothing down: once it does, the next worker has nobody left to warn."""
    async with _locked(here.town.dsn), here.worker():
        await here.release(SOUTH)
        await here.sent(PEOPLE[SOUTH])
    async with here.worker():
        assert await here.ends("left before it was written") == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(here: Yard) -> AsyncIterator[Far]:
    """One worker for all stories that follow."""
    async with here.worker() as far:
        yield far


async def test_a_lease_is_kept_until_its_outcomes_are_written(here: Yard, far: Far) -> None:
    """The database takes no outcome for longer than a lease: nobody else sends to those it has not heard of."""
    async with _locked(here.town.dsn):
        await here.release(SOUTH)
        await here.sent(PEOPLE[SOUTH])
        first = await here.leased_until()
        async with asyncio.timeout(20):
            while (await here.leased_until() - first).total_seconds() < 1.5:
                await asyncio.sleep(0)
    assert await here.ends("a slow database") == 0


async def test_a_lost_stream_is_published_again_from_postgres(here: Yard, far: Far) -> None:
    """Every stream is deleted in mid-send, outcomes and all: they are made again, and nobody is missed."""
    await here.release(NORTH)
    await here.sent(200)
    for stream in (LOADS, BACK):
        assert await here.client.jetstream().delete_stream(stream.name)
    assert await here.ends("streams deleted") <= FLUSH_ROWS + WINDOW


async def test_a_cancel_stops_what_travels(here: Yard, far: Far) -> None:
    """An officer stops it while a worker sends: beyond what is in flight nothing more leaves, nor what was on offer."""
    await here.release(NORTH)
    await here.sent(100)
    await here.town.must("Budi", "POST", f"/api/v1/alerts/{here.alerts[0]}/stop", {"reason": "a wrong area"})
    sent = here.count
    await here.done()
    await here.empty(LOADS)
    left = here.count - sent
    print(f"stopped at {sent}: {left} left after it")
    assert left <= WINDOW


async def test_what_is_poison_is_put_aside_and_told(here: Yard, far: Far) -> None:
    """What cannot be read or never be written, on either way, is told to the log and holds up nobody."""
    attempt = Entry(1, 1, 2**20, "accepted", "", (), ACCOUNT, datetime.now(UTC))  # Postgres has no such try
    with capture_logs() as said:
        await here.put(LOADS, b"\xff no parcel", **{"Crisis-Parcel": "nobody-1"})
        await here.put(LOADS, b'{"v": 2, "kind": "parcel"}')
        await here.put(BACK, struct.pack("4d", 1, 2, 3, 4))
        await here.put(BACK, wire.Flush(worker="w", writer=uuid4(), number=1, entries=[attempt]).pack())
        await here.release(SOUTH)
        assert await here.ends("beside poison") == 0
        await here.empty(LOADS)
        await here.empty(BACK)
    events = Counter(line["event"] for line in said)
    assert events["carriage.parcel_put_aside"] == events["carriage.outcomes_put_aside"] == 2


async def test_outcomes_that_come_twice_are_written_once(here: Yard, far: Far) -> None:
    """The same flush under two ids, as after the time in which NATS drops doubles: its attempts are there once."""
    await here.release(SOUTH)
    await here.ends("before doubles")
    pool = here.town.service.house.pool
    rows = await pool.fetch("SELECT dispatch_id, address_id FROM attempt ORDER BY at DESC LIMIT 10")
    again = [
        Entry(r["dispatch_id"], r["address_id"], 7, "unreachable", "late", (), ACCOUNT, datetime.now(UTC)) for r in rows
    ]
    flush = wire.Flush(worker="w", writer=uuid4(), number=1, entries=again).pack()
    for name in "one", "two":
        await here.put(BACK, flush, **{"Nats-Msg-Id": name})
    await here.empty(BACK)
    assert await pool.fetchval("SELECT count(*) FROM attempt WHERE try = 7") == 10


async def test_one_of_three_nodes_dies_and_nobody_is_missed(
    dsn: str, open_folder: Path, free_port: Callable[[], int]
) -> None:
    """kill -9 of the server that leads the loads' stream, in mid-send: 0 lost, and few twice."""
    async with yard(dsn, open_folder, free_port, 3) as here, here.worker():
        await here.release(NORTH)
        await here.sent(200)
        dead = await here.nats.leader(LOADS.name)
        here.nats.kill(dead)
        assert await here.ends(f"node {dead} of 3 killed") <= FLUSH_ROWS + WINDOW


async def test_without_nats_the_service_sends_all_by_itself(
    dsn: str, open_folder: Path, free_port: Callable[[], int]
) -> None:
    """NATS is killed in mid-send: the worker stops, the service goes on from Postgres, nobody is missed."""
    async with yard(dsn, open_folder, free_port, sends=True) as here, here.worker():
        await here.release(NORTH)
        await here.sent(200)
        here.nats.kill(0)
        await here.done()
        lost, twice = here.told("NATS killed")
        here.nats.start(0)  # so that the worker can report what it had in hand, and leaves
        assert lost == 0
        assert twice <= FLUSH_ROWS + WINDOW


async def test_a_service_starts_and_sends_without_nats(dsn: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Nobody listens where CRISIS_NATS_URL points: the service is up and warns all the same."""
    url = f"nats://127.0.0.1:{free_port()}"
    async with open_town(dsn, tmp_path, free_port(), Hands(), CRISIS_NATS_URL=url) as town:
        await town.settle(residents(20))
        alert = await town.trigger(channels=["sms"])
        await town.approve(alert)
        await town.done(alert["id"])
        assert len(town.smsc.submitted) == 20


async def test_any_password_signs_in_and_what_is_too_large_is_told_apart(
    open_folder: Path, free_port: Callable[[], int], server: Callable[..., AbstractContextManager[Any]]
) -> None:
    """Odd letters are written into the URL with percent signs, as in any URL; TooLarge asks for no second try."""
    port = free_port()
    argv = [PROGRAM, "-js", "-sd", str(open_folder), "-a", "127.0.0.1", "-p", str(port)]
    argv += ["--user", "the office", "--pass", "p@ss/w,rd%"]
    with server(argv, port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        hub = Hub(f"nats://the%20office:p%40ss%2Fw%2Crd%25@127.0.0.1:{port}", 1, "any")
        running = asyncio.create_task(hub.run())
        async with asyncio.timeout(10):
            while not hub.connected:
                await asyncio.sleep(0)
            await hub.ensure(BACK)
        with pytest.raises(TooLarge):
            await hub.put(BACK, b"0" * 2**21, "one")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _locked(dsn: str) -> AsyncIterator[None]:
    """Inside the `async with` nothing can be written down about attempts."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE attempt IN EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()
