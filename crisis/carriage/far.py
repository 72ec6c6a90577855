"""Far: the worker's side of the carriage: the Source and the Write of a Courier that has no database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from nats.aio.msg import Msg

from crisis import log
from crisis.carriage import wire
from crisis.carriage.hub import BACK, FAULTS, PARCEL, Hub, TooLarge, loads_of, settle
from crisis.carriage.relay import PULSE
from crisis.errors import BadInput
from crisis.flow.deliver import LANES, Courier
from crisis.flow.ledger import Entry
from crisis.flow.pace import loop_now
from crisis.flow.trip import ANY, DEAF_CHECK, Account, Away, Cargo, End, Load
from crisis.privacy import Vault

logger = log.get("carriage")

TAKE_WITHIN = 0.5  # seconds a lane waits for a load
UNHEARD = 3 * PULSE  # seconds without a sign of a service that hears calls: then stops may be missed
LOOK_EVERY = 0.1  # seconds
END_WITHIN = 10.0  # seconds the end of a load is tried to be told; then its lease brings back what is left
WORD_WITHIN = 1.0  # seconds until a worker asks whether its outcomes are written
MOST_DELIVERED = 3  # times a parcel is given out before it is taken for what kills whoever reads it


@dataclass(frozen=True, slots=True)
class Carried(Load):
    """A load that brought its cargo along."""

    cargo: Cargo = field(kw_only=True, repr=False)


class Far:
    """The Source that takes loads from NATS (see trip.Source). Nothing is sent that its relay did not let go.

    While no service can be heard nothing new is taken, and what is in hand ends within a moment: a stop may have
    been missed.
    """

    def __init__(self, hub: Hub, vault: Vault, accounts: Sequence[Account], lease_seconds: float) -> None:
        self._hub, self._lease, self._key = hub, lease_seconds, wire.key_of(vault)
        self._accounts = accounts
        self._name = uuid4().hex[:12]
        self._courier: Courier | None = None
        self._words: dict[tuple[UUID, int], asyncio.Future[bool]] = {}  # flushes that wait for word of them
        self._leaving = self._unsure = False  # unsure: outcomes were left to NATS
        self._ahead = timedelta()  # how far the service's clock is ahead of ours
        self._lanes: dict[asyncio.Task[object] | None, int] = {}
        self.hearing = asyncio.Event()  # set while loads are taken
        self._pulse = float("-inf")  # when a service that hears calls was last heard
        self._gap = float("-inf")  # when we were last deaf
        self._deaf = True
        hub.hear("pulse", self._heard_pulse)
        hub.hear("call", self._heard_call)
        hub.hear(f"word.{self._name}", self._heard_word)
        hub.on_lost(self._deafen)

    def serve(self, courier: Courier) -> None:
        """Tell this courier of every call."""
        self._courier = courier

    def now(self) -> datetime:
        """Give the time by the service's clock, as of the last claim: ours may be set to another."""
        return datetime.now(UTC) + self._ahead

    async def run(self) -> None:
        """Give signs of life and watch for those of services, until cancelled."""
        told = float("-inf")
        while True:
            now = loop_now()
            if now - self._pulse > UNHEARD or not self._hub.connected:
                self._deafen()
            elif self._deaf and now - self._gap > 2 * DEAF_CHECK:  # by then each load in hand has seen that we were
                self._hear_again()
            if now - told >= PULSE and not self._deaf and not self._leaving:
                told = now
                ready = [a.name for a in self._accounts if not a.pace.breaker.blocked_for(now)]
                await self._hub.say("hands", wire.Hands(worker=self._name, accounts=ready).pack())
            await asyncio.sleep(LOOK_EVERY)

    async def leave(self) -> None:
        """Say that this worker takes no more."""
        self._leaving = True
        await self._hub.say("hands", wire.Hands(worker=self._name, accounts=[]).pack())

    def _deafen(self) -> None:
        if self._pulse == float("-inf"):
            return  # nothing was ever in hand
        self._gap = loop_now()
        if self._courier and not self._deaf:
            logger.warning("carriage.deaf")
            self._courier.deafen()
        self._deaf = True
        self.hearing.clear()

    def _hear_again(self) -> None:
        self._deaf = False
        self.hearing.set()
        logger.info("carriage.heard")
        if self._courier:
            self._courier.wake_all()

    async def _heard_pulse(self, _: Msg) -> None:
        self._pulse = loop_now()

    async def _heard_call(self, told: Msg) -> None:
        if self._courier is None:
            return
        kind, _, payload = told.data.decode().partition(" ")
        tell = {
            "batch": self._courier.woken, "stop": self._courier.stop_dispatch, "opted_out": self._courier.silence,
        }.get(kind)  # fmt: skip
        if tell is not None:
            tell(payload)

    async def take(self, account: Account, *, called: bool, below: int = ANY) -> list[Load]:
        """Take the next parcel and claim it; a parcel that cannot be read is put aside and told.

        `called` and `below` need nothing here: an urgent call has the relay withdraw what it offers that is less so.
        """
        if self._deaf:
            await asyncio.sleep(LOOK_EVERY)
            return []
        lane = self._lanes.setdefault(asyncio.current_task(), len(self._lanes) % ((LANES + 1) * len(self._accounts)))
        came = await self._hub.take(loads_of(account.name), lane, TAKE_WITHIN)
        if came is None:
            return []
        try:
            return await self._claim(came)
        except FAULTS as error:
            raise Away(type(error).__name__) from error

    async def _claim(self, came: Msg) -> list[Load]:
        try:
            if came.metadata.num_delivered > MOST_DELIVERED:  # looked at first: reading it may be what kills
                raise BadInput("given out too often")
            parcel = wire.unpack(came.data)
            if not isinstance(parcel, wire.Parcel):
                raise BadInput("no parcel")
        except BadInput as error:
            logger.error("carriage.parcel_put_aside", error=str(error))
            await self._put_aside(came)
            return []
        taken = loop_now()  # before we ask: our lease must not outlast the database's
        claim = wire.Claim(id=parcel.id, key=self._key, lease_seconds=self._lease)
        answer = await self._hub.ask(f"claim.{parcel.relay}", claim.pack())
        await settle(came.ack)
        leave = _leave_in(answer)
        if leave is None:
            return []
        self._ahead = leave.now - datetime.now(UTC)
        if leave.why:
            logger.error("carriage.refused", says=leave.why)
            await asyncio.sleep(TAKE_WITHIN)
        if not leave.go or taken <= self._gap:
            return []
        gone = set(leave.gone)
        cargo = replace(parcel.cargo, rows=[row for row in parcel.cargo.rows if row[0] not in gone])
        load = parcel.load
        return [
            Carried(load.dispatch_id, load.language, load.urgent, load.ids, load.tries, load.batch_id, load.lease,
                    taken, cargo=cargo)
        ]  # fmt: skip

    async def _put_aside(self, came: Msg) -> None:
        await settle(came.term)
        relay, _, _ = (name := (came.headers or {}).get(PARCEL, "")).partition("-")
        if relay:
            await self._hub.say(f"drop.{relay}", name.encode())

    async def prepare(self, account: Account, load: Load) -> Cargo:
        """Give what the load brought along."""
        if not isinstance(load, Carried):
            raise TypeError("this load was not carried")
        return load.cargo

    async def renew(self, load: Load) -> bool | None:
        """Have the service extend the lease; False too when we were deaf since: then a stop may have been missed."""
        answer = None
        if load.taken > self._gap:
            answer = await self._hub.ask("renew", wire.Renewal(load=wire.light(load)).pack())
        if load.taken <= self._gap:  # also when we fell deaf while we asked
            return False
        told: bool | None = json.loads(answer) if answer else None
        return told

    async def finish(self, account: Account, load: Load, end: End) -> None:
        """Tell how a load ended, after its outcomes; raise Away when its lease has to bring it back instead."""
        if self._unsure:  # then nobody is called reached whose outcome is not in Postgres
            end = replace(end, complete=False)
        ended = wire.Ended(account=account.name, load=wire.light(load), end=end).pack()
        name, until = f"{self._name}-{uuid4().hex}", loop_now() + END_WITHIN
        while True:
            try:
                return await self._hub.put(BACK, ended, name)
            except ConnectionError as error:
                if loop_now() > until:
                    raise Away(str(error)) from error
                await asyncio.sleep(LOOK_EVERY)

    async def rest(self, account: Account) -> float | None:
        """There is nothing to tidy here: take() waits by itself."""
        return 0.0

    async def grant(self, account: str, seconds: float, hold: float) -> float | None:
        """Take a slice of the rate all workers share, by way of the service; None while it cannot be reached."""
        answer = await self._hub.ask("slice", wire.Slice(account=account, seconds=seconds, hold=hold).pack())
        begins: float | None = json.loads(answer) if answer else None
        return begins

    async def calling(self) -> list[tuple[str, int]]:
        """Give nothing: what waits is the relay's to offer, most urgent first, and no load is in hand for long."""
        return []

    async def opted_out_within(self, seconds: float) -> list[int]:
        """Give nobody: all in hand since we were deaf has ended, and its relay names them for what is claimed anew."""
        return []

    async def write(self, writer: UUID, number: int, entries: Sequence[Entry]) -> None:
        """Return once these outcomes are in Postgres, or, when this worker leaves, in NATS; OSError: try again.

        Raise BadInput when they can never be written.
        """
        for piece in wire.flushes(self._name, writer, number, entries):
            key = piece.writer, piece.number
            word = self._words[key] = asyncio.get_running_loop().create_future()
            try:
                await self._deliver(piece, word)
            finally:
                del self._words[key]

    async def _deliver(self, piece: wire.Flush, word: asyncio.Future[bool]) -> None:
        packed, asking = piece.pack(), wire.Word(writer=piece.writer, number=piece.number).pack()
        while True:
            try:
                await self._hub.put(BACK, packed, f"{piece.writer}-{piece.number}")
            except TooLarge as error:
                logger.error("carriage.outcomes_too_large", says=str(error))
                raise
            # Put again under the same id whenever no word came: the stream may have been lost with it.
            await asyncio.wait([word], timeout=WORD_WITHIN)
            if word.done() and not word.result():
                raise BadInput("outcomes that can never be written")
            if word.done() or await self._hub.ask("written", asking) == b"true":
                return
            if self._leaving:
                self._unsure = True
                return

    async def _heard_word(self, told: Msg) -> None:
        word = wire.unpack(told.data)
        if isinstance(word, wire.Word):
            waiting = self._words.get((word.writer, word.number))
            if waiting is not None and not waiting.done():
                waiting.set_result(word.written)


def _leave_in(answer: bytes | None) -> wire.Leave | None:
    """Read the answer to a claim; None for no answer, or for one that cannot be read: nothing is sent on it."""
    try:
        leave = wire.unpack(answer) if answer else None
    except BadInput as error:
        logger.error("carriage.not_understood", error=str(error))
        return None
    return leave if isinstance(leave, wire.Leave) else None
