"""Wiring: the only place that knows every part; builds the service and runs it until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web

from channels import kinds
from channels.contract import Incoming, Limit, Reach, Receipt, SendError
from channels.radio.station import Station
from crisis import db, log, postgres, privacy
from crisis.clock import Clock
from crisis.crew import DOORS_POOL, LANES_POOL, Crew, afford
from crisis.errors import BadInput, BadPlaybook, NotReady
from crisis.feeds import FORMATS
from crisis.feeds.watch import Watcher
from crisis.flow import deliver, failover, inbound, publish, receipts, register
from crisis.flow.inbound import Desk
from crisis.flow.intake import Intake
from crisis.flow.release import Outlet
from crisis.flow.trip import Account
from crisis.model.office import Office
from crisis.model.playbook import Playbook, check_fit, load_folder
from crisis.model.replies import load_replies
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
from crisis.web import api, bulletins, dispatches, errors, feeds, kits, live, public, registry, stations
from crisis.web.house import HOUSE, House

logger = log.get("app")

LISTEN_AGAIN = 1.0  # seconds until a channel that stopped listening is asked again, doubled each time ...
LISTEN_LATEST = 10.0  # ... up to this: nobody's question waits longer for a carrier that came back
CREW = web.AppKey("crew", Crew)


def limits_of_channels() -> dict[str, Limit]:
    """Give the limits every channel states for itself, account or not: what a playbook is checked against."""
    return {name: kind.limit for name, kind in kinds().items()}


def load_playbooks(folder: Path) -> dict[str, Playbook]:
    """Load every playbook, or raise BadPlaybook with every fault of every file."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: is no folder of playbooks; set CRISIS_PLAYBOOKS")
    playbooks = load_folder(folder)
    faults = [fault for book in playbooks.values() for fault in check_fit(book, limits_of_channels())]
    if faults:
        raise BadPlaybook(faults)
    return playbooks


def checked_station(told: Mapping[str, Any]) -> str:
    """Give what the radio channel reads of a station, or raise Misconfigured in one sentence without secrets."""
    entry = json.dumps(told, ensure_ascii=False)
    Station.parse(entry)
    return entry


def office_of(settings: Settings) -> Office:
    """Give the office these settings describe."""
    return Office(
        agency=settings.agency,
        sender=settings.sender,
        identifier_prefix=settings.identifier_prefix,
        zone=ZoneInfo(settings.zone),
        help_line=settings.help_line,
        public_url=settings.public_url,
        country=settings.country,
    )


@dataclass(slots=True, kw_only=True)
class Service:
    """A service that runs: where it is reached and what its parts are."""

    house: House
    accounts: Sequence[Account]
    courier: deliver.Courier
    port: int
    dsn: str


@contextlib.asynccontextmanager
async def running(settings: Settings, now: Callable[[], datetime] = utc_now) -> AsyncIterator[Service]:
    """Run the whole service inside the `async with`, and stop it in order: doors, channels, ledger, database."""
    playbooks = load_playbooks(settings.playbooks)
    replies = load_replies(settings.playbooks / "replies.yaml")
    accounts = open_accounts(settings)
    signer = publish.load_signer(settings.signing_key, settings.signing_certificate)
    given = settings.key.get_secret_value() if settings.key else None
    vault = privacy.Vault(privacy.load_key(given, settings.data_dir))
    url = settings.database_url.get_secret_value() if settings.database_url else None
    async with postgres.database(url, settings.data_dir / "postgres") as dsn:
        await db.migrate(dsn)
        # The lanes have connections of their own: a rush at the doors must not hold up renewals and flushes.
        async with opened_pool(dsn, DOORS_POOL) as pool, opened_pool(dsn, LANES_POOL) as lanes:
            await afford(pool, settings.workers)
            desk = Desk(office=office_of(settings), playbooks=playbooks, replies=replies, vault=vault)
            await inbound.load_faq(pool, playbooks)
            await register.ensure_pages(pool, _pages(accounts, settings), vault)
            house = _house(pool, desk, accounts, now)
            house.signer = signer
            async with _parts(settings, house, accounts, dsn, lanes) as service:
                yield service


def _pages(accounts: Sequence[Account], settings: Settings) -> dict[str, list[str]]:
    languages = [language.strip() for language in settings.languages.split(",") if language.strip()]
    posted = [a.channel for a in accounts if a.channel.reach is Reach.POSTED]
    return {c.name: [""] if "cap" in c.limit.renditions else languages for c in posted}


def _house(pool: db.Pool, desk: Desk, accounts: Sequence[Account], now: Callable[[], datetime]) -> House:
    return House(
        pool=pool,
        desk=desk,
        outlets=[Outlet(channel=a.channel.name, account=a.name, reach=a.channel.reach) for a in accounts],
        limits={a.name: a.channel.limit for a in accounts},
        trouble=lambda: {a.name: a.trouble for a in accounts if a.trouble},
        now=now,
    )


