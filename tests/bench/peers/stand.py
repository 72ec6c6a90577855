"""What peers stand on: their own environment, a Redis, a database on the same Postgres, and processes kept warm."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import asyncpg

from crisis.errors import NotReady
from tests.bench.carrier import Carrier
from tests.bench.ports import free_port
from tests.bench.service import address

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
HERE = Path(__file__).parent
WARM = 400

# What a peer reads its audience from, and the one row that it commits for each send.
TABLES = """
CREATE TABLE subscriber (id bigint PRIMARY KEY, chat text NOT NULL);
CREATE TABLE sent (
    id bigserial PRIMARY KEY, run int NOT NULL, subscriber bigint NOT NULL, state text NOT NULL, ref text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sent_run ON sent (run, state);
"""
DURABLE = "SELECT count(DISTINCT subscriber) FROM sent WHERE run = $1 AND state = 'sent'"


def python() -> str:
    """Give the interpreter of the peers; raise NotReady where it was not installed."""
    if not PYTHON.exists():
        raise NotReady("The peers are not installed; `make bench` builds .venv-bench.")
    return str(PYTHON)


class Side:
    """A process that is kept warm and answers lines on its stdout; the whole group ends with the `async with`."""

    def __init__(self, argv: Sequence[str], env: dict[str, str] | None = None) -> None:
        self._argv = argv
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("CRISIS_")} | (env or {})
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is
        self.process = await asyncio.create_subprocess_exec(
            *self._argv, env=self._env, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=self._said, start_new_session=True,
        )  # fmt: skip
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self.process is not None
        self.tell(signal.SIGKILL)  # what is left to lose is measured already
        await self.process.wait()
        self._said.close()

    def tell(self, how: int) -> None:
        """Send a signal to the whole group."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)

    async def ask(self, line: str, within: float = 120) -> str:
        """Write a line and give the one it answers; raise NotReady with its last words if it ended."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        return await self.answer(within)

    async def answer(self, within: float = 120) -> str:
        """Give the next line it says."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), within)
        if not line:
            raise NotReady(f"{' '.join(self._argv[:4])} ended: {self.last_words()}")
        return line.decode().strip()

    def last_words(self) -> str:
        """Give the end of what it wrote on stderr."""
        self._said.seek(0)
        return self._said.read()[-1500:].decode(errors="replace")


@contextlib.asynccontextmanager
async def redis() -> AsyncIterator[str]:
    """Run a Redis of our own (appendonly, fsync every second) on a free port and give its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotReady("There is no redis-server here; `make bench` installs it.")
    folder, port = tempfile.mkdtemp(prefix="crisis-bench-redis-"), free_port()
    argv = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--daemonize", "no"]
    try:
        async with Side([*argv, "--appendonly", "yes", "--appendfsync", "everysec"]) as side:
            await _is_ours(side, port)
            yield f"redis://127.0.0.1:{port}/0"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _is_ours(side: Side, port: int) -> None:
    """Wait until the port answers, and make sure that it is our process: a default one may run here."""
    assert side.process is not None
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"INFO server\r\n")
            told = await reader.read(4096)
            writer.close()
            if b"process_id:%d\r" % side.process.pid in told:
                return
        await asyncio.sleep(0.02)
    raise NotReady("redis-server does not answer on its port.")


@contextlib.asynccontextmanager
async def ledger(dsn: str, people: int) -> AsyncIterator[str]:
    """Make the peers' database on the same server, with as many subscribers, and give its DSN."""
    name = "peer"
    main = await asyncpg.connect(dsn)
    try:
        await main.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await main.execute(f"CREATE DATABASE {name}")
    finally:
        main.terminate()
    theirs = urlsplit(dsn)._replace(path=f"/{name}").geturl()
    connection = await asyncpg.connect(theirs)
    try:
        await connection.execute(TABLES)
        rows = [(n, address("telegram", n)) for n in range(1, people + 1)]
        await connection.copy_records_to_table("subscriber", records=rows, columns=["id", "chat"])
        await connection.execute("VACUUM (ANALYZE) subscriber")
        yield theirs
    finally:
        connection.terminate()


@dataclass(slots=True)
class Peer:
    """A peer that waits for work: its driver is told RUN and COUNT and queues the sends.

    It has a carrier of its own, so that what it may send late or twice is never counted as ours.
    """

    name: str
    carrier: Carrier
    driver: Side
    connection: asyncpg.Connection  # type: ignore[type-arg]
    workers: Sequence[Side]
    last: int = 0  # the number of its last run
    twice: int = 0  # sends beyond one to each, over all runs

    async def rate(self, count: int, within: float = 180) -> float:
        """Give durable deliveries a second from the trigger on; raise AssertionError if any was missed."""
        self.last += 1
        await self.carrier.reset()
        start = time.perf_counter()
        await self.driver.ask(f"{self.last} {count}")
        await self.carrier.until(count, within)
        while (durable := await self.durable(self.last)) < count:
            assert time.perf_counter() - start < within, f"{self.name}: {durable} of {count} durable"
            await asyncio.sleep(0.005)
        took = time.perf_counter() - start
        taken = await self.carrier.figures()
        assert (taken.distinct, durable) == (count, count), f"{self.name}: {taken}, {durable}"
        self.twice += taken.count - count
        return count / took

    async def durable(self, run: int) -> int:
        """Count the subscribers with a committed row of a run."""
        found: int = await self.connection.fetchval(DURABLE, run)
        return found

    async def warm(self) -> None:
        """Have every worker open its connections before any clock starts."""
        for _ in range(2):
            await self.rate(WARM, 60)


@contextlib.asynccontextmanager
async def saq(
    dsn: str, broker: str, carrier: Carrier, text: str, processes: int = 2, each: int = 50
) -> AsyncIterator[Peer]:
    """Run SAQ: `processes` x `each` in flight, uvloop, aiohttp, asyncpg pool of 8; enqueued 200 at a time."""
    env = _told(dsn, broker, send_url(carrier), text) | {"PEER_CONCURRENCY": str(each)}
    argv = [python(), str(HERE / "saq_side.py")]
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(Side([*argv, "work"], env)) for _ in range(processes)]
        for worker in workers:
            await worker.answer(30)
        driver = await stack.enter_async_context(Side([*argv, "drive"], env))
        connection = await asyncpg.connect(dsn)
        stack.callback(connection.terminate)
        yield Peer(f"SAQ {processes}x{each}", carrier, driver, connection, workers)


