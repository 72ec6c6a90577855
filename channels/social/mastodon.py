"""Posts a notice on a Mastodon page, once however often it is tried, and follow-ups beneath the first."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from dataclasses import replace
from typing import Any, ClassVar, Final, Self

from channels.contract import (
    Address,
    Limit,
    Misconfigured,
    Notice,
    Reach,
    Report,
    Size,
    Take,
    Unsure,
    one_by_one,
)
from channels.http import Account, Http, Reply, account, fault
from channels.window import Window

VISIBILITIES: Final = ("public", "unlisted", "private", "direct")
URL_UNITS: Final = 23

# Narrower than what Mastodon takes for a link: what it does not match is counted in full, never too short.
_URL = re.compile(
    r"(?<![\w@$#])https?://(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:/(?:[a-z0-9_.,~%=&/+-]*[a-z0-9_=/+-])?)?",
    re.IGNORECASE | re.ASCII,
)


def measure(text: str) -> Size:
    """Count a text as Mastodon does, a link as 23 characters; never less than it counts.

    Mastodon counts grapheme clusters and the short form of mentions; here each code point counts.
    """
    return Size(units=len(_URL.sub("x" * URL_UNITS, text)))


class Mastodon:
    """One page on one Mastodon server (POST /api/v1/statuses, Mastodon API 1)."""

    name: ClassVar[str] = "mastodon"
    reach: ClassVar[Reach] = Reach.POSTED
    limit: ClassVar[Limit] = Limit(renditions=("long", "short"), most_parts=1, most_units=500, measure=measure)
    idempotent: ClassVar[bool] = True
    receipts: ClassVar[bool] = False
    inbound: ClassVar[bool] = False
    concurrency: int = 4

    def __init__(self, page: Account, *, timeout: float = 20.0) -> None:
        self.rate = page.number("rate")
        self._visibility = page.settings["visibility"]
        self._window = Window(self.concurrency)
        self._http = Http(
            page.origin,
            secrets=(page.token,),
            headers={"Authorization": f"Bearer {page.token}"},
            concurrency=self.concurrency,
            timeout=timeout,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build from https://TOKEN@host/?visibility=public&limit=500&rate=1; `limit` is the server's own."""
        page = account(url, cls.name, visibility="public", limit="500", rate="1")
        if page.settings["visibility"] not in VISIBILITIES:
            raise Misconfigured(f"{cls.name}: visibility must be one of {', '.join(VISIBILITIES)}")
        if not re.fullmatch(r"[\w.~+/=-]+", page.token, re.ASCII):
            raise Misconfigured(f"{cls.name}: the token in its URL has characters no token has")
        return cls._holding(int(page.number("limit")))(page)

    @classmethod
    def _holding(cls, most: int) -> type[Self]:
        """Servers differ in how long a post may be, and the contract keeps the limit with the class."""
        if most == cls.limit.most_units:
            return cls
        return type(cls.__name__, (cls,), {"limit": replace(cls.limit, most_units=most)})

    async def open(self) -> None:
        await self._http.open()

    async def close(self) -> None:
        await self._http.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Post once for each address; the ref is the post's id, by which a follow-up finds its thread."""
        await one_by_one(self._post, notice, addresses, report, self._window)

    async def listen(self, take: Take) -> None:
        """Return at once: replies on the page are read by officers there."""

    async def _post(self, notice: Notice, address: Address) -> tuple[str, ...]:
        reply = await self._ask(notice, address, address.thread)
        if address.thread and _is_parent_gone(reply):
            # An update must be seen even if someone deleted the post it follows.
            reply = await self._ask(notice, address, "")
        if error := fault(reply, says=self._http.clean(reply.json().get("error"))):
            raise error
        if not (post := reply.json().get("id")):
            raise Unsure("the reply names no post: is this a Mastodon server?", code="no id")
        return (str(post),)

    async def _ask(self, notice: Notice, address: Address, parent: str) -> Reply:
        body: dict[str, Any] = {"status": notice.text, "visibility": self._visibility}
        if notice.language:
            body["language"] = notice.language.partition("-")[0].lower()
        if parent:
            body["in_reply_to_id"] = parent
        return await self._http.ask("POST", "/api/v1/statuses", body=body, headers={"Idempotency-Key": address.key})


def _is_parent_gone(reply: Reply) -> bool:
    says = str(reply.json().get("error", "")).lower()
    return reply.status == 404 or (reply.status == 422 and "reply" in says)
