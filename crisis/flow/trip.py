"""The trip of one load through a channel: addresses handed out one by one, outcomes written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from channels.contract import Address, Channel, Misconfigured, Notice, Outcome, Result, SendError, Throttled
from crisis import log
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.pace import Pace, loop_now
from crisis.model.dispatch import after

logger = log.get("deliver")

ANSWER = "answer-"  # what the id of a notice begins with when it is no alert
MISCONFIGURED_PAUSE = 60.0  # seconds until a stopped account is tried again, in case it was mended


@dataclass(slots=True)
class Account:
    """One channel account in this process: its channel, its pace, and who is called to it."""

    name: str
    channel: Channel
    pace: Pace
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    calls: dict[int, float] = field(default_factory=dict)  # when each urgency last called, by the loop's clock
    heeded: float = 0.0  # when a lane last looked for what called
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Addresses in hand: a batch under a lease, or due retries."""

    dispatch_id: int
    language: str
    urgent: int
    ids: Sequence[int]
    tries: dict[int, int]
    batch_id: int = 0  # 0: retries
    lease: int = 0
    taken: float = 0.0  # when the lease began, by the loop's clock


@dataclass(slots=True)
class Shared:
    """What all trips of this process heed: the clock, the ledger, and what must not leave any more."""

    ledger: Ledger
    now: Callable[[], datetime]
    lease_seconds: float
    stopped: set[int] = field(default_factory=set)  # dispatches
    silenced: dict[int, float] = field(default_factory=dict)  # addresses that opted out, and when we heard it
    draining: bool = False


# Extends the lease of a load: True done, False it belongs to another or was stopped, None cannot tell now.
Renew = Callable[[Load], Awaitable[bool | None]]


class Trip:
    """One load on its way through a channel: hands out addresses one by one, takes their outcomes."""

    def __init__(self, shared: Shared, account: Account, load: Load, renew: Renew) -> None:
        self._shared, self._account, self._load, self._renew = shared, account, load, renew
        self._addresses: list[Address] = []
        self._taken: set[int] = set()
        self._probe: asyncio.Event | None = None
        self._leased_until = load.taken + shared.lease_seconds
        self.complete = False
        self.unsendable: list[int] = []
        self.misconfigured: Misconfigured | None = None

    def ready(self, addresses: list[Address], notice: Notice, expires: datetime) -> None:
        """Load what is to be sent; an address that is gone or opted out by now is `unsendable`."""
        self._addresses, self._notice, self._expires = addresses, notice, expires
        known = {a.id for a in addresses}
        self.unsendable = [i for i in self._load.ids if i not in known]

    @property
    def holds_lease(self) -> bool:
        """Tell whether the lease is still ours; false when unsure."""
        return loop_now() < self._leased_until

    async def go(self) -> None:
        """Send all that may be sent; raises nothing of the channel's, its trouble is kept on the account."""
        renewing = asyncio.create_task(self._keep_lease())
        account = self._account
        try:
            await account.channel.send(self._notice, self._hand_out(), self._report)
            account.trouble = ""
        except Misconfigured as error:
            account.trouble = str(error)
            account.pace.breaker.trip(loop_now(), MISCONFIGURED_PAUSE)
            self.misconfigured = error
        except SendError as error:
            account.trouble = str(error)
            asked = error.after if isinstance(error, Throttled) else None
            account.pace.breaker.trip(loop_now(), asked)
            logger.warning("deliver.channel_unavailable", account=account.name, code=error.code)
        except Exception as error:  # a bug in a channel must not end the others
            account.trouble = type(error).__name__
            account.pace.breaker.trip(loop_now())
            logger.exception("deliver.channel_broke", account=account.name, dispatch=self._load.dispatch_id)
        finally:
            renewing.cancel()
            for address_id in list(self._taken):  # taken, never reported: it may have left
                self._report(Outcome(address_id=address_id, result=Result.UNKNOWN, code="no outcome reported"))

    async def _hand_out(self) -> AsyncIterator[Address]:
        account, load = self._account, self._load
        for address in self._addresses:
            if not await self._may_go_on():
                return
            await account.pace.turn()
            if not self._may_send():  # checked again after the wait: this is the last moment before the wire
                return
            if self._silenced(address):
                self.unsendable.append(address.id)
                continue
            self._taken.add(address.id)
            yield address
        self.complete = bool(load.batch_id)

    def _silenced(self, address: Address) -> bool:
        """Tell of an opt-out since the load was taken; of an earlier one, or its undoing, the database told."""
        heard = self._shared.silenced.get(address.id, 0.0)
        return heard >= self._load.taken and not self._notice.id.startswith(ANSWER)

    def _may_send(self) -> bool:
        shared, load = self._shared, self._load
        if shared.draining or load.dispatch_id in shared.stopped or shared.now() >= self._expires:
            return False
        if not self.holds_lease:  # another worker may have it by now: this one was asleep
            return False
        # Something more urgent was released since this load was taken: give way.
        return not any(rank < load.urgent and at > load.taken for rank, at in self._account.calls.items())

    async def _may_go_on(self) -> bool:
        """After a trip the breaker lets one address through, and the rest only when that one was taken."""
        breaker = self._account.pace.breaker
        if breaker.blocked_for(loop_now()) > 0:
            return False
        if breaker.probing and self._taken:
            self._probe = asyncio.Event()
            await self._probe.wait()
            return not breaker.probing and breaker.blocked_for(loop_now()) == 0
        return True

    def _report(self, outcome: Outcome) -> None:
        shared, account, load = self._shared, self._account, self._load
        self._taken.discard(outcome.address_id)
        self._heed(outcome)
        now = shared.now()
        tried = load.tries.get(outcome.address_id, 1)
        again = after(outcome, tried=tried, now=now, expires=self._expires, idempotent=account.channel.idempotent)
        entry = Entry(load.dispatch_id, account.name, load.language, tried, outcome, now, again)
        shared.ledger.add(entry)
        if self._probe is not None:
            self._probe.set()

    def _heed(self, outcome: Outcome) -> None:
        pace = self._account.pace
        match outcome.result:
            case Result.ACCEPTED | Result.REFUSED | Result.OPTED_OUT:
                pace.breaker.accepted()
            case Result.THROTTLED:
                pace.hold(loop_now(), outcome.after if outcome.after is not None else 1.0)
            case Result.UNREACHABLE | Result.UNKNOWN:
                pace.breaker.failed(loop_now())

    async def _keep_lease(self) -> None:
        """Renew the lease while sending; when it was taken over, or the alert stopped, hand out nothing more."""
        seconds = self._shared.lease_seconds
        while True:
            await asyncio.sleep(seconds / 3)
            asked = loop_now()
            if not self.holds_lease:  # it ran out while we slept: another may have it, so it is not renewed
                return
            match await self._renew(self._load):
                case True:
                    self._leased_until = asked + seconds
                case False:
                    self._leased_until = 0.0
                case None:  # the database is away: the lease then simply runs out
                    continue
