"""Record: what workers report reaches Postgres in its order, each flush once; then it is acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
from nats.aio.msg import Msg

from crisis import log
from crisis.carriage import wire
from crisis.carriage.hub import BACK, Hub, settle
from crisis.errors import BadInput
from crisis.flow.leases import Leases
from crisis.flow.ledger import Write
from crisis.flow.trip import Account

logger = log.get("carriage")

WAIT = 1.0  # seconds
AGAIN = 0.5  # seconds until what could not be written is tried again
NEVER = (BadInput, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class Recorder:
    """Takes one at a time from the stream of outcomes, of all services together: an end never overtakes its outcomes.

    What cannot be written now is tried again before anything else; what never can be is put aside and told. Whatever
    is lost on the way the leases bring back: it is sent again, never missed.
    """

    def __init__(
        self, hub: Hub, write: Write, leases: Leases, accounts: Sequence[Account], lease_seconds: float
    ) -> None:
        self._hub, self._write, self._leases, self._lease = hub, write, leases, lease_seconds
        self._accounts: Mapping[str, Account] = {account.name: account for account in accounts}

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            came = await self._hub.take(BACK, 0, WAIT)
            if came is not None:
                await self._take(came)

    async def _take(self, came: Msg) -> None:
        try:
            await self._record(came)
        except NEVER as error:
            logger.error("carriage.outcomes_put_aside", bytes=len(came.data), error=type(error).__name__)
            await settle(came.term)
        except Exception as error:  # the database is away, or full: nothing else is written before this
            logger.warning("carriage.not_recorded", error=type(error).__name__)
            await settle(lambda: came.nak(AGAIN))
        else:
            await settle(came.ack)  # not heard, it comes again, and is written once all the same

    async def _record(self, came: Msg) -> None:
        known = wire.unpack(came.data)
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

    def _age(self, came: Msg) -> float:
        return (datetime.now(UTC) - came.metadata.timestamp).total_seconds()
