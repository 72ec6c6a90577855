"""Relay: the service's side of the carriage: leases loads as any worker does, and puts a few of them on the way.

A parcel is only an offer. Whoever takes it asks the relay that made it, and is let go once, while the lease is still
good: a copy that comes twice, late, or after its alert was stopped moves nobody. What nobody has claimed the relay
keeps leased, and takes back when the workers are gone; what was claimed its worker keeps leased by asking us.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from nats.aio.msg import Msg

from channels.contract import Reach
from crisis import log
from crisis.carriage import wire
from crisis.carriage.hub import ANSWER_WITHIN, BACK, Hub, Stream, TooLarge, loads_of
from crisis.flow.deliver import BETWEEN
from crisis.flow.leases import Leases
from crisis.flow.pace import loop_now
from crisis.flow.trip import ANSWER, Account, Away, Cargo, End, Load
from crisis.privacy import Vault

logger = log.get("carriage")

PULSE = 0.5  # seconds between two signs of life, of workers and of services
HANDS_LIVE = 3.0  # seconds a worker counts as alive after its last sign
CHECK_EVERY = 1.0  # seconds between two looks at the streams
LONGEST_OFFER = 30.0  # seconds a parcel may wait for a claim; then it is taken back, and may go another way
REMEMBERED = 120.0  # seconds an opt-out is remembered: longer than any offer waits
ASKED = "services"  # of all services one answers


@dataclass(frozen=True, slots=True)
class Offer:
    """A parcel nobody has claimed yet."""

    load: Load
    cargo: Cargo
    since: float  # by the loop's clock, from before its cargo was read


@dataclass(slots=True)
class Line:
    """One account's way to the workers."""

    account: Account
    stream: Stream
    offers: dict[str, Offer] = field(default_factory=dict)
    hands: dict[str, float] = field(default_factory=dict)  # when each worker that can send now was last heard of
    calls: dict[int, float] = field(default_factory=dict)  # when each urgency last called
    heeded: float = 0.0
    renewed: float = 0.0
    checked: float = float("-inf")
    closed_until: float = float("-inf")  # what is next is too large to travel: our own lanes take it
    trouble: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def alive(self) -> int:
        """Count the workers that could take a load now."""
        now = loop_now()
        self.hands = {worker: at for worker, at in self.hands.items() if now - at < HANDS_LIVE}
        return len(self.hands)

    def overtaken(self, offer: Offer) -> bool:
        """Tell whether something more urgent called since it was offered."""
        return any(rank < offer.load.urgent and at > offer.since for rank, at in self.calls.items())

    def called(self) -> bool:
        """Tell whether something new called since the last time we were asked."""
        before, self.heeded = self.heeded, loop_now()
        return any(at > before for rank, at in self.calls.items() if rank != BETWEEN)


