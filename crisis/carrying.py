"""Carrying: wires the carriage over NATS, in a service and in a worker that needs no database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from crisis import db, log
from crisis.carriage.far import Far
from crisis.carriage.hub import Hub
from crisis.carriage.record import Recorder
from crisis.carriage.relay import Relay
from crisis.errors import BadInput, NotReady
from crisis.flow.deliver import Courier
from crisis.flow.leases import Leases
from crisis.flow.ledger import Ledger
from crisis.flow.notices import Notices
from crisis.flow.trip import Account
from crisis.plane import Parts, first_of, told_to_stop
from crisis.privacy import Vault
from crisis.settings import Settings

logger = log.get("work")


def hub_of(settings: Settings, name: str) -> Hub:
    """Build the connection these settings describe; raise BadInput without a URL."""
    if settings.nats_url is None:
        raise BadInput("CRISIS_NATS_URL is not set")
    return Hub(settings.nats_url.get_secret_value(), settings.nats_replicas, name)


def carry(
    settings: Settings, pool: db.Pool, vault: Vault, accounts: Sequence[Account], listener: db.Listener, parts: Parts,
    now: Callable[[], datetime], document: Callable[[int], Awaitable[bytes]] | None = None,
) -> None:  # fmt: skip
    """Start the service's side: offers to workers, and what they report. To be called before the listener runs."""
    hub = hub_of(settings, "crisis service")
    leases = Leases(pool, Notices(settings.public_url, document), settings.lease_seconds, now)
    relay = Relay(hub, leases, vault, accounts, settings.lease_seconds, now)
    recorder = Recorder(hub, pool, leases, accounts, settings.lease_seconds)
    for kind in ("batch", "stop", "opted_out"):
        listener.on(kind, relay.hears(kind))
    listener.on_lost(relay.deafen)
    listener.on_connect(relay.listen_again)
    parts.start("carriage", _side_by_side(hub, relay, recorder))


async def _side_by_side(hub: Hub, relay: Relay, recorder: Recorder) -> None:
    async with asyncio.TaskGroup() as way:
        connection = way.create_task(hub.run())
        try:
            async with asyncio.TaskGroup() as users:
                users.create_task(relay.run())
                users.create_task(recorder.run())
        finally:
            connection.cancel()  # last: nats-py hides from whoever waits on a closed connection that it was cancelled


async def work_afar(
    settings: Settings, vault: Vault, accounts: Sequence[Account], ready: Callable[[Sequence[Account]], None]
) -> None:
    """Deliver what a service offers over NATS until SIGINT or SIGTERM; then drain, report and return.

    Raises NotReady when a part broke.
    """
    stop, broken = told_to_stop(), asyncio.Event()
    async with afar(settings, vault, accounts, broken):
        logger.info("work.ready", accounts=[a.name for a in accounts], carried=True)
        ready(accounts)
        await first_of(stop, broken)
        logger.info("work.draining")
    logger.info("work.ended")
    if broken.is_set():  # so that whoever watches over the worker starts it again
        raise NotReady("a part of the worker broke: the log tells which; start it again")


@contextlib.asynccontextmanager
async def afar(
    settings: Settings, vault: Vault, accounts: Sequence[Account], broken: asyncio.Event
) -> AsyncIterator[Far]:
    """Deliver inside the `async with` without a database; at its end settle what is in flight and report it."""
    hub = hub_of(settings, "crisis worker")
    far = Far(hub, vault, accounts, settings.lease_seconds)
    courier = Courier(far, Ledger(far.write), vault, accounts, lease_seconds=settings.lease_seconds, now=far.now)
    far.serve(courier)
    way, parts = Parts(broken), Parts(broken)
    try:
        for account in accounts:
            await account.channel.open()
        way.start("carriage", hub.run())
        way.start("far", far.run())
        parts.start("deliver", courier.run(), settles=True)
        yield far
    finally:
        await far.leave()
        courier.drain()
        await parts.stop()
        await way.stop()  # last: what was in flight is reported by it
        for account in accounts:
            await account.channel.close()
