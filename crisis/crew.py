"""The crew: worker processes beside a service, started again when one dies and drained when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping

from crisis import db, log
from crisis.errors import BadInput
from crisis.settings import PREFIX, Settings

logger = log.get("crew")

WORKER_POOL = 6  # connections of a worker's pool; one more listens
DOORS_POOL = 12  # connections of the service for its doors, clock and feeds ...
LANES_POOL = 8  # ... for delivery and fan-out ...
SERVICE_CONNECTIONS = DOORS_POOL + LANES_POOL + 1  # ... and the one it listens on
FIRST_WAIT = 0.2  # seconds until a worker that died is started again, doubled each time ...
LONGEST_WAIT = 30.0  # ... up to this
STEADY = 60.0  # seconds a worker must have lived for its death to count as the first one
LAST = 8.0  # seconds a worker is still given when the service's own time to stop is over

# What others than superusers may open, in all.
CONNECTIONS = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""


class Crew:
    """The workers a service started; they share its database, its settings and its key, and end when it does.

    Each holds the reading end of a pipe of ours: closing it tells the worker to drain, and if we are killed the
    kernel closes it. So none outlives its service, whatever becomes of that.
    """

    def __init__(self, size: int, settings: Settings, dsn: str) -> None:
        self.size, self.up = size, 0
        # By environment: the arguments of a process are anyone's to read.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environ: Mapping[str, str] = kept | settings.environment() | {"CRISIS_DATABASE_URL": dsn}
        self._draining = asyncio.Event()
        self._processes: set[Process] = set()

    async def run(self) -> None:
        """Keep every worker up; ends once all have ended after drain(), and kills them when cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(1, self.size + 1):
                group.create_task(self._keep(number))

    def drain(self) -> None:
        """Tell all workers to drain, and start none again."""
        self._draining.set()
        for process in self._processes:
            _let_go(process)

    async def _keep(self, number: int) -> None:
        loop, wait = asyncio.get_running_loop(), FIRST_WAIT
        while not self._draining.is_set():
            began = loop.time()
            try:
                code: int | None = await self._one()
            except OSError as error:  # no process or no memory left
                code = None
                logger.error("crew.worker_not_started", worker=number, fault=error.strerror)
            if self._draining.is_set():
                return
            if loop.time() - began > STEADY:
                wait = FIRST_WAIT
            logger.error("crew.worker_died", worker=number, code=code, again_in=wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._draining.wait()
            wait = min(wait * 2, LONGEST_WAIT)

    async def _one(self) -> int:
        """Run one worker to its end and give its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crisis", "work", "--crew", env=self._environ, stdin=PIPE, stdout=PIPE
        )
        self._processes.add(process)
        if self._draining.is_set():
            _let_go(process)
        ready = b""
        try:
            if process.stdout is not None:
                ready = await process.stdout.readline()
            if ready:
                self.up += 1
                logger.info("crew.worker_up", pid=process.pid, up=self.up)
            return await process.wait()
        finally:
            self.up -= bool(ready)
            await asyncio.shield(self._end(process))

    async def _end(self, process: Process) -> None:
        """Make sure that a worker has ended: one we are not allowed to wait for any longer drains for LAST seconds."""
        _let_go(process)
        try:
            async with asyncio.timeout(LAST):
                await process.wait()
        except TimeoutError:
            logger.error("crew.worker_stuck", pid=process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._processes.discard(process)


def _let_go(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


async def afford(pool: db.Pool, workers: int) -> None:
    """Raise BadInput when the database allows fewer connections than so many workers and the service need."""
    allowed = await pool.fetchval(CONNECTIONS)
    needed = SERVICE_CONNECTIONS + (workers - 1) * (WORKER_POOL + 1)
    if workers > 1 and needed > allowed:
        most = 1 + max(allowed - SERVICE_CONNECTIONS, 0) // (WORKER_POOL + 1)
        raise BadInput(
            f"CRISIS_WORKERS: {workers} workers need {needed} connections and the database allows {allowed}: "
            f"ask for at most {most}, or raise its max_connections"
        )
