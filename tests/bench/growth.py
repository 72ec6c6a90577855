"""Runs of one alert by a polygon that holds everybody, at several sizes: how long, at what cost, in how much memory."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import say
from tests.bench.service import CHUNK, SETTLE, Service, copy_addresses, service

MILLION = 1_000_000
IN_FLIGHT = 100  # of all workers together, by HTTP; by SMPP each worker has a window of 100
ALERTS = {10_000: 5, 100_000: 2, MILLION: 1}  # of each cell: few sends need many to be told from the clock's ticks
FEW = 200  # people of the alert that costs a start and little else
STARTS = 8
WARM = 3
CORNERS = 400
WEST, SOUTH, EAST, NORTH = 109.0, 0.0, 109.5, 0.4  # where the residents of tests/bench/service.py stand
WORKER_UP = b"crew.worker_up"
TICK = os.sysconf("SC_CLK_TCK")

CAP = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>bench-{sent}</identifier>
<sender>met@example.test</sender><sent>{sent}</sent><status>Exercise</status><msgType>Alert</msgType>
<scope>Public</scope><info><language>id</language><category>Met</category><event>Banjir</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty><expires>{expires}</expires>
<headline>Banjir</headline><area><areaDesc>Utara</areaDesc><polygon>{ring}</polygon></area></info></alert>"""

