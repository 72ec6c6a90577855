"""Feeds on loopback for demonstrations and tests: served as real ones are, with faults switched on and off."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

from aiohttp import web

from deploy.sandbox.loopback import Server

Fault = Literal[
    "slow", "hang", "error", "throttle", "gone", "truncate", "bomb", "huge", "html", "drop", "garbage", "brotli"
]
PACKED_ZEROS = 1 << 20
HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to the network</body></html>"


@dataclass(slots=True, kw_only=True)
class Page:
    """What stands at one address: `fault` may be set at any time, `location` makes it a redirect."""

    body: bytes = b""
    content_type: str = "application/xml"
    tagged: bool = True  # the server knows ETag and Last-Modified
    changed: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    fault: Fault | None = None
    retry_after: str = ""
    location: str = ""
    delay: float = 0.0
    packed: bool = False
    asked: int = 0
    answered_304: int = 0

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


class FeedServer(Server):
    """A server of feeds: `async with` starts and stops it; every request is kept with its headers."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        """Give the address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"

    def publish(self, path: str, body: bytes | str, **how: object) -> Page:
        """Put a document up, or a newer one in its place."""
        raw = body.encode() if isinstance(body, str) else body
        page = self.pages.setdefault(path, Page())
        page.body, page.changed = raw, datetime.now(UTC).replace(microsecond=0)
        for name, value in how.items():
            setattr(page, name, value)
        return page

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((request.path, dict(request.headers)))
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="no such page")
        page.asked += 1
        self._changes.set()
        if page.delay:
            await asyncio.sleep(page.delay)
        if page.fault is not None:
            return await self._faulty(request, page)
        return self._plain(request, page)

    def _plain(self, request: web.BaseRequest, page: Page) -> web.Response:
        if page.location:
            return web.Response(status=302, headers={"Location": page.location})
        headers = {"Content-Type": page.content_type}
        if page.tagged:
            headers |= {"ETag": page.etag, "Last-Modified": format_datetime(page.changed, usegmt=True)}
            if _is_known(request, page):
                page.answered_304 += 1
                return web.Response(status=304, headers=headers)
        body = page.body
        if page.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", gzip.compress(body)
        return web.Response(body=body, headers=headers)

    async def _faulty(self, request: web.BaseRequest, page: Page) -> web.StreamResponse:
        if page.fault == "hang":
            await self._closing.wait()
        if page.fault == "drop" and request.transport is not None:
            request.transport.abort()
        if page.fault in ("slow", "truncate", "huge"):
            return await self._streamed(request, page)
        return _answer(page)

    async def _streamed(self, request: web.BaseRequest, page: Page) -> web.StreamResponse:
        """One byte a moment, less than was promised, or more than anybody can hold."""
        response = web.StreamResponse(headers={"Content-Type": page.content_type})
        if page.fault == "truncate":
            response.content_length = len(page.body) + 1000
        await response.prepare(request)
        if page.fault == "huge":
            while not self._closing.is_set():
                await response.write(bytes(1 << 18))
        elif page.fault == "slow":
            while not self._closing.is_set():
                await response.write(b" ")
                await asyncio.sleep(0.05)
        await response.write(page.body)
        if request.transport is not None:
            request.transport.close()
        return response


def _answer(page: Page) -> web.Response:
    match page.fault:
        case "throttle":
            return web.Response(status=429, headers={"Retry-After": page.retry_after or "120"})
        case "bomb":
            bomb = gzip.compress(bytes(PACKED_ZEROS)) * 200
            return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
        case "brotli":
            return web.Response(body=b"\x0b\x02\x80hello\x03", headers={"Content-Encoding": "br"})
        case "html":
            return web.Response(body=HTML, content_type="text/html")
        case "garbage":
            return web.Response(body=bytes(range(256)) * 8, content_type=page.content_type)
        case "gone":
            return web.Response(status=410, text="moved away years ago")
        case _:
            return web.Response(status=500, text="Internal Server Error")


def _is_known(request: web.BaseRequest, page: Page) -> bool:
    """Judge the conditions as RFC 9110, section 13.2.2 says: If-None-Match outweighs the date."""
    if tags := request.headers.get("If-None-Match"):
        return page.etag in tags
    if since := request.headers.get("If-Modified-Since"):
        return page.changed <= parsedate_to_datetime(since)
    return False
