"""What every door needs at hand: the pool, the office, the playbooks, and the channel accounts of each mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from channels.contract import About, Limit, Reach
from crisis import db
from crisis.cap.sign import Signer
from crisis.errors import NotFound
from crisis.flow import about, publish
from crisis.flow.inbound import Desk
from crisis.flow.plan import Means
from crisis.flow.release import Outlet
from crisis.model.alert import Mode
from crisis.model.office import Office
from crisis.model.playbook import Playbook
from crisis.web.counts import Counts


class Calls:
    """Tells doors that wait that something happened: a plain event each, set by NOTIFY."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def tell(self, _payload: str = "") -> None:
        """Wake all who wait."""
        for event in self._waiting:
            event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for the next call, at most `seconds`."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._waiting.discard(event)


@dataclass(slots=True, kw_only=True)
class House:
    """The service as its doors see it."""

    pool: db.Pool
    desk: Desk
    outlets: Sequence[Outlet]
    limits: Mapping[str, Limit]  # by account
    trouble: Callable[[], Mapping[str, str]]  # account -> why it cannot send just now
    now: Callable[[], datetime]
    signer: Signer | None = None  # of our CAP documents; None: they go out unsigned
    progress: Calls = field(default_factory=Calls)  # an attempt or receipt was written
    alerts: Calls = field(default_factory=Calls)  # an alert was released, replaced or expired
    counts: Counts = field(default_factory=Counts)
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # the doors are being shut
    broken: asyncio.Event = field(default_factory=asyncio.Event)  # a part broke

    @property
    def office(self) -> Office:
        return self.desk.office

    async def document(self, alert_id: int) -> publish.Document:
        """Give a released alert as CAP XML, the same bytes each time; raises like publish.document."""
        return await publish.document(self.pool, alert_id, self.office, self.signer, self.now())

    async def cap(self, alert_id: int) -> bytes:
        """Give the bytes of document()."""
        return (await self.document(alert_id)).xml

    async def about(self, alert_id: int, language: str) -> About:
        """Tell what an alert is about in one of its languages; raises like about.of_alert."""
        return await about.of_alert(self.pool, alert_id, language, self.office, self.desk.playbooks)

    async def progress_of(self, alert_id: int) -> list[dict[str, Any]]:
        """Count how far an alert has got, as Counts allows, and say what is wrong with the account of each dispatch."""
        counted = await self.counts.of(self.pool, alert_id)
        return [row | {"trouble": self.trouble_of(row["account"])} for row in counted]

    def trouble_of(self, account: str) -> str:
        """Say why an account does not send just now; empty when it does."""
        if account not in self.limits:
            return "this service has no such account any more: set it up again, or nothing leaves by it"
        return self.trouble().get(account, "")

    def playbook(self, name: str) -> Playbook:
        """Give a playbook; raise NotFound naming those there are."""
        try:
            return self.desk.playbooks[name]
        except KeyError:
            there = ", ".join(sorted(self.desk.playbooks))
            raise NotFound(f"there is no playbook {name!r}; there are {there}") from None

    def means(self, mode: Mode) -> Means:
        """Give what an alert of a mode may use; drills never see an account for Actual."""
        limits = {o.channel: self.limits[o.account] for o in self.outlets if _drill(o) == mode.drill}
        addressed = {o.channel for o in self.outlets if o.reach is Reach.ADDRESSED and o.channel in limits}
        return Means(office=self.office, limits=limits, addressed=frozenset(addressed))

    def ways(self, mode: Mode, channels: Sequence[str]) -> list[Outlet]:
        """Give the accounts an alert leaves by, posted ones first: they cost one send each."""
        chosen = [o for o in self.outlets if o.channel in channels and _drill(o) == mode.drill]
        return sorted(chosen, key=lambda o: (o.reach.value != "posted", channels.index(o.channel)))


def _drill(outlet: Outlet) -> bool:
    return outlet.account.endswith("/exercise")


HOUSE = web.AppKey("house", House)