Cpu = dict[str, float]  # seconds of processor by who used them


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One alert: release asked -> the carrier's first (ms), the same from the answer on, -> all durable (s)."""

    people: int
    first_ms: float
    after_answer_ms: float
    seconds: float
    cpu: Cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs of one size, way and number of workers; `memory` is each process's most in MB, the service's first."""

    people: int
    workers: int
    way: str
    runs: Sequence[Run]
    starts: Sequence[Run]  # alerts to few people, of the smallest size only
    memory: Sequence[float]

    def cpu(self, who: str | None = None) -> float:
        """Give the seconds of processor of a run, the mean: of all, or of "service", "postgres" or "carrier"."""
        return mean_cpu(self.runs, who)

    @property
    def seconds(self) -> float:
        """The seconds of a run from the release on, the mean."""
        return sum(r.seconds for r in self.runs) / len(self.runs)

    @property
    def name(self) -> str:
        return f"{self.people:,} by {self.way}, {self.workers} worker{'s'[: self.workers > 1]}"


def mean_cpu(runs: Sequence[Run], who: str | None = None) -> float:
    """Give the mean of the processor time that these runs took, in seconds."""
    return sum(sum(r.cpu.values()) if who is None else r.cpu[who] for r in runs) / len(runs)


@dataclass(slots=True)
class Stand:
    """A service with so many residents, each with a phone number and a chat, and a carrier for either."""

    people: int
    here: Service
    carriers: dict[str, Carrier]

    async def begin(self, workers: int) -> None:
        """Start the service anew with so many workers, and return when they are all up."""
        await self.here.end()
        chats = ours.in_flight(self.carriers["http"].url, IN_FLIGHT // workers)
        self.here.env |= {"CRISIS_EXERCISE_TELEGRAM": chats}
        self.here.argv = [*self.here.argv[:4], "--workers", str(workers)]
        log = self.here.folder / "service.log"
        told = log.read_bytes().count(WORKER_UP) + workers - 1  # the service itself is one of them
        await self.here.start()
        end = time.monotonic() + 30
        while log.read_bytes().count(WORKER_UP) < told:
            assert time.monotonic() < end, "not all workers came up"
            await asyncio.sleep(0.05)

    async def cell(self, workers: int, way: str, alerts: int) -> Cell:
        """Measure alerts to everybody, after some to few; raise AssertionError if any is missing or came twice."""
        starts = STARTS if self.people == min(ALERTS) else 0
        few = [await self.run(way, square(FEW / self.people)) for _ in range(WARM + starts)][WARM:]
        runs = [await self.run(way, around(), self.people) for _ in range(alerts)]
        memory = [megabytes for _, megabytes in sorted(self.here.memory().items())]
        made = Cell(people=self.people, workers=workers, way=way, runs=runs, starts=few, memory=memory)
        each = made.cpu() / self.people * 1e6
        say(f"{made.name}: {made.seconds:.2f} s, {each:.1f} us each, first at {runs[0].first_ms:.0f} ms")
        return made

    async def run(self, way: str, ring: Sequence[tuple[float, float]], people: int | None = None) -> Run:
        """Release one alert and wait until all is durable."""
        carrier, channel = self.carriers[way], {"smpp": "sms", "http": "telegram"}[way]
        alert = await self.here.trigger(areas=[], cap=cap(ring), channels=[channel])
        await carrier.reset()
        before, asked, start = await self.cpu(), time.time_ns(), time.perf_counter()
        await self.here.approve(alert)
        answered = time.time_ns()
        await self.here.done(alert["id"], 300)
        seconds, after = time.perf_counter() - start, await self.cpu()
        taken, durable = await carrier.figures(), await self.here.durable(alert["id"])
        wanted = durable if people is None else people
        assert (taken.count, taken.distinct, durable) == (wanted, wanted, wanted), f"ours: {taken}, {durable} durable"
        return Run(
            people=wanted,
            first_ms=(taken.first_ns - asked) / 1e6,
            after_answer_ms=(taken.first_ns - answered) / 1e6,
            seconds=seconds,
            cpu={who: after[who] - before[who] for who in after},
        )

    async def cpu(self) -> Cpu:
        """Tell the processor time used so far: by the service and its workers, all of Postgres, and the carriers."""
        backend = await self.here.connection.fetchval("SELECT pg_backend_pid()")
        server = int(_stat(backend)[1])
        return {
            "service": sum(self.here.cpu().values()),
            "postgres": _used(server) + sum(_used(pid) for pid in _children(server)),
            "carrier": sum(_used(pid) for pid in _children(os.getpid()) if _is_carrier(pid)),
        }


@contextlib.asynccontextmanager
async def stand(people: int, ways: Sequence[str]) -> AsyncIterator[Stand]:
    """Settle so many residents, each with a point and an address for each way ("smpp", "http")."""
    async with Carrier("smpp") as smpp, Carrier("http") as http:
        begun = time.perf_counter()
        async with service({"EXERCISE_SMS": smpp.url}, people, points=True) as here:
            if "http" in ways:
                await asyncio.to_thread(_also, here.dsn, "telegram", people)
                for statement in SETTLE:
                    await here.connection.execute(statement, timeout=300)
            say(f"{people} residents with {' and '.join(ways)} after {time.perf_counter() - begun:.0f} s")
            yield Stand(people, here, {"smpp": smpp, "http": http})


def _also(dsn: str, channel: str, people: int) -> None:
    chunks = [(dsn, [channel], start, min(start + CHUNK, people + 1)) for start in range(1, people + 1, CHUNK)]
    with ProcessPoolExecutor(min(len(chunks), os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        list(pool.map(copy_addresses, chunks))


def cap(ring: Sequence[tuple[float, float]]) -> str:
    """Give a CAP document of an exercise that holds within a ring of lon, lat."""
    sent = datetime.now(UTC).astimezone().replace(microsecond=0)
    spelt = " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in [*ring, ring[0]])
    return CAP.format(sent=sent.isoformat(), expires=(sent + timedelta(hours=3)).isoformat(), ring=spelt)


def around() -> list[tuple[float, float]]:
    """Give a ragged outline around everybody: no box decides, each point has to be looked at against it."""
    chance, ring = random.Random(7), []
    side = CORNERS // 4
    for n in range(CORNERS):
        way, out = n % side / side, chance.uniform(0.0, 0.01)
        ring.append(
            [
                (WEST + (EAST - WEST) * way, SOUTH - out),
                (EAST + out, SOUTH + (NORTH - SOUTH) * way),
                (EAST - (EAST - WEST) * way, NORTH + out),
                (WEST - out, NORTH - (NORTH - SOUTH) * way),
            ][n // side]
        )
    return ring


def square(part: float) -> list[tuple[float, float]]:
    """Give a square in the middle that holds about such a part of everybody."""
    wide, high = (EAST - WEST) * math.sqrt(part) / 2, (NORTH - SOUTH) * math.sqrt(part) / 2
    lon, lat = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    return [(lon - wide, lat - high), (lon + wide, lat - high), (lon + wide, lat + high), (lon - wide, lat + high)]


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat from the state on: the name before it may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _used(pid: int) -> float:
    """Give the seconds of a process and of its children that ended."""
    with contextlib.suppress(OSError):
        return sum(map(int, _stat(pid)[11:15])) / TICK
    return 0.0


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(_stat(int(entry.name))[1]) == parent:
                found.append(int(entry.name))
    return found


def _is_carrier(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("carrier")
    return False


_KEPT: dict[tuple[int, int, str], Cell] = {}  # measured by an earlier bench of this process


async def cells(people: int, wanted: Sequence[tuple[int, str]]) -> list[Cell]:
    """Measure these (workers, way) at a size, or give what was measured in this process already."""
    if missing := [key for key in wanted if (people, *key) not in _KEPT]:
        async with stand(people, sorted({way for _, way in missing}, reverse=True)) as here:
            await measure(here, missing)
    return [_KEPT[people, *key] for key in wanted]


async def measure(here: Stand, wanted: Sequence[tuple[int, str]]) -> None:
    """Measure these (workers, way), by one start of the service for each number of workers; kept for cells()."""
    for workers in sorted({workers for workers, _ in wanted}):
        await here.begin(workers)
        for way in sorted((way for each, way in wanted if each == workers), reverse=True):
            _KEPT[here.people, workers, way] = await here.cell(workers, way, ALERTS[here.people])
