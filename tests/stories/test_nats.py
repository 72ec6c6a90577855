"""Batches travel over NATS to workers without a database: everyone is reached, whatever dies on the way."""

from __future__ import annotations

import asyncio
import signal
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from nats.aio.client import Client

from crisis import privacy
from crisis.carriage import wire
from crisis.carriage.far import Far
from crisis.carriage.hub import BACK, Stream, loads_of
from crisis.carrying import afar
from crisis.flow.ledger import FLUSH_ROWS, Entry
from crisis.settings import Settings
from crisis.work import spoken_of
from tests.bench.nats import Nodes, nodes
from tests.stories.processes import Killed
from tests.stories.town import KEY, Hands, Town, open_town, residents

WINDOW = 50
ACCOUNT = "sms/exercise"
LOADS = loads_of(ACCOUNT)
VAULT = privacy.Vault(bytes.fromhex(KEY))


class Yard:
    """A town whose service offers its batches over NATS, and workers that know neither its database nor its doors."""

    def __init__(self, town: Town, nats: Nodes, client: Client, folder: Path, stack: AsyncExitStack) -> None:
        self.town, self.nats, self.client, self.folder = town, nats, client, folder
        self.smsc = town.smsc
        self._stack = stack
        self._workers = 0

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

    async def processes(self, count: int) -> list[Killed]:
        """Start workers as processes, and return once all of them take loads."""
        workers = [Killed(self.environment(), "work") for _ in range(count)]
        for worker in workers:
            self._stack.push_async_callback(worker.kill)
        await asyncio.gather(*(worker.start() for worker in workers))
        for worker in workers:
            await worker.until(lambda worker=worker: worker.count("carriage.heard") >= 1)
        return workers

    async def worker(self) -> Far:
        """Run a worker in this process, and return once it takes loads."""
        settings = Settings.read(self.environment())
        far = await self._stack.enter_async_context(afar(settings, VAULT, spoken_of(settings), asyncio.Event()))
        async with asyncio.timeout(20):
            await far.hearing.wait()
        return far

    async def release(self, people: int) -> int:
        """Warn so many by SMS, and give the alert."""
        await self.town.settle(residents(people))
        alert = await self.town.trigger(channels=["sms"])
        await self.town.approve(alert)
        return int(alert["id"])

    async def sent(self, count: int) -> None:
        """Return once the carrier has taken so many."""
        await self.smsc.until(lambda: self.smsc.count >= count)

    def told(self, what: str, people: int) -> tuple[int, int]:
        """Print and give how many were lost, and how often somebody heard it again."""
        times = Counter(t.destination for t in self.smsc.submitted)
        lost, twice = people - len(times), sum(times.values()) - len(times)
        print(f"{what}: lost {lost}, twice {twice}")
        return lost, twice

    async def recorded(self) -> int:
        """Count the addresses that have the alert by the ledger, none of them twice."""
        query = "SELECT count(*), count(DISTINCT address_id) FROM attempt WHERE outcome = 'accepted'"
        every, distinct = await self.town.service.house.pool.fetchrow(query)
        assert every == distinct
        return int(distinct)

    async def empty(self, stream: Stream) -> None:
        """Return once nothing is left in a stream."""
        async with asyncio.timeout(20):
            while (await self.client.jetstream().stream_info(stream.name)).state.messages:
                await asyncio.sleep(0)

    async def put(self, stream: Stream, payload: bytes, **headers: str) -> None:
        """Put anything at all into a stream."""
        await self.client.jetstream().publish(stream.subject, payload, headers=headers or None)


Open = Callable[..., Awaitable[Yard]]


@pytest.fixture
async def yard(dsn: str, tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Open]:
    """`await yard(size=1, sends=False)`: unless the service `sends`, its own way to the SMS carrier is cut."""
    async with AsyncExitStack() as stack:

        async def make(size: int = 1, *, sends: bool = False) -> Yard:
            nats = await stack.enter_async_context(nodes(tmp_path, size))
            more = {"CRISIS_NATS_URL": nats.url, "CRISIS_NATS_REPLICAS": str(size), "CRISIS_LEASE_SECONDS": "1"}
            if not sends:
                more["CRISIS_EXERCISE_SMS"] = f"smpp://test:test@127.0.0.1:{free_port()}/?source=BPBD&rate=100000"
            town = await stack.enter_async_context(open_town(dsn, tmp_path, free_port(), Hands(), **more))
            town.smsc.receipts, town.smsc.delay = False, 0.05
            client = Client()
            await client.connect(nats.url.split(","), error_cb=_silent, reconnect_time_wait=0)
            stack.push_async_callback(client.close)
            return Yard(town, nats, client, tmp_path, stack)

        yield make


