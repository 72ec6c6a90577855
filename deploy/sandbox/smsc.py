"""A sandbox SMSC on loopback: takes SMS, gives receipts, brings residents' texts, and breaks when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, cast

from channels.sms import gsm7, pdu
from channels.sms.pdu import RESPONSE, Pdu, Sm
from channels.sms.pieces import Piece, piece, read

FAULTS = ("throttle", "refuse", "hang", "drop", "drop_after_accept", "syserr")
_REFUSALS = {
    "throttle": pdu.CODE["ESME_RTHROTTLED"],
    "refuse": pdu.CODE["ESME_RINVDSTADR"],
    "syserr": pdu.CODE["ESME_RSYSERR"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One text as the handset would show it, once all its parts are here."""

    source: str
    destination: str
    text: str
    parts: int
    at: datetime
    urgent: bool = False
    validity: str = ""
    ids: tuple[str, ...] = field(default=(), repr=False)


class Smsc:
    """An SMSC for one account. `async with Smsc() as smsc:` listens on 127.0.0.1:smsc.port.

    `fault` may change at any moment: throttle, refuse, syserr answer each submit so; hang answers
    nothing at all; drop closes every connection; drop_after_accept takes a submit and closes without
    a word. `delay` (seconds) holds back answers. `undeliverable` says which numbers get UNDELIV.
    """

    def __init__(
        self,
        port: int = 0,
        user: str = "test",
        password: str = "test",
        *,
        receipts: bool = True,
        delay: float = 0.0,
        undeliverable: Callable[[str], bool] = lambda number: False,
    ) -> None:
        self.port = port
        self.user = user
        self.password = password
        self.receipts = receipts
        self.delay = delay
        self.undeliverable = undeliverable
        self.count = 0  # submit_sm taken, each part counted
        self.binds = 0  # successful binds so far
        self.enquiries = 0  # enquire_link answered
        self.most_unanswered = 0  # the most submits one client has had in flight
        self.stirred = asyncio.Condition()
        self.bound: list[_Link] = []
        self.links: set[_Link] = set()
        self._fault: str | None = None
        self._raw: list[tuple[bytes, str, datetime]] = []
        self._texts: list[Submitted] = []
        self._pieces: dict[tuple[str, str, str], dict[int, tuple[Piece, Sm, str]]] = {}
        self._server: asyncio.Server | None = None
        self._reference = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Link(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server:
            self._server.close()
            self.hang_up()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The setting of a channel that speaks to this SMSC."""
        return f"smpp://{self.user}:{self.password}@127.0.0.1:{self.port}/?source=BPBD&rate=100000"

    @property
    def fault(self) -> str | None:
        return self._fault

    @fault.setter
    def fault(self, fault: str | None) -> None:
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"The sandbox SMSC knows no fault {fault!r}; it knows {', '.join(FAULTS)}.")
        self._fault = fault
        if fault == "drop":
            self.hang_up()

    @property
    def submitted(self) -> list[Submitted]:
        """All texts that are whole, in the order they became so; read only when asked for."""
        raw, self._raw = self._raw, []
        for body, ref, at in raw:
            self._assemble(Sm.decode(body), ref, at)
        return self._texts

    def hang_up(self) -> None:
        """Close every connection at once."""
        for link in list(self.links):
            link.close()

    async def until(self, true: Callable[[], bool], timeout: float = 10.0) -> None:
        """Return once something is true of this SMSC; raise TimeoutError."""
        async with asyncio.timeout(timeout), self.stirred:
            await self.stirred.wait_for(true)

    async def wait_for(self, texts: int, timeout: float = 10.0) -> list[Submitted]:
        """Return the submitted texts once there are so many whole ones; raise TimeoutError."""
        await self.until(lambda: len(self.submitted) >= texts, timeout)
        return self.submitted

    async def wait_bound(self, binds: int = 1, timeout: float = 10.0) -> None:
        """Return once there have been so many successful binds and one still stands; raise TimeoutError."""
        await self.until(lambda: self.binds >= binds and bool(self.bound), timeout)

    async def write(self, sender: str, to: str, text: str) -> None:
        """Bring a resident's text to a bound client; return when it has answered for every part.

        Parts the client left unanswered are brought again to the next that binds, as an SMSC does.
        """
        self._reference = self._reference % 255 + 1
        bodies = [
            Sm(
                source=sender.removeprefix("+"),
                source_ton=1 if sender.startswith("+") else 0,
                source_npi=1,
                destination=to,
                esm_class=esm_class,
                data_coding=coding,
                octets=octets,
            ).encode()
            for esm_class, coding, octets in gsm7.split(text, self._reference)
        ]
        while bodies:
            await self.wait_bound(timeout=60)
            answers = await asyncio.gather(*map(self.bound[0].deliver, bodies))
            bodies = [body for body, answered in zip(bodies, answers, strict=True) if not answered]

    def take(self, body: bytes, now: datetime) -> tuple[str, bytes]:
        """Keep a submit; return its id and, if it asks for one, the body of its receipt."""
        self.count += 1
        ref = f"{self.count:08X}"
        self._raw.append((body, ref, now))
        return ref, self._receipt(body, ref, now) if self.receipts else b""

    async def stir(self) -> None:
        async with self.stirred:
            self.stirred.notify_all()

    def _receipt(self, body: bytes, ref: str, now: datetime) -> bytes:
        source, destination, registered = _ends(body)
        if not registered & 1:
            return b""
        failed = self.undeliverable(destination[2:-1].decode("latin-1"))
        stat, count, state = ("UNDELIV", "000", 5) if failed else ("DELIVRD", "001", 2)
        date = f"{now.year % 100:02}{now.month:02}{now.day:02}{now.hour:02}{now.minute:02}"
        words = f"id:{ref} sub:001 dlvrd:{count} submit date:{date} done date:{date} stat:{stat} err:000 text:"
        _, after = Sm(
            esm_class=4,
            octets=words.encode(),
            tlvs={pdu.RECEIPTED_MESSAGE_ID: ref.encode() + b"\0", pdu.MESSAGE_STATE: bytes((state,))},
        ).around()
        return b"\0" + destination + source + after[1:]

    def _assemble(self, sm: Sm, ref: str, at: datetime) -> None:
        one = piece(sm)
        key = (sm.source, sm.destination, one.ref)
        parts = self._pieces.setdefault(key, {})
        parts[one.index] = (one, sm, ref)
        if len(parts) < one.total:
            return
        del self._pieces[key]
        ordered = [parts[index] for index in sorted(parts)]
        self._texts.append(
            Submitted(
                source=sm.source,
                destination=sm.destination,
                text=read(one.coding, b"".join(each.octets for each, _, _ in ordered)),
                parts=one.total,
                at=at,
                urgent=sm.priority > 0,
                validity=sm.validity,
                ids=tuple(ref for _, _, ref in ordered),
            )
        )


def _ends(body: bytes) -> tuple[bytes, bytes, int]:
    # A load test has no time to read all of a submit: TON, NPI and number of both ends, registered_delivery.
    first = body.find(0)
    second = body.find(0, first + 3)
    third = body.find(0, second + 3)
    after = body.find(0, body.find(0, third + 4) + 1) + 1
    return (
        body[first + 1 : second + 1],
        body[second + 1 : third + 1],
        body[after] if 0 < third < after < len(body) else 0,
    )


class _Link(asyncio.Protocol):
    def __init__(self, smsc: Smsc) -> None:
        self._smsc = smsc
        self._loop = asyncio.get_running_loop()
        self._reader = pdu.Reader()
        self._sequence = 0
        self._unanswered = 0
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._transport: asyncio.Transport | None = None
        self._stirring: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._smsc.links.add(self)
        if self._smsc.fault == "drop":
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._smsc.links.discard(self)
        if self in self._smsc.bound:
            self._smsc.bound.remove(self)
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            if not answered.done():
                answered.set_result(False)

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def deliver(self, body: bytes) -> asyncio.Future[bool]:
        """Send a deliver_sm; the result tells whether the client answered (False: its line broke)."""
        answered: asyncio.Future[bool] = self._loop.create_future()
        self._sequence += 1
        self._waiting[self._sequence] = answered
        if self._transport:
            self._transport.write(pdu.frame(pdu.DELIVER_SM, self._sequence, body))
        return answered

    def data_received(self, data: bytes) -> None:
        if self._smsc.fault == "hang":
            return
        out: list[bytes] = []
        now, count = datetime.now(UTC), self._smsc.count
        for one in self._reader.feed(data):
            if one.command == pdu.SUBMIT_SM:
                self._submitted(one, now, out)
            else:
                self._other(one, out)
        taken = self._smsc.count - count
        self._unanswered += taken
        self._smsc.most_unanswered = max(self._smsc.most_unanswered, self._unanswered)
        if out and self._smsc.delay:
            self._loop.call_later(self._smsc.delay, self._write, b"".join(out), taken)
        elif out:
            self._write(b"".join(out), taken)
        if taken:
            self._stir()

    def _write(self, octets: bytes, taken: int) -> None:
        self._unanswered -= taken
        if self._transport and not self._transport.is_closing():
            self._transport.write(octets)

    def _stir(self) -> None:
        task = self._loop.create_task(self._smsc.stir())
        self._stirring.add(task)
        task.add_done_callback(self._stirring.discard)

    def _submitted(self, one: Pdu, now: datetime, out: list[bytes]) -> None:
        answer = pdu.SUBMIT_SM | RESPONSE
        if self not in self._smsc.bound:
            out.append(pdu.frame(answer, one.sequence, status=pdu.CODE["ESME_RINVBNDSTS"]))
            return
        fault = self._smsc.fault or ""
        if fault in _REFUSALS:
            out.append(pdu.frame(answer, one.sequence, status=_REFUSALS[fault]))
            return
        ref, receipt = self._smsc.take(one.body, now)
        if fault == "drop_after_accept":
            self.close()
            return
        out.append(pdu.frame(answer, one.sequence, ref.encode() + b"\0"))
        if receipt:
            self._sequence += 1
            out.append(pdu.frame(pdu.DELIVER_SM, self._sequence, receipt))

    def _other(self, one: Pdu, out: list[bytes]) -> None:
        match one.command:
            case pdu.BIND_TRANSCEIVER:
                out.append(pdu.frame(one.command | RESPONSE, one.sequence, b"sandbox\0", self._bind(one)))
            case pdu.ENQUIRE_LINK | pdu.UNBIND:
                self._smsc.enquiries += one.command == pdu.ENQUIRE_LINK
                self._stir()
                out.append(pdu.frame(one.command | RESPONSE, one.sequence))
            case _ if one.command & RESPONSE:
                answered = self._waiting.pop(one.sequence, None)
                if answered and not answered.done():
                    answered.set_result(one.status == 0)
            case _:
                status = pdu.CODE["ESME_RINVCMDID"]
                out.append(pdu.frame(pdu.GENERIC_NACK, one.sequence, status=status))

    def _bind(self, one: Pdu) -> int:
        who = pdu.Bind.decode(one.body)
        if who.system_id != self._smsc.user:
            return pdu.CODE["ESME_RINVSYSID"]
        if who.password != self._smsc.password:
            return pdu.CODE["ESME_RINVPASWD"]
        self._smsc.bound.append(self)
        self._smsc.binds += 1
        self._stir()
        return 0
