"""The trip of one load through a channel: addresses handed out one by one, outcomes written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from channels.contract import Address, Channel, Misconfigured, Notice, Outcome, Result, SendError, Throttled
from crisis import log
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.pace import Pace, loop_now
from crisis.model.dispatch import after

logger = log.get("deliver")

ANSWER = "answer-"  # what the id of a notice begins with when it is no alert
MISCONFIGURED_PAUSE = 60.0  # seconds until a stopped account is tried again, in case it was mended
DEAF_CHECK = 0.25  # seconds between two looks at a load in hand while no call can be heard
MOST_IN_HAND = 10.0  # seconds a load is handed out: then the rest goes back, so that what is more urgent is chosen anew
REMEMBERED = 3600.0  # seconds a stop or an opt-out is remembered: longer than any load is in hand
LEAST_HOLD = 0.5  # seconds: a provider that throttles and asks for next to no wait must not be hammered
ANY = 1_000  # above every urgency


@dataclass(slots=True)
class Account:
    """One channel account in this process: its channel, its pace, and who is called to it."""

    name: str
    channel: Channel
    pace: Pace
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    heard: int = 0  # how often anything called for a look
    barren: int = -1  # the number of calls at which a lane found nothing: until the next one nobody need look
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one lane looks at a time
    resting: bool = False  # a lane waits for the next retry, on behalf of all
    called_out: asyncio.Event = field(default_factory=asyncio.Event)  # as wake, by an alert of some urgency
    in_hand: list[int] = field(default_factory=list)  # the urgency of each load that a lane has
    calls: dict[int, float] = field(default_factory=dict)  # when each urgency last called, by the loop's clock
    called: float = 0.0  # when anything last called
    heeded: float = 0.0  # when a lane last looked for what called
    trouble: str = ""

    def call(self) -> None:
        """Have all lanes look for work again."""
        self.heard += 1
        self.wake.set()


@dataclass(frozen=True, slots=True)
class Load:
    """Addresses in hand: a batch under a lease, or due retries."""

    dispatch_id: int
    language: str
    urgent: int
    ids: Sequence[int]
    tries: Mapping[int, int]
    batch_id: int = 0  # 0: retries
    lease: int = 0  # the fence: the number of a batch's lease, or of whoever took these retries
    taken: float = 0.0  # when the lease began, by the loop's clock


@dataclass(frozen=True, slots=True)
class Cargo:
    """What a load is made of: the notice, and each address of it that may be sent to, still sealed."""

    notice: Notice
    expires: datetime
    rows: Sequence[tuple[int, bytes, str]]  # address, sealed, thread
    held: Sequence[int] = ()  # addresses the notice this one follows may be on the wire to: they wait for it


@dataclass(frozen=True, slots=True)
class End:
    """How a load came back."""

    complete: bool  # everything of a batch was handed out
    unsendable: Sequence[int]  # gone, or opted out since
    held: Sequence[int]
    ours: bool  # the lease was ours to the end
    hold: float = 0.0  # seconds the provider asked the whole account to wait
    misconfigured: str = ""


class Away(Exception):
    """Where loads come from cannot be reached just now."""


class Source(Protocol):
    """Where loads come from and go back to; any method may raise Away."""

    async def take(self, account: Account, *, called: bool, below: int = ANY) -> list[Load]:
        """Lease what is next for an account; `called`: something new has called, it goes before retries.

        With `below` only a batch more urgent than that.
        """

    async def prepare(self, account: Account, load: Load) -> Cargo:
        """Give what is to be sent."""

    async def renew(self, load: Load) -> bool | None:
        """Extend the lease: True done, False it belongs to another or was stopped, None cannot tell now."""

    async def finish(self, account: Account, load: Load, end: End) -> None:
        """Give a load back once all its outcomes are durable."""

    async def rest(self, account: Account) -> float | None:
        """Tidy up while there is nothing to do, and give the seconds until a retry is due, if any waits."""

    async def grant(self, account: str, seconds: float, hold: float) -> float | None:
        """Take a slice of the account's rate: see pace.Ask."""

    async def calling(self) -> list[tuple[str, int]]:
        """Give the accounts and urgencies that something waits for: their calls may have been missed."""

    async def opted_out_within(self, seconds: float) -> list[int]:
        """Give the addresses that opted out lately: their call may have been missed."""


