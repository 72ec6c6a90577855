"""One notice to many numbers over one session: submits as the window opens, each number reported once."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from channels.contract import Address, Notice, Outcome, Report, Result, SendError, Unavailable
from channels.sms import gsm7, pdu, verdict
from channels.sms.pdu import Sm
from channels.sms.session import UNWRITTEN, Session

_NUMBER = re.compile(r"\+?([0-9]{3,20})")
_LONGEST = timedelta(days=30)  # as long as any carrier keeps a text
_FRESH = 1.0  # seconds for which the time a text has left to live is said alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """From whom, and how numbers are typed (TON and NPI, SMPP 3.4, 5.2.5 and 5.2.6)."""

    source: str
    ton: int
    npi: int
    dest_ton: int = 1
    dest_npi: int = 1
    service_type: str = ""


def number(value: str) -> str | None:
    """Return the digits of a phone number as SMPP wants them, None if it cannot be one."""
    digits = value[1:] if value[:1] == "+" else value
    if digits.isascii() and digits.isdigit():
        return digits if 3 <= len(digits) <= 20 else None
    match = _NUMBER.fullmatch(re.sub(r"[ ().-]", "", value))
    return match[1] if match else None


def validity(expires: datetime | None, now: datetime) -> str:
    """Say how long the carrier may try, as SMPP's relative time (7.1.1.2); never over 30 days.

    Relative, because carriers are known to read the zone of an absolute time wrongly, and a text that
    dies seven hours early is lost.
    """
    if expires is None:
        return ""
    left = int(max(timedelta(seconds=1), min(expires - now, _LONGEST)).total_seconds())
    minutes, seconds = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"


def reference(notice: Notice) -> int:
    """Return the concatenation reference: the same for every try, so that handsets join parts of two."""
    return zlib.crc32(f"{notice.id}\n{notice.language}\n{notice.text}".encode("utf-8", "surrogatepass")) & 255


def parts(notice: Notice, sender: Sender, now: datetime) -> list[tuple[bytes, bytes]]:
    """Return, for each part, the body of its submit_sm before and after the destination."""
    return [
        Sm(
            service_type=sender.service_type,
            source_ton=sender.ton,
            source_npi=sender.npi,
            source=sender.source,
            destination_ton=sender.dest_ton,
            destination_npi=sender.dest_npi,
            esm_class=esm_class,
            priority=3 if notice.urgent else 0,
            validity=validity(notice.expires, now),
            registered=1,
            data_coding=coding,
            octets=octets,
        ).around()
        for esm_class, coding, octets in gsm7.split(notice.text, reference(notice))
    ]


class _Flight:
    """One number's parts on their way."""

    __slots__ = ("address_id", "code", "left", "refs", "result")

    def __init__(self, address_id: int, left: int) -> None:
        self.address_id = address_id
        self.left = left
        self.refs: list[str] = []
        self.result = Result.ACCEPTED
        self.code = ""

    def failed(self, status: int) -> None:
        result = verdict.judge(status)
        if verdict.SUREST.index(result) < verdict.SUREST.index(self.result):
            self.result, self.code = result, verdict.code(status)

    def outcome(self) -> Outcome:
        """Return the result; refs only of a whole text, so that half a text never counts as arrived."""
        refs = tuple(self.refs) if self.result is Result.ACCEPTED else ()
        return Outcome(address_id=self.address_id, result=self.result, code=self.code, refs=refs)

    def abandon(self) -> Outcome:
        """Return the result of a send called off with parts unanswered."""
        if self.result is Result.ACCEPTED:
            self.result, self.code = Result.UNKNOWN, "called off"
        return self.outcome()


