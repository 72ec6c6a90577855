"""The data plane of one process: channel accounts, courier and fan-out, in a service as in a worker beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from channels import kinds
from channels.contract import Misconfigured
from crisis import db, log
from crisis.errors import BadInput, Fault
from crisis.flow import deliver, fanout, ledger
from crisis.flow.leases import Leases
from crisis.flow.ledger import Ledger
from crisis.flow.notices import Document, Notices, Telling
from crisis.flow.pace import Pace
from crisis.flow.trip import Account
from crisis.privacy import Vault
from crisis.settings import Settings

logger = log.get("app")

DRAIN = 10.0  # seconds those in flight may take to settle at a stop


def utc_now() -> datetime:
    """Give the time; the one place that asks the machine for it."""
    return datetime.now(UTC)


def open_accounts(settings: Settings) -> list[Account]:
    """Build every channel account that is set up; raise BadInput naming the setting that is wrong."""
    accounts, faults = [], []
    for name, url in settings.accounts().items():
        way, _, drill = name.partition("/")
        channel_name = way.partition(":")[0]
        try:
            channel = kinds()[channel_name].from_url(url)
            accounts.append(Account(name=name, channel=channel, pace=Pace(channel.rate)))
        except Misconfigured as error:
            variable = f"CRISIS_{'EXERCISE_' if drill else ''}{channel_name.upper()}"
            faults.append(Fault(file="environment", field=variable, says=str(error)))
    if faults:
        raise BadInput(faults)
    return accounts


def courier_of(
    settings: Settings,
    pool: db.Pool,
    vault: Vault,
    accounts: Sequence[Account],
    now: Callable[[], datetime],
    document: Document | None = None,
    about: Telling | None = None,
) -> deliver.Courier:
    """Build what delivers: loads leased from Postgres, attempts written to it.

    `document` gives an alert as CAP, `about` what it is about; only the service has them, and what needs them.
    """
    return deliver.Courier(
        Leases(pool, Notices(settings.public_url, document, about), settings.lease_seconds, now),
        Ledger(ledger.into(pool)),
        vault,
        accounts,
        lease_seconds=settings.lease_seconds,
        now=now,
    )


def listener_of(dsn: str, courier: deliver.Courier, expand: asyncio.Event) -> db.Listener:
    """Give what hears the calls that courier and fan-out heed; whoever needs others adds them before it runs."""
    listener = db.Listener(dsn)
    listener.on("batch", courier.woken)
    listener.on("stop", courier.stop_dispatch)
    listener.on("opted_out", courier.silence)
    listener.on("alert", lambda _: expand.set())
    listener.on_lost(courier.deafen)
    for missed in (courier.wake_all, expand.set):
        listener.on_connect(missed)
    return listener


class Parts:
    """What runs side by side in one process; `broken` is set when one breaks: half a process looks like a whole one."""

    def __init__(self, broken: asyncio.Event) -> None:
        self.broken = broken
        self._running: list[asyncio.Task[None]] = []
        self._settling: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Coroutine[Any, Any, None], *, settles: bool = False) -> None:
        """Start a part; one that `settles` ends by itself when told to, and is given DRAIN seconds for it."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.error("app.part_broke", part=name, exc_info=error)
                self.broken.set()

        task = asyncio.create_task(run, name=name)
        task.add_done_callback(ended)
        self._running.append(task)
        if settles:
            self._settling.append(task)

    async def stop(self) -> None:
        """End all parts within twice DRAIN seconds: first those that settle, then the others."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=DRAIN)
        for task in self._running:
            task.cancel()
        if self._running:
            _, stuck = await asyncio.wait(self._running, timeout=DRAIN)
            for task in stuck:  # no part may keep us from stopping; the leases bring back what it had in hand
                logger.error("app.part_stuck", part=task.get_name())


@contextlib.asynccontextmanager
async def delivering(
    parts: Parts, pool: db.Pool, courier: deliver.Courier, accounts: Sequence[Account], listener: db.Listener,
    expand: asyncio.Event,
) -> AsyncIterator[None]:  # fmt: skip
    """Deliver inside the `async with`; at its end hand out no more, settle what is in flight, stop every part."""
    try:
        for account in accounts:
            await account.channel.open()
        parts.start("listener", listener.run())
        parts.start("fanout", fanout.run(pool, expand))
        parts.start("deliver", courier.run(), settles=True)
        yield
    finally:
        courier.drain()
        await parts.stop()
        for account in accounts:
            await account.channel.close()


@contextlib.asynccontextmanager
async def opened_pool(dsn: str, size: int) -> AsyncIterator[db.Pool]:
    """Open a pool, and close it at the end, or end its connections when one of them hangs."""
    pool = await db.connect_pool(dsn, size=size)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), DRAIN)
        except TimeoutError:
            pool.terminate()


def told_to_stop() -> asyncio.Event:
    """Give what SIGINT and SIGTERM set; a second one ends the process at once: leases bring back what it had."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told() -> None:
        if stop.is_set():
            logger.warning("app.ended_at_once")
            os._exit(1)
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, told)
    return stop


async def first_of(*events: asyncio.Event) -> None:
    """Return when one of these is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
