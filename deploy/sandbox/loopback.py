"""Runs a small HTTP provider on 127.0.0.1 whose faults are switched on and off while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Literal, Self

from aiohttp import web

Fault = Literal["throttle", "error", "hang", "drop", "refuse"] | None


def reply(body: object, status: int = 200, **headers: str) -> web.Response:
    """Make a JSON reply; underscores in header names stand for hyphens."""
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


async def fields(request: web.BaseRequest) -> dict[str, Any]:
    """Read a request's fields from its query and its JSON or form body, as real providers do."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            body = {}
        return found | (body if isinstance(body, dict) else {})
    return found | dict(await request.post())


class Server:
    """A server on 127.0.0.1: `async with` starts and stops it, and `until` waits for what it sees."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._closing = asyncio.Event()
        self._changes = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        server = web.Server(self._serve, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def let_go(self) -> None:
        """Drop every connection that hangs, as a server that is switched off at last."""
        self._closing.set()

    async def until(self, holds: Callable[[Self], bool]) -> None:
        """Wait until `holds` is true of this server; looked at as each request comes and is answered."""
        while not holds(self):
            self._changes.clear()
            await self._changes.wait()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError


class Loopback(Server):
    """A provider of our own: `async with` starts and stops it.

    `fault` may be set at any time: throttle (429, `retry_after` seconds), error (500), refuse (the
    provider's own "no" to this address), hang (takes the request, never replies) and drop (takes the
    request, then cuts the connection). After hang and drop the request HAS been carried out: the
    caller cannot know. `delay` is in seconds, before each reply.
    """

    def __init__(self, *, port: int = 0, token: str) -> None:
        super().__init__(port)
        self.token = token
        self.fault: Fault = None
        self.retry_after: float = 1.0
        self.delay: float = 0.0
        self.requests = 0

    @property
    def url(self) -> str:
        """The account URL a channel is built from."""
        return f"http://{self.token}@127.0.0.1:{self.port}/"

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        self._changes.set()
        fault = self.fault
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = await self.answer(request, fault)
        self._changes.set()
        if fault == "hang":
            await self._closing.wait()
        if fault in ("hang", "drop") and request.transport is not None:
            request.transport.abort()
        return answer

    async def answer(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        """Reply as the provider would, also to the faults throttle, error and refuse."""
        raise NotImplementedError
