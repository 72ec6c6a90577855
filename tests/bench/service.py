"""The real service as a process of its own, with an embedded Postgres (fsync on) and as many residents as asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import yaml

from crisis import db, postgres
from crisis.errors import NotReady
from crisis.model.area import bounds, from_geojson, to_geojson
from crisis.privacy import Vault, token_hash
from crisis.settings import _default_playbooks
from tests.bench.figures import say
from tests.bench.ports import free_port
from tests.stories.town import KEY, NORTH, OFFICERS, SLOTS, SOUTH

ROOT = Path(__file__).parents[2]
ADDRESSED = ("telegram", "sms")
AREA = ("61.01", "Utara", NORTH)  # all residents live here
EMPTY = ("61.02", "Selatan", SOUTH)
SHORT = "BANJIR {{ place }}. Posko {{ posko }}. S.d. {{ until_short }}. Kabar {{ next_update_short }}. {{ agency }}"
CHUNK = 20_000  # addresses sealed and copied at once

OFFICER = "INSERT INTO officer (name, role, token_hash) VALUES ($1, $2, $3)"
SAVE_AREA = """
INSERT INTO area (code, name, geometry, min_lon, min_lat, max_lon, max_lat)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7)
"""
# Evenly over the area, the same ones each time: setseed() makes random() repeat itself within the session.
SEED = "SELECT setseed(0.42)"
RESIDENTS = """
INSERT INTO resident (id, language, area_id, lon, lat, risk, exercise, consent, consent_at)
OVERRIDING SYSTEM VALUE
SELECT n, 'id', (SELECT id FROM area WHERE code = $3), CASE WHEN $2 THEN 109.001 + 0.498 * random() END,
       CASE WHEN $2 THEN 0.001 + 0.398 * random() END, (n * 7) % 10, true, 'bench', now()
