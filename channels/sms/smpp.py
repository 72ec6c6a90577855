"""SMS through one carrier account over SMPP 3.4: one session for texts out and, if it hears, texts in and receipts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from dataclasses import replace
from typing import ClassVar, Self

from channels.contract import Address, Limit, Notice, Outcome, Reach, Report, Result, Take, Unavailable
from channels.sms import gsm7, pdu, receipts, setting
from channels.sms.inbox import Inbox
from channels.sms.pdu import Pdu
from channels.sms.session import Session, bind
from channels.sms.setting import Setting
from channels.sms.submit import Sending

MOST_PARTS = 6


class Smpp:
    """One account at an SMSC (SMPP 3.4); binds when first needed and again after a loss.

    Of many processes that send by one account only those that listen may hear: an SMSC spreads receipts and
    residents' texts over all sessions that can take them. Set `hears` to False before open() in the others:
    they bind as transmitters, and listen() has nothing to do there.
    """

    name: ClassVar[str] = "sms"
    reach: ClassVar[Reach] = Reach.ADDRESSED
    limit: ClassVar[Limit] = Limit(
        renditions=("short",), most_parts=MOST_PARTS, most_units=MOST_PARTS * 153, measure=gsm7.measure
    )
    idempotent: ClassVar[bool] = False
    receipts: ClassVar[bool] = True
    inbound: ClassVar[bool] = True

    def __init__(self, given: Setting) -> None:
        self.rate = given.rate
        self.concurrency = given.account.window
        self.hears = True
        vars(self)["limit"] = replace(type(self).limit, cost=given.cost)  # the price is the account's own
        self._account = given.account
        self._sender = given.sender
        self._clean, receipted = receipts.cleaner(given.ids)
        self._inbox = Inbox(receipted)
        self._session: Session | None = None
        self._binding = asyncio.Lock()

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build the account from `smpp://NAME:PASSWORD@HOST:PORT/?source=BPBD&rate=100&window=50&cost=350`.

        Also `ton`, `npi`, `dest_ton`, `dest_npi`, `service_type`, `system_type`, `timeout` and `enquire`
        (seconds) and `ids` (same, hex-dec, dec-hex); smpps:// for TLS. Raises Misconfigured.
        """
        return cls(setting.parse(url))

    async def open(self) -> None:
        """Nothing to do: the first send() or listen() binds."""

    async def close(self) -> None:
        """Unbind; what is still in flight is reported as unknown."""
        async with self._binding:
            session, self._session = self._session, None
        if session:
            await session.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Send to each number as the window opens; an Outcome is final for all parts of a text.

        Raises Unavailable, Throttled or Misconfigured before any address is taken, or after all taken
        ones have been reported.
        """
        if not self.limit.fits(notice.text):
            async for address in addresses:
                report(Outcome(address_id=address.id, result=Result.REFUSED, code="text too long"))
            return
        session = await self._bound()
        await Sending(session, notice, self._sender, report, self._clean).through(addresses)

    async def listen(self, take: Take) -> None:
        """Hand on texts and receipts, each answered only after `take` returned; raise at the end of it.

        Returns at once if this channel does not hear.
        """
        if not self.hears:
            return
        await self._inbox.hand_on(await self._bound(), take)
        raise Unavailable("The connection to the SMS carrier was lost.", code="lost")

    async def _bound(self) -> Session:
        async with self._binding:
            if self._session is None or self._session.lost:
                arrived = self._inbox.arrived if self.hears else _turn_away
                self._session = await bind(self._account, arrived, self._inbox.stir, self.hears)
            return self._session


def _turn_away(session: Session, deliveries: list[Pdu]) -> None:
    for one in deliveries:  # no transmitter's business: to be brought to the session that listens
        session.answer(one.sequence, pdu.CODE["ESME_RX_T_APPN"])
