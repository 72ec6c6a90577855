"""The clock: APScheduler ticks in memory, the `due` table remembers; a restart loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from crisis import db, log
from crisis.db import is_brief
from crisis.flow import update

logger = log.get("clock")

LAST = 5.0  # seconds the last tick may take


class Clock:
    """Looks every `seconds` for what is due."""

    def __init__(self, pool: db.Pool, now: Callable[[], datetime], seconds: float) -> None:
        self._pool, self._now = pool, now
        # One tick at a time, and a late one is not made up for: the table holds what was missed.
        self._ticker = AsyncIOScheduler(
            timezone="UTC", job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        self._ticker.add_job(self.tick, "interval", seconds=seconds)
        self._ticking = asyncio.Lock()

    def start(self) -> None:
        """Begin to tick."""
        self._ticker.start()

    async def stop(self) -> None:
        """Tick no more, once the tick that is running has ended: the scheduler would cut it off with a traceback."""
        self._ticker.pause()
        with contextlib.suppress(TimeoutError):  # a database that hangs must not keep the service from stopping
            async with asyncio.timeout(LAST), self._ticking:
                pass
        self._ticker.shutdown(wait=False)

    async def tick(self) -> None:
        """Do all that is due now; a lost database is waited out until the next tick."""
        try:
            async with self._ticking:
                while await update.fire_due(self._pool, self._now()):
                    pass
        except db.FAULTS as error:
            if not is_brief(error):
                raise
            logger.warning("clock.database_lost", error=type(error).__name__)