@contextlib.asynccontextmanager
async def _parts(
    settings: Settings, house: House, accounts: Sequence[Account], dsn: str, lanes: db.Pool
) -> AsyncIterator[Service]:
    courier = courier_of(settings, lanes, house.desk.vault, accounts, house.now, house.cap, house.about)
    parts, expand = Parts(house.broken), asyncio.Event()
    clock = Clock(house.pool, house.now, settings.tick_seconds)
    intake = Intake(house.pool, house.desk, house.means, house.ways)
    watcher = Watcher(house.pool, intake, FORMATS, house.now, zone=house.office.zone)
    crew = Crew(settings.workers - 1, settings, dsn)
    runner: web.AppRunner | None = None
    listener = _listener(dsn, house, courier, expand)
    if settings.nats_url is not None:
        from crisis.carrying import carry  # noqa: PLC0415 - needs an extra

        carry(settings, lanes, house.desk.vault, accounts, listener, parts, house.now, house.cap)
    async with delivering(parts, lanes, courier, accounts, listener, expand):
        parts.start("failover", failover.run(house.pool, _telling(accounts), house.now))
        parts.start("feeds", watcher.run())
        for account in accounts:
            parts.start(f"listen {account.name}", _listen(house, account))
        try:
            runner = await _open_doors(settings, house, watcher, crew)
            port = runner.addresses[0][1]
            clock.start()
            parts.start("crew", crew.run(), settles=True)
            logger.info("app.ready", port=port, accounts=[a.name for a in accounts])
            yield Service(house=house, accounts=accounts, courier=courier, port=port, dsn=dsn)
        finally:
            crew.drain()
            await _close_doors(house, clock, runner)


def _telling(accounts: Sequence[Account]) -> set[str]:
    """Name the accounts whose provider tells later whether a notice arrived."""
    return {account.name for account in accounts if account.channel.receipts}


async def _close_doors(house: House, clock: Clock, runner: web.AppRunner | None) -> None:
    house.closing.set()
    house.progress.tell()
    if runner is not None:  # the doors were open, so the clock was started too
        await clock.stop()
        await runner.cleanup()


def _listener(dsn: str, house: House, courier: deliver.Courier, expand: asyncio.Event) -> db.Listener:
    listener = listener_of(dsn, courier, expand)
    listener.on("progress", house.progress.tell)
    listener.on("alert", house.alerts.tell)
    listener.on("alert", house.progress.tell)
    for missed in (house.progress.tell, house.alerts.tell):
        listener.on_connect(missed)
    return listener


async def _listen(house: House, account: Account) -> None:
    """Hear what residents and the provider say on an account, again and again, whatever goes wrong."""

    async def take(heard: Sequence[Incoming | Receipt]) -> None:
        told = [h for h in heard if isinstance(h, Receipt)]
        wrote = [h for h in heard if isinstance(h, Incoming)]
        if told:
            await db.patiently(lambda: receipts.store(house.pool, account.name, told), within=60)
        if wrote:
            await db.patiently(
                lambda: inbound.take(house.pool, house.desk, account.name, wrote, house.now()), within=60
            )

    loop, wait, said = asyncio.get_running_loop(), LISTEN_AGAIN, ""
    while True:
        began = loop.time()
        try:
            await account.channel.listen(take)
            return  # a channel without inbound has nothing to say
        except SendError as error:
            account.trouble = account.trouble or str(error)
            if said != error.code:  # told once, not at every try
                logger.warning("app.listen_again", account=account.name, code=error.code)
            said = error.code
        except Exception:
            logger.exception("app.listen_broke", account=account.name)
        if loop.time() - began > LISTEN_LATEST:  # it had worked for a while
            wait, said = LISTEN_AGAIN, ""
        await asyncio.sleep(wait)
        wait = min(wait * 2, LISTEN_LATEST)


async def _open_doors(settings: Settings, house: House, watcher: Watcher, crew: Crew) -> web.AppRunner:
    app = build_web(house, settings.accounts(), watcher)
    app[CREW] = crew
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        raise BadInput(
            f"CRISIS_PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror}); choose another"
        ) from error
    return runner


def build_web(house: House, accounts: Mapping[str, str], watcher: feeds.Watching) -> web.Application:
    """Build the doors of a house."""
    app = web.Application(middlewares=[errors.tell], client_max_size=64 * 2**20)
    app[HOUSE] = house
    for name, key in (("radio", kits.RADIO_FOLDER), ("radio/exercise", kits.RADIO_DRILL_FOLDER)):
        if name in accounts:
            app[key] = Path(unquote(urlsplit(accounts[name]).path))
    api.add(app)
    dispatches.add(app)
    bulletins.add(app)
    live.add(app)
    registry.add(app)
    app[stations.CHECKED] = checked_station
    stations.add(app)
    app[feeds.FEEDS] = watcher
    feeds.add(app)
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/readyz", _ready)
    public.add_public(app)
    return app


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _ready(request: web.Request) -> web.Response:
    house, crew = request.app[HOUSE], request.app[CREW]
    await house.pool.fetchval("SELECT 1")
    workers = {"up": 1 + crew.up, "of": 1 + crew.size}  # this process delivers too
    return web.json_response({"ready": True, "trouble": dict(house.trouble()), "workers": workers})


async def serve(settings: Settings, ready: Callable[[Service], None]) -> None:
    """Run the service until SIGINT or SIGTERM, then drain and stop it; raise NotReady if a part of it broke."""
    stop = told_to_stop()
    async with running(settings) as service:
        ready(service)
        await first_of(stop, service.house.broken)
    if service.house.broken.is_set():  # so that whoever watches over the service starts it again
        raise NotReady("a part of the service broke: the log tells which; start it again")
