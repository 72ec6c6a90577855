"""Record: what workers report reaches Postgres, each flush once; then its worker is told, and it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
from nats.aio.msg import Msg

from crisis import db, log
from crisis.carriage import wire
from crisis.carriage.hub import BACK, Hub, settle
from crisis.carriage.relay import ASKED
from crisis.errors import BadInput
from crisis.flow import ledger
from crisis.flow.leases import Leases
from crisis.flow.trip import Account

logger = log.get("carriage")

WAIT = 1.0  # seconds
AGAIN = 0.5  # seconds until what could not be written is tried again
# No later try can work. Both of asyncpg's DataErrors: what it cannot encode is a ValueError.
NEVER = (BadInput, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, TypeError, ArithmeticError)

WRITTEN = "SELECT EXISTS (SELECT FROM flush WHERE writer = $1 AND number = $2)"


class Recorder:
    """Writes what comes on the stream of outcomes; one in each service.

    A worker keeps its lease until it was told that its outcomes are written, and only then reports the end of a load:
    so neither a slow database nor a lost stream lets others send to the same people. What cannot be written now is
    tried again; what never can be is put aside and told, here and to its worker.
    """

    def __init__(
        self, hub: Hub, pool: db.Pool, leases: Leases, accounts: Sequence[Account], lease_seconds: float
    ) -> None:
        self._hub, self._pool, self._leases, self._lease = hub, pool, leases, lease_seconds
        self._write = ledger.into(pool)
        self._accounts: Mapping[str, Account] = {account.name: account for account in accounts}
        hub.hear("written", self._asked, shared=ASKED)

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            came = await self._hub.take(BACK, 0, WAIT)
            if came is not None:
                await self._take(came)

    async def _take(self, came: Msg) -> None:
        known: wire.Known | None = None
        try:
            known = wire.unpack(came.data)
            await self._record(known, came)
        except NEVER as error:
            logger.error("carriage.outcomes_put_aside", bytes=len(came.data), error=type(error).__name__)
            await self._tell(known, written=False)
            await settle(came.term)
        except Exception as error:  # the database is away, or full
            logger.warning("carriage.not_recorded", error=type(error).__name__)
            await settle(lambda: came.nak(AGAIN))
        else:
            await self._tell(known, written=True)
            await settle(came.ack)  # not heard, it comes again, and is written once all the same

    async def _record(self, known: wire.Known, came: Msg) -> None:
        match known:
            case wire.Flush():
                await self._write(known.writer, known.number, known.entries)
            case wire.Ended(account=name) if name in self._accounts:
                # Late, its lease may be over by now and somebody else at work: what is left is then not ours to free.
                # Of a batch the database itself knows, so that those held back are never lost with it.
                late = replace(known.end, ours=False, held=known.end.held if known.load.batch_id else ())
                end = known.end if self._age(came) < self._lease / 3 else late
                await self._leases.finish(self._accounts[name], known.load, end)
            case _:
                raise BadInput(f"{known.kind} has no place among outcomes")

    async def _tell(self, known: wire.Known | None, *, written: bool) -> None:
        if isinstance(known, wire.Flush):
            word = wire.Word(writer=known.writer, number=known.number, written=written)
            await self._hub.say(f"word.{known.worker}", word.pack())

    async def _asked(self, asked: Msg) -> None:
        """Answer a worker that has heard no word: it may have been lost."""
        word = wire.unpack(asked.data)
        if isinstance(word, wire.Word):
            try:
                written = await self._pool.fetchval(WRITTEN, word.writer, word.number)
            except db.FAULTS:  # away: it asks again
                written = None
            await asked.respond(json.dumps(written).encode())

    def _age(self, came: Msg) -> float:
        return (datetime.now(UTC) - came.metadata.timestamp).total_seconds()
