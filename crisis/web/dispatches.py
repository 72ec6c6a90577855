"""The API of what an alert has still to send: pause it, let it go on, or stop it for good."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from crisis.flow import hold
from crisis.web.auth import officer_of
from crisis.web.errors import read_body
from crisis.web.house import HOUSE


class Resume(BaseModel):
    """Where: a channel, or an account; everywhere if none is named."""

    model_config = ConfigDict(extra="forbid")
    channel: str | None = Field(None, min_length=1, max_length=200)


class Hold(Resume):
    """Where, and why."""

    reason: str = Field(max_length=400)


async def pause(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/pause: nothing more of it leaves, until it is resumed."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body, alert_id = await read_body(request, Hold), _id(request)
    held = await hold.pause(house.pool, alert_id, officer, body.channel, body.reason, house.now())
    return _told(alert_id, held)


async def resume(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/resume: what was paused is sent on, from where it stood."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body, alert_id = await read_body(request, Resume), _id(request)
    held = await hold.resume(house.pool, alert_id, officer, body.channel, house.now())
    return _told(alert_id, held)


async def stop(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/stop: nothing more of it leaves, for good."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body, alert_id = await read_body(request, Hold), _id(request)
    held = await hold.stop(house.pool, alert_id, officer, body.channel, body.reason, house.now())
    return _told(alert_id, held)


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _told(alert_id: int, held: hold.Held) -> web.Response:
    """Tell how it stands, without the counts: with a million attempts they take longer than a stop may."""
    shown = [
        {name: row[name] for name in ("channel", "account", "state", "stopped", "cuts_off")} for row in held.dispatches
    ]
    return web.json_response({"alert": alert_id, "changed": held.changed, "dispatches": shown})


def add(app: web.Application) -> None:
    """Open these doors."""
    one = r"/api/v1/alerts/{id:\d{1,18}}"
    app.router.add_post(f"{one}/pause", pause)
    app.router.add_post(f"{one}/resume", resume)
    app.router.add_post(f"{one}/stop", stop)
