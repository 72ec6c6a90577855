"""Posts each alert as CAP XML, signed where we sign, to another system: an alert hub, a siren, a display, an app."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from typing import ClassVar, Final, Self
from urllib.parse import SplitResult, urlsplit

from channels.contract import (
    Address,
    Limit,
    Misconfigured,
    Notice,
    Reach,
    Refused,
    Report,
    Size,
    Take,
    one_by_one,
)
from channels.http import Account, Http, account, fault
from channels.window import Window

CAP: Final = "application/cap+xml"


def measure(text: str) -> Size:
    """Count characters; a document takes any number of them."""
    return Size(units=len(text))


class Webhook:
    """One system of somebody else's that takes CAP 1.2 by HTTP POST.

    Each system is an account of its own, with its own queue, pace and breaker: one that is dead or slow
    delays no other.
    """

    name: ClassVar[str] = "webhook"
    reach: ClassVar[Reach] = Reach.POSTED
    limit: ClassVar[Limit] = Limit(renditions=("cap",), most_parts=1, most_units=10**9, measure=measure)
    idempotent: ClassVar[bool] = True  # sender, identifier and sent name an alert: CAP 1.2 section 3.2.1
    receipts: ClassVar[bool] = False
    inbound: ClassVar[bool] = False
    rate: float = 50.0
    concurrency: int = 4

    def __init__(self, target: Account, path: str, *, timeout: float = 10.0) -> None:
        self._path = path
        self._window = Window(self.concurrency)
        self._http = Http(
            target.origin,
            secrets=(target.token,),
            headers={"Authorization": f"Bearer {target.token}", "Content-Type": CAP},
            concurrency=self.concurrency,
            timeout=timeout,
        )

    @classmethod
    def from_url(cls, url: str, *, timeout: float = 10.0) -> Self:
        """Build from https://TOKEN@system.example/path; its query, if any, goes out as it is."""
        parts = _split(url)
        target = account(parts._replace(query="", fragment="").geturl(), cls.name)
        if not re.fullmatch(r"[\w.~+/=-]+", target.token, re.ASCII):
            raise Misconfigured(f"{cls.name}: the token in its URL has characters no token has")
        return cls(target, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), timeout=timeout)

    async def open(self) -> None:
        await self._http.open()

    async def close(self) -> None:
        await self._http.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Post the document once for each address; a 2xx is accepted, whatever the body."""
        await one_by_one(self._post, notice, addresses, report, self._window)

    async def listen(self, take: Take) -> None:
        """Return at once: what such a system says comes in as a feed."""

    async def _post(self, notice: Notice, address: Address) -> tuple[str, ...]:
        if not notice.document:
            raise Refused("this alert has no CAP document; an alarm tells why", code="no CAP")
        headers = {"Idempotency-Key": address.key, "X-CAP-Identifier": notice.id}
        reply = await self._http.ask("POST", self._path, raw=notice.document, headers=headers)
        if error := fault(reply):
            raise error
        return ()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise Misconfigured("webhook: its URL cannot be read", code="bad account URL") from None