class Relay:
    """Offers loads of every addressed account to the workers that are alive; none alive, nothing travels."""

    def __init__(
        self,
        hub: Hub,
        leases: Leases,
        vault: Vault,
        accounts: Sequence[Account],
        lease_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._hub, self._leases, self._lease, self._now = hub, leases, lease_seconds, now
        self._key = wire.key_of(vault)
        self._lines = {a.name: Line(a, loads_of(a.name)) for a in accounts if a.channel.reach is Reach.ADDRESSED}
        self._name, self._numbers = uuid4().hex[:12], itertools.count()
        self._silenced: dict[int, float] = {}
        self._saying: set[asyncio.Future[None]] = set()
        self._deaf = True  # until the first time that we listen
        hub.hear("hands", self._heard_hands)
        hub.hear(f"claim.{self._name}", self._claimed)
        hub.hear(f"drop.{self._name}", self._dropped)
        hub.hear("renew", self._renewed, shared=ASKED)
        hub.hear("slice", self._sliced, shared=ASKED)

    def hears(self, kind: str) -> Callable[[str], None]:
        """Give what hears NOTIFY batch, stop or opted_out, and passes it on to the workers as it is."""

        def tell(payload: str) -> None:
            saying = asyncio.ensure_future(self._hub.say("call", f"{kind} {payload}".encode()))
            self._saying.add(saying)
            saying.add_done_callback(self._saying.discard)
            self._heed(kind, payload)

        return tell

    def _heed(self, kind: str, payload: str) -> None:
        name, _, rank = payload.partition(" ")
        if kind == "batch" and name in self._lines:
            if rank:
                self._lines[name].calls[int(rank)] = loop_now()
            self._lines[name].wake.set()
        elif kind == "opted_out":
            self._silenced[int(payload)] = loop_now()

    def deafen(self) -> None:
        """Calls cannot be heard: claims are refused, what is on offer is taken back, and the workers ask us often."""
        self._deaf = True
        for line in self._lines.values():
            line.wake.set()

    def listen_again(self) -> None:
        """Calls are heard again; what was on offer meanwhile has been read without them, so it is refused."""
        self._deaf = False
        for line in self._lines.values():
            line.offers = {name: Offer(o.load, o.cargo, float("-inf")) for name, o in line.offers.items()}
            line.wake.set()

    async def run(self) -> None:
        """Offer loads until cancelled; what is on offer then is taken back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._give_signs())
                for line in self._lines.values():
                    group.create_task(self._serve(line))
        finally:
            for line in self._lines.values():
                await asyncio.shield(self._withdraw(line, list(line.offers)))

    async def _give_signs(self) -> None:
        while True:
            if not self._deaf:
                await self._hub.say("pulse", json.dumps({"lease": self._lease}).encode())
            await asyncio.sleep(PULSE)
            for known in [a for a, at in self._silenced.items() if loop_now() - at > REMEMBERED]:
                del self._silenced[known]

    async def _serve(self, line: Line) -> None:
        while True:
            line.wake.clear()
            rest = PULSE
            try:
                rest = await self._once(line)
            except Away as away:
                logger.warning("carriage.database_away", account=line.account.name, error=str(away))
            except TooLarge as error:
                line.closed_until = loop_now() + LONGEST_OFFER
                await self._withdraw(line, list(line.offers))
                logger.error("carriage.load_too_large", account=line.account.name, says=str(error))
            except ConnectionError as error:
                await self._withdraw(line, list(line.offers))
                if line.trouble != str(error):  # once, not at every try
                    logger.warning("carriage.nats_away", account=line.account.name, error=str(error))
                line.trouble = str(error)
            except Exception:  # the carriage adds hands: a fault in it must not end the service, which sends by itself
                logger.exception("carriage.line_broke", account=line.account.name)
                await asyncio.sleep(CHECK_EVERY)
            try:
                async with asyncio.timeout(rest):
                    await line.wake.wait()
            except TimeoutError:
                continue

    async def _once(self, line: Line) -> float:
        """Look after the offers and make new ones; give the seconds until that is to be done again."""
        hands = line.alive() if self._hub.connected and not self._deaf else 0
        if self._hub.connected:
            await self._check(line)
        now = loop_now()
        stale = [
            name for name, offer in line.offers.items()
            if not hands or now - offer.since > LONGEST_OFFER or line.overtaken(offer)
        ]  # fmt: skip
        await self._withdraw(line, stale)
        if now - line.renewed > self._lease / 3:
            line.renewed = now
            await self._keep(line)
        if now < line.closed_until:
            hands = 0
        while len(line.offers) < hands:  # a worker has more in hand: what waits here is lost to our own lanes
            loads = await self._leases.take(line.account, called=line.called())
            if not loads:
                due = await self._leases.rest(line.account)
                return min(PULSE, self._lease / 3, PULSE if due is None else max(due, 0.01))
            await self._offer_all(line, loads)
        return min(PULSE, self._lease / 3)

    async def _offer_all(self, line: Line, loads: Sequence[Load]) -> None:
        for n, load in enumerate(loads):
            try:
                await self._offer(line, load)
            except ConnectionError:
                for other in loads[n + 1 :]:
                    await self._give_back(line, other)
                raise

    async def _check(self, line: Line) -> None:
        """Make again what streams were lost; what they kept goes back, to be read and offered anew."""
        if loop_now() - line.checked < CHECK_EVERY:
            return
        line.checked = loop_now()
        await self._hub.ensure(BACK)
        older = [name for name, offer in line.offers.items() if line.checked - offer.since > CHECK_EVERY]
        kept = await self._hub.ensure(line.stream)
        line.trouble = ""
        if older and (kept is None or kept < len(older)):
            logger.error("carriage.stream_lost", account=line.account.name, offers=len(line.offers))
            await self._withdraw(line, [name for name in older if name in line.offers])

    async def _keep(self, line: Line) -> None:
        for name, offer in list(line.offers.items()):
            if await self._leases.renew(offer.load) is False:
                await self._withdraw(line, [name])

    async def _offer(self, line: Line, load: Load) -> None:
        since = loop_now()
        try:
            cargo = await self._leases.prepare(line.account, load)
        except Away:
            raise
        except Exception:  # as in Courier: its lease runs out, and one that always does so is halved
            logger.exception("carriage.load_unreadable", account=line.account.name, dispatch=load.dispatch_id)
            return
        name = f"{self._name}-{next(self._numbers)}"
        line.offers[name] = Offer(load, cargo, since)  # before it leaves: its claim may overtake the acknowledgement
        parcel = wire.Parcel(id=name, relay=self._name, load=wire.light(load, load.ids), cargo=cargo)
        await self._hub.put(line.stream, parcel.pack(), name, name)

    async def _withdraw(self, line: Line, names: Sequence[str]) -> None:
        """Take offers back: their copies may still travel, and are refused."""
        for name in names:
            offer = line.offers.pop(name, None)
            if offer is None:
                continue
            await self._give_back(line, offer.load)

    async def _give_back(self, line: Line, load: Load) -> None:
        try:
            await self._leases.finish(line.account, load, End(False, (), (), True))
        except Away:  # then its lease runs out
            return
        except Exception:  # the same: one that cannot be given back must not keep the others, nor end the service
            logger.exception("carriage.not_given_back", account=line.account.name, dispatch=load.dispatch_id)

    async def _heard_hands(self, told: Msg) -> None:
        known = wire.unpack(told.data)
        if not isinstance(known, wire.Hands):
            return
        for name, line in self._lines.items():
            if name in known.accounts:
                if known.worker not in line.hands:
                    line.wake.set()
                line.hands[known.worker] = loop_now()
            elif line.hands.pop(known.worker, None):
                line.wake.set()

    async def _claimed(self, asked: Msg) -> None:
        claim = wire.unpack(asked.data)
        if isinstance(claim, wire.Claim):
            await asked.respond((await self._leave(claim)).pack())

    async def _leave(self, claim: wire.Claim) -> wire.Leave:
        """Let one worker go, once; never one that would count the lease longer than the database does."""
        line, now = next((one for one in self._lines.values() if claim.id in one.offers), None), self._now()
        if line is None:
            return wire.Leave(go=False, now=now)
        offer = line.offers[claim.id]
        line.wake.set()
        if why := self._refusal(claim):
            logger.error("carriage.worker_refused", says=why)
            await self._withdraw(line, [claim.id])
            return wire.Leave(go=False, why=why, now=now)
        if self._deaf or line.overtaken(offer) or offer.since == float("-inf"):
            await self._withdraw(line, [claim.id])
            return wire.Leave(go=False, now=now)
        del line.offers[claim.id]
        asked = loop_now()
        # Answered too late it would be leased to nobody: whoever asked has given up.
        if not await self._leases.renew(offer.load) or loop_now() - asked > ANSWER_WITHIN / 2 or self._deaf:
            await self._give_back(line, offer.load)
            return wire.Leave(go=False, now=now)
        return wire.Leave(go=True, gone=self._gone_since(offer), now=self._now())

    def _refusal(self, claim: wire.Claim) -> str:
        if claim.key != self._key:  # it would write off every address as one that cannot be opened
            return "a worker's CRISIS_KEY is not its service's"
        if claim.lease_seconds > self._lease:
            return "a worker's CRISIS_LEASE_SECONDS is over its service's"
        return ""

    def _gone_since(self, offer: Offer) -> list[int]:
        if offer.cargo.notice.id.startswith(ANSWER):
            return []
        return [i for i in offer.load.ids if self._silenced.get(i, float("-inf")) >= offer.since]

    async def _dropped(self, told: Msg) -> None:
        """A worker put a parcel aside: its lease runs out, so that what kills is counted (see Leases)."""
        name = told.data.decode(errors="replace")
        for line in self._lines.values():
            if line.offers.pop(name, None):
                logger.error("carriage.parcel_put_aside", account=line.account.name, parcel=name)
                line.wake.set()

    async def _renewed(self, asked: Msg) -> None:
        renewal = wire.unpack(asked.data)
        if isinstance(renewal, wire.Renewal):
            await asked.respond(json.dumps(await self._leases.renew(renewal.load)).encode())

    async def _sliced(self, asked: Msg) -> None:
        wanted = wire.unpack(asked.data)
        if isinstance(wanted, wire.Slice) and wanted.account in self._lines:
            begins = await self._leases.grant(wanted.account, wanted.seconds, wanted.hold)
            await asked.respond(json.dumps(begins).encode())