class Sending:
    """One send(): call through() once."""

    def __init__(
        self, session: Session, notice: Notice, sender: Sender, report: Report, clean: Callable[[str], str]
    ) -> None:
        self._session = session
        self._notice = notice
        self._sender = sender
        self._report = report
        self._clean = clean
        self._parts: list[tuple[bytes, bytes]] = []
        self._stale = 0.0
        self._whole: dict[int, int] = {}  # texts of one part in flight: sequence number and address
        self._parted: dict[int, _Flight] = {}  # the parts in flight of longer ones
        self._flights: set[_Flight] = set()
        self._streak = 0
        self._stop: SendError | None = None
        self._landed = asyncio.Event()

    async def through(self, addresses: AsyncIterable[Address]) -> None:
        """Send to all, wait for every reply, then raise if the account as a whole has to stop."""
        session = self._session
        try:
            if await self._may_go_on():
                async for address in addresses:
                    if destination := self._checked(address):
                        if session.free <= 0:  # another send() took the place while the address came
                            await session.room()
                        if len(self._parts) == 1:
                            self._submit_whole(address.id, destination)
                        else:
                            await self._submit_parts(address.id, destination)
                    if (session.free <= 0 or self._stop or session.lost_at) and not await self._may_go_on():
                        break
            while self._whole or self._flights:
                self._landed.clear()
                await self._landed.wait()
        finally:
            self._call_off()
        if self._stop:
            raise self._stop

    async def _may_go_on(self) -> bool:
        if not await self._session.room():
            self._stop = self._stop or _lost()
        return self._stop is None

    def _checked(self, address: Address) -> bytes:
        """Return the destination, empty if nothing goes there, which is reported."""
        if monotonic() >= self._stale:
            self._refresh()
        digits = number(address.value)
        if digits is None:
            self._report(Outcome(address_id=address.id, result=Result.REFUSED, code="not a phone number"))
        elif not self._parts:
            self._report(Outcome(address_id=address.id, result=Result.UNREACHABLE, code="expired"))
        else:
            return digits.encode()
        return b""

    def _refresh(self) -> None:
        """Write the parts anew, for the time a text may live shrinks while a long send goes on; expired: no parts."""
        now, ends = datetime.now(UTC), self._notice.expires
        left = _FRESH if ends is None else min((ends - now).total_seconds(), _FRESH)
        self._stale = monotonic() + left
        self._parts = parts(self._notice, self._sender, now) if left > 0 else []

    def _submit_whole(self, address_id: int, destination: bytes) -> None:
        before, after = self._parts[0]
        sequence = self._session.submit(before + destination + after, self._land)
        self._whole[sequence] = address_id
        if not sequence:
            self._land(0, UNWRITTEN, b"")

    async def _submit_parts(self, address_id: int, destination: bytes) -> None:
        bodies = self._parts
        flight = _Flight(address_id, len(bodies))
        self._flights.add(flight)
        for before, after in bodies:
            if self._session.free <= 0:
                await self._session.room()
            sequence = self._session.submit(before + destination + after, self._land_part)
            self._parted[sequence] = flight
            if not sequence:
                self._land_part(0, UNWRITTEN, b"")

    def _land(self, sequence: int, status: int, body: bytes) -> None:
        address_id = self._whole.pop(sequence, None)
        if address_id is None:
            return  # reported already: the send was called off
        if status == 0:
            self._streak = 0
            refs = (self._clean(pdu.read_c_string(body)),)
            self._report(Outcome(address_id=address_id, result=Result.ACCEPTED, refs=refs))
        else:
            self._trouble(status)
            self._report(Outcome(address_id=address_id, result=verdict.judge(status), code=verdict.code(status)))
        if not self._whole:
            self._landed.set()

    def _land_part(self, sequence: int, status: int, body: bytes) -> None:
        flight = self._parted.pop(sequence, None)
        if flight is None:
            return
        if status == 0:
            self._streak = 0
            flight.refs.append(self._clean(pdu.read_c_string(body)))
        else:
            self._trouble(status)
            flight.failed(status)
        flight.left -= 1
        if not flight.left:
            self._flights.discard(flight)
            self._report(flight.outcome())
            self._landed.set()

    def _trouble(self, status: int) -> None:
        if status < 0:
            self._stop = self._stop or (_lost() if self._session.lost else None)
            return
        self._streak = 0 if verdict.judge(status) is Result.REFUSED else self._streak + 1
        self._stop = self._stop or verdict.stops(status, self._streak, self._session.window)

    def _call_off(self) -> None:
        whole, flights = self._whole, self._flights
        self._whole, self._parted, self._flights = {}, {}, set()
        for address_id in whole.values():
            self._report(Outcome(address_id=address_id, result=Result.UNKNOWN, code="called off"))
        for flight in flights:
            self._report(flight.abandon())


def _lost() -> Unavailable:
    return Unavailable("The connection to the SMS carrier was lost.", code="lost")
