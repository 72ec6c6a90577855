"""A sandbox SMSC on loopback: takes SMS, gives receipts, brings residents' texts, and breaks when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, cast

from channels.sms import gsm7, pdu
from channels.sms.pdu import RESPONSE, Sm, frame
from channels.sms.pieces import Piece, piece, read
from deploy.sandbox.smsc_receipts import WINDOW, Receipts, ends, receipt

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
    `most_binds` is how many sessions may stand at a time. Receipts and residents' texts go to sessions
    that can receive, whichever submitted; they are kept until there is one, and until it answers.
    `to_say=Receipts(twice=True, delay=1.0, mixed=True)` brings receipts again, late and in any order.
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
        most_binds: int = 1000,
        to_say: Receipts | None = None,
    ) -> None:
        self.port = port
        self.user = user
        self.password = password
        self.receipts = receipts
        self.delay = delay
        self.undeliverable = undeliverable
        self.most_binds = most_binds
        self.to_say = to_say or Receipts()
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

    @property
    def hearing(self) -> list[_Link]:
        """The bound sessions that can receive."""
        return [link for link in self.bound if link.hears]

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
            await self.until(lambda: bool(self.hearing), timeout=60)
            answers = await asyncio.gather(*map(self.hearing[0].deliver, bodies))
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
        _, destination, _ = ends(body)
        return receipt(body, ref, now, self.undeliverable(destination[2:-1].decode("latin-1")))

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


class _Link(asyncio.Protocol):
    def __init__(self, smsc: Smsc) -> None:
        self.hears = self.submits = False
        self._smsc = smsc
        self._loop = asyncio.get_running_loop()
        self._reader = pdu.Reader()
        self._sequence = 0
        self._unanswered = 0
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._brought: dict[int, bytes] = {}
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
        self.hears = self.submits = False
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            if not answered.done():
                answered.set_result(False)
        self._smsc.to_say.went(self, list(self._brought.values()))
        self._stir()

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def deliver(self, body: bytes) -> asyncio.Future[bool]:
        """Send a deliver_sm; the result tells whether the client answered (False: its line broke)."""
        answered: asyncio.Future[bool] = self._loop.create_future()
        self._sequence += 1
        self._waiting[self._sequence] = answered
        if self._transport:
            self._transport.write(frame(pdu.DELIVER_SM, self._sequence, body))
        return answered

    @property
    def places(self) -> int:
        """How many more receipts it may be given before it answers."""
        return WINDOW - len(self._brought)

    def bring(self, bodies: list[bytes]) -> None:
        """Send receipts; they come back to the SMSC unless they are answered well."""
        out: list[bytes] = []
        for body in bodies:
            self._sequence += 1
            self._brought[self._sequence] = body
            out.append(frame(pdu.DELIVER_SM, self._sequence, body))
        if self._transport:
            self._transport.write(b"".join(out))

    def data_received(self, data: bytes) -> None:
        if self._smsc.fault == "hang":
            return
        out: list[bytes] = []
        receipts: list[bytes] = []
        now, count = datetime.now(UTC), self._smsc.count
        for command, status, sequence, body in self._reader.cut(data):
            if command == pdu.SUBMIT_SM:
                self._submitted(sequence, body, now, out, receipts)
            elif command & RESPONSE:
                self._answered(sequence, status)
            else:
                self._other(command, sequence, body, out)
        taken = self._smsc.count - count
        self._unanswered += taken
        self._smsc.most_unanswered = max(self._smsc.most_unanswered, self._unanswered)
        if out and self._smsc.delay:
            self._loop.call_later(self._smsc.delay, self._write, out, taken, receipts)
        else:
            self._write(out, taken, receipts)
        if taken:
            self._stir()

    def _write(self, out: list[bytes], taken: int, receipts: list[bytes]) -> None:
        self._unanswered -= taken
        if out and self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(out))
        if receipts:
            self._smsc.to_say.add(receipts)
        else:
            self._smsc.to_say.pass_on()

    def _stir(self) -> None:
        task = self._loop.create_task(self._smsc.stir())
        self._stirring.add(task)
        task.add_done_callback(self._stirring.discard)

    def _submitted(self, sequence: int, body: bytes, now: datetime, out: list[bytes], receipts: list[bytes]) -> None:
        answer = pdu.SUBMIT_SM | RESPONSE
        if not self.submits:
            out.append(frame(answer, sequence, status=pdu.CODE["ESME_RINVBNDSTS"]))
            return
        fault = self._smsc.fault or ""
        if fault in _REFUSALS:
            out.append(frame(answer, sequence, status=_REFUSALS[fault]))
            return
        ref, said = self._smsc.take(body, now)
        if fault == "drop_after_accept":
            self.close()
            return
        out.append(frame(answer, sequence, ref.encode() + b"\0"))
        if said:
            receipts.append(said)

    def _answered(self, sequence: int, status: int) -> None:
        brought = self._brought.pop(sequence, None)
        if brought is not None and status:
            self._smsc.to_say.again(brought)
        answered = self._waiting.pop(sequence, None)
        if answered and not answered.done():
            answered.set_result(status == 0)

    def _other(self, command: int, sequence: int, body: bytes, out: list[bytes]) -> None:
        match command:
            case pdu.BIND_TRANSCEIVER | pdu.BIND_TRANSMITTER | pdu.BIND_RECEIVER:
                out.append(frame(command | RESPONSE, sequence, b"sandbox\0", self._bind(command, body)))
            case pdu.ENQUIRE_LINK | pdu.UNBIND:
                self._smsc.enquiries += command == pdu.ENQUIRE_LINK
                self._stir()
                out.append(frame(command | RESPONSE, sequence))
            case _:
                out.append(frame(pdu.GENERIC_NACK, sequence, status=pdu.CODE["ESME_RINVCMDID"]))

    def _bind(self, command: int, body: bytes) -> int:
        who = pdu.Bind.decode(body)
        if who.system_id != self._smsc.user:
            return pdu.CODE["ESME_RINVSYSID"]
        if who.password != self._smsc.password:
            return pdu.CODE["ESME_RINVPASWD"]
        if self in self._smsc.bound or len(self._smsc.bound) >= self._smsc.most_binds:
            return pdu.CODE["ESME_RALYBND"]
        self.hears, self.submits = command != pdu.BIND_TRANSMITTER, command != pdu.BIND_RECEIVER
        self._smsc.bound.append(self)
        self._smsc.binds += 1
        self._stir()
        if self.hears:
            self._loop.call_soon(self._come)  # after the answer to the bind
        return 0

    def _come(self) -> None:
        if self.hears:  # else gone in the meantime
            self._smsc.to_say.came(self)
