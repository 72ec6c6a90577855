"""Who asks: an officer by token; nothing that changes anything works without one."""

from __future__ import annotations

from aiohttp import web

from crisis.errors import NotAllowed
from crisis.flow import register
from crisis.model.officer import Officer
from crisis.web.house import HOUSE


async def officer_of(request: web.Request) -> Officer:
    """Give the officer whose token the request carries; refuse it otherwise."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAllowed("this needs an officer's token: send `Authorization: Bearer TOKEN`, or set CRISIS_TOKEN")
    officer = await register.who_is(request.app[HOUSE].pool, token.strip())
    if officer is None:
        raise NotAllowed("this token belongs to no officer, or to one who was disabled: ask an admin for a new one")
    return officer