async def _silent(_: Exception) -> None:
    """The servers die on purpose here."""


async def test_batches_over_nats_reach_everyone_exactly_once(yard: Open) -> None:
    """3,000 SMS by two processes that have no database: every one exactly once, both had a share, all is recorded."""
    here = await yard()
    workers = await here.processes(2)
    await here.town.done(await here.release(3_000))
    assert here.told("two far workers", 3_000) == (0, 0)
    assert await here.recorded() == 3_000
    assert here.smsc.binds == 2
    assert [await worker.kill(signal.SIGTERM) for worker in workers] == [0, 0]


async def test_a_far_worker_killed_loses_nobody(yard: Open) -> None:
    """kill -9 of one of two workers in mid-send: 0 lost, doubles at most what was in flight since the last flush."""
    here = await yard()
    first, _ = await here.processes(2)
    alert = await here.release(3_000)
    await here.smsc.until(lambda: here.smsc.count >= 400 and here.smsc.binds == 2)
    await first.kill()
    await here.town.done(alert, 40)
    lost, twice = here.told("far worker killed", 3_000)
    assert lost == 0
    assert twice <= FLUSH_ROWS + WINDOW
    assert await here.recorded() == 3_000


async def test_a_lost_stream_is_published_again_from_postgres(yard: Open) -> None:
    """Every stream is deleted in mid-send, outcomes and all: they are made again, and nobody is missed."""
    here = await yard()
    await here.worker()
    alert = await here.release(2_000)
    await here.sent(400)
    for stream in (LOADS, BACK):
        assert await here.client.jetstream().delete_stream(stream.name)
    await here.town.done(alert, 40)
    lost, twice = here.told("streams deleted", 2_000)
    assert lost == 0
    assert twice <= FLUSH_ROWS + WINDOW
    assert await here.recorded() == 2_000


async def test_one_of_three_nodes_dies_and_nobody_is_missed(yard: Open) -> None:
    """kill -9 of the server that leads the loads' stream, in mid-send: 0 lost, and few twice."""
    here = await yard(3)
    await here.processes(2)
    alert = await here.release(3_000)
    await here.sent(400)
    dead = await here.nats.leader(LOADS.name)
    here.nats.kill(dead)
    await here.town.done(alert, 40)
    lost, twice = here.told(f"node {dead} of 3 killed", 3_000)
    assert lost == 0
    assert twice <= FLUSH_ROWS + WINDOW
    assert await here.recorded() == 3_000


async def test_a_cancel_stops_what_travels(yard: Open) -> None:
    """An officer stops it while a worker sends: beyond what is in flight nothing more leaves, nor what was on offer."""
    here = await yard()
    here.smsc.delay = 0.2
    await here.worker()
    alert = await here.release(2_000)
    await here.sent(200)
    await here.town.must("Budi", "POST", f"/api/v1/alerts/{alert}/stop", {"reason": "a wrong area"})
    sent = here.smsc.count
    await here.town.done(alert)
    await here.empty(LOADS)
    left = here.smsc.count - sent
    print(f"stopped at {sent}: {left} left after it")
    assert left <= WINDOW


async def test_without_nats_the_service_sends_all_by_itself(yard: Open) -> None:
    """NATS is killed in mid-send: the worker stops, the service goes on from Postgres, nobody is missed."""
    here = await yard(sends=True)
    await here.worker()
    alert = await here.release(2_000)
    await here.sent(400)
    here.nats.kill(0)
    await here.town.done(alert, 40)
    lost, twice = here.told("NATS killed", 2_000)
    here.nats.start(0)  # so that the worker can report what it had in hand, and leaves
    assert lost == 0
    assert twice <= FLUSH_ROWS + WINDOW


async def test_a_far_worker_that_slept_past_its_lease_sends_nothing_more(yard: Open) -> None:
    """SIGSTOP of a worker for longer than its lease while another works, then SIGCONT: it does not go on by itself."""
    here = await yard()
    first, _ = await here.processes(2)
    alert = await here.release(3_000)
    await here.smsc.until(lambda: here.smsc.count >= 400 and here.smsc.binds == 2)
    first.tell(signal.SIGSTOP)
    await here.smsc.until(lambda: len({t.destination for t in here.smsc.submitted}) == 3_000, 40)
    sent = here.smsc.count
    first.tell(signal.SIGCONT)
    await here.town.done(alert, 40)
    lost, twice = here.told("slept past its lease", 3_000)
    assert lost == 0
    assert twice <= FLUSH_ROWS + WINDOW
    assert here.smsc.count <= sent + WINDOW  # a text of several parts that had begun goes out whole


