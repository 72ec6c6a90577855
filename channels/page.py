"""Verifies that the service's own web page shows a notice: the page is made from the database, not sent."""

from __future__ import annotations

from collections.abc import AsyncIterable
from html import escape
from typing import ClassVar, Self
from urllib.parse import urlsplit

from channels.contract import (
    Address,
    Limit,
    Notice,
    Reach,
    Report,
    SendError,
    Size,
    Take,
    Unavailable,
    one_by_one,
)
from channels.http import Account, Http, account
from channels.window import Window


def measure(text: str) -> Size:
    """Count characters; a page takes any number of them."""
    return Size(units=len(text))


class Page:
    """The public page of this service, as the server that residents reach shows it."""

    name: ClassVar[str] = "page"
    reach: ClassVar[Reach] = Reach.POSTED
    limit: ClassVar[Limit] = Limit(renditions=("long",), most_parts=1, most_units=10**9, measure=measure)
    idempotent: ClassVar[bool] = True
    receipts: ClassVar[bool] = False
    inbound: ClassVar[bool] = False
    rate: float = 50.0
    concurrency: int = 4

    def __init__(self, server: Account, *, timeout: float = 10.0) -> None:
        self._window = Window(self.concurrency)
        self._http = Http(server.origin, concurrency=self.concurrency, timeout=timeout)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build from http://127.0.0.1:8080, the server to look at whatever host the public link names."""
        return cls(account(url, cls.name, secret=False))

    async def open(self) -> None:
        await self._http.open()

    async def close(self) -> None:
        await self._http.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Report accepted only when the page answers 200 and holds the notice's id; the ref is its link."""
        await one_by_one(self._look, notice, addresses, report, self._window)

    async def listen(self, take: Take) -> None:
        """Return at once: the page's own forms bring residents' questions in."""

    async def _look(self, notice: Notice, _: Address) -> tuple[str, ...]:
        path = _path(notice.link)
        try:
            reply = await self._http.ask("GET", path)
        except SendError as lost:
            raise Unavailable(str(lost)) from None  # looking twice changes nothing, so nothing is in doubt
        if reply.status != 200:
            raise Unavailable("the page is not there yet", code=str(reply.status))
        if not notice.id or not any(form.encode() in reply.body for form in (notice.id, escape(notice.id))):
            raise Unavailable("the page does not show this alert yet", code="not on the page")
        return (notice.link,)


def _path(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        raise Unavailable("the alert's link cannot be read", code="bad link") from None
    if not parts.path.startswith("/"):
        raise Unavailable("the alert has no link to a page", code="no link")
    return parts.path + (f"?{parts.query}" if parts.query else "")
