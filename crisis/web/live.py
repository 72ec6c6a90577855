"""Live: the progress of an alert as server-sent events, until every dispatch has ended; a paused one has not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crisis.errors import NotFound
from crisis.model.dispatch import DispatchState, Stopped
from crisis.web.auth import officer_of
from crisis.web.house import HOUSE, House

SOONEST = 0.2  # seconds between two reports of one watcher
LONGEST = 2.0  # seconds after which it is counted again without a call
ENDED = frozenset({DispatchState.DONE, DispatchState.STOPPED})
NEVER_SENT = frozenset({"rejected"})
EXISTS = "SELECT state FROM alert WHERE id = $1"


async def progress(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/alerts/{id}/events: a `progress` event at each change, `end` when all dispatches ended."""
    await officer_of(request)
    house, alert_id = request.app[HOUSE], int(request.match_info["id"])
    if await house.pool.fetchval(EXISTS, alert_id) is None:
        raise NotFound(f"there is no alert {alert_id}")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # who watched has gone: nothing to tell, and no fault
        await _tell(house, alert_id, response)
    return response


async def _tell(house: House, alert_id: int, response: web.StreamResponse) -> None:
    last = ""
    while not house.closing.is_set():
        state = await house.pool.fetchval(EXISTS, alert_id)
        dispatches = await house.progress_of(alert_id)
        now = json.dumps({"alert": alert_id, "state": state, "dispatches": dispatches})
        if now != last:
            await response.write(f"event: progress\ndata: {now}\n\n".encode())
            last = now
        if state in NEVER_SENT or (dispatches and all(map(_has_ended, dispatches))):
            await response.write(f"event: end\ndata: {now}\n\n".encode())
            break
        await asyncio.sleep(SOONEST)
        await house.progress.wait(LONGEST)
        await response.write(b": still here\n\n")  # a comment, so that nothing between us hangs up
    await response.write_eof()


def _has_ended(dispatch: Mapping[str, Any]) -> bool:
    """Tell whether nothing more can leave: an officer may resume what is paused, failover move on who is undecided."""
    return not dispatch["undecided"] and dispatch["state"] in ENDED and dispatch["stopped"] != Stopped.PAUSED


def add(app: web.Application) -> None:
    """Open this door."""
    app.router.add_get(r"/api/v1/alerts/{id:\d{1,18}}/events", progress)