@dataclass(slots=True)
class Shared:
    """What all trips of this process heed: the clock, the ledger, and what must not leave any more.

    A stop or an opt-out holds for what was in hand when it was heard; what was leased later was leased knowing it.
    """

    ledger: Ledger
    now: Callable[[], datetime]
    lease_seconds: float
    stopped: dict[int, float] = field(default_factory=dict)  # dispatches, and when we heard of their stop
    silenced: dict[int, float] = field(default_factory=dict)  # addresses that opted out, and when we heard it
    draining: bool = False
    deaf: bool = True  # no call can be heard just now, as before the first time that we listen

    def forget(self, now: float) -> None:
        """Drop what is too old to concern anything in hand."""
        for heard in (self.stopped, self.silenced):
            for key in [key for key, at in heard.items() if now - at > REMEMBERED]:
                del heard[key]


class Trip:
    """One load on its way through a channel: hands out addresses one by one, takes their outcomes."""

    def __init__(self, shared: Shared, source: Source, account: Account, load: Load) -> None:
        self._shared, self._source, self._account, self._load = shared, source, account, load
        self._loop = asyncio.get_running_loop()
        self._taken: set[int] = set()
        self._probe: asyncio.Event | None = None
        self._leased_until = load.taken + shared.lease_seconds
        self._complete = False
        self._unsendable: list[int] = []
        self._misconfigured = ""

    async def go(self, cargo: Cargo, addresses: Sequence[Address]) -> None:
        """Send all that may be sent; raises nothing of the channel's, its trouble is kept on the account."""
        self._cargo, self._addresses = cargo, addresses
        present = {row[0] for row in cargo.rows} | set(cargo.held)
        self._unsendable = [i for i in self._load.ids if i not in present]
        self._renewing = asyncio.create_task(self._keep_lease())
        try:
            await self._send()
        finally:
            for address_id in list(self._taken):  # taken, never reported: it may have left
                self._report(Outcome(address_id=address_id, result=Result.UNKNOWN, code="no outcome reported"))

    def end(self) -> End:
        """Let the lease be, and tell how the load stands.

        To be called once all outcomes are durable, not before: a lease that ran out while they were being written
        would let another worker send to all of them again.
        """
        self._renewing.cancel()
        hold, self._account.pace.held = self._account.pace.held, 0.0  # told on by it, once
        ours = loop_now() < self._leased_until
        # Of a batch the database itself knows whether it is still ours.
        held = self._cargo.held if ours or self._load.batch_id else ()
        return End(self._complete, self._unsendable, held, ours, hold, self._misconfigured)

    async def _send(self) -> None:
        account = self._account
        try:
            await account.channel.send(self._cargo.notice, self._hand_out(), self._report)
            account.trouble = ""
        except Misconfigured as error:
            account.trouble = self._misconfigured = str(error) or error.code
            account.pace.breaker.trip(loop_now(), MISCONFIGURED_PAUSE)
        except SendError as error:
            account.trouble = str(error)
            asked = error.after if isinstance(error, Throttled) else None
            account.pace.breaker.trip(loop_now(), asked)
            logger.warning("deliver.channel_unavailable", account=account.name, code=error.code)
        except Exception as error:  # a bug in a channel must not end the others
            account.trouble = type(error).__name__
            account.pace.breaker.trip(loop_now())
            logger.exception("deliver.channel_broke", account=account.name, dispatch=self._load.dispatch_id)

    async def _hand_out(self) -> AsyncIterator[Address]:
        silenced = self._shared.silenced
        for address in self._addresses:
            if not self._goes_now() and not await self._turn():
                return
            if silenced and self._silenced(address):
                self._unsendable.append(address.id)
                continue
            self._taken.add(address.id)
            yield address
        self._complete = bool(self._load.batch_id)

    def _goes_now(self) -> bool:
        """Tell whether one more may leave this moment, and take leave for it: the last look before the wire."""
        breaker, now = self._account.pace.breaker, self._loop.time()
        if breaker.probing or now < breaker.open_until or not self._may_send(now):
            return False
        return self._account.pace.spend(now)

    async def _turn(self) -> bool:
        """Wait until one more may leave; False when the rest of the load may not leave now."""
        pace = self._account.pace
        while await self._works():
            if not self._may_send(loop_now()):
                return False
            if pace.spend(loop_now()):
                return True
            await pace.more(self._account.name, self._source.grant)
        return False

    async def _works(self) -> bool:
        """After a trip the breaker lets one address through, and the rest only when that one was taken."""
        breaker = self._account.pace.breaker
        if breaker.blocked_for(loop_now()) > 0:
            return False
        if breaker.probing and self._taken:
            self._probe = asyncio.Event()
            await self._probe.wait()
            return not breaker.probing and breaker.blocked_for(loop_now()) == 0
        return True

    def _may_send(self, now: float) -> bool:
        shared, load, account = self._shared, self._load, self._account
        if now >= self._leased_until or now - load.taken > MOST_IN_HAND:
            return False  # another worker may have it by now, for this one was asleep; or it took long enough
        if shared.draining or shared.stopped.get(load.dispatch_id, -1.0) >= load.taken:
            return False
        if account.called > load.taken and any(r < load.urgent and at > load.taken for r, at in account.calls.items()):
            return False  # something more urgent was released since this load was taken: give way
        return shared.now() < self._cargo.expires

    def _silenced(self, address: Address) -> bool:
        """Tell of an opt-out since the load was taken; of an earlier one, or its undoing, the database told."""
        heard = self._shared.silenced.get(address.id, -1.0)
        return heard >= self._load.taken and not self._cargo.notice.id.startswith(ANSWER)

    def _report(self, outcome: Outcome) -> None:
        load, account, now = self._load, self._account, self._shared.now()
        self._taken.discard(outcome.address_id)
        self._heed(outcome)
        tried = load.tries.get(outcome.address_id, 1)
        again = None
        if outcome.result is not Result.ACCEPTED:
            idempotent = account.channel.idempotent
            again = after(outcome, tried=tried, now=now, expires=self._cargo.expires, idempotent=idempotent)
        self._shared.ledger.add(
            Entry(
                load.dispatch_id,
                outcome.address_id,
                tried,
                outcome.result.value,
                _writable(outcome.code)[:80],
                tuple(map(_writable, outcome.refs)),
                account.name,
                now,
                load.language,
                again,
                not load.batch_id,
            )
        )
        if self._probe is not None:
            self._probe.set()

    def _heed(self, outcome: Outcome) -> None:
        pace = self._account.pace
        if outcome.alone:  # a station that is off air must not hold up the others, nor our own folder
            return
        match outcome.result:
            case Result.ACCEPTED | Result.REFUSED | Result.OPTED_OUT:
                if pace.breaker.failures or pace.breaker.probing:
                    pace.breaker.accepted()
            case Result.THROTTLED:
                pace.hold(loop_now(), max(outcome.after or 1.0, LEAST_HOLD))
            case Result.UNREACHABLE | Result.UNKNOWN:
                pace.breaker.failed(loop_now())

    async def _keep_lease(self) -> None:
        """Renew the lease while sending; when it was taken over, or the alert stopped, hand out nothing more."""
        seconds = self._shared.lease_seconds
        while True:
            await self._until_renewal(loop_now() + seconds / 3)
            asked = loop_now()
            if asked >= self._leased_until:  # it ran out while we slept: another may have it, so it is not renewed
                return
            match await self._source.renew(self._load):
                case True:
                    self._leased_until = asked + seconds
                case False:
                    self._leased_until = 0.0
                case None:  # the database is away: the lease then simply runs out
                    continue

    async def _until_renewal(self, at: float) -> None:
        """Sleep, but only a moment at a time while a stop could not be heard: then the database is asked."""
        while (left := at - loop_now()) > 0:
            await asyncio.sleep(min(left, DEAF_CHECK))
            if self._shared.deaf:
                return


def _writable(text: str) -> str:
    """Take out of a provider's words what Postgres cannot keep: one such sign must not hold up a whole flush."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