async def test_a_service_starts_and_sends_without_nats(dsn: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Nobody listens where CRISIS_NATS_URL points: the service is up and warns all the same."""
    url = f"nats://127.0.0.1:{free_port()}"
    async with open_town(dsn, tmp_path, free_port(), Hands(), CRISIS_NATS_URL=url) as town:
        await town.settle(residents(20))
        alert = await town.trigger(channels=["sms"])
        await town.approve(alert)
        await town.done(alert["id"])
        assert len(town.smsc.submitted) == 20


async def test_a_redelivered_load_is_not_sent_from_the_copy(yard: Open) -> None:
    """A worker claims a load and dies; another gets the very copy: it sends what Postgres gives out again instead."""
    here = await yard()
    stream = here.client.jetstream()
    dead = wire.Hands(worker="dead", accounts=[ACCOUNT]).pack()
    await here.client.publish("crisis.hands", dead)
    alert = await here.release(40)
    pull = await stream.pull_subscribe_bind(LOADS.consumer, LOADS.name)
    (taken, *_) = await pull.fetch(1, timeout=10)
    parcel = wire.unpack(taken.data)
    assert isinstance(parcel, wire.Parcel)
    claim = wire.Claim(id=parcel.id, key=wire.key_of(VAULT), lease_seconds=1).pack()
    answers = [(await here.client.request(f"crisis.claim.{parcel.relay}", claim)).data for _ in range(2)]
    assert [getattr(wire.unpack(a), "go", None) for a in answers] == [True, False]
    await taken.nak()  # the worker is dead: NATS gives the copy to another
    await here.put(LOADS, taken.data)  # and here is one more of it
    await here.worker()
    await here.town.done(alert)
    assert here.told("redelivered", 40) == (0, 0)
    assert await here.recorded() == 40
    await here.empty(LOADS)


async def test_a_poison_load_is_put_aside_and_told(yard: Open, capfd: pytest.CaptureFixture[str]) -> None:
    """What cannot be read, on either way, is told to the log and holds up nobody."""
    here = await yard()
    await here.worker()
    await here.put(LOADS, b"\xff no parcel", **{"Crisis-Parcel": "nobody-1"})
    await here.put(LOADS, b'{"v": 2, "kind": "parcel"}')
    await here.put(BACK, struct.pack("4d", 1, 2, 3, 4))
    await here.town.done(await here.release(40))
    assert here.told("beside poison", 40) == (0, 0)
    await here.empty(LOADS)
    await here.empty(BACK)
    said = "".join(capfd.readouterr())
    assert said.count("parcel_put_aside") == 2
    assert said.count("outcomes_put_aside") == 1


async def test_outcomes_that_come_twice_are_written_once(yard: Open) -> None:
    """The same flush under two ids, as after the time in which NATS drops doubles: its attempts are there once."""
    here = await yard()
    await here.worker()
    await here.town.done(await here.release(10))
    pool = here.town.service.house.pool
    rows = await pool.fetch("SELECT dispatch_id, address_id FROM attempt WHERE outcome = 'accepted'")
    again = [
        Entry(r["dispatch_id"], r["address_id"], 7, "unreachable", "late", (), ACCOUNT, datetime.now(UTC)) for r in rows
    ]
    flush = wire.Flush(worker="w", writer=uuid4(), number=1, entries=again).pack()
    for name in "one", "two":
        await here.put(BACK, flush, **{"Nats-Msg-Id": name})
    await here.empty(BACK)
    assert await pool.fetchval("SELECT count(*) FROM attempt WHERE try = 7") == len(rows) == 10


async def test_a_worker_with_another_key_is_given_nothing(yard: Open, capfd: pytest.CaptureFixture[str]) -> None:
    """It would write off every address as one that cannot be opened; it is told why, and the others go on."""
    here = await yard()
    settings = Settings.read(here.environment() | {"CRISIS_KEY": "08" * 32})
    other = privacy.Vault(bytes.fromhex("08" * 32))
    async with afar(settings, other, spoken_of(settings), asyncio.Event()) as far:
        await far.hearing.wait()
        alert = await here.release(20)
        async with asyncio.timeout(20):
            said = ""
            while "carriage.refused" not in said:
                await asyncio.sleep(0)
                said += "".join(capfd.readouterr())
    assert here.smsc.count == 0
    await here.worker()
    await here.town.done(alert, 40)
    assert here.told("beside a wrong key", 20) == (0, 0)
