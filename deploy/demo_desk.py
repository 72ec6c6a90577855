"""The officers of the demonstration, who reach the service as anybody does: over its HTTP API with their tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from deploy.demo_process import Broke

API = "/api/v1"
LOOK_EVERY = 0.05  # seconds between two looks at something that comes in its own time


@dataclass(slots=True, kw_only=True)
class Desk:
    """One service and its officers by name."""

    session: aiohttp.ClientSession
    url: str
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the API as an officer and give the status and what it said."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        given = {"data": body} if isinstance(body, str) else {"json": body}
        async with self.session.request(method, self.url + API + path, headers=headers, **given) as reply:
            return reply.status, await reply.json()

    async def must(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Ask the API for what has to work; Broke with the service's own sentence when it does not."""
        status, told = await self.ask(who, method, path, body)
        if status >= 300:
            raise Broke(f"{who} asked {method} {path} and was told ({status}): {told.get('error', told)}")
        return told

    async def page(self, path: str) -> str:
        """Read what everybody may read; Broke unless it is there."""
        async with self.session.get(self.url + path) as reply:
            if reply.status != 200:
                raise Broke(f"{path} answers {reply.status}, not 200")
            return await reply.text()

    async def events(self, who: str, alert_id: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Follow an alert by its server-sent events until all its dispatches have ended."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with self.session.get(f"{self.url}{API}/alerts/{alert_id}/events", headers=headers) as reply:
            async for line in reply.content:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])["dispatches"]

    async def dispatches(self, who: str, alert_id: int) -> dict[str, dict[str, Any]]:
        """Give how far an alert has got, by channel."""
        shown = await self.must(who, "GET", f"/alerts/{alert_id}")
        return {dispatch["channel"]: dispatch for dispatch in shown["dispatches"]}


async def until(what: str, holds: Callable[[], Awaitable[Any]], within: float = 30.0) -> Any:
    """Look again and again until `holds` gives something, and give that; Broke naming `what` did not come."""
    try:
        async with asyncio.timeout(within):
            while not (found := await holds()):  # noqa: ASYNC110 - it looks at another process
                await asyncio.sleep(LOOK_EVERY)
            return found
    except TimeoutError:
        raise Broke(f"{what} did not come within {within:.0f} s") from None
