"""One bound SMPP 3.4 session: a window of submits in flight, kept alive, every request settled once."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from channels.contract import Misconfigured, Throttled, Unavailable
from channels.sms import pdu
from channels.sms.pdu import RESPONSE, Bind, Pdu, frame

NO_REPLY = -1  # written, and no response came: the SMSC may have taken it
UNWRITTEN = -2  # never reached the wire

_WRONG = {pdu.CODE[name] for name in ("ESME_RINVPASWD", "ESME_RINVSYSID", "ESME_RBINDFAIL", "ESME_RINVSYSTYP")}
_BUSY = {pdu.CODE["ESME_RTHROTTLED"], pdu.CODE["ESME_RMSGQFUL"]}

# Sequence number, command_status (or NO_REPLY, UNWRITTEN), body of the response.
Settled = Callable[[int, int, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and as whom to bind, and how patiently; times in seconds."""

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    tls: bool = False
    window: int = 50
    timeout: float = 30.0
    enquire: float = 30.0


@dataclass(slots=True)
class _Turn:
    """What was said in one turn of the loop, and goes to the wire in one write."""

    at: float
    written: bool = False


class Session(asyncio.Protocol):
    """One connection; `arrived` gets the deliver_sm of one read together, `ended` is called once."""

    def __init__(
        self, account: Account, arrived: Callable[[Session, list[Pdu]], None], ended: Callable[[], None]
    ) -> None:
        self.lost_at: datetime | None = None
        self.window = self.free = account.window
        self._account = account
        self._arrived = arrived
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = pdu.Reader()
        self._sequence = 0
        self._waiting: dict[int, tuple[_Turn, int, Settled]] = {}
        self._turn: _Turn | None = None
        self._out: list[bytes] = []
        self._rooms: deque[asyncio.Future[None]] = deque()
        self._heard = self._asked = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()

    @property
    def lost(self) -> bool:
        return self.lost_at is not None

    async def room(self) -> bool:
        """Wait until the window has a place; False when the session is lost."""
        while self.free <= 0 and self.lost_at is None:
            self._flush()  # whoever waits has nothing more to say in this turn
            waiter = self._loop.create_future()
            self._rooms.append(waiter)
            await waiter
        return self.lost_at is None

    def submit(self, body: bytes, settled: Settled, command: int = pdu.SUBMIT_SM, places: int = 1) -> int:
        """Put a submit_sm into the window (see room()) and return its sequence number: `settled` hears of it once.

        On a lost session nothing is taken, and 0 returned. Another command takes as many `places` as it says.
        """
        if self.lost_at is not None:
            return 0
        self._sequence = sequence = self._sequence % pdu.LAST_SEQUENCE + 1
        self.free -= places
        self._waiting[sequence] = (self._turn or self._begin(), places, settled)
        self._out.append(frame(command, sequence, body))
        return sequence

    async def request(self, command: int, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request outside the window and return command_status (or NO_REPLY, UNWRITTEN) and body."""
        reply: asyncio.Future[tuple[int, bytes]] = self._loop.create_future()

        def settled(sequence: int, status: int, body: bytes) -> None:
            if not reply.done():
                reply.set_result((status, body))

        return await reply if self.submit(body, settled, command, 0) else (UNWRITTEN, b"")

    def answer(self, sequence: int, status: int = 0) -> bool:
        """Answer a deliver_sm; False when the session is lost and the SMSC will send it again."""
        if self.lost:
            return False
        self._write(frame(pdu.DELIVER_SM | RESPONSE, sequence, b"\0", status))
        return True

    async def close(self) -> None:
        """Unbind and hang up, waiting at most two seconds for the SMSC's goodbye."""
        if not self.lost:
            try:
                async with asyncio.timeout(min(2.0, self._account.timeout)):
                    await self.request(pdu.UNBIND)
            except TimeoutError:
                pass
            finally:
                self.lose()
            await self._gone.wait()

    def lose(self) -> None:
        """Hang up at once: what is in flight is settled as it stands."""
        if self._transport:
            self._transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()
        self._end()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        deliveries: list[Pdu] = []
        try:
            for command, status, sequence, body in self._reader.cut(data):
                if command & RESPONSE:
                    waiting = self._waiting.pop(sequence, None)
                    if waiting:  # else an answer after its time: already settled as NO_REPLY
                        self.free += waiting[1]
                        waiting[2](sequence, status, body)
                elif command == pdu.DELIVER_SM:
                    deliveries.append(Pdu(command, status, sequence, body))
                else:
                    self._answer(command, sequence)
        except pdu.BadPdu:
            self.lose()
        if deliveries:
            self._arrived(self, deliveries)
        self._wake()

    def _answer(self, command: int, sequence: int) -> None:
        match command:
            case pdu.ENQUIRE_LINK:
                self._write(frame(pdu.ENQUIRE_LINK | RESPONSE, sequence))
            case pdu.UNBIND:
                self._write(frame(pdu.UNBIND | RESPONSE, sequence))
                self._flush()
                if self._transport:
                    self._transport.close()
                self._end()
            case pdu.ALERT_NOTIFICATION:
                pass  # has no response (SMPP 3.4, 4.12)
            case _:
                status = pdu.CODE["ESME_RINVCMDID"]
                self._write(frame(pdu.GENERIC_NACK, sequence, status=status))

    def _begin(self) -> _Turn:
        self._loop.call_soon(self._flush)  # one write for all that this turn of the loop has to say
        self._turn = _Turn(self._loop.time())
        return self._turn

    def _write(self, octets: bytes) -> None:
        if self._turn is None:
            self._begin()
        self._out.append(octets)

    def _flush(self) -> None:
        turn, self._turn = self._turn, None
        if turn and self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
            turn.written = True
        self._out.clear()

    def _wake(self) -> None:
        # One send() at a time, which may fill all there is: so two take turns, and none wakes for nothing.
        # What it leaves (its addresses may pause or end) is offered to the next one when it has run.
        while self._rooms and self.free > 0:
            waiter = self._rooms.popleft()
            if not waiter.done():
                waiter.set_result(None)
                if self._rooms:
                    self._loop.call_soon(self._wake)
                return

    def _tick(self) -> None:
        now, account = self._loop.time(), self._account
        overdue = [key for key, (turn, _, _) in self._waiting.items() if now - turn.at >= account.timeout]
        if overdue and now - self._heard >= account.timeout / 2:
            self.lose()  # a silent link: nothing more may be entrusted to it
        if self.lost:
            return
        for sequence in overdue:
            _, places, settled = self._waiting.pop(sequence)
            self.free += places
            settled(sequence, NO_REPLY, b"")
        self._wake()
        if now - max(self._heard, self._asked) >= account.enquire:
            self._asked = now
            self.submit(b"", lambda sequence, status, body: None, pdu.ENQUIRE_LINK, 0)
        self._timer = self._loop.call_later(min(account.timeout, account.enquire) / 4, self._tick)

    def _end(self) -> None:
        if self.lost:
            return
        self.lost_at = datetime.now(UTC)
        if self._timer:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, {}
        for sequence, (turn, _, settled) in waiting.items():
            settled(sequence, NO_REPLY if turn.written else UNWRITTEN, b"")
        while self._rooms:
            waiter = self._rooms.popleft()
            if not waiter.done():
                waiter.set_result(None)
        self._ended()


async def bind(
    account: Account,
    arrived: Callable[[Session, list[Pdu]], None],
    ended: Callable[[], None],
    hears: bool = True,
) -> Session:
    """Return a session bound as transceiver, or as transmitter if it does not hear.

    Raises Unavailable, Throttled or Misconfigured.
    """
    where = f"The SMS carrier at {account.host}:{account.port}"
    context = ssl.create_default_context() if account.tls else None
    try:
        async with asyncio.timeout(account.timeout):
            _, session = await asyncio.get_running_loop().create_connection(
                lambda: Session(account, arrived, ended), account.host, account.port, ssl=context
            )
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"{where} cannot be reached ({type(error).__name__}).", code="connect") from error
    who = Bind(system_id=account.system_id, password=account.password, system_type=account.system_type)
    try:
        status, _ = await session.request(pdu.BIND_TRANSCEIVER if hears else pdu.BIND_TRANSMITTER, who.encode())
    except BaseException:
        session.lose()
        raise
    if status == 0 and not session.lost:
        return session
    session.lose()
    raise _unbound(where, status, hears)


def _unbound(where: str, status: int, hears: bool) -> Exception:
    if status <= 0:
        did = "did not answer the bind" if status < 0 else "hung up after the bind"
        return Unavailable(f"{where} took the connection but {did}.", code="bind")
    name = pdu.status_name(status)
    # To one more session of an account that is bound already, "bind failed" mostly says: no more of them.
    if status in _WRONG and (hears or status != pdu.CODE["ESME_RBINDFAIL"]):
        return Misconfigured(f"{where} refused the account ({name}): check its name and password.", code=name)
    if status in _BUSY:
        return Throttled(f"{where} is too busy to bind ({name}).", code=name)
    return Unavailable(f"{where} refused to bind ({name}).", code=name)
