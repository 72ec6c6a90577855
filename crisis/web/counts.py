"""Counts: the progress of an alert, counted once for all who ask, and never so often that delivery feels it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from crisis import db
from crisis.flow import receipts

KEPT = 64  # alerts
QUICK = 0.05  # seconds: a count that takes no longer is made whenever it is asked for
REST = 8  # times as long as a slow count took passes before the next one of its alert

# What an officer's act or the end of a dispatch changes: a count from before it is no answer, however fresh.
STANDING = "SELECT id AS dispatch, state, stopped, expanded FROM dispatch WHERE alert_id = $1 ORDER BY id"

_NAMES = ("dispatch", "state", "stopped", "expanded")


@dataclass(slots=True)
class _Count:
    rows: list[dict[str, Any]] = field(default_factory=list)
    began: float = float("-inf")  # by the loop's clock
    until: float = float("-inf")  # no other count before
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Counts:
    """The last count of each alert that somebody asked for lately."""

    def __init__(self, quick: float = QUICK, rest: float = REST) -> None:
        self._quick, self._rest = quick, rest
        self._counts: OrderedDict[int, _Count] = OrderedDict()

    async def of(self, pool: db.Pool, alert_id: int) -> list[dict[str, Any]]:
        """Give the progress as receipts.progress counts it; of a slow count the last one, while it rests.

        Who asks while a count runs waits for it. A quick count always begins after it was asked for, and so does
        a slow one when a dispatch was added, has ended or was held since the last.
        """
        loop = asyncio.get_running_loop()
        asked, count = loop.time(), self._counts.setdefault(alert_id, _Count())
        self._counts.move_to_end(alert_id)
        if len(self._counts) > KEPT:
            self._counts.popitem(last=False)
        async with count.turn:
            if count.began < asked and (loop.time() >= count.until or await _stands_otherwise(pool, alert_id, count)):
                await self._renew(pool, alert_id, count)
        return count.rows

    async def _renew(self, pool: db.Pool, alert_id: int, count: _Count) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with pool.acquire() as connection:
            count.rows = await receipts.progress(connection, alert_id)
        took = loop.time() - began
        count.began, count.until = began, began + took + (self._rest * took if took > self._quick else 0)


async def _stands_otherwise(pool: db.Pool, alert_id: int, count: _Count) -> bool:
    rows = await pool.fetch(STANDING, alert_id)
    return [tuple(row) for row in rows] != [tuple(row[name] for name in _NAMES) for row in count.rows]
