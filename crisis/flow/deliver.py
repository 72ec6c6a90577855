"""Deliver: lease a load, send it, record every attempt, decide what a failure means."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from channels.contract import Address, Reach, Result
from crisis import log
from crisis.errors import NotReady
from crisis.flow.ledger import Entry, Ledger
from crisis.flow.pace import loop_now
from crisis.flow.trip import DEAF_CHECK, Account, Away, Cargo, Load, Shared, Source, Trip
from crisis.privacy import Vault

logger = log.get("deliver")

BETWEEN = 99  # the urgency of a call that breaks into nothing: an ordinary answer
MOMENT = 0.03  # seconds: what was just released has the machine to itself before anybody tidies up
POLL = 1.0  # seconds: the safety net under LISTEN
SPARE = 30.0  # seconds more than we know to have been deaf: a line that died silently is noticed only after a while
LANES = 3  # loads of one account in hand at once: one is fetched and one written down while one is sent


class Courier:
    """Feeds every channel account of this process from a source; one dead channel never delays another."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        vault: Vault,
        accounts: Sequence[Account],
        *,
        lease_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._source, self._ledger, self._vault = source, ledger, vault
        self._accounts = {a.name: a for a in accounts}
        self._shared = Shared(ledger, now, lease_seconds)
        self._deaf_since, self._deafened = 0.0, 0
        self._heard_again = asyncio.Event()

    def woken(self, payload: str) -> None:
        """Hear NOTIFY batch: `account rank`."""
        name, _, rank = payload.partition(" ")
        if account := self._accounts.get(name):
            if rank:
                account.called = account.calls[int(rank)] = loop_now()
                account.called_out.set()
            account.call()

    def stop_dispatch(self, payload: str) -> None:
        """Hear NOTIFY stop: nothing more of what is in hand of this dispatch leaves."""
        self._shared.stopped[int(payload)] = loop_now()

    def silence(self, payload: str) -> None:
        """Hear NOTIFY opted_out: nothing of an alert leaves to this address."""
        self._shared.silenced[int(payload)] = loop_now()

    def deafen(self) -> None:
        """Calls cannot be heard from now on: what is in hand asks the database often instead."""
        if not self._shared.deaf:
            self._deaf_since = loop_now()
        self._shared.deaf = True
        self._deafened += 1

    def wake_all(self) -> None:
        """Look again at everything: calls are heard again, and some may have been missed."""
        if self._shared.deaf:
            self._heard_again.set()
        for account in self._accounts.values():
            account.call()
            account.called_out.set()

    async def run(self) -> None:
        """Deliver until drained or cancelled; what was sent by then is written down before it ends."""
        self._deaf_since = loop_now()
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(self._ledger.run()), group.create_task(self._catch_up())]
            try:
                async with asyncio.TaskGroup() as lanes:  # the ledger outlives them: they wait for it
                    for account in self._accounts.values():
                        for _ in range(LANES if account.channel.reach is Reach.ADDRESSED else 1):
                            lanes.create_task(self._lane(account))
                        if account.channel.reach is Reach.ADDRESSED:
                            lanes.create_task(self._express(account))
            finally:
                for part in parts:
                    part.cancel()

    def drain(self) -> None:
        """Hand out no more addresses; run() ends when those in flight have settled."""
        self._shared.draining = True
        self.wake_all()

    async def _catch_up(self) -> None:
        """After each deafness: silence who opted out meanwhile, let all that waits call, renew what is in hand."""
        while True:
            await self._heard_again.wait()
            self._heard_again.clear()
            deafened = self._deafened
            try:
                for address_id in await self._source.opted_out_within(loop_now() - self._deaf_since + SPARE):
                    self.silence(str(address_id))
                for account, urgent in await self._source.calling():
                    self.woken(f"{account} {urgent}")
            except Away:
                self._heard_again.set()
                await asyncio.sleep(POLL)
                continue
            await asyncio.sleep(4 * DEAF_CHECK)  # every load in hand has asked the database since we hear again
            self._shared.deaf = self._deafened != deafened  # or deaf again by now

    async def _lane(self, account: Account) -> None:
        while not self._shared.draining:
            account.wake.clear()
            if (blocked := account.pace.breaker.blocked_for(loop_now())) > 0:
                await asyncio.sleep(min(blocked, POLL))
                continue
            try:
                heard = account.heard
                if not await self._work(account):
                    await self._rest(account, heard)
            except Away as away:
                await self._wait_out(account, away)

    async def _express(self, account: Account) -> None:
        """Take what is more urgent than all in hand: the lanes may still wait for replies to what they gave up."""
        looked = 0.0
        while not self._shared.draining:
            account.called_out.clear()
            least = min(account.in_hand, default=0)
            urgent = any(rank < least and at > looked for rank, at in account.calls.items())
            if not urgent or account.pace.breaker.blocked_for(loop_now()) > 0:
                await _until(account.called_out, POLL)
                continue
            looked = loop_now()
            try:
                for load in await self._source.take(account, called=True, below=least):
                    await self._send(account, load)
            except Away as away:
                await self._wait_out(account, away)

    async def _wait_out(self, account: Account, away: Away) -> None:
        logger.warning("deliver.source_away", account=account.name, error=str(away))
        await asyncio.sleep(POLL)

    async def _rest(self, account: Account, heard: int) -> None:
        """Wait for a call after the one heard last, the next due retry, or the poll that catches a missed call."""
        if account.heard == heard:
            await _until(account.wake, POLL if account.resting else MOMENT)
        if account.resting or account.heard != heard or self._shared.draining:
            return
        account.resting = True  # one lane asks and waits for all
        try:
            self._shared.forget(loop_now())
            next_retry = await self._source.rest(account)
            if account.heard == heard:
                await _until(account.wake, POLL if next_retry is None else min(max(next_retry, 0.01), POLL))
        finally:
            account.resting = False
            account.call()

    async def _work(self, account: Account) -> bool:
        if self._ledger.late:  # the database was away: the lane next door may take again what is not yet written
            await self._ledger.settled()
        async with account.taking:
            heard = account.heard
            if account.barren == heard or self._shared.draining:
                return False
            called = any(at > account.heeded for rank, at in account.calls.items() if rank != BETWEEN)
            account.heeded = loop_now()
            loads = await self._source.take(account, called=called)
            if not loads:
                account.barren = heard
        for load in loads:
            await self._send(account, load)
        return bool(loads)

    async def _send(self, account: Account, load: Load) -> None:
        account.in_hand.append(load.urgent)
        try:
            await self._carry(account, load)
        finally:
            account.in_hand.remove(load.urgent)
            if account.barren == account.heard:  # while this was in hand nothing less urgent was given out
                account.call()

    async def _carry(self, account: Account, load: Load) -> None:
        try:
            cargo = await self._source.prepare(account, load)
            addresses = self._open(account, load, cargo)
        except (Away, asyncio.CancelledError):
            raise
        except Exception:
            # One load that cannot be read must not end the others: its lease runs out, and one that always does
            # so is halved until what is wrong stands alone (see Leases).
            logger.exception("deliver.load_unreadable", account=account.name, dispatch=load.dispatch_id)
            account.trouble = "a batch cannot be read: the log tells why"
            return
        trip = Trip(self._shared, self._source, account, load)
        try:
            await trip.go(cargo, addresses)
        finally:
            # Written down even when this worker is being stopped: what was reported must not be sent again.
            await asyncio.shield(self._finish(account, load, trip))

    async def _finish(self, account: Account, load: Load, trip: Trip) -> None:
        try:
            await self._ledger.settled()
        finally:
            end = trip.end()
        await self._source.finish(account, load, end)

    def _open(self, account: Account, load: Load, cargo: Cargo) -> list[Address]:
        """Open sealed addresses; one that was sealed with another key is refused, and holds up nobody else."""
        opened, notice = [], cargo.notice.id
        for address_id, sealed, thread in cargo.rows:
            try:
                value = self._vault.open(sealed)
            except NotReady:
                self._refuse(account, load, address_id)
                continue
            opened.append(Address(id=address_id, value=value, key=f"{notice}/{address_id}", thread=thread))
        return opened

    def _refuse(self, account: Account, load: Load, address_id: int) -> None:
        tried, why = load.tries.get(address_id, 1), "sealed with another key"
        parts = (load.dispatch_id, address_id, tried, Result.REFUSED.value, why, (), account.name, self._shared.now())
        self._ledger.add(Entry(*parts, load.language, None, not load.batch_id))
        logger.error("deliver.address_unreadable", dispatch=load.dispatch_id, account=account.name)


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