@contextlib.asynccontextmanager
async def celery(dsn: str, broker: str, carrier: Carrier, text: str, processes: int) -> AsyncIterator[Peer]:
    """Run Celery prefork with so many processes, as GOV.UK Notify does: a save and a deliver for each send."""
    env = _told(dsn, broker, send_url(carrier), text) | {"PEER_QUEUE": f"c{processes}", "PYTHONPATH": str(HERE)}
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    work = ["worker", "--pool", "prefork", "-c", str(processes), "-Q", f"c{processes}", "-n", f"c{processes}", *quiet]
    async with contextlib.AsyncExitStack() as stack:
        argv = [python(), "-m", "celery", "-A", "celery_side:app", *work]
        worker = await stack.enter_async_context(Side(argv, env))
        driver = await stack.enter_async_context(Side([python(), str(HERE / "celery_side.py")], env))
        connection = await asyncpg.connect(dsn)
        stack.callback(connection.terminate)
        yield Peer(f"Celery prefork c{processes}", carrier, driver, connection, [worker])


def send_url(carrier: Carrier) -> str:
    """Where a send to this carrier is posted, by us and by peers."""
    return f"http://127.0.0.1:{carrier.port}/bot123456:ABC/sendMessage"


def _told(dsn: str, broker: str, url: str, text: str) -> dict[str, str]:
    return {"PEER_DSN": dsn, "PEER_REDIS": broker, "PEER_URL": url, "PEER_TEXT": text, "PYTHONUNBUFFERED": "1"}
