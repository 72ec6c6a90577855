"""Work: a process that only delivers, beside a service on the same database, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import asyncpg

from channels.contract import Reach
from crisis import db, log, postgres, privacy
from crisis.crew import WORKER_POOL
from crisis.errors import BadInput, NotReady
from crisis.flow.trip import Account
from crisis.plane import (
    Parts,
    courier_of,
    delivering,
    first_of,
    listener_of,
    open_accounts,
    opened_pool,
    told_to_stop,
    utc_now,
)
from crisis.settings import Settings

logger = log.get("work")

SCHEMA_WITHIN = 10.0  # seconds a service that is just starting may take to bring the schema up to date
LOOK_EVERY = 0.2  # seconds between two looks at it

# A few of the newest: one address sealed with a former key does not tell that ours is wrong.
SEALED = "SELECT sealed FROM address ORDER BY id DESC LIMIT 20"


@runtime_checkable
class Hears(Protocol):
    """A channel whose connection also brings in what residents and the provider say, unless told not to."""

    hears: bool


async def work(settings: Settings, ready: Callable[[Sequence[Account]], None], *, crewed: bool = False) -> None:
    """Deliver until SIGINT or SIGTERM, or when `crewed` until standard input ends; then drain and return.

    Raises BadInput for a setting it cannot work with, NotReady for a database it cannot use or a part that broke.
    """
    stop = told_to_stop()
    gone = _gone() if crewed else asyncio.Event()
    dsn, vault, accounts = _dsn(settings), vault_of(settings), spoken_of(settings)
    await postgres.check(dsn)
    parts = Parts(asyncio.Event())
    async with opened_pool(dsn, WORKER_POOL) as pool:
        await up_to_date(pool)
        await _same_key(pool, vault)
        courier, expand = courier_of(settings, pool, vault, accounts, utc_now), asyncio.Event()
        listener = listener_of(dsn, courier, expand)
        async with delivering(parts, pool, courier, accounts, listener, expand):
            logger.info("work.ready", accounts=[a.name for a in accounts])
            ready(accounts)
            await first_of(stop, gone, parts.broken)
            logger.info("work.draining")
    logger.info("work.ended")
    if parts.broken.is_set():  # so that whoever watches over the worker starts it again
        raise NotReady("a part of the worker broke: the log tells which; start it again")


def _gone() -> asyncio.Event:
    """Give what is set when standard input ends: the service let go of its end of the pipe, or was killed."""
    gone, loop = asyncio.Event(), asyncio.get_running_loop()

    def look() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            gone.set()

    loop.add_reader(sys.stdin.fileno(), look)
    return gone


def _dsn(settings: Settings) -> str:
    if settings.database_url is None:
        raise BadInput(
            "CRISIS_DATABASE_URL is not set: a worker needs the database of its service; beside an embedded one "
            "`crisis serve --workers N` starts workers"
        )
    return settings.database_url.get_secret_value()


def vault_of(settings: Settings) -> privacy.Vault:
    """Open the vault of the service; never with a new key, for addresses sealed with another cannot be opened."""
    if settings.key is None and not (settings.data_dir / "key").exists():
        raise BadInput(
            f"CRISIS_KEY is not set and {settings.data_dir / 'key'} is not there: a worker needs the very key of its "
            "service, for with another one no address can be opened"
        )
    given = settings.key.get_secret_value() if settings.key else None
    return privacy.Vault(privacy.load_key(given, settings.data_dir))


def spoken_of(settings: Settings) -> list[Account]:
    """Build the accounts that speak to addresses, for sending only: posts are one send each, and the service's own."""
    accounts = [a for a in open_accounts(settings) if a.channel.reach is Reach.ADDRESSED]
    for account in accounts:
        if isinstance(account.channel, Hears):
            account.channel.hears = False
    return accounts


async def up_to_date(pool: db.Pool, within: float = SCHEMA_WITHIN) -> None:
    """Return once the schema is this version's; raise NotReady if it is newer, or stays older for a while."""
    steps = await asyncio.to_thread(db.read_migrations, db.SQL_FOLDER)
    pending = steps
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while pending := db.find_pending(steps, await _applied(pool)):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)
    if pending:
        raise NotReady(
            f"the database has not got {pending[0].name} of this version: start its service, or run `crisis migrate`"
        )


async def _applied(pool: db.Pool) -> dict[int, dict[str, object]]:
    try:
        return {row["number"]: dict(row) for row in await pool.fetch(db.SELECT_APPLIED)}
    except asyncpg.UndefinedTableError:
        return {}


async def _same_key(pool: db.Pool, vault: privacy.Vault) -> None:
    """Raise NotReady if none of the newest addresses opens: this worker would write off every one it took."""
    rows = await pool.fetch(SEALED)
    refused: NotReady | None = None
    for row in rows:
        try:
            vault.open(row["sealed"])
        except NotReady as error:
            refused = error
        else:
            return
    if refused is not None:
        raise refused