FROM generate_series(1, $1::int) n
"""
NEXT_RESIDENT = "SELECT setval(pg_get_serial_sequence('resident', 'id'), $1)"
SETTLE = ("VACUUM (ANALYZE) resident", "VACUUM (ANALYZE) address", "CHECKPOINT")
COLUMNS = ("resident_id", "channel", "language", "rank", "sealed", "lookup")

DURABLE = """
SELECT count(DISTINCT t.address_id) FROM attempt t JOIN dispatch d ON d.id = t.dispatch_id
WHERE d.alert_id = $1 AND t.outcome = 'accepted'
"""
ENDED = "SELECT bool_and(state IN ('done', 'stopped')) FROM dispatch WHERE alert_id = $1"
STATES = "SELECT account, state FROM dispatch WHERE alert_id = $1"


@dataclass(slots=True, kw_only=True)
class Service:
    """A service under measurement; `dsn` reaches its database, `port` its doors."""

    dsn: str
    port: int
    folder: Path
    argv: list[str]
    env: dict[str, str]
    session: aiohttp.ClientSession
    connection: db.Connection
    process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self) -> None:
        """Start the process, again after end(), and return when it says that it is ready."""
        log = self.folder / "service.log"
        start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as said:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv, env=self.env, stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True, cwd=ROOT,
            )  # fmt: skip
        end = time.monotonic() + 60
        while not any(line.startswith(b"ready") for line in log.read_bytes()[start:].splitlines()):
            if self.process.returncode is not None or time.monotonic() > end:
                raise NotReady(f"The service did not start: {log.read_text()[start:][-2000:]}")
            await asyncio.sleep(0.02)

    async def end(self, how: int = signal.SIGTERM, within: float = 30) -> None:
        """Send a signal to the whole process group and wait until its leader is gone, killed after `within`."""
        if self.process is None:
            return
        self.tell(how)
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            say("the service did not stop when told to; killed")
        self.tell(signal.SIGKILL)  # a worker that outlived its leader is of this run too
        await self.process.wait()
        self.process = None

    def tell(self, how: int) -> None:
        """Send a signal to the process group and do not wait."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Ask the API as an officer, whose token is the name; a refusal fails the bench."""
        headers = {"Authorization": f"Bearer {who}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers, json=body) as reply:
            told = await reply.json()
        assert reply.status < 300, (reply.status, told)
        return told

    async def trigger(self, **changes: Any) -> Any:
        """Have Rina submit a flood alert for everybody, as an exercise; `changes` go over its body."""
        body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": [AREA[0]], "slots": SLOTS}
        return await self.ask("Rina", "POST", "/api/v1/alerts", body | changes)

    async def approve(self, alert: Any) -> Any:
        """Have Budi release what he reads."""
        path = f"/api/v1/alerts/{alert['id']}/approve"
        return await self.ask("Budi", "POST", path, {"words_hash": alert["words_hash"]})

    async def durable(self, alert_id: int) -> int:
        """Count the addresses that the database says have the alert."""
        count: int = await self.connection.fetchval(DURABLE, alert_id, timeout=60)
        return count

    async def done(self, alert_id: int, within: float) -> None:
        """Return when every dispatch of the alert has ended, seen within 20 ms; else raise TimeoutError."""
        end = time.monotonic() + within
        while not await self.connection.fetchval(ENDED, alert_id):
            if time.monotonic() > end:
                states = dict(await self.connection.fetch(STATES, alert_id))
                raise TimeoutError(f"not done within {within:g} s: {states}, {await self.durable(alert_id)} durable")
            await asyncio.sleep(0.02)

    def memory(self) -> dict[int, float]:
        """Give the most memory (VmHWM, MB) each process of the service has had so far."""
        found = {}
        for pid in self._pids():
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                peak = next(line for line in lines if line.startswith("VmHWM"))
                found[pid] = int(peak.split()[1]) / 1024
        return found

    def cpu(self) -> dict[int, float]:
        """Give the seconds of processor each process of the service has used so far."""
        found = {}
        for pid in self._pids():
            with contextlib.suppress(OSError):
                times = _stat(pid)[11:13]
                found[pid] = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
        return found

    def _pids(self) -> list[int]:
        assert self.process is not None
        pids = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                if int(_stat(int(entry.name))[3]) == self.process.pid:  # of the same session
                    pids.append(int(entry.name))
        return pids


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat from the state on: the name before it may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@contextlib.asynccontextmanager
async def service(
    carriers: Mapping[str, str], people: int, workers: int = 1, points: bool = False, **settings: str
) -> AsyncIterator[Service]:
    """Run the service with these accounts ({"EXERCISE_TELEGRAM": url}) and `people` residents of one address each.

    With more than one addressed channel they take turns. `settings` are further CRISIS_* names without the prefix.
    """
    async with database() as (dsn, folder):
        begun = time.perf_counter()
        await settle(dsn, [name.rpartition("_")[2].lower() for name in carriers], people, points)
        say(f"{people} residents settled in {time.perf_counter() - begun:.1f} s")
        opened = await _opened(dsn, folder, carriers, workers, settings)
        try:
            await opened.start()
            yield opened
        finally:
            await opened.end()
            await opened.session.close()
            opened.connection.terminate()


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[tuple[str, Path]]:
    """Run an embedded Postgres as the product sets it up (fsync on), migrated, in a folder that goes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crisis-bench-"))
    folder.chmod(0o711)
    server = await postgres.start(folder / "pg")
    try:
        await db.migrate(server.dsn)
        yield server.dsn, folder
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _opened(
    dsn: str, folder: Path, carriers: Mapping[str, str], workers: int, settings: Mapping[str, str]
) -> Service:
    port = free_port()
    given = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")}
    count = ["--workers", str(workers)] if workers != 1 else []
    return Service(
        dsn=dsn,
        port=port,
        folder=folder,
        argv=[sys.executable, "-m", "crisis", "serve", *count],
        env=given | environment(dsn, folder, port, carriers, settings),
        session=aiohttp.ClientSession(),
        connection=await asyncpg.connect(dsn),
    )


def environment(
    dsn: str, folder: Path, port: int, carriers: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, str]:
    """Give the CRISIS_* variables of the service: the product's own defaults wherever it has one."""
    return {
        "CRISIS_DATABASE_URL": dsn,
        "CRISIS_DATA_DIR": str(folder / "own"),
        "CRISIS_KEY": KEY,
        "CRISIS_PORT": str(port),
        "CRISIS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CRISIS_AGENCY": "BPBD Contoh",
        "CRISIS_PLAYBOOKS": str(playbooks(folder / "playbooks")),
        "PYTHONUNBUFFERED": "1",
        **{f"CRISIS_{name}": url for name, url in carriers.items()},
        **{f"CRISIS_{name.upper()}": value for name, value in settings.items()},
    }


def playbooks(folder: Path) -> Path:
    """Copy the project's playbooks, with a district large enough for a million and an SMS of one part.

    One part, so that one send is one submit on the wire and the carrier's count is the audience's.
    """
    if not folder.exists():
        shutil.copytree(_default_playbooks(), folder)
        flood = folder / "flood.yaml"
        book = yaml.safe_load(flood.read_text(encoding="utf-8"))
        book["max_population"] = 5_000_000
        book["levels"]["siaga"]["words"]["id"]["short"] = SHORT
        flood.write_text(yaml.safe_dump(book, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


async def settle(dsn: str, channels: list[str], people: int, points: bool) -> None:
    """Put officers, areas and residents straight into the database, sealed as the service seals them."""
    connection: db.Connection = await asyncpg.connect(dsn)
    try:
        for name, role in OFFICERS:
            await connection.execute(OFFICER, name, role.value, token_hash(name))
        for code, name, ring in (AREA, EMPTY):
            shape = from_geojson({"type": "Polygon", "coordinates": [ring]})
            await connection.execute(SAVE_AREA, code, name, json.dumps(to_geojson(shape)), *bounds(shape))
        await connection.execute(SEED)
        await connection.execute(RESIDENTS, people, points, AREA[0], timeout=300)
        await connection.fetchval(NEXT_RESIDENT, max(people, 1))
        await asyncio.to_thread(_addresses, dsn, [c for c in ADDRESSED if c in channels], people)
        for statement in SETTLE:
            await connection.execute(statement, timeout=300)
    finally:
        connection.terminate()


def _addresses(dsn: str, channels: list[str], people: int) -> None:
    chunks = [(dsn, channels, start, min(start + CHUNK, people + 1)) for start in range(1, people + 1, CHUNK)]
    if not channels:
        return
    if len(chunks) <= 2:
        for chunk in chunks:
            copy_addresses(chunk)
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(copy_addresses, chunks))


def copy_addresses(chunk: tuple[str, list[str], int, int]) -> None:
    """Seal and COPY the addresses of residents START up to, not including, END; runs in a process of its own."""
    asyncio.run(_copy(*chunk))


async def _copy(dsn: str, channels: list[str], start: int, end: int) -> None:
    vault = Vault(bytes.fromhex(KEY))
    rows = []
    for n in range(start, end):
        channel = channels[n % len(channels)]
        value = address(channel, n)
        rows.append((n, channel, "id", 9 - n * 7 % 10, vault.seal(value), vault.lookup(channel, value)))
    connection: db.Connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("address", records=rows, columns=COLUMNS)
    finally:
        connection.terminate()


def address(channel: str, n: int) -> str:
    """Give the made-up address of resident `n`: a phone number, or a chat's number."""
    return f"+62812{n:08d}" if channel == "sms" else str(1_000_000_000 + n)
